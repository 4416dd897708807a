"""Keras's way of building neural networks, on any tensor library.

    from amalthea import Sequential, layers

    model = Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(x, y, epochs=5)

The map, in import order:

=================  ===================================================================================
``errors``         every exception, and how a message is worded
``writing``        all writing of files
``writing``        how every file is written: whole, or not at all
``snapshots``      the state of a run as one file
``dtypes``         the promotion lattice
``loading``        what a file may hold, and how much
``versions``       one version of the state for every reader, whatever other threads do
``snapshots``      the state of a run as one file
``loading``        what a file may do while it is read, and how large it may be
``tensor``         types, tensors, variables, tracing
``primitives``     the operations that a backend has to know, with typing rule, gradient and samples
``graph``          graphs, their gradients and rewrites; ``grad``, ``value_and_grad``, ``jit``
``backends``       one table a library; ``backend`` answers Keras's questions about them
``distribution``   devices
``ops``            the public functions on tensors
``initializers``, ``regularizers``, ``constraints``, ``activations``, ``random``
``layers``         one family a file
``losses``, ``metrics``, ``optimizers``
``data``           what ``fit`` feeds on
``callbacks``      what happens between batches and epochs
``models``         ``Sequential``, ``Model``, the functional API
``training``       ``compile``, ``fit``, ``evaluate``, ``predict``
``saving``         model files, safely
=================  ===================================================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# name: where it lives. Everything is imported when it is first asked for.
_EXPORTS = {
    "Initializer": "amalthea.initializers",
    "Input": "amalthea.layers",
    "InputSpec": "amalthea.layers",
    "Layer": "amalthea.layers",
    "Loss": "amalthea.losses",
    "Metric": "amalthea.metrics",
    "Model": "amalthea.models",
    "Optimizer": "amalthea.optimizers",
    "Regularizer": "amalthea.regularizers",
    "Sequential": "amalthea.models",
    "Variable": "amalthea.tensor",
    "DTypePolicy": "amalthea.dtype_policies",
    "custom_gradient": "amalthea.graph.transforms",
    "device": "amalthea.backends",
    "grad": "amalthea.graph.transforms",
    "jit": "amalthea.graph.transforms",
    "load_model": "amalthea.saving",
    "remat": "amalthea.graph.transforms",
    "set_backend": "amalthea.backends",
    "stop_gradient": "amalthea.graph.transforms",
    "use_backend": "amalthea.backends",
    "value_and_grad": "amalthea.graph.transforms",
}
_MODULES = (
    "activations", "backend", "backends", "callbacks", "config", "constraints", "data", "datasets",
    "distribution", "dtype_policies", "dtypes", "errors", "graph", "initializers", "layers", "losses", "metrics",
    "models", "ops", "optimizers", "primitives", "random", "regularizers", "saving", "tensor", "testing", "training",
    "tree", "utils",
)  # fmt: skip

if TYPE_CHECKING:  # what `__getattr__` does, for those who read and do not run
    from amalthea.backends import device as device
    from amalthea.backends import set_backend as set_backend
    from amalthea.backends import use_backend as use_backend
    from amalthea.dtype_policies import DTypePolicy as DTypePolicy
    from amalthea.graph.transforms import custom_gradient as custom_gradient
    from amalthea.graph.transforms import grad as grad
    from amalthea.graph.transforms import jit as jit
    from amalthea.graph.transforms import remat as remat
    from amalthea.graph.transforms import stop_gradient as stop_gradient
    from amalthea.graph.transforms import value_and_grad as value_and_grad
    from amalthea.initializers import Initializer as Initializer
    from amalthea.layers import Input as Input
    from amalthea.layers import InputSpec as InputSpec
    from amalthea.layers import Layer as Layer
    from amalthea.losses import Loss as Loss
    from amalthea.metrics import Metric as Metric
    from amalthea.models import Model as Model
    from amalthea.models import Sequential as Sequential
    from amalthea.optimizers import Optimizer as Optimizer
    from amalthea.regularizers import Regularizer as Regularizer
    from amalthea.saving import load_model as load_model
    from amalthea.tensor import Variable as Variable

__all__ = [*_EXPORTS, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        importlib.import_module("amalthea.ops")
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"amalthea.{name}")
    else:
        raise AttributeError(f"module 'amalthea' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
