"""Keras's way of building neural networks, on any tensor library.

    from amalthea import Sequential, layers

    model = Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(x, y, epochs=5)

The rooms, in import order (``amalthea/house.py``):
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from amalthea import house, names
from amalthea.engine.ir.runtime import find_by

__version__ = "0.1.0"
__doc__ = f"{__doc__}\n{house.as_text()}\n"

# name: where it lives. Everything is imported when it is first asked for.
_EXPORTS = {
    "FloatDTypePolicy": "amalthea.dtype_policies",
    "Function": "amalthea.models.functional.function",
    "Initializer": "amalthea.initializers",
    "Input": "amalthea.layers",
    "InputSpec": "amalthea.layers",
    "KerasTensor": "amalthea.keras_tensor",
    "Layer": "amalthea.layers",
    "Loss": "amalthea.losses",
    "Metric": "amalthea.metrics",
    "Model": "amalthea.models",
    "Operation": "amalthea.operation",
    "Optimizer": "amalthea.optimizers",
    "Quantizer": "amalthea.quantizers",
    "Regularizer": "amalthea.regularizers",
    "RematScope": "amalthea.layers.remat_scope",
    "Sequential": "amalthea.models",
    "StatelessScope": "amalthea.engine.stateless",
    "SymbolicScope": "amalthea.engine.ir.scope",
    "Variable": "amalthea.engine.ir.variable",
    "DTypePolicy": "amalthea.dtype_policies",
    "custom_gradient": "amalthea.engine.transforms",
    "device": "amalthea.engine.backends",
    "grad": "amalthea.engine.transforms",
    "jit": "amalthea.engine.transforms",
    "load_model": "amalthea.saving",
    "name_scope": "amalthea.engine.ir.scope",
    "remat": "amalthea.engine.transforms",
    "set_backend": "amalthea.engine.backends",
    "stop_gradient": "amalthea.engine.transforms",
    "use_backend": "amalthea.engine.backends",
    "value_and_grad": "amalthea.engine.transforms",
}
# The rooms that a person types, and where they live if that is not `amalthea.<name>`.
_INSIDE = {"backends": "amalthea.engine.backends", "primitives": "amalthea.engine.primitives"}
_MODULES = (
    "activations", "applications", "backend", "backends", "callbacks", "config", "constraints", "data", "datasets",
    "distillation", "distribution", "dtype_policies", "engine", "errors", "initializers", "layers", "legacy",
    "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "preprocessing", "primitives",
    "quantizers", "random", "regularizers", "saving", "testing", "training", "tree", "utils", "visualization",
    "wrappers",
)  # fmt: skip

if TYPE_CHECKING:  # what `__getattr__` does, for those who read and do not run
    from amalthea.dtype_policies import DTypePolicy as DTypePolicy
    from amalthea.dtype_policies import FloatDTypePolicy as FloatDTypePolicy
    from amalthea.engine.backends import device as device
    from amalthea.engine.backends import set_backend as set_backend
    from amalthea.engine.backends import use_backend as use_backend
    from amalthea.engine.ir.scope import SymbolicScope as SymbolicScope
    from amalthea.engine.ir.scope import name_scope as name_scope
    from amalthea.engine.ir.variable import Variable as Variable
    from amalthea.engine.stateless import StatelessScope as StatelessScope
    from amalthea.engine.transforms import custom_gradient as custom_gradient
    from amalthea.engine.transforms import grad as grad
    from amalthea.engine.transforms import jit as jit
    from amalthea.engine.transforms import remat as remat
    from amalthea.engine.transforms import stop_gradient as stop_gradient
    from amalthea.engine.transforms import value_and_grad as value_and_grad
    from amalthea.initializers import Initializer as Initializer
    from amalthea.keras_tensor import KerasTensor as KerasTensor
    from amalthea.layers import Input as Input
    from amalthea.layers import InputSpec as InputSpec
    from amalthea.layers import Layer as Layer
    from amalthea.layers.remat_scope import RematScope as RematScope
    from amalthea.losses import Loss as Loss
    from amalthea.metrics import Metric as Metric
    from amalthea.models import Model as Model
    from amalthea.models import Sequential as Sequential
    from amalthea.models.functional.function import Function as Function
    from amalthea.operation import Operation as Operation
    from amalthea.optimizers import Optimizer as Optimizer
    from amalthea.quantizers import Quantizer as Quantizer
    from amalthea.regularizers import Regularizer as Regularizer
    from amalthea.saving import load_model as load_model

find_by(lambda: importlib.import_module("amalthea.engine.backends").current())

__all__ = [*_EXPORTS, *_MODULES, "version"]  # pyright: ignore[reportUnsupportedDunderAll]


def version() -> str:
    """Returns the version of this package.

    Example:
        >>> import amalthea
        >>> amalthea.version() == amalthea.__version__
        True
    """
    return __version__


def load_ipython_extension(shell: Any) -> None:
    """Lets ``import keras`` mean this package in a notebook: ``%load_ext amalthea``.

    Args:
        shell: IPython's shell.

    Example:
        >>> import amalthea
        >>> callable(amalthea.load_ipython_extension)
        True
    """
    importlib.import_module("amalthea.compat.notebooks").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Takes it back: ``%unload_ext amalthea``.

    Args:
        shell: IPython's shell.

    Example:
        >>> import amalthea
        >>> callable(amalthea.unload_ipython_extension)
        True
    """
    importlib.import_module("amalthea.compat.notebooks").unload(shell)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        importlib.import_module("amalthea.ops")
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(_INSIDE.get(name, f"amalthea.{name}"))
    else:
        raise AttributeError(names.message("", name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
