"""The registry of backends, and the choice of one.

The choice, in order of precedence: ``use_backend``, ``set_backend``, ``AMALTHEA_BACKEND``, ``KERAS_BACKEND``,
``~/.keras/keras.json``, the default. An unknown name in the environment is an error. A name in keras.json that is
unknown, or whose library is not installed, is ignored with a message on stderr, because Keras writes that file for
itself. A choice other than the default is announced on stderr once, with its source.
"""

from __future__ import annotations

import contextvars
import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from amalthea.engine import settings
from amalthea.engine.backends import forks
from amalthea.engine.backends.base import Backend
from amalthea.engine.ir.runtime import find_by
from amalthea.errors import ArgumentError, MissingLibraryError, UnknownNameError, nearest


class Known(NamedTuple):
    """A backend of this package.

    Args:
        module: str; its module in this package.
        library: str; the library that must be installed.
        title: str; the library's own name.
        complete: bool; True if it has every primitive. Others have those that their library can compute.
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
ALIASES = {"theano": "pytensor"}  # names in Keras's settings, and their successors
_set: str | None = None  # by set_backend, for the whole process
_used: contextvars.ContextVar[Backend | None] = contextvars.ContextVar("backend", default=None)
_announced: set[str] = set()
_loaded: list[Backend] = []
_seed: int | None = None  # of the last `set_random_seed`


def chosen() -> tuple[str, str]:
    """Return the name of the backend in use, and the source of the choice.

    >>> chosen()[0] in KNOWN
    True
    """
    name, reason = _asked_for()
    return (name, reason) if name == (able := forks.usable(name)) else (able, "the default")


def _asked_for() -> tuple[str, str]:
    used = _used.get()
    if used is not None or _set is not None:
        return used.name if used is not None else _set, "the program"  # type: ignore[return-value]
    for source in ("AMALTHEA_BACKEND", "KERAS_BACKEND"):
        name = os.environ.get(source)
        if name:
            return _known(_alias(name), f"{source}={name} in the environment"), source
    name = _in_file()
    if name is not None and _is_usable(_alias(name)):
        return _alias(name), "keras.json"
    if name is not None:
        _pass_over(name)
    return DEFAULT, "the default"


def _is_usable(name: str) -> bool:
    return name in KNOWN and name in installed()


@cache
def _pass_over(name: str) -> None:
    """Report once that the backend named in keras.json cannot be used."""
    alias = _alias(name)
    why = f"{KNOWN[alias].title} is not installed" if alias in KNOWN else "this backend does not exist here"
    cure = f"pip install amalthea[{alias}]" if alias in KNOWN else nearest(name, KNOWN)
    settings.say(
        f"{settings.file_path()} asks for the backend {name!r}, but {why}: {KNOWN[DEFAULT].title} is used ({cure})."
    )


def _is_installed(library: str) -> bool:
    """Whether a library is installed; a module that stands in for it, as for scripts of old Keras, is not."""
    spec = importlib.util.find_spec(library)
    return spec is not None and not getattr(spec.loader, "stands_in", False)


def installed() -> list[str]:
    """Return the names of the backends whose libraries are installed.

    >>> "numpy" in installed()
    True
    """
    return sorted(name for name, known in KNOWN.items() if _is_installed(known.library))


def complete() -> list[str]:
    """Return the names of the installed backends that have every primitive."""
    return [name for name in installed() if KNOWN[name].complete]


def _in_file() -> str | None:
    name = settings.file_settings().get("backend")
    return None if name is None else str(name)


def _alias(name: str) -> str:
    return ALIASES.get(name, name)


def _known(name: str, source: str = "") -> str:
    if name not in KNOWN:
        raise UnknownNameError(f"There is no backend {name!r}.", got=source or repr(name), cure=nearest(name, KNOWN))
    return name


def load(name: str) -> Backend:
    """Return the backend of that name, and import its library.

    Raises:
        UnknownNameError: no backend has this name.
        MissingLibraryError: its library is not installed.
        BackendError: this process was forked after the library had started its threads, and the library cannot go on.
    """
    backend = _imported(name)
    forks.refuse(backend)
    return backend


def seed_libraries(seed: int) -> None:
    """Seed the own random numbers of the libraries that are in use, and of those that are loaded later."""
    global _seed
    _seed = seed
    for backend in _loaded:
        backend.seed(seed)


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
    _loaded.append(backend)
    if _seed is not None:
        backend.seed(_seed)
    return backend


_PIPELINES = {
    **dict.fromkeys(("tf", "tensorflow"), ("tensorflow", "tensorflow.pipelines")),
    "grain": ("grain", "grain_pipelines"),
}


def data_pipeline(
    format: Any, dataset: Any, source: Any, batch_size: int | None, shuffle: bool, seed: int | None
) -> Any:
    """Return a data set in the format of another library.

    Args:
        format: ``"tf"``, ``"grain"``, or None for the data set as it is. Without TensorFlow, ``"tf"`` is that too.
        dataset: Dataset, in batches.
        source: object with ``__len__`` and ``__getitem__`` from which it was made.
        batch_size: rows in a batch; None for single elements.
        shuffle, seed: how it is shuffled.

    Raises:
        ArgumentError: the format does not exist.
        MissingLibraryError: Grain is not installed.
    """
    if format is not None and format not in _PIPELINES:
        raise ArgumentError(
            "This format of data sets does not exist.", expected="'tf', 'grain' or None", got=repr(format)
        )
    if format is None:
        return dataset
    library, module = _PIPELINES[format]
    if format == "tf" and not _is_installed(library):
        return dataset
    if not _is_installed(library):
        raise MissingLibraryError(
            f"The format {format!r} needs {library}, which is not installed.", cure="pip install grain, or format=None"
        )
    pipelines = importlib.import_module(f"amalthea.engine.backends.{module}")
    return pipelines.made(dataset, source, batch_size, shuffle, seed)


def set_backend(name: str) -> None:
    """Use this backend from now on, in the whole process.

    Variables move to it with their values at their next use.

    Raises:
        UnknownNameError: no backend has this name.
        MissingLibraryError: its library is not installed.
    """
    global _set
    load(name)
    _announce(name, "the program")
    _set = name
    _reset()


def announced() -> str:
    """Return the name of the backend in use; announce it on stderr if that was not done before."""
    name, reason = chosen()
    if reason not in ("the default", "the program"):
        if name not in installed():
            load(name)  # raises an error with the command that installs it
        _announce(name, reason)
    return name


def _announce(name: str, reason: str) -> None:
    """Write to stderr, once per backend, what was chosen and by whom."""
    if name not in _announced:
        _announced.add(name)
        by = settings.file_path() if reason == "keras.json" else reason
        settings.say(f"Using {KNOWN[name].title} backend. (chosen by {by})")


@contextmanager
def use_backend(name: str) -> Iterator[Backend]:
    """Use this backend while the block runs, in this thread.

    Raises:
        UnknownNameError: no backend has this name.
        MissingLibraryError: its library is not installed.

    Example:
        >>> from amalthea import use_backend
        >>> with use_backend("numpy") as backend:
        ...     backend.name
        'numpy'
    """
    load(name)
    _announce(name, "the program")
    with computing_with(name) as backend:
        yield backend


@contextmanager
def computing_with(name: str) -> Iterator[Backend]:
    """Use this backend for work of the library's own, which is not announced."""
    backend = load(name)
    token = _used.set(backend)
    try:
        yield backend
    finally:
        _used.reset(token)


