"""Seeds: the global one, generators of keys for draws, and streams for initial values on the host."""

from __future__ import annotations

import itertools
import random as python_random
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.configurable import Configurable, Registry, auto_name
from amalthea.engine import backends
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError

registry = Registry("random", "seed generator")

_WORD = 0xFFFFFFFF
_UNSEEDED = 1 << 63  # set in the second half of a key that no seed of the user's can give


class _Global:
    """The source of draws without a seed; :func:`set_random_seed` restarts it."""

    entropy: int = secrets.randbits(63)
    draws: Iterator[int] = itertools.count()
    generator: SeedGenerator | None = None
    stream: Any = None  # makes the streams of draws without a seed, in place of Philox's


def set_random_seed(seed: int) -> None:
    """Seeds Python's ``random``, NumPy, the backends' libraries, and every draw here that has no seed of its own.

    Args:
        seed: int; the same seed gives the same initial weights, order of data and dropout.

    Raises:
        ArgumentError: the seed is not an int.

    Example:
        >>> from amalthea import initializers, random
        >>> random.set_random_seed(1)
        >>> first = initializers.GlorotUniform()((2, 3))
        >>> random.set_random_seed(1)
        >>> bool((initializers.GlorotUniform()((2, 3)) == first).all())
        True
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ArgumentError("A seed is a whole number.", expected="an int", got=repr(seed))
    python_random.seed(int(seed))
    np.random.seed(int(seed) & _WORD)
    backends.seed_libraries(int(seed) & _WORD)
    _Global.entropy, _Global.draws, _Global.generator = int(seed), itertools.count(), None


def random_state() -> dict[str, Any]:
    """Returns the state of all random generators as plain data: Python's, NumPy's and this library's.

    Returns:
        A dict for :func:`restore_random_state`.

    Example:
        >>> from amalthea import random
        >>> state = random.random_state()
        >>> first = random.host_stream().normal()
        >>> random.restore_random_state(state)
        >>> random.host_stream().normal() == first
        True
    """
    drawn = next(_Global.draws)
    _Global.draws = itertools.count(drawn)
    return {
        "python": python_random.getstate(),
        "numpy": np.random.get_state(),
        "entropy": _Global.entropy,
        "drawn": drawn,
        "generator": None if _Global.generator is None else _Global.generator.state.numpy(),
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Restores the state of all random generators, so that later draws repeat.

    Args:
        state: dict; the result of :func:`random_state`.

    Example:
        >>> from amalthea import random
        >>> state = random.random_state()
        >>> first = random.make_default_seed()
        >>> random.restore_random_state(state)
        >>> random.make_default_seed() == first
        True
    """
    python_random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    if state["generator"] is None:
        _Global.generator = None
    else:
        global_seed_generator().state.assign(state["generator"])
    _Global.entropy, _Global.draws = state["entropy"], itertools.count(state["drawn"])


def make_default_seed() -> int:
    """Draws a new seed from the stream that :func:`set_random_seed` seeds.

    Returns:
        An int from 0 to 2 ** 31 - 1.

    Example:
        >>> from amalthea import random
        >>> random.set_random_seed(7)
        >>> first = random.make_default_seed()
        >>> random.set_random_seed(7)
        >>> random.make_default_seed() == first, random.make_default_seed() == first
        (True, False)
    """
    return int(host_stream().integers(1 << 31))


class SeedGenerator(Configurable, registry=registry):
    """A source of keys for random draws: each key differs from the ones before. The state is a Variable.

    Layers that draw at random, such as Dropout, hold one. A compiled step changes its state like any other variable.

    Args:
        seed: int from 0; the same seed gives the same keys. Defaults to None, which draws a seed from the stream of
            :func:`set_random_seed`.
        name: str; part of the path of the state. Defaults to None, which means ``seed_generator`` with a number.
        **kwargs: none; other arguments are refused.

    Raises:
        ArgumentError: the seed is not an int from 0, or there is an unknown argument.

    Example:
        >>> from amalthea.random import SeedGenerator
        >>> seeds = SeedGenerator(7)
        >>> [int(n) for n in seeds.next()], [int(n) for n in seeds.next()]
        ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        if kwargs:
            raise ArgumentError("SeedGenerator has no such argument.", expected="seed, name", got=", ".join(kwargs))
        self.seed = seed
        self.name = name or auto_name("seed_generator")
        start = make_default_seed() if seed is None else _checked(seed)
        state = np.array([start & _WORD, 0], np.uint32)
        self.state = Variable(state, dtype="uint32", trainable=False, name=f"{self.name}_state")

    def next(self, ordered: bool = True) -> Any:
        """Returns the next key and advances the state.

        Args:
            ordered: bool; accepted for compatibility with Keras and ignored.

        Returns:
            A uint32 tensor of shape ``(2,)``, the seed and a counter.
        """
        key = self.state.value
        self.state.assign(ops.add(key, np.array([0, 1], np.uint32)))
        return key


def _checked(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError("A seed is a whole number from 0.", expected="an int, or None", got=repr(seed))
    return int(seed)


def global_seed_generator() -> SeedGenerator:
    """Returns the :class:`SeedGenerator` behind all draws that are not given a seed; it is made at the first call.

    Example:
        >>> from amalthea import random
        >>> random.global_seed_generator() is random.global_seed_generator()
        True
    """
    generator = _Global.generator
    if generator is None:
        generator = _Global.generator = SeedGenerator(name="global_seed_generator")
    return generator


def draw_seed(seed: Any) -> Any:
    """Returns the key for one draw.

    Args:
        seed: int from 0, which always gives the same key; :class:`SeedGenerator`, which gives its next one; or None,
            the next one of the global generator.

    Returns:
        A uint32 array or tensor of shape ``(2,)``.

    Raises:
        ArgumentError: the seed is none of these.

    Example:
        >>> from amalthea import random
        >>> [int(n) for n in random.draw_seed(7)]
        [7, 0]
    """
    if seed is None:
        return global_seed_generator().next()
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return np.array([_checked(seed) & _WORD, 0], np.uint32)


def take_streams_from(make: Callable[[], Any] | None) -> None:
    """Lets another function make the streams of draws without a seed.

    Args:
        make: callable without arguments that returns a stream; None for the streams of this library.
    """
    _Global.stream, _Global.generator = make, None


def host_stream(seed: Any = None) -> np.random.Generator:
    """Returns a NumPy generator on the host, for initial values that are equal on every backend.

    Args:
        seed: int from 0, which gives the same stream at each call; :class:`SeedGenerator`, which gives the next of its
            streams; or None, the default, which gives the next stream of the sequence that :func:`set_random_seed`
            seeds.

    Returns:
        A ``numpy.random.Generator``.

    Raises:
        ArgumentError: the seed is none of these.

    Example:
        >>> from amalthea import random
        >>> random.host_stream(3).normal(size=2).tolist() == random.host_stream(3).normal(size=2).tolist()
        True

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011 (Philox).
    """
    if seed is None and _Global.stream is not None:
        return _Global.stream()
    if seed is None:
        key = [_Global.entropy & (_UNSEEDED - 1), _UNSEEDED | next(_Global.draws)]
    elif isinstance(seed, SeedGenerator):
        state = seed.state.numpy()
        seed.state.assign(state + np.array([0, 1], np.uint32))
        key = [int(n) for n in state]
    else:
        key = [_checked(seed) & _WORD, 0]
    return np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
