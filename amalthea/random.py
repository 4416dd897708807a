"""Random numbers: the seeds, the streams for initial values on the host, and the draws of a training step.

Two kinds of draw, and one way to seed both. Initial values come from NumPy's Philox on the host
(:func:`host_stream`), so a seed gives the same weights on every backend. A draw inside a step takes an explicit
key from a :class:`SeedGenerator`, whose state is a Variable, so a compiled step stays pure.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011 (Philox).
"""

# Values of Any are sorted with isinstance(), which leaves their items unknown; a user's value may be of another
# type.
# pyright: reportUnknownArgumentType=false, reportUnnecessaryIsInstance=false

from __future__ import annotations

import itertools
import math
import random as python_random
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from amalthea import config, ops
from amalthea.configurable import Configurable, Registry, auto_name
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.engine.primitives import random as primitives
from amalthea.errors import ArgumentError

registry = Registry("random", "seed generator")

_WORD = 0xFFFFFFFF
_UNSEEDED = 1 << 63  # set in the second half of a key that no seed of the user's can give


class _Global:
    """Where draws without a seed come from; :func:`set_random_seed` starts it anew."""

    entropy: int = secrets.randbits(63)
    draws: Iterator[int] = itertools.count()
    generator: SeedGenerator | None = None


def set_random_seed(seed: int) -> None:
    """Seed Python's ``random``, NumPy, and every draw of ours that has no seed of its own.

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
    _Global.entropy, _Global.draws, _Global.generator = int(seed), itertools.count(), None


def random_state() -> dict[str, Any]:
    """All that later draws depend on, as plain data: Python's and NumPy's generators, and ours."""
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
    """Draw from here on as after :func:`random_state` was asked."""
    python_random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    if state["generator"] is not None:
        global_seed_generator().state.assign(state["generator"])
    _Global.entropy, _Global.draws = state["entropy"], itertools.count(state["drawn"])


def make_default_seed() -> int:
    """A new seed, from the stream that :func:`set_random_seed` starts."""
    return int(host_stream().integers(1 << 31))


class SeedGenerator(Configurable, registry=registry):
    """A seed that gives another key each time it is asked, and whose state is a Variable.

    Args:
        seed: a whole number from 0, or None for one drawn from the stream of :func:`set_random_seed`.
        name: shown in the state's path.

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
        """The key now (uint32, shape ``(2,)``); the state moves on. ``ordered`` is accepted and changes nothing."""
        key = self.state.value
        self.state.assign(ops.add(key, np.array([0, 1], np.uint32)))
        return key


def _checked(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError("A seed is a whole number from 0.", expected="an int, or None", got=repr(seed))
    return int(seed)


def global_seed_generator() -> SeedGenerator:
    """The generator behind draws that are given no seed."""
    generator = _Global.generator
    if generator is None:
        generator = _Global.generator = SeedGenerator(name="global_seed_generator")
    return generator


def draw_seed(seed: Any) -> Any:
    """The key (uint32, shape ``(2,)``) that an int, a :class:`SeedGenerator` or None stands for in this draw."""
    if seed is None:
        return global_seed_generator().next()
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return np.array([_checked(seed) & _WORD, 0], np.uint32)


def host_stream(seed: Any = None) -> np.random.Generator:
    """A stream on the host for initial values.

    Args:
        seed: an int gives the same stream at each call, a :class:`SeedGenerator` the next of its streams, and None
            the next one of the stream that :func:`set_random_seed` starts.
    """
    if seed is None:
        key = [_Global.entropy & (_UNSEEDED - 1), _UNSEEDED | next(_Global.draws)]
    elif isinstance(seed, SeedGenerator):
        state = seed.state.numpy()
        seed.state.assign(state + np.array([0, 1], np.uint32))
        key = [int(n) for n in state]
    else:
        key = [_checked(seed) & _WORD, 0]
    return np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))


# ------------------------------------------------------------------------------------- draws inside a step


def _draw(kind: str, shape: Sequence[Any], dtype: str, seed: Any) -> Any:
    """Standard draws: in float32, or in float64 if asked. (Half precision would repeat itself soon.)"""
    wide = "float64" if dtype == "float64" else "float32"
    return getattr(primitives, kind)(draw_seed(seed), shape=tuple(shape), dtype=wide)


def _scaled(drawn: Any, scale: Any, shift: Any, dtype: str) -> Any:
    return ops.cast(ops.add(ops.multiply(drawn, scale), shift), dtype)


