"""``tensorflow`` in a script of Keras.

Where TensorFlow is installed it stays what it is, and its ``keras`` is ours. Where it is not, a stand-in has the names
that scripts of Keras use beside ``tf.keras``: dtypes, the functions of the closed table of :mod:`amalthea.spellings`,
seeds, options of GPUs (which are taken and have no effect). Every other name is refused by name.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable
from typing import Any

from amalthea import ops, random, utils
from amalthea.compat import modules
from amalthea.compat.backend import symbols
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError
from amalthea.spellings.tf_ops import OPS

NAME = "tensorflow"
_ABSENT = "{name} is TensorFlow's, which is not installed, and has no stand-in here: pip install amalthea[tensorflow]"
_INSTEAD = {
    "GradientTape": "amalthea.value_and_grad differentiates on every backend",
    "placeholder": "keras.layers.Input, or keras.backend.placeholder",
    "data": "fit takes arrays, generators and keras.utils.Sequence",
    "Variable": "keras.backend.variable",
    "gradients": "keras.backend.gradients",
    "estimator": "model.fit",
    "global_variables_initializer": "variables have a value from the start; leave the line out",
}


class Options:
    """Options of devices, such as ``tf.ConfigProto()``: any attribute can be set, and none has an effect."""

    def __init__(self, *args: Any, **kwargs: Any):
        self.__dict__.update(kwargs)

    def __getattr__(self, name: str) -> Options:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__.setdefault(name, Options())


class Session:
    """``tf.Session``, which holds options of devices: there is nothing to run in it.

    Args:
        *args: not used.
        **kwargs: not used.
    """

    holds_options_alone = True

    def __init__(self, *args: Any, **kwargs: Any):
        self.graph = Options()

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Refuses: graphs are compiled and run without a session.

        Args:
            *args: not used.
            **kwargs: not used.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            "There is no TensorFlow session here: graphs are compiled and run without one.",
            got="tf.Session().run(...)",
            cure="K.function(inputs, outputs)(values), K.eval(tensor) or K.get_value(variable)",
        )

    def close(self) -> None:
        """Does nothing."""

    def as_default(self) -> Session:
        """The session itself."""
        return self

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: Any) -> None:
        """Does nothing."""


# -------------------------------------------------------------------------------------- functions


def _function(name: str) -> Callable[..., Any]:
    """A function of the table, which takes TensorFlow's arguments."""
    op, parameters = OPS[name]
    order = [(p.partition("=")[0], p.partition("=")[2]) for p in parameters.split()]

    def function(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop("name", None)
        kwargs = {{"keep_dims": "keepdims", "dim": "axis"}.get(k, k): v for k, v in kwargs.items()}
        given = {**dict(zip([old for old, _ in order], args)), **kwargs}
        unknown = [k for k in given if k not in dict(order)]
        if unknown or len(args) > len(order):
            raise ArgumentError(
                f"tf.{name} does not take this argument here.", expected=", ".join(dict(order)), got=", ".join(unknown)
            )
        first = [given[old] for old, new in order if not new and old in given]
        options = {new: given[old] for old, new in order if new and given.get(old) is not None}
        return _on_symbols(getattr(ops, op), *first, **options)

    function.__name__ = name.rpartition(".")[2]
    function.__doc__ = f"``tf.{name}``, by ``ops.{op}``."
    return function


def _on_symbols(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return symbols.recorded(op)(*args, **kwargs) if symbols.is_at_top() else op(*args, **kwargs)


def _set_random_seed(seed: int) -> None:
    """Seeds every draw."""
    utils.set_random_seed(seed)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Does nothing."""


def _no_devices(*args: Any, **kwargs: Any) -> list[Any]:
    """An empty list: TensorFlow is not there to use a device."""
    return []


@contextlib.contextmanager
def _scope(*args: Any, **kwargs: Any) -> Any:
    """A scope without an effect."""
    yield Options()


class _Graph(Options):
    """``tf.get_default_graph()``: a scope without an effect."""

    as_default = staticmethod(_scope)


def _as_is(function: Any = None, **kwargs: Any) -> Any:
    """``tf.function``: the function as it is."""
    return function if function is not None else lambda own: own


def _room(name: str, contents: dict[str, Any]) -> types.ModuleType:
    made = types.ModuleType(f"tensorflow.{name}", f"A stand-in for ``tf.{name}``.")
    made.__dict__.update(contents, __getattr__=lambda word: _missing(f"{name}.{word}"))
    return made


def _contents() -> dict[str, Any]:
    """The names of ``tf`` that scripts of Keras use beside ``tf.keras``."""
    own: dict[str, Any] = {name: _function(name) for name in OPS if not name.startswith(("__", "compat", "linalg"))}
    found: dict[str, Any] = {name: function for name, function in own.items() if "." not in name}
    rooms = {room: _inside(room, own) for room in ("math", "nn")}
    found.update({name: function for name, function in rooms["math"].items() if name not in found})
    found.update({name: name for name in dtypes.NAMES if not name.startswith("complex")})
    found.update(
        {name: getattr(ops, name) for name in ("shape", "zeros", "ones", "linspace", "eye") if hasattr(ops, name)}
    )
    found["range"] = ops.arange
    found["constant"] = found["convert_to_tensor"] = ops.convert_to_tensor
    options = {"ConfigProto": Options, "GPUOptions": Options, "Session": Session, "InteractiveSession": Session,
               "set_random_seed": _set_random_seed, "get_default_graph": _Graph, "device": _scope,
               "name_scope": _scope, "variable_scope": _scope, "reset_default_graph": _nothing,
               "disable_eager_execution": _nothing, "disable_v2_behavior": _nothing,
               "enable_eager_execution": _nothing}  # fmt: skip
    log = _room("logging", {"set_verbosity": _nothing, "ERROR": 40, "WARN": 30, "INFO": 20, "DEBUG": 10, "FATAL": 50})
    devices: dict[str, Any] = dict.fromkeys(("list_physical_devices", "list_logical_devices"), _no_devices)
    devices.update(dict.fromkeys(("set_memory_growth", "set_visible_devices", "run_functions_eagerly"), _nothing))
    found.update(
        options, function=_as_is, executing_eagerly=lambda: True, get_logger=lambda: Options(setLevel=_nothing),
        newaxis=None, logging=log, __version__="2.15.0",
        math=_room("math", rooms["math"]), nn=_room("nn", rooms["nn"]),
        random=_room("random", {"set_seed": _set_random_seed, "set_random_seed": _set_random_seed,
                                "normal": random.normal, "uniform": random.uniform}),
        config=_room("config", {**devices, "experimental": _room("config.experimental", devices)}),
        test=_room("test", {"is_gpu_available": lambda *a, **k: False, "gpu_device_name": lambda: "",
                            "is_built_with_cuda": lambda: False}),
        compat=_room("compat", {"v1": _room("compat.v1", {**options, "logging": log})}),
    )  # fmt: skip
    return found


def _inside(room: str, own: dict[str, Any]) -> dict[str, Any]:
    return {name.partition(".")[2]: function for name, function in own.items() if name.startswith(f"{room}.")}


def _missing(name: str) -> Any:
    if name in ("keras", "compat.v1.keras"):
        return importlib.import_module("tensorflow.keras")
    word = name.rpartition(".")[2]
    if word.startswith("__"):
        raise AttributeError(word)
    instead = _INSTEAD.get(name.removeprefix("compat.v1.").split(".")[0])
    message = _ABSENT.format(name=f"tf.{name}")
    raise modules.missing(f"{message}; {instead}." if instead else f"{message}.")


# ---------------------------------------------------------------------------------------- modules


class StandIn(importlib.abc.Loader):
    """Makes the module ``tensorflow`` where TensorFlow is not installed."""

    stands_in = True  # for libraries that look whether TensorFlow is installed

    def create_module(self, spec: Any) -> types.ModuleType:
        """The module with its names."""
        made = types.ModuleType("tensorflow", "A stand-in: TensorFlow is not installed.")
        made.__dict__.update(_contents(), __getattr__=_missing)
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is left to run."""


class Room(importlib.abc.Loader):
    """Makes a module inside of the stand-in, such as ``tensorflow.python``."""

    def create_module(self, spec: Any) -> types.ModuleType:
        """The room of that name, or an empty one whose names are refused."""
        name = spec.name.partition(".")[2]
        if name == "python":
            return _room(name, {})
        found: Any = importlib.import_module("tensorflow")
        try:
            for part in name.split("."):
                found = getattr(found, part)
        except (AttributeError, ImportError) as error:
            raise ModuleNotFoundError(str(error), name=spec.name) from None
        return _room(name, vars(found) if isinstance(found, types.ModuleType) else {})

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is left to run."""


class _GivesKeras(importlib.abc.Loader):
    """TensorFlow's own loader; afterwards ``tf.keras`` is ours."""

    def __init__(self, own: Any):
        self.own = own

    def create_module(self, spec: Any) -> Any:
        return self.own.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        self.own.exec_module(module)
        module.keras = importlib.import_module("tensorflow.keras")  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)


def installed(finder: Any) -> Any:
    """The spec of an installed TensorFlow, or None.

    Args:
        finder: the finder that asks, which is left out.
    """
    for other in sys.meta_path:
        found = other.find_spec("tensorflow", None) if other is not finder else None
        if found is not None:
            return found
    return None


def spec(finder: Any) -> Any:
    """The spec of TensorFlow with our ``keras``, or of the stand-in.

    Args:
        finder: the finder that asks.
    """
    found = installed(finder)
    if found is None:
        return importlib.machinery.ModuleSpec("tensorflow", StandIn(), is_package=True)
    found.loader = _GivesKeras(found.loader)
    return found
