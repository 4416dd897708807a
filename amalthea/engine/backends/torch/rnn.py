"""Recurrences in PyTorch's own kernels.

A recurrence that keeps what its gradient needs, and that gradient, become a pair of rows known here alone: the first
hands the second what only the library can read (oneDNN's workspace, or autograd's graph).
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
_LSTM = 2  # the number of its mode


def _by_onednn(x: torch.Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype is torch.float32 and torch.backends.mkldnn.is_available()


def lstm_weights(kernel, recurrent_kernel, bias):
    """As PyTorch takes them: gates first, and a second bias."""
    return kernel.mT.contiguous(), recurrent_kernel.mT.contiguous(), bias, torch.zeros_like(bias)


def _layers(*states):
    """With an axis for the layers in front. The kernels read rows, whatever the strides say."""
    return [state.contiguous().unsqueeze(0) for state in states]


def _onednn(x, h0, c0, weights, reverse, train):
    outputs, h, c, space = _aten.mkldnn_rnn_layer(
        x.contiguous(), *weights, *_layers(h0, c0), reverse, [], _LSTM, h0.shape[1], 1, True, False, False, train
    )
    return outputs, h[0], c[0], space


def _by_torch(x, h0, c0, weights, reverse):
    """PyTorch's function of any device and dtype."""
    x = (x.flip(0) if reverse else x).contiguous()
    outputs, h, c = torch.lstm(x, _layers(h0, c0), weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
    return outputs.flip(0) if reverse else outputs, h[0], c[0]


def lstm(*inputs, reverse):
    """A recurrence whose gradient, if there is one, is autograd's."""
    if not prod(inputs[0].shape):
        return rnn.lstm.decomposition(*inputs, reverse=reverse)
    return lstm_by(*inputs[:3], *lstm_weights(*inputs[3:]), reverse=reverse)


def lstm_by(x, h0, c0, *weights, reverse):
    """The same by :func:`lstm_weights`."""
    needed = any(v.requires_grad for v in (x, h0, c0, *weights))
    with torch.set_grad_enabled(torch.is_grad_enabled() and needed):
        if _by_onednn(x):
            return _onednn(x, h0, c0, weights, reverse, torch.is_grad_enabled())[:3]
        return _by_torch(x, h0, c0, weights, reverse)


def lstm_taped(*inputs, reverse):
    """The outputs, the last output and state, and what :func:`lstm_back` reads."""
    with torch.enable_grad():  # oneDNN fills its workspace under autograd alone
        if _by_onednn(inputs[0]):
            return _onednn(*inputs[:3], lstm_weights(*inputs[3:]), reverse, True)
        fresh = [x.detach().requires_grad_() for x in inputs]
        made = _by_torch(*fresh[:3], lstm_weights(*fresh[3:]), reverse)
    return *(y.detach() for y in made), (fresh, made)


def lstm_back(g_outputs, g_h, g_c, x, h0, c0, kernel, recurrent_kernel, bias, outputs, h, c, tape, *, reverse):
    """The cotangents of the inputs."""
    if not isinstance(tape, torch.Tensor):
        fresh, made = tape
        return torch.autograd.grad(made, fresh, (g_outputs, g_h, g_c), retain_graph=True)
    weights, units = lstm_weights(kernel, recurrent_kernel, bias), h0.shape[1]
    by_x, by_kernel, by_recurrent, by_bias, _, by_h, by_c = _aten.mkldnn_rnn_layer_backward(
        x.contiguous(), *weights, *_layers(h0, c0), outputs.contiguous(), *_layers(h, c), g_outputs.contiguous(),
        *_layers(g_h, g_c), reverse, _LSTM, units, 1, True, True, False, [], False, tape,
    )  # fmt: skip
    return by_x, by_h.view_as(h0), by_c.view_as(c0), by_kernel.mT, by_recurrent.mT, by_bias


def _reset_first(weights):
    """The gates of a gated recurrent unit in PyTorch's order."""
    return torch.cat([weights.chunk(3, -1)[k] for k in (1, 0, 2)], -1)


def gru(x, h0, *weights, reverse):
    """A recurrence whose gradient, if there is one, is autograd's. In compiled code a gradient is one of loops over
    steps, which are faster on a CPU: 45 ms a step where autograd through this takes 57."""
    if not prod(x.shape):
        return rnn.gru.decomposition(x, h0, *weights, reverse=reverse)
    return gru_by(x, h0, *gru_weights(*weights), reverse=reverse)


def gru_weights(*weights):
    """As PyTorch takes them: gates first."""
    kernel, recurrent_kernel, bias, inner_bias = (_reset_first(v) for v in weights)
    return kernel.mT.contiguous(), recurrent_kernel.mT.contiguous(), bias, inner_bias


def gru_by(x, h0, *weights, reverse):
    """The same by :func:`gru_weights`."""
    x = (x.flip(0) if reverse else x).contiguous()
    outputs, h = torch.gru(x, *_layers(h0), weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
    return outputs.flip(0) if reverse else outputs, h[0]


def rows(x):
    """A sequence in memory as the kernels want it: copied once for both directions, forward and backward."""
    return x.contiguous()


def row_of(function: Any, single: bool = False) -> Primitive:
    """A row of no table: it is made of others, whose types it takes over."""
    return Primitive(Family(lambda *types, **attrs: types[0]), function, single, facts={})


_TAPED, _BACK, ROWS = row_of(lstm_taped), row_of(lstm_back), row_of(rows, single=True)
RECURRENCES = {rnn.lstm: lstm, rnn.gru: gru, _TAPED: lstm_taped, _BACK: lstm_back, ROWS: rows}


def with_recurrences(graph: Graph) -> Graph:
    """The graph with each recurrence that keeps values for its gradient alone, and that gradient, as a pair."""
    found = _pairs(graph)
    return apply_rules(graph, lambda: _Rule(found)) if found else graph


def _pairs(graph: Graph) -> dict[Node, Node]:
    """For each gradient its recurrence."""
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
    """Puts the pairs in; ``made`` holds the first of each."""

    def __init__(self, pairs: dict[Node, Node]):
        self.pairs, self.forwards = pairs, set(pairs.values())
        self.made: dict[Node, tuple[Node, Sequence[Tensor]]] = {}
        self.rows: dict[Tensor, Tensor] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        if node in self.forwards:
            types = [*(x.type for x in node.outputs[:3]), Type((), "bool")]  # what is handed on has no type
            x = inputs[0]
            if x not in self.rows:
                self.rows[x] = Node(ROWS, [x], {}, [x.type]).outputs[0]
            inputs = [self.rows[x], *inputs[1:]]
            new = Node(_TAPED, inputs, node.attrs, types)
            self.made[node] = new, inputs
            return [*new.outputs[:3], *node.outputs[3:]]
        if node not in self.pairs:
            return None
        forward, given = self.made[self.pairs[node]]
        return Node(_BACK, [*inputs[:3], *given, *forward.outputs], node.attrs, [x.type for x in node.outputs]).outputs
