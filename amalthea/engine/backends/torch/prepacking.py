"""Prepacked weights: weights in the memory layout of PyTorch's kernels, computed apart from their use.

Internal primitives stand for a packed kernel (filters first), and for a convolution or RNN by packed weights. The
packing depends on weights only, so ``weight_cache.py`` keeps its result until a weight changes. A per-filter factor or
term after a convolution (batch normalization at inference) is folded into its kernel and bias.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from amalthea.engine.backends.torch.rnn import (
    gru_prepacked,
    internal_primitive,
    lstm_prepacked,
    pack_gru_weights,
    pack_lstm_weights,
)
from amalthea.engine.backends.torch.weight_cache import weight_only_tensors
from amalthea.engine.backends.torch.windows import conv_filters_first, filters_first
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.passes.rewrite import apply_rules
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement, rnn, windows

PACK_KERNEL, CONV_PREPACKED = (
    internal_primitive(filters_first, single=True),
    internal_primitive(conv_filters_first, single=True),
)
_PACK_WEIGHTS = {rnn.lstm: internal_primitive(pack_lstm_weights), rnn.gru: internal_primitive(pack_gru_weights)}
_RNN_PREPACKED = {rnn.lstm: internal_primitive(lstm_prepacked), rnn.gru: internal_primitive(gru_prepacked)}
_INPUTS_BEFORE_WEIGHTS = {rnn.lstm: 3, rnn.gru: 2}
PREPACKED_LOWERINGS = {
    primitive: primitive.reference
    for primitive in (PACK_KERNEL, CONV_PREPACKED, *_PACK_WEIGHTS.values(), *_RNN_PREPACKED.values())
}


class Convolution(NamedTuple):
    """The definition of a tensor: a convolution of ``x`` by a kernel, plus a bias per filter or None."""

    x: Tensor
    kernel: Tensor
    bias: Tensor | None
    attrs: dict[str, Any]


def prepack(graph: Graph) -> Graph:
    """Compute packed weights apart from their use, if they depend on variables that are only read."""
    weight_only = weight_only_tensors(graph)
    return apply_rules(graph, lambda: _Rule(graph, weight_only)) if weight_only else graph


class _Rule:
    """The rewrite rule; ``convolutions`` has the definitions of convolutions made so far."""

    def __init__(self, graph: Graph, weight_only: set[Tensor]):
        self.weight_only = weight_only
        self.uses = Counter(x for node in graph.nodes for x in node.inputs) + Counter(graph.results)
        self.convolutions: dict[Tensor, Convolution] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        primitive = node.primitive
        if primitive is windows.conv and self._is_weight_only(node.inputs[1]):
            x, kernel = inputs
            return self._conv(Convolution(x, kernel, None, node.attrs), node.outputs[0].type)
        if primitive in (p.multiply, p.add) and node.outputs[0] not in self.weight_only:
            return self._affine(node, inputs)
        if (
            primitive in _PACK_WEIGHTS
            and self._are_weight_only(node.inputs[_INPUTS_BEFORE_WEIGHTS[primitive] :])
            and prod(node.inputs[0].type.shape)
        ):
            return self._recurrence(node, inputs)
        return None

    def _are_weight_only(self, tensors: Sequence[Tensor]) -> bool:
        return all(self._is_weight_only(x) for x in tensors)

    def _is_weight_only(self, x: Tensor) -> bool:
        return x in self.weight_only or x.value is not None

    def _conv(self, known: Convolution, out: Type) -> Sequence[Tensor]:
        """Make the node of a convolution by a packed kernel."""
        *window, depth, filters = known.kernel.type.shape
        is_last = known.attrs["data_format"] == "channels_last"
        packed = Type((filters, depth, *window), out.dtype)
        kernel = Node(PACK_KERNEL, [known.kernel], {"channels_last": is_last}, [packed]).outputs[0]
        bias = [] if known.bias is None else [known.bias]
        outputs = Node(CONV_PREPACKED, [known.x, kernel, *bias], known.attrs, [out]).outputs
        self.convolutions[outputs[0]] = known
        return outputs

    def _affine(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        """Fold a factor or term per filter into a convolution that is not used elsewhere."""
        for position in (0, 1):
            known, out = self.convolutions.get(inputs[position]), node.outputs[0].type
            if (
                known is None
                or self.uses[node.inputs[position]] != 1
                or not self._is_weight_only(node.inputs[1 - position])
            ):
                continue
            vector = _per_filter(inputs[1 - position], out, known.attrs["data_format"])
            if vector is None or inputs[position].type != out or out.dtype not in ("float32", "float64"):
                continue
            if node.primitive is p.add:
                return self._conv(known._replace(bias=vector if known.bias is None else p.add(known.bias, vector)), out)
            bias = None if known.bias is None else p.multiply(known.bias, vector)
            return self._conv(known._replace(kernel=p.multiply(known.kernel, vector), bias=bias), out)
        return None

    def _recurrence(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        count = _INPUTS_BEFORE_WEIGHTS[node.primitive]
        weights = Node(_PACK_WEIGHTS[node.primitive], inputs[count:], {}, _packed_types(inputs[count:]))
        states = inputs[:count]
        return Node(_RNN_PREPACKED[node.primitive], [*states, *weights.outputs], node.attrs, _types(node)).outputs


def _types(node: Node) -> list[Type]:
    return [x.type for x in node.outputs]


def _packed_types(weights: Sequence[Tensor]) -> list[Type]:
    """Return the types of two packed kernels and two biases."""
    kernel, recurrent_kernel, *biases = (x.type for x in weights)
    packed = [Type(t.shape[::-1], t.dtype) for t in (kernel, recurrent_kernel)]
    return [*packed, biases[0], biases[-1]]


def _per_filter(x: Tensor, out: Type, data_format: str) -> Tensor | None:
    """Return a value as a vector with one element per filter, if it broadcasts that way; else None."""
    shape = (1,) * (len(out.shape) - len(x.type.shape)) + tuple(x.type.shape)
    axis = len(shape) - 1 if data_format == "channels_last" else 1
    wanted = tuple(d if i == axis else 1 for i, d in enumerate(out.shape))
    return movement.reshape(x, shape=(out.shape[axis],)) if shape == wanted else None
