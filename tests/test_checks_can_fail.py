"""Each property of the tables has been seen to fail: things are broken on purpose, and the check must notice."""

from __future__ import annotations

import pytest

from amalthea import testing
from amalthea.backends import load
from amalthea.backends.onnxruntime import LOWERINGS
from amalthea.graph import layout, rewrite
from amalthea.primitives import contracting, elementwise, fused, reducing, windows
from amalthea.primitives import control as held
from amalthea.primitives.table import Family
from amalthea.tensor import Type


def fails(check, row, *args):
    """True if the check fails on some sample of the row."""
    for found, _, sample in testing.cases():
        if found is row:
            try:
                check(row, sample, *args)
            except AssertionError:
                return True
    return False


WRONG_GRADIENTS = {
    "a wrong sign": (elementwise.cos, lambda g, x, out: (elementwise.multiply(g, elementwise.sin(x)),)),
    "a forgotten factor": (elementwise.square, lambda g, x, out: (elementwise.multiply(g, x),)),
    "inputs changed for each other": (elementwise.divide, lambda g, x, y, out: (elementwise.divide(g, x), g)),
    "a missing transposition": (contracting.matmul, lambda g, x, y, out, **attrs: (g, g)),
    "no gradient at all": (elementwise.exp, lambda g, x, out: (None,)),
    "a sum not spread": (reducing.reduce_sum, lambda g, x, out, **attrs: (elementwise.multiply(x, 0.0),)),
}


@pytest.mark.parametrize("name", WRONG_GRADIENTS)
def test_a_wrong_gradient_is_caught(name, monkeypatch):
    row, wrong = WRONG_GRADIENTS[name]
    assert not fails(testing.check_gradient, row)
    monkeypatch.setattr(row, "gradient", wrong)
    try:
        caught = fails(testing.check_gradient, row)
    except ValueError:  # shapes that do not even fit are caught by the typing rules
        caught = True
    assert caught


WRONG_LOWERINGS = {
    "another function": (elementwise.sin, lambda b, x: b.Cos(x)),
    "a wrong axis": (fused.softmax, lambda b, x, *, axis: b.Softmax(x, axis=0)),
    "an attribute left out": (reducing.cumsum, lambda b, x, *, axis, reverse: b.CumSum(x, b.constant(axis, "int64"))),
    "padding that counts": (
        windows.avg_pool,
        lambda b, x, *, window, strides, padding, data_format: b.AveragePool(
            x,
            kernel_shape=list(window),
            strides=list(strides),
            pads=[a for a, _ in padding] + [c for _, c in padding],
            count_include_pad=1,
        ),
    ),
    "a wrong dtype": (elementwise.cast, lambda b, x, *, dtype: b.cast(b.Floor(b.cast(x, "float32")), dtype)),
}


@pytest.mark.parametrize("name", WRONG_LOWERINGS)
def test_a_wrong_lowering_is_caught(name, monkeypatch):
    row, wrong = WRONG_LOWERINGS[name]
    assert not fails(testing.check_agreement, row, "onnxruntime")
    monkeypatch.setitem(LOWERINGS, row, wrong)
    assert fails(testing.check_agreement, row, "onnxruntime")


WRONG_TYPES = {
    "a forgotten dtype": (elementwise.less, lambda x, y: Type(x.shape, x.dtype)),
    "a kept axis": (reducing.reduce_sum, lambda x, *, axes, keepdims: x),
    "a swapped axis": (
        contracting.matmul,
        lambda x, y, **attrs: Type((*x.shape[:-2], y.shape[-1], x.shape[-2]), x.dtype),
    ),
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_a_wrong_typing_rule_is_caught(name, monkeypatch):
    row, wrong = WRONG_TYPES[name]
    assert not fails(testing.check_typing, row)
    monkeypatch.setattr(row, "family", Family(wrong, row.family.samples))
    assert fails(testing.check_typing, row)


def test_a_wrong_decomposition_is_caught(monkeypatch):
    monkeypatch.setattr(fused.softmax, "decomposition", lambda x, *, axis: elementwise.exp(x))
    assert fails(testing.check_decomposition, fused.softmax)


def test_a_rewrite_that_changes_the_result_is_caught(monkeypatch):
    def careless(node, inputs):
        return inputs[:1] if node.primitive in (held.identity, elementwise.negative) else None

    backend = load("numpy")
    assert not fails(testing.check_agreement, elementwise.negative, "numpy")
    monkeypatch.setattr(rewrite, "drop_identity", careless)
    assert fails(testing.check_agreement, elementwise.negative, backend.name)


def test_a_layout_that_forgets_a_primitive_is_caught(monkeypatch):
    monkeypatch.setattr(layout._Mover, "_back", lambda self, y: y)
    try:
        caught = fails(testing.check_agreement, windows.max_pool, "onnxruntime")
    except ValueError:
        caught = True
    assert caught
