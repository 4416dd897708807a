"""A graph as a PyTensor function.

It runs in Python, one call of NumPy per node, without a C compiler or Numba, each of which would compile a training
step for half a minute. Of PyTensor's rewrites, two are used: merging of common subexpressions, and in-place operations.
The others find little in a simplified graph, and fuse elementwise products into nodes that are slow without a compiler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytensor
from pytensor.compile.mode import Mode
from pytensor.graph.rewriting.db import RewriteDatabaseQuery

from amalthea.engine import dtypes
from amalthea.engine.backends.pytensor.operators import cast, pt
from amalthea.engine.backends.pytensor.references import by_reference
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.ir.trace import on_host
from amalthea.engine.ir.versions import LOCK
from amalthea.engine.primitives import Primitive

MODE = Mode("py", RewriteDatabaseQuery(include=["merge", "inplace"]))


class Function:
    """Maps the values of a graph's inputs, and of the tensors ``reads``, to those of its results.

    ``types`` are theirs.
    """

    def __init__(self, graph: Graph, lowerings: Mapping[Primitive, Any], reads: Sequence[Tensor] = ()):
        self.types = [x.type for x in graph.results]
        inputs = [*graph.inputs, *reads]
        known = {x: pt.TensorType(x.dtype, x.type.shape)() for x in inputs}
        for node in graph.nodes:
            known.update(zip(node.outputs, _lowered(node, known, lowerings)))
        results = [_value(x, known) for x in graph.results]
        sources = [known[x] for x in inputs]
        compiled: Any = pytensor.function  # pyright: ignore[reportPrivateImportUsage]  # PyTensor has no `__all__`
        self.call = compiled(sources, results, mode=MODE, trust_input=True, on_unused_input="ignore")
        self.free = [self.call]

    def __call__(self, *values: Any) -> list[Any]:
        call = self._take_copy()
        try:
            return [np.asarray(x) for x in call(*values)]
        finally:
            self.free.append(call)

    def _take_copy(self) -> Any:
        """Return a copy for this thread: a PyTensor function stores intermediate values in itself while it runs."""
        try:
            return self.free.pop()
        except IndexError:
            with LOCK:
                return self.call.copy()


def _lowered(node: Node, known: Mapping[Tensor, Any], lowerings: Mapping[Primitive, Any]) -> list[Any]:
    """Return PyTensor's variables for a node's outputs; subgraphs are passed to the lowering as functions."""
    attrs = {name: Function(v, lowerings) if isinstance(v, Graph) else v for name, v in node.attrs.items()}
    lowering = lowerings[node.primitive]
    if not any(isinstance(v, Function) for v in attrs.values()) and dtypes.any_complex((*node.inputs, *node.outputs)):
        lowering = by_reference(node.primitive)  # PyTensor's casts and sums do not take complex numbers
    made = lowering(*(_value(x, known) for x in node.inputs), **attrs)
    return [_typed(out, x.type) for out, x in zip([made] if node.primitive.single else made, node.outputs)]


def _value(x: Tensor, known: Mapping[Tensor, Any]) -> Any:
    return known[x] if x.value is None else pt.constant(on_host(x.value))


def _typed(out: Any, type: Type) -> Any:
    """Cast to the dtype of our typing rule, and fix the shape: PyTensor does not broadcast axes of unknown size."""
    out = cast(out, dtype=type.dtype)
    return out if out.type.shape == type.shape else pt.specify_shape(out, type.shape)
