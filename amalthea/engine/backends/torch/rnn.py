"""LSTM and GRU by PyTorch's kernels.

``lstm_for_gradient`` and ``lstm_gradient`` are replaced by a pair of internal primitives: the forward one passes the
library's own data (oneDNN's workspace, or an autograd graph) to the backward one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any

import torch

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor, Type
from amalthea.engine.passes.rewrite import apply_rules
from amalthea.engine.primitives import Primitive, rnn
from amalthea.engine.primitives.table import Family

_aten = torch.ops.aten
_LSTM = 2  # oneDNN's number of this kind of RNN


def _by_onednn(x: torch.Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype is torch.float32 and torch.backends.mkldnn.is_available()


def pack_lstm_weights(kernel, recurrent_kernel, bias):
    """Return the weights in PyTorch's layout: gates on the first axis, and a second bias."""
    return kernel.mT.contiguous(), recurrent_kernel.mT.contiguous(), bias, torch.zeros_like(bias)


def _with_layer_axis(*states):
    """Add an axis of layers in front. The kernels assume contiguous rows, whatever the strides are."""
    return [state.contiguous().unsqueeze(0) for state in states]


def _onednn(x, h0, c0, weights, reverse, train):
    outputs, h, c, space = _aten.mkldnn_rnn_layer(
        x.contiguous(),
        *weights,
        *_with_layer_axis(h0, c0),
        reverse,
        [],
        _LSTM,
        h0.shape[1],
        1,
        True,
        False,
        False,
        train,
    )
    return outputs, h[0], c[0], space


def _by_torch(x, h0, c0, weights, reverse):
    """An LSTM by PyTorch's function for any device and dtype."""
    x = (x.flip(0) if reverse else x).contiguous()
    outputs, h, c = torch.lstm(
        x, _with_layer_axis(h0, c0), weights, True, 1, 0.0, torch.is_grad_enabled(), False, False
    )
    return outputs.flip(0) if reverse else outputs, h[0], c[0]


def lstm(*inputs, reverse):
    """An LSTM; eager gradients are autograd's."""
    if not prod(inputs[0].shape):
        return rnn.lstm.decomposition(*inputs, reverse=reverse)
    return lstm_prepacked(*inputs[:3], *pack_lstm_weights(*inputs[3:]), reverse=reverse)


def lstm_prepacked(x, h0, c0, *weights, reverse):
    """An LSTM by the results of :func:`pack_lstm_weights`."""
    needed = any(v.requires_grad for v in (x, h0, c0, *weights))
    with torch.set_grad_enabled(torch.is_grad_enabled() and needed):
        if _by_onednn(x):
            return _onednn(x, h0, c0, weights, reverse, torch.is_grad_enabled())[:3]
        return _by_torch(x, h0, c0, weights, reverse)


def lstm_with_workspace(*inputs, reverse):
    """Return the outputs, the last output and state, and the workspace for :func:`lstm_backward`."""
    with torch.enable_grad():  # oneDNN fills its workspace only if autograd is enabled
        if _by_onednn(inputs[0]):
            return _onednn(*inputs[:3], weights=pack_lstm_weights(*inputs[3:]), reverse=reverse, train=True)
        fresh = [x.detach().requires_grad_() for x in inputs]
        made = _by_torch(*fresh[:3], weights=pack_lstm_weights(*fresh[3:]), reverse=reverse)
    return *(y.detach() for y in made), (fresh, made)


def lstm_backward(g_outputs, g_h, g_c, x, h0, c0, kernel, recurrent_kernel, bias, outputs, h, c, tape, *, reverse):
    """Return the cotangents of the inputs of an LSTM."""
    if not isinstance(tape, torch.Tensor):
        fresh, made = tape
        return torch.autograd.grad(made, fresh, (g_outputs, g_h, g_c), retain_graph=True)
    weights, units = pack_lstm_weights(kernel, recurrent_kernel, bias), h0.shape[1]
    by_x, by_kernel, by_recurrent, by_bias, _, by_h, by_c = _aten.mkldnn_rnn_layer_backward(
        x.contiguous(), *weights, *_with_layer_axis(h0, c0), outputs.contiguous(), *_with_layer_axis(h, c),
        g_outputs.contiguous(), *_with_layer_axis(g_h, g_c), reverse, _LSTM,
        units, 1, True, True, False, [], False, tape,
    )  # fmt: skip
    return by_x, by_h.view_as(h0), by_c.view_as(c0), by_kernel.mT, by_recurrent.mT, by_bias


