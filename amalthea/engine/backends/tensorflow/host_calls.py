"""Python functions of NumPy arrays inside a TensorFlow graph, such as that of ``tf.data.Dataset.map``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from amalthea import tree
from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Tensor, Type


def is_symbolic(value: Any) -> bool:
    """True for a tensor of a graph, which has no value yet."""
    return tf.is_tensor(value) and not hasattr(value, "numpy") or tf.is_symbolic_tensor(value)


def on_host(function: Callable[[Any], Any], inputs: Any, types_of: Callable[[Any], Any]) -> Any:
    """Call a function of NumPy arrays when the graph runs.

    Args:
        function: takes arrays nested like ``inputs`` and returns arrays.
        inputs: tensors of the graph, in any nesting.
        types_of: returns symbolic tensors like the results, for symbolic tensors like the inputs.
    """
    leaves = [tf.convert_to_tensor(x) for x in tree.flatten(inputs)]
    wanted = types_of(tree.pack_sequence_as(inputs, [Tensor(_type(x)) for x in leaves]))
    results = tree.flatten(wanted)

    def call(*arrays: Any) -> list[np.ndarray]:
        found = tree.flatten(function(tree.pack_sequence_as(inputs, arrays)))
        return [np.asarray(x) for x in found]

    found = tf.numpy_function(call, leaves, [tf.as_dtype(x.dtype) for x in results])
    for x, like in zip(found, results):
        x.set_shape(like.shape)
    return tree.pack_sequence_as(wanted, found)


def _type(x: Any) -> Type:
    sizes = [None] if x.shape.rank is None else x.shape.as_list()
    return Type(tuple(shapes.Dim.fresh() if d is None else d for d in sizes), x.dtype.name)