def _float(dtype: Any) -> str:
    name = dtypes.standardize(dtype or config.floatx())
    if not dtypes.is_float(name):
        raise ArgumentError("Such numbers are drawn as floats.", expected=", ".join(dtypes.FLOATS), got=name)
    return name


def uniform(shape: Sequence[Any], minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers spread evenly over ``[minval, maxval)``.

    >>> from amalthea import random
    >>> tuple(random.uniform((2, 3), seed=0).shape)
    (2, 3)
    """
    if dtype is not None and dtypes.is_integer(dtypes.standardize(dtype)):
        return randint(shape, minval, maxval, dtype, seed)
    name = _float(dtype)
    return _scaled(_draw("random_uniform", shape, name, seed), maxval - minval, minval, name)


def normal(shape: Sequence[Any], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers of the normal distribution."""
    name = _float(dtype)
    return _scaled(_draw("random_normal", shape, name, seed), stddev, mean, name)


def truncated_normal(
    shape: Sequence[Any], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Numbers of the normal distribution that lie within two standard deviations of the mean.

    They come by inverting the distribution function, so none is drawn twice.
    """
    inside = math.erf(math.sqrt(2.0))  # the share of the distribution within two deviations
    name = _float(dtype)
    even = _draw("random_uniform", shape, name, seed) * (2.0 * inside) - inside
    standard = ops.clip(_inverse_erf(even) * math.sqrt(2.0), -2.0, 2.0)
    return _scaled(standard, stddev, mean, name)


_GILES = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip


def _inverse_erf(x: Any) -> Any:
    """The inverse of the error function for ``abs(x) < 0.99``, to float32.

    Source: Giles, "Approximating the erfinv function", 2010, table 5 (the middle branch).
    """
    w = ops.negative(ops.log((1.0 - x) * (1.0 + x))) - 2.5
    polynomial = w * _GILES[0] + _GILES[1]
    for coefficient in _GILES[2:]:
        polynomial = polynomial * w + coefficient
    return polynomial * x


def randint(shape: Sequence[Any], minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Whole numbers from ``minval`` up to, and not including, ``maxval``."""
    name = dtypes.standardize(dtype)
    if not dtypes.is_integer(name):
        raise ArgumentError("Whole numbers need an integer dtype.", expected=", ".join(dtypes.INTEGERS), got=name)
    count = maxval - minval
    wide = "float64" if isinstance(count, int) and count > 1 << 22 else "float32"  # float32 counts to 2**24
    even = _draw("random_uniform", shape, wide, seed)
    whole = ops.cast(ops.floor(even * ops.cast(count, wide)), name)
    return ops.minimum(whole, ops.cast(count - 1, name)) + ops.cast(minval, name)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Class numbers drawn with the probabilities that ``softmax(logits)`` gives.

    Shapes: ``(batch, classes)`` to ``(batch, num_samples)``.

    Source: Gumbel, "Statistical theory of extreme values", 1954 (the largest of logits with Gumbel noise).
    """
    logits = ops.convert_to_tensor(logits)
    batch, classes = ops.shape(logits)
    even = uniform((batch, num_samples, classes), 1e-20, 1.0, seed=seed)
    noise = ops.negative(ops.log(ops.negative(ops.log(even))))
    noisy = ops.add(ops.cast(ops.expand_dims(logits, 1), noise.dtype), noise)
    return ops.cast(ops.argmax(noisy, axis=-1), dtype)


def dropout(inputs: Any, rate: float, noise_shape: Sequence[Any] | None = None, seed: Any = None) -> Any:
    """The inputs with a share ``rate`` of them set to zero and the others grown by ``1 / (1 - rate)``.

    Args:
        noise_shape: the shape of what is drawn; it broadcasts to the inputs, and None on an axis means theirs.
    """
    inputs = ops.convert_to_tensor(inputs)
    whole = ops.shape(inputs)
    shape = whole if noise_shape is None else [n or m for n, m in zip(noise_shape, whole)]
    kept = ops.greater_equal(_draw("random_uniform", shape, "float32", seed), rate)
    grown = ops.multiply(inputs, 1.0 / (1.0 - rate) if rate < 1 else 0.0)
    return ops.where(kept, grown, ops.zeros_like(grown))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The same slices along ``axis``, in an order drawn at random."""
    x = ops.convert_to_tensor(x)
    order = ops.argsort(_draw("random_uniform", (ops.shape(x)[axis],), "float32", seed))
    return ops.take(x, order, axis=axis)
