"""Which backends there are, which is chosen, and how the rest of the library reaches it.

The choice: ``use_backend``, ``set_backend``, then ``AMALTHEA_BACKEND``, then ``KERAS_BACKEND``, then
``~/.keras/keras.json``, then the default. A name in the environment that stands for nothing is an error. Keras writes
its file for itself: a backend in there that this library does not know, or whose library is not installed, is passed
over, which is said on stderr. What was chosen, and by what, is told there once; the default is not.
"""

from __future__ import annotations

import contextvars
import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from amalthea.engine import settings
from amalthea.engine.backends import forks
from amalthea.engine.backends.base import Backend
from amalthea.engine.ir.runtime import find_by
from amalthea.errors import MissingLibraryError, UnknownNameError, nearest


class Known(NamedTuple):
    """A backend that this package has.

    Args:
        module: in this package.
        library: what must be installed.
        title: what its makers call it.
        complete: whether it has every primitive; the others say the primitives that their library can.
    """

    module: str
    library: str
    title: str
    complete: bool = True


KNOWN = {
    "numpy": Known("numpy", "numpy", "NumPy"),
    "onnxruntime": Known("onnxruntime", "onnxruntime", "ONNX Runtime"),
    "jax": Known("jax", "jax", "JAX"),
    "torch": Known("torch", "torch", "PyTorch"),
    "tensorflow": Known("tensorflow", "tensorflow", "TensorFlow"),
    "pytensor": Known("pytensor", "pytensor", "PyTensor", complete=False),
    "openvino": Known("openvino", "openvino", "OpenVINO", complete=False),
}
DEFAULT = "onnxruntime"
HEIRS = {"theano": "pytensor"}  # what Keras's settings may name, and who lives on in its place
_set: str | None = None  # by set_backend, for the whole process
_used: contextvars.ContextVar[Backend | None] = contextvars.ContextVar("backend", default=None)
_announced: set[str] = set()


def chosen() -> tuple[str, str]:
    """The name of the backend in use, and what chose it.

    >>> chosen()[0] in KNOWN
    True
    """
    used = _used.get()
    if used is not None or _set is not None:
        return used.name if used is not None else _set, "the program"  # type: ignore[return-value]
    for source in ("AMALTHEA_BACKEND", "KERAS_BACKEND"):
        name = os.environ.get(source)
        if name:
            return _known(_heir(name), f"{source}={name} in the environment"), source
    name = _in_file()
    if name is not None and _is_usable(_heir(name)):
        return _heir(name), "keras.json"
    if name is not None:
        _pass_over(name)
    return DEFAULT, "the default"


def _is_usable(name: str) -> bool:
    return name in KNOWN and name in installed()


@cache
def _pass_over(name: str) -> None:
    """Say once that the file's backend cannot be used."""
    heir = _heir(name)
    why = f"{KNOWN[heir].title} is not installed" if heir in KNOWN else "there is no such backend here"
    cure = f"pip install amalthea[{heir}]" if heir in KNOWN else nearest(name, KNOWN)
    settings.say(
        f"{settings.file_path()} asks for the backend {name!r}, but {why}: {KNOWN[DEFAULT].title} is used ({cure})."
    )


def installed() -> list[str]:
    """The names of the backends whose libraries are installed.

    >>> "numpy" in installed()
    True
    """
    return sorted(name for name, known in KNOWN.items() if importlib.util.find_spec(known.library) is not None)


def complete() -> list[str]:
    """Those of them that have every primitive."""
    return [name for name in installed() if KNOWN[name].complete]


def _in_file() -> str | None:
    name = settings.file_settings().get("backend")
    return None if name is None else str(name)


def _heir(name: str) -> str:
    return HEIRS.get(name, name)


def _known(name: str, source: str = "") -> str:
    if name not in KNOWN:
        raise UnknownNameError(f"There is no backend {name!r}.", got=source or repr(name), cure=nearest(name, KNOWN))
    return name


def load(name: str) -> Backend:
    """The backend of that name, its library imported.

    Raises:
        UnknownNameError: no such backend.
        MissingLibraryError: its library is not installed.
        BackendError: this process was forked after the library had begun to compute, which it does not survive.
    """
    backend = _imported(name)
    forks.refuse(backend)
    return backend


@cache
def _imported(name: str) -> Backend:
    known = KNOWN[_known(name)]
    try:
        backend: Backend = importlib.import_module(f"amalthea.engine.backends.{known.module}").BACKEND
    except ModuleNotFoundError as error:
        if error.name != known.library:
            raise
        raise MissingLibraryError(
            f"The backend '{name}' needs {known.library}, which is not installed.", cure=f"pip install amalthea[{name}]"
        ) from None
    backend.key = backend.name
    forks.tell(backend)
    return backend


def set_backend(name: str) -> None:
    """Use this backend from now on, in the whole process.

    Variables move to it when they are next used, with their values.

    Raises:
        UnknownNameError: no such backend.
        MissingLibraryError: its library is not installed.
    """
    global _set
    load(name)
    _announce(name, "the program")
    _set = name
    _reset()


def announced() -> str:
    """The name of the backend in use, told on stderr if it was not told before."""
    name, reason = chosen()
    if reason not in ("the default", "the program"):
        if name not in installed():
            load(name)  # which says how to install it
        _announce(name, reason)
    return name


def _announce(name: str, reason: str) -> None:
    """Say once on stderr what was chosen, and by what."""
    if name not in _announced:
        _announced.add(name)
        by = settings.file_path() if reason == "keras.json" else reason
        settings.say(f"Using {KNOWN[name].title} backend. (chosen by {by})")


@contextmanager
def use_backend(name: str) -> Iterator[Backend]:
    """Use this backend while the block runs, in this thread.

    Example:
        >>> from amalthea import use_backend
        >>> with use_backend("numpy") as backend:
        ...     backend.name
        'numpy'
    """
    backend = load(name)
    _announce(name, "the program")
    token = _used.set(backend)
    try:
        yield backend
    finally:
        _used.reset(token)


@contextmanager
def device(name: str) -> Iterator[str]:
    """Compute on this device while the block runs; variables that are used move there.

    Args:
        name: ``"cpu:0"``, ``"gpu:1"``; without a number the first of its kind.

    Raises:
        UnknownNameError: the chosen backend has no such device.

    Example:
        >>> import amalthea
        >>> with amalthea.device("cpu:0") as name:
        ...     name
        'cpu:0'
    """
    backend = current()
    known = backend.devices()
    kind, _, number = str(name).lower().partition(":")
    full = f"{'gpu' if kind == 'cuda' else kind}:{number or 0}"
    if full not in known:
        raise UnknownNameError(
            f"The backend '{backend.name}' has no device {name!r}.", expected=", ".join(known), got=repr(name)
        )
    with backend.on(full):
        yield full


_in_use: Backend | None = None  # in this process, where no block says otherwise


def current() -> Backend:
    """The backend in use, which is loaded when something first computes."""
    return _used.get() or _in_use or _load_chosen()


def _load_chosen() -> Backend:
    global _in_use
    name, reason = chosen()
    _in_use = load(name)
    if reason != "the default":
        _announce(name, reason)
    return _in_use


def _reset() -> None:
    """Choose anew when something next computes."""
    global _in_use
    _in_use = None


find_by(current)
forks.at_fork(_reset, _used)
