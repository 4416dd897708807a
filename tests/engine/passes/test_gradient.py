"""The gradient pass: it edits no node of the forward graph, and shares the computations that it extends."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import layers, ops
from amalthea.engine import transforms
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import Trace, type_of
from amalthea.engine.passes.gradient import backward, zeros_like
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import TABLE

X = np.linspace(-1, 1, 24).reshape(2, 4, 3).astype("float32")
DIFFERENTIABLE = [p for p in TABLE.values() if (p.gradient or p.decomposition) and p.samples]


def state(node):
    return node.primitive, node.inputs, dict(node.attrs), node.outputs


@pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=lambda primitive: primitive.name)
def test_a_gradient_edits_no_node(primitive):
    sample = primitive.samples[0]
    with Trace():
        inputs = [Tensor(type_of(np.asarray(x))) for x in sample.inputs]
        made = primitive(*inputs, **sample.attrs)
        outputs = [made] if primitive.single else list(made)
        nodes = {x.node: state(x.node) for x in outputs}
        floats = [x for x in inputs if x.dtype.startswith("float")]
        if not any(x.dtype.startswith("float") for x in outputs):
            return
        backward(outputs, [zeros_like(x) for x in outputs], floats)
    assert {node: state(node) for node in nodes} == nodes


RECURRENT = {
    "lstm": lambda: layers.LSTM(3, return_sequences=True),
    "gru": lambda: layers.GRU(3, return_sequences=True),
    "scan": lambda: layers.SimpleRNN(3, return_sequences=True),
    "scan of a cell": lambda: layers.LSTM(3, activation="relu", return_sequences=True),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_forward_pass_and_gradient_share_one_recurrence(name):
    layer = RECURRENT[name]()
    layer.build(X.shape)
    loss = transforms.value_and_grad(lambda x: ops.sum(ops.square(layer(x))))
    graph, _ = transforms.capture(loss, ((X,), {}))
    names = [node.primitive.name for node in all_nodes(simplify(graph))]
    loops = [n for n in names if n in ("scan", "lstm", "lstm_for_gradient", "gru", "gru_for_gradient")]
    assert len(loops) == (2 if loops[0] == "scan" else 1), loops  # a scan's gradient is another scan


def test_value_gradient_and_second_gradient_share_one_recurrence():
    layer = layers.LSTM(3)
    layer.build(X.shape)

    def penalized(x):
        value, gradient = transforms.value_and_grad(lambda z: ops.sum(layer(z)))(x)
        return value + ops.sum(ops.square(gradient))

    graph, _ = transforms.capture(transforms.value_and_grad(penalized), ((X,), {}))
    names = [node.primitive.name for node in all_nodes(simplify(graph))]
    assert names.count("lstm") == 0 and names.count("lstm_for_gradient") == 1, names
