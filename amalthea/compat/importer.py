"""``import keras`` means Amalthea, and ``tensorflow.keras`` too: a finder of modules before Python's own."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from typing import Any

import amalthea
from amalthea.compat import (
    absent,
    addresses,
    backend,
    calls,
    eras,
    layer_methods,
    model_methods,
    modules,
    numpy_streams,
    old_optimizers,
    spelling,
    subclasses,
    tensorflow,
)
from amalthea.errors import AmaltheaError

PREFIXES = ("keras", "tensorflow.keras", "tf_keras", "tensorflow.python.keras")
VERSIONS = {1: "1.2.2", 2: "2.2.4", 3: "3.15.1"}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname == tensorflow.NAME:
            return tensorflow.spec(self)
        prefix = next((p for p in PREFIXES if fullname == p or fullname.startswith(f"{p}.")), None)
        if prefix is None:
            return self._of_stand_in(fullname)
        if prefix == "tensorflow.python.keras" and tensorflow.installed(self) is not None:
            return None  # TensorFlow imports it itself
        address = fullname[len(prefix) + 1 :]
        if address and address != "backend" and addresses.contents(address) is None and _own(address) is None:
            why = absent.reason(address)
            if why:
                raise ModuleNotFoundError(f"There is no module {fullname}: {why}.", name=fullname)
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def _of_stand_in(self, fullname: str) -> Any:
        """``tensorflow.python`` stands before ``tensorflow.python.keras``; others of the stand-in are its rooms."""
        if not fullname.startswith(f"{tensorflow.NAME}.") or tensorflow.installed(self) is not None:
            return None
        importlib.import_module(tensorflow.NAME)
        return importlib.machinery.ModuleSpec(fullname, tensorflow.Room(), is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        prefix = next(p for p in PREFIXES if spec.name == p or spec.name.startswith(f"{p}."))
        address = spec.name[len(prefix) + 1 :]
        today = addresses.ADDRESSES.get(address, (address,))[0]
        if today != address:
            spelling.note(spec.name, spec.name.replace(address, today) if today else "keras")
        if address == "backend":
            return _renamed(backend.for_era(1 if eras.era() == 1 else 2), spec.name)
        own = _own(address) if address else None
        return _renamed(own, spec.name) if own is not None else _view(spec.name, address)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is left to run."""


def _own(address: str) -> Any:
    """A module of :mod:`amalthea.compat` itself, such as ``utils.np_utils`` and ``datasets.mnist``."""
    room, _, name = address.partition(".")
    if address == "initializations":
        return importlib.import_module("amalthea.compat.initializations").MODULE
    if room not in ("utils", "datasets") or not name:
        return None
    module = importlib.import_module(f"amalthea.compat.{room}")
    found = module.modules(min(eras.era(), 2)) if room == "utils" else module.MODULES
    return found.get(name)


def _renamed(module: Any, name: str) -> types.ModuleType:
    made = types.ModuleType(name, module.__doc__)
    made.__dict__.update({k: v for k, v in vars(module).items() if not k.startswith("__")})
    prefix = next(p for p in PREFIXES if name.startswith(f"{p}."))

    def lookup(word: str) -> Any:
        why = absent.reason(name[len(prefix) + 1 :], word)
        if why:
            raise modules.missing(f"{name} has no {word!r}: {why}.")
        try:
            return getattr(module, word)
        except AttributeError as error:
            raise modules.missing(str(error)) from None

    made.__dict__["__getattr__"] = lookup
    return made


def _view(name: str, address: str) -> types.ModuleType:
    made = types.ModuleType(name, f"``{name}``, by Amalthea.")

    def lookup(word: str) -> Any:
        if word == "__version__" and not address:
            return VERSIONS[eras.era()]
        if word == "__all__" and address:
            return addresses.names_of(address)
        if word.startswith("__"):
            raise AttributeError(word)
        return _name_of(name, address, word)

    made.__dict__["__getattr__"] = lookup
    return made


def _name_of(name: str, address: str, word: str) -> Any:
    """A name of a module of old, or a module inside of it."""
    if not address and (word == "backend" or addresses.contents(word) is not None or _own(word) is not None):
        return importlib.import_module(f"{name}.{word}")
    found = addresses.contents(address) if address else (lambda known: getattr(amalthea, known))
    assert found is not None
    try:
        return found(word)
    except AttributeError as error:
        why = absent.reason(address, word)
        if why or importlib.util.find_spec(f"{name}.{word}") is None:
            raise modules.missing(f"{name} has no {word!r}: {why}." if why else str(error)) from None
        return importlib.import_module(f"{name}.{word}")


_FINDER = _Finder()


def install(era: int = 3) -> None:
    """Lets ``keras`` mean Amalthea from now on, in this process.

    Args:
        era: int; 1, 2 or 3, the version of Keras in whose manner calls are read.

    Raises:
        AmaltheaError: another ``keras`` is imported already.
    """
    loaded = sys.modules.get("keras")
    if loaded is not None and not isinstance(getattr(loaded, "__loader__", None), _Finder):
        raise AmaltheaError(
            "Another Keras is imported already.", got=str(getattr(loaded, "__file__", loaded)),
            cure="`import amalthea.compat.keras` before it",
        )  # fmt: skip
    eras.set_era(era)
    spelling.install()
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    calls.install()
    numpy_streams.install(era)
    layer_methods.install()
    model_methods.install()
    old_optimizers.install()
    subclasses.install()


def uninstall() -> None:
    """Takes all of it back: ``keras`` means what it meant before, and calls are read as those of today."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    ours = (_Finder, tensorflow.StandIn, tensorflow.Room)
    for name in [name for name, module in sys.modules.items() if isinstance(getattr(module, "__loader__", None), ours)]:
        del sys.modules[name]
    calls.uninstall()
    numpy_streams.uninstall()
    layer_methods.uninstall()
    model_methods.uninstall()
    old_optimizers.uninstall()
    subclasses.uninstall()
    spelling.uninstall()
    eras.set_era(3)
    eras.set_tf_keras(False)
