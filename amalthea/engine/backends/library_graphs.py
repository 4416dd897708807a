"""Layers on tensors of a graph that TensorFlow builds, as in ``tf.data.Dataset.map`` and ``tf.function``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import tree
from amalthea.engine.ir.runtime import runtime


def in_graph(args: Sequence[Any]) -> bool:
    """True if an argument is a tensor of a graph that TensorFlow builds, as in ``tf.data.Dataset.map``."""
    for x in args:
        leaves = tree.flatten(x) if isinstance(x, (list, tuple, dict)) else (x,)
        if any(type(leaf).__name__ == "SymbolicTensor" for leaf in leaves):
            return True
    return False


def call_in_graph(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a layer on tensors of a graph of TensorFlow's: by its operators on its own backend, else on the host."""
    interop = importlib.import_module("amalthea.engine.backends.tensorflow.interop")
    if runtime.name == "tensorflow":
        try:
            return function(*args, **kwargs)
        except TypeError:  # of a size that is not known before the graph runs
            pass
    return interop.call_on_host(function, args, kwargs)


def call_on_numpy(function: Callable[[Any], Any], inputs: Any, types_of: Callable[[Any], Any]) -> Any:
    """Call a function of NumPy arrays on tensors of a graph of TensorFlow's, whatever backend is in use."""
    interop = importlib.import_module("amalthea.engine.backends.tensorflow.interop")
    return interop.call_on_numpy(function, inputs, types_of)
