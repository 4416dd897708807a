"""Weights as PyTorch's kernels want them, made apart from their use, so that what is settled is made once.

Rows known here alone stand for a kernel with its filters first, and for a convolution or recurrence by such weights.
What multiplies the filters of a convolution, and is added to them (a normalization, outside training), goes into its
kernel and bias.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from amalthea.engine.backends.torch.rnn import gru_by, gru_weights, lstm_by, lstm_weights, row_of
from amalthea.engine.backends.torch.weight_cache import settled_in
from amalthea.engine.backends.torch.windows import conv_by, filters_first
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.passes.rewrite import apply_rules
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement, rnn, windows

FILTERS, CONV = row_of(filters_first, single=True), row_of(conv_by, single=True)
_WEIGHTS = {rnn.lstm: row_of(lstm_weights), rnn.gru: row_of(gru_weights)}
_RECURRENCES = {rnn.lstm: row_of(lstm_by), rnn.gru: row_of(gru_by)}
_STATES = {rnn.lstm: 3, rnn.gru: 2}  # inputs before the weights
FOLDS = {row: row.reference for row in (FILTERS, CONV, *_WEIGHTS.values(), *_RECURRENCES.values())}


class Sum(NamedTuple):
    """What a tensor is: a convolution by a kernel, plus a bias for each filter if there is one."""

    x: Tensor
    kernel: Tensor
    bias: Tensor | None
    attrs: dict[str, Any]


def folded(graph: Graph) -> Graph:
    """The graph with its settled weights turned apart from their use."""
    settled = settled_in(graph)
    return apply_rules(graph, lambda: _Rule(graph, settled)) if settled else graph


class _Rule:
    """Folds from the convolution on; ``sums`` has what is known of the new tensors."""

    def __init__(self, graph: Graph, settled: set[Tensor]):
        self.settled = settled
        self.uses = Counter(x for node in graph.nodes for x in node.inputs) + Counter(graph.results)
        self.sums: dict[Tensor, Sum] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        row = node.primitive
        if row is windows.conv and self._is_settled(node.inputs[1]):
            return self._conv(Sum(*inputs, None, node.attrs), node.outputs[0].type)
        if row in (p.multiply, p.add) and node.outputs[0] not in self.settled:
            return self._affine(node, inputs)
        if row in _WEIGHTS and self._are_settled(node.inputs[_STATES[row] :]) and prod(node.inputs[0].type.shape):
            return self._recurrence(node, inputs)
        return None

    def _are_settled(self, tensors: Sequence[Tensor]) -> bool:
        return all(self._is_settled(x) for x in tensors)

    def _is_settled(self, x: Tensor) -> bool:
        return x in self.settled or x.value is not None

    def _conv(self, known: Sum, out: Type) -> Sequence[Tensor]:
        """The convolution and its bias."""
        *window, depth, filters = known.kernel.type.shape
        is_last = known.attrs["data_format"] == "channels_last"
        turned = Type((filters, depth, *window), out.dtype)
        kernel = Node(FILTERS, [known.kernel], {"channels_last": is_last}, [turned]).outputs[0]
        bias = [] if known.bias is None else [known.bias]
        outputs = Node(CONV, [known.x, kernel, *bias], known.attrs, [out]).outputs
        self.sums[outputs[0]] = known
        return outputs

    def _affine(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        """A factor or a term for each filter of a convolution that nothing else uses."""
        for place in (0, 1):
            known, out = self.sums.get(inputs[place]), node.outputs[0].type
            if known is None or self.uses[node.inputs[place]] != 1 or not self._is_settled(node.inputs[1 - place]):
                continue
            row = _of_filters(inputs[1 - place], out, known.attrs["data_format"])
            if row is None or inputs[place].type != out or out.dtype not in ("float32", "float64"):
                continue
            if node.primitive is p.add:
                return self._conv(known._replace(bias=row if known.bias is None else p.add(known.bias, row)), out)
            bias = None if known.bias is None else p.multiply(known.bias, row)
            return self._conv(known._replace(kernel=p.multiply(known.kernel, row), bias=bias), out)
        return None

    def _recurrence(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        count = _STATES[node.primitive]
        weights = Node(_WEIGHTS[node.primitive], inputs[count:], {}, _turned_types(inputs[count:]))
        states = inputs[:count]
        return Node(_RECURRENCES[node.primitive], [*states, *weights.outputs], node.attrs, _types(node)).outputs


def _types(node: Node) -> list[Type]:
    return [x.type for x in node.outputs]


def _turned_types(weights: Sequence[Tensor]) -> list[Type]:
    """Those of two turned kernels, and of two biases."""
    kernel, recurrent_kernel, *biases = (x.type for x in weights)
    turned = [Type(t.shape[::-1], t.dtype) for t in (kernel, recurrent_kernel)]
    return [*turned, biases[0], biases[-1]]


def _of_filters(x: Tensor, out: Type, data_format: str) -> Tensor | None:
    """A value as a vector with one number for each filter, if that is how it is repeated."""
    shape = (1,) * (len(out.shape) - len(x.type.shape)) + tuple(x.type.shape)
    axis = len(shape) - 1 if data_format == "channels_last" else 1
    wanted = tuple(d if i == axis else 1 for i, d in enumerate(out.shape))
    return movement.reshape(x, shape=(out.shape[axis],)) if shape == wanted else None
