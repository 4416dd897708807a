"""Weights as constants: what follows from them alone is computed when a file is written.

A batch normalization behind a convolution becomes a part of the convolution's kernel. Formats that keep variables, or
whose runtime does so itself when it loads a file, have no use for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.engine.passes.patterns import made_by
from amalthea.engine.passes.rewrite import Rule, apply_rules
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import windows as w
from amalthea.export.endpoint import Endpoint


def folded(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that computes from its weights only what depends on its inputs too."""
    graph = endpoint.graph
    values = {tensor: variable.numpy() for variable, tensor in graph.reads}
    uses = Counter(x for node in graph.nodes for x in node.inputs) + Counter(graph.results)
    rules = (lambda: _of_constants(values), lambda: _scaled_kernel(values, uses))
    return endpoint._replace(graph=simplify(apply_rules(graph, *rules)))


def _value(x: Tensor, values: dict[Tensor, np.ndarray]) -> np.ndarray | None:
    """The elements of a constant or weight."""
    return on_host(x.value) if x.value is not None else values.get(x)


def _constant(array: np.ndarray, like: Tensor) -> Tensor:
    made = np.ascontiguousarray(array, dtypes.to_numpy(like.dtype)).reshape(array.shape)
    return Tensor(like.type._replace(shape=made.shape), value=made)


def _of_constants(values: dict[Tensor, np.ndarray]) -> Rule:
    def rule(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        if not inputs or not node.primitive.single or node.primitive.name.startswith("random"):
            return None
        if any(isinstance(a, Graph) for a in node.attrs.values()):
            return None
        known = [_value(x, values) for x in inputs]
        out = node.outputs[0]
        if any(k is None for k in known) or not shapes.is_static(out.type.shape):
            return None
        if shapes.substitute(shapes.size(out.type.shape), {}) > max(k.size for k in known if k is not None):
            return None  # a file holds the smaller one
        with np.errstate(all="ignore"):
            return [_constant(np.asarray(node.primitive.reference(*known, **node.attrs)), out)]

    return rule


def _scaled_kernel(values: dict[Tensor, np.ndarray], uses: Counter[Tensor]) -> Rule:
    """A convolution times a constant for each filter is a convolution by another kernel."""
    of_old: dict[Tensor, Tensor] = {}

    def rule(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        of_old.update(zip(inputs, node.inputs))
        if node.primitive is not p.multiply or uses[of_old[inputs[0]]] != 1:
            return None
        conv, scale = made_by(inputs[0], w.conv), _value(inputs[1], values)
        kernel = _value(conv.inputs[1], values) if conv else None
        if conv is None or scale is None or kernel is None:
            return None
        axis = -1 if conv.attrs["data_format"] == "channels_last" else 1 - conv.outputs[0].ndim
        filters, shape = kernel.shape[-1], (1,) * (conv.outputs[0].ndim - scale.ndim) + scale.shape
        if scale.size != filters or shape[axis] != filters:
            return None
        made = _constant(kernel * scale.reshape(filters), conv.inputs[1])
        return [w.conv(conv.inputs[0], made, **conv.attrs)]

    return rule