@contextmanager
def device(device_name: str) -> Iterator[str]:
    """Compute on this device while the block runs; variables move to it when they are used.

    Args:
        device_name: str; ``"cpu:0"``, ``"gpu:1"``. Without a number, the first device of that kind.

    Raises:
        UnknownNameError: the backend in use does not have this device.

    Example:
        >>> import amalthea
        >>> with amalthea.device("cpu:0") as name:
        ...     name
        'cpu:0'
    """
    backend = current()
    known = backend.devices()
    kind, _, number = str(device_name).lower().partition(":")
    full = f"{'gpu' if kind == 'cuda' else kind}:{number or 0}"
    if full not in known:
        raise UnknownNameError(
            f"The backend '{backend.name}' has no device {device_name!r}.",
            expected=", ".join(known),
            got=repr(device_name),
        )
    with backend.on(full):
        yield full


_in_use: Backend | None = None  # the backend of this process, outside of use_backend


def current() -> Backend:
    """Return the backend in use; it is loaded at the first computation."""
    return _used.get() or _in_use or _load_chosen()


def _load_chosen() -> Backend:
    global _in_use
    name, reason = chosen()
    _in_use = load(name)
    if reason != "the default":
        _announce(name, reason)
    return _in_use


def _reset() -> None:
    """Choose again at the next computation."""
    global _in_use
    _in_use = None


find_by(current)
forks.at_fork(_reset, _used, load)
