"""TensorFlow's own loops and functions on our variables and tensors: tapes, ``tf.function``, dispatch, AutoGraph."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine import shapes
from amalthea.engine.backends import foreign
from amalthea.engine.backends.tensorflow.arrays import tf
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, type_of
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ShapeError


class _Dispatcher(tf.__internal__.dispatch.GlobalOpDispatcher):
    """Makes native calls of TensorFlow's functions that were called on symbolic tensors."""

    def handle(self, op: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = foreign.without_variables((list(args), dict(kwargs)))
        if not any(isinstance(x, Tensor) for x in tree.flatten((args, kwargs))):
            return self.NOT_SUPPORTED
        return foreign.called(op, args, kwargs, "tensorflow")


def install(storage_of: Callable[[Variable], Any]) -> None:
    """Make variables acceptable as sources of a tape, and tensors as arguments of TensorFlow's functions.

    A tape asks a resource variable for its ``handle`` and looks the gradient up by it.
    """
    _Dispatcher().register()
    Variable._should_act_as_resource_variable = True  # type: ignore[attr-defined]
    Variable.handle = property(lambda variable: storage_of(variable).variable.handle)  # type: ignore[attr-defined]
    _leave_unconverted("amalthea")


def call_on_host(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a function of ours within a graph of TensorFlow's: the graph calls back, and the backend in use computes.

    No gradient passes through it. Shapes and dtypes come from a trace.
    """
    structure = (list(args), kwargs)
    leaves = tree.flatten(structure)
    indices = [i for i, x in enumerate(leaves) if isinstance(x, tf.Tensor)]
    with Trace():
        symbols = {i: Tensor(_type(leaves[i], i)) for i in indices}
        traced = _called(function, structure, [symbols.get(i, x) for i, x in enumerate(leaves)])
    types = [type_of(x) for x in tree.flatten(traced)]
    backend = runtime.name

    def on_host(*arrays: np.ndarray) -> list[np.ndarray]:
        known = dict(zip(indices, arrays))
        with importlib.import_module("amalthea.engine.backends").computing_with(backend):
            outputs = _called(function, structure, [known.get(i, x) for i, x in enumerate(leaves)])
            return [np.asarray(runtime.to_numpy(x), t.dtype) for x, t in zip(tree.flatten(outputs), types)]

    results = tf.numpy_function(on_host, [leaves[i] for i in indices], [tf.as_dtype(t.dtype) for t in types])
    for result, found in zip(results, types):
        result.set_shape(shapes.public(found.shape))
    return tree.pack_sequence_as(traced, results)


def call_on_numpy(function: Callable[[Any], Any], inputs: Any, types_of: Callable[[Any], Any]) -> Any:
    """Call a function of NumPy arrays, which may hold text, within a graph of TensorFlow's.

    Args:
        function: takes arrays nested like ``inputs`` and returns arrays.
        inputs: tensors of the graph, in any nesting.
        types_of: returns symbolic tensors like the results, for symbolic tensors like the inputs.
    """
    leaves = [tf.convert_to_tensor(x) for x in tree.flatten(inputs)]
    wanted = types_of(tree.pack_sequence_as(inputs, [Tensor(_type(x, i)) for i, x in enumerate(leaves)]))
    results = tree.flatten(wanted)

    def call(*arrays: Any) -> list[np.ndarray]:
        return [np.asarray(x) for x in tree.flatten(function(tree.pack_sequence_as(inputs, arrays)))]

    found = tf.numpy_function(call, leaves, [tf.as_dtype(x.dtype) for x in results])
    for x, like in zip(found, results):
        x.set_shape(like.shape)
    return tree.pack_sequence_as(wanted, found)


def _called(function: Callable[..., Any], structure: Any, leaves: Sequence[Any]) -> Any:
    args, kwargs = tree.pack_sequence_as(structure, leaves)
    return function(*args, **kwargs)


def _type(x: Any, index: int) -> Type:
    """Return the type of a tensor of a graph, with a symbol for each size that is not known."""
    if x.shape.rank is None:
        raise ShapeError("A tensor of a TensorFlow graph has no known rank.", got=x, cure="x.set_shape((None, 3))")
    named = [f"d{index}_{axis}" if axis or index else "batch" for axis in range(x.shape.rank)]
    sizes = [shapes.Dim.symbol(n) if size is None else size for n, size in zip(named, x.shape.as_list())]
    return Type(tuple(sizes), x.dtype.name)


def _leave_unconverted(package: str) -> None:
    """Tell AutoGraph to call a package as it is: converting it takes a hundred times as long as running it."""
    try:
        from tensorflow.python.autograph.core import config

        config.CONVERSION_RULES = (config.DoNotConvert(package), *config.CONVERSION_RULES)
    except (ImportError, AttributeError):  # another version of TensorFlow keeps its rules elsewhere
        pass