def _reset_gate_first(weights):
    """Reorder the gates of a GRU as PyTorch does: reset, update, candidate."""
    return torch.cat([weights.chunk(3, -1)[k] for k in (1, 0, 2)], -1)


def gru(x, h0, *weights, reverse):
    """A GRU; eager gradients are autograd's.

    Compiled gradients use loops over steps, which are faster on a CPU: 45 ms a step instead of 57 by autograd.
    """
    if not prod(x.shape):
        return rnn.gru.decomposition(x, h0, *weights, reverse=reverse)
    return gru_prepacked(x, h0, *pack_gru_weights(*weights), reverse=reverse)


def pack_gru_weights(*weights):
    """Return the weights in PyTorch's layout: gates on the first axis."""
    kernel, recurrent_kernel, bias, inner_bias = (_reset_gate_first(v) for v in weights)
    return kernel.mT.contiguous(), recurrent_kernel.mT.contiguous(), bias, inner_bias


def gru_prepacked(x, h0, *weights, reverse):
    """A GRU by the results of :func:`pack_gru_weights`."""
    x = (x.flip(0) if reverse else x).contiguous()
    outputs, h = torch.gru(x, _with_layer_axis(h0)[0], weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
    return outputs.flip(0) if reverse else outputs, h[0]


def rows(x):
    """Return a sequence in contiguous memory; the forward and backward RNN of a Bidirectional share the copy."""
    return x.contiguous()


def internal_primitive(function: Any, single: bool = False) -> Primitive:
    """Make a primitive outside the table, for this backend only. Its nodes are made with explicit types."""
    return Primitive(Family(lambda *types, **attrs: types[0]), function, single, facts={})


_LSTM_FORWARD, _LSTM_BACKWARD, CONTIGUOUS = (
    internal_primitive(lstm_with_workspace),
    internal_primitive(lstm_backward),
    internal_primitive(rows, single=True),
)
RNN_LOWERINGS = {
    rnn.lstm: lstm,
    rnn.gru: gru,
    _LSTM_FORWARD: lstm_with_workspace,
    _LSTM_BACKWARD: lstm_backward,
    CONTIGUOUS: rows,
}


def pair_lstm_gradients(graph: Graph) -> Graph:
    """Replace each LSTM whose kept values only its gradient uses, and that gradient, by a pair with a workspace."""
    found = _pairs(graph)
    return apply_rules(graph, lambda: _Rule(found)) if found else graph


def _pairs(graph: Graph) -> dict[Node, Node]:
    """Return the forward node of each LSTM gradient that can be paired."""
    users: dict[Node, list[Node]] = {}
    uses = Counter(x for node in graph.nodes for x in node.inputs) + Counter(graph.results)
    pairs: dict[Node, Node] = {}
    for node in graph.nodes:
        if node.primitive is rnn.lstm_gradient and (forward := node.inputs[-1].node) is not None:
            users.setdefault(forward, []).append(node)
    for forward, gradients in users.items():
        kept = forward.outputs[3:]
        whole = forward.primitive is rnn.lstm_for_gradient and bool(prod(forward.inputs[0].type.shape))
        theirs = [pair for node in gradients for pair in zip(node.inputs[9:], kept)]
        if whole and all(x is y and uses[y] == len(gradients) for x, y in theirs):
            pairs.update(dict.fromkeys(gradients, forward))
    return pairs


class _Rule:
    """The rewrite rule; ``made`` maps an old forward node to the new one and its inputs."""

    def __init__(self, pairs: dict[Node, Node]):
        self.pairs, self.forwards = pairs, set(pairs.values())
        self.made: dict[Node, tuple[Node, Sequence[Tensor]]] = {}
        self.rows: dict[Tensor, Tensor] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        if node in self.forwards:
            types = [
                *(x.type for x in node.outputs[:3]),
                Type((), "bool"),
            ]  # a placeholder type: the workspace is not an array
            x = inputs[0]
            if x not in self.rows:
                self.rows[x] = Node(CONTIGUOUS, [x], {}, [x.type]).outputs[0]
            inputs = [self.rows[x], *inputs[1:]]
            new = Node(_LSTM_FORWARD, inputs, node.attrs, types)
            self.made[node] = new, inputs
            return [*new.outputs[:3], *node.outputs[3:]]
        if node not in self.pairs:
            return None
        forward, given = self.made[self.pairs[node]]
        return Node(
            _LSTM_BACKWARD, [*inputs[:3], *given, *forward.outputs], node.attrs, [x.type for x in node.outputs]
        ).outputs
