"""Each property of the tables has been seen to fail: things are broken on purpose, and the check must notice."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import layers, testing
from amalthea.engine.backends import load
from amalthea.engine.backends.onnxruntime import LOWERINGS
from amalthea.engine.ir.tensor import Type
from amalthea.engine.passes import channels_first, simplify
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import composite, elementwise, matmul, reductions, windows
from amalthea.engine.primitives import control as held
from amalthea.engine.primitives.table import Family
from tests.properties import test_agreement as agreement
from tests.properties import test_errors_agree as mistakes


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
    "a missing transposition": (matmul.matmul, lambda g, x, y, out, **attrs: (g, g)),
    "no gradient at all": (elementwise.exp, lambda g, x, out: (None,)),
    "a sum not spread": (reductions.reduce_sum, lambda g, x, out, **attrs: (elementwise.multiply(x, 0.0),)),
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
    "a wrong axis": (composite.softmax, lambda b, x, *, axis: b.Softmax(x, axis=0)),
    "an attribute left out": (reductions.cumsum, lambda b, x, *, axis, reverse: b.CumSum(x, b.constant(axis, "int64"))),
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
    "a kept axis": (reductions.reduce_sum, lambda x, *, axes, keepdims: x),
    "a swapped axis": (
        matmul.matmul,
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
    monkeypatch.setattr(composite.softmax, "decomposition", lambda x, *, axis: elementwise.exp(x))
    assert fails(testing.check_decomposition, composite.softmax)


def test_a_rewrite_that_changes_the_result_is_caught(monkeypatch):
    def careless(node, inputs):
        return inputs[:1] if node.primitive in (held.identity, elementwise.negative) else None

    backend = load("numpy")
    assert not fails(testing.check_agreement, elementwise.negative, "numpy")
    monkeypatch.setattr(simplify, "drop_identity", careless)
    assert fails(testing.check_agreement, elementwise.negative, backend.name)


def test_a_layout_that_forgets_a_primitive_is_caught(monkeypatch):
    monkeypatch.setattr(channels_first._ToChannelsFirst, "_to_last_layout", lambda self, y: y)
    try:
        caught = fails(testing.check_agreement, windows.max_pool, "onnxruntime")
    except ValueError:
        caught = True
    assert caught


# ------------------------------------------------------------------------------------- whole backends, and runs


def wrong_with(backend):
    """The lines of what `check_backend` has against a backend, a quick look at it."""
    try:
        testing.check_backend(backend, quick=True)
    except AssertionError as error:
        return str(error).splitlines()[1:]
    return []


def of_numpy(**changes):
    """NumPy's backend with something changed, known to nobody."""
    return type("Changed", (type(load("numpy")),), {"name": "changed", **changes})()


def without(*rows):
    class Lacking(type(load("numpy"))):
        name = "lacking"
        lowerings = {row: f for row, f in load("numpy").lowerings.items() if row not in rows}

        def compile(self, graph):
            graph = expand(graph, self.lowerings)
            if any(node.primitive in rows for node in all_nodes(graph)):
                raise NotImplementedError("no such function")
            return super().compile(graph)

    return Lacking()


def test_a_backend_is_checked_as_a_whole():
    assert wrong_with("numpy") == wrong_with(of_numpy()) == []
    assert any("sinh" in line and "off by" in line for line in wrong_with(Doubling()))


class Doubling(type(load("numpy"))):
    """Its hyperbolic sine is twice what it should be."""

    name = "doubling"

    def compile(self, graph):
        run = super().compile(graph)
        rows = [x.node is not None and x.node.primitive is elementwise.sinh for x in graph.outputs]
        return lambda values: [x * 2 if wrong else x for x, wrong in zip(run(values), rows)]


def test_a_missing_primitive_needs_a_reason_and_a_gap_must_be_one():
    lacking = without(matmul.matmul)
    assert any(line.endswith("matmul: missing, without a gap that gives the reason") for line in wrong_with(lacking))
    lacking.gaps = {"matmul": "not written yet"}
    assert wrong_with(lacking) == []
    assert testing.counted(lacking).missing == ["matmul"]
    assert wrong_with(of_numpy(gaps={"matmul": "not so"})) == ["  the gap 'matmul' is stale: it works"]
    assert wrong_with(of_numpy(gaps={"matmul float32": "not so"})) == ["  the gap 'matmul float32' is stale: it works"]


def test_a_decomposed_primitive_is_counted_as_decomposed():
    report = testing.check_backend(without(composite.softmax), quick=True)
    assert (report.decomposed, report.missing) == (["softmax"], [])


def test_a_tolerance_is_for_what_it_names(monkeypatch):
    class Coarse(Doubling):
        tolerances = {"sinh float32": (10.0, "twice as much")}

    assert wrong_with(Coarse()) == []
    Coarse.tolerances = {"cosh float32": (10.0, "another")}
    assert wrong_with(Coarse())


def test_random_numbers_of_a_key_not_looked_at_are_caught(monkeypatch):
    row = load("numpy").lowerings and testing.backends.TABLE["random_normal"]
    real = row.reference
    monkeypatch.setattr(row, "reference", lambda key, **attrs: real(np.array([0, key[1]], "uint32"), **attrs))
    assert any("two keys depend on each other" in line for line in wrong_with("numpy"))


def test_a_curve_that_is_off_is_caught(monkeypatch):
    """An epsilon of the normalization that is not quite the other's."""
    real = layers.LayerNormalization
    agreement.assert_same_curve(agreement.curve("encoder", "numpy"), "encoder")
    monkeypatch.setattr(layers, "LayerNormalization", lambda: real(epsilon=1.5e-3))
    with pytest.raises(AssertionError):
        agreement.assert_same_curve(agreement.curve("encoder", "numpy"), "encoder")


def test_dropout_that_is_off_is_caught():
    masks = agreement.masks(7, compiled=True)
    agreement.check_dropout(masks)
    repeated, unscaled = [masks[0], *masks[:3]], [x != 0 for x in masks]
    whole_rows = [np.where(np.arange(200)[:, None] % 10 < 3, 0, x.max()) + 0 * x for x in masks]
    for wrong in (repeated, unscaled, whole_rows, [np.abs(x) + 1e-3 for x in masks]):
        with pytest.raises(AssertionError):
            agreement.check_dropout(wrong)


def test_other_words_for_a_mistake_are_caught(monkeypatch):
    monkeypatch.setattr(matmul.matmul, "family", Family(lambda x, y, **attrs: Type((2, 4), x.dtype)))
    assert mistakes.told(mistakes.called("matmul_of_other_shapes", False), "numpy") != mistakes.told(
        mistakes.called("reshape_to_another_size", False), "numpy"
    )
    kind, _ = mistakes.told(mistakes.called("matmul_of_other_shapes", False), "numpy")
    assert kind is ValueError  # NumPy's own, which no other library raises in these words


def test_a_page_that_has_gone_stale_is_caught():
    report = testing.counted("numpy")
    page, readme = ((agreement.ROOT / name).read_text() for name in ("docs/backends.md", "README.md"))
    agreement.check_page(report, page, readme)
    report.decomposed.append(report.native.pop())
    with pytest.raises(AssertionError):
        agreement.check_page(report, page, readme)
    stale = testing.counted("numpy")
    stale.gaps = {"conv": "no reason"}
    with pytest.raises(AssertionError):
        agreement.check_page(stale, page, readme)
