"""Keras's way of building neural networks, on any tensor library.

    from amalthea import Sequential, layers

    model = Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(x, y, epochs=5)

The map, in import order:

=================  ===================================================================================
``errors``         every exception, and how a message is worded
``dtypes``         the promotion lattice
``tensor``         types, tensors, variables, tracing
``primitives``     the operations that a backend has to know, with typing rule, gradient and samples
``graph``          graphs, their gradients and rewrites; ``grad``, ``value_and_grad``, ``jit``
``backends``       one table a library
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
from typing import Any

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
    "activations", "backends", "callbacks", "config", "constraints", "data", "datasets",
    "dtype_policies", "dtypes", "errors", "graph", "initializers", "layers", "losses", "metrics", "models", "ops",
    "optimizers", "primitives", "random", "regularizers", "saving", "tensor", "testing", "training", "tree", "utils",
)  # fmt: skip

__all__ = [*_EXPORTS, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        importlib.import_module("amalthea.backends")  # so that whatever computes finds its backend
        importlib.import_module("amalthea.ops")
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
    elif name in _MODULES:
        importlib.import_module("amalthea.backends")
        value = importlib.import_module(f"amalthea.{name}")
    else:
        raise AttributeError(f"module 'amalthea' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
