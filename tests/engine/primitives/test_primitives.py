"""Every primitive, by the properties of its row. A row joins by existing."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import testing
from amalthea.engine import backends, transforms
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import TABLE, control, elementwise, reductions
from amalthea.engine.shapes import Dim
from amalthea.errors import DtypeError, ShapeError
from amalthea.testing.primitives import symbolic_type
from tests.backends import every_backend

CASES = list(testing.cases())
every_sample = pytest.mark.parametrize(("row", "number", "sample"), CASES, ids=[f"{r.name}-{n}" for r, n, _ in CASES])
DRAWN = ("random_uniform", "random_normal")
HELD = (
    "cond",
    "while_loop",
    "scan",
    "with_gradient",
    "native_call",
)  # they hold graphs or functions; tests/engine/test_control_flow.py


def test_every_row_has_samples_and_a_sentence():
    for row in TABLE.values():
        assert row.__doc__, row.name
        assert row.samples or row.name in HELD, row.name


@every_sample
def test_the_typing_rule_agrees_with_what_comes_out(row, number, sample):
    testing.check_typing(row, sample)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@every_sample
def test_the_typing_rule_holds_in_shorter_floats(row, number, sample, dtype):
    testing.check_typing(row, testing.in_dtype(sample, dtype))


@every_backend
@every_sample
def test_every_backend_agrees_with_float64(row, number, sample, backend):
    if row.name in DRAWN:
        pytest.skip("each backend draws its own numbers; they have a test of their own below")
    testing.check_agreement(row, sample, backend)


@every_sample
def test_every_gradient_matches_central_differences(row, number, sample):
    testing.check_gradient(row, sample)


@pytest.mark.parametrize("name", [name for name in TABLE if name not in HELD])
def test_every_gradient_is_finite_where_the_value_is(name):
    for special in testing.special_samples(TABLE[name]):
        testing.check_finite_gradient(TABLE[name], special)


FUSED = [(r, n, s) for r, n, s in CASES if r.decomposition is not None and r.name not in DRAWN]


@pytest.mark.parametrize(("row", "number", "sample"), FUSED, ids=[f"{r.name}-{n}" for r, n, _ in FUSED])
def test_every_decomposition_is_the_primitive(row, number, sample):
    testing.check_decomposition(row, sample)


def _is_smooth(row, sample):
    floats = row.family.elementwise and all(x.dtype == np.float64 for x in sample.inputs)
    return floats and row.types([type_of(x) for x in sample.inputs], sample.attrs)[0].dtype == "float64"


SMOOTH = [(r, n, s) for r, n, s in CASES if _is_smooth(r, s)]


@pytest.mark.parametrize(("row", "number", "sample"), SMOOTH, ids=[f"{r.name}-{n}" for r, n, _ in SMOOTH])
def test_second_derivatives_are_those_of_the_first(row, number, sample):
    """The derivative of the sum of the gradient, by differences of the gradient itself."""

    def slope(x, *rest):
        first = transforms.grad(lambda v: reductions.reduce_sum(total(v, *rest), axes=()))
        return reductions.reduce_sum(first(x), axes=tuple(range(np.ndim(sample.inputs[0]))))

    def total(x, *rest):
        out = row(x, *rest, **sample.attrs)
        return reductions.reduce_sum(out, axes=tuple(range(out.ndim)))

    with backends.use_backend("numpy"):
        x, *rest = sample.inputs
        found = transforms.grad(slope)(x, *rest)
        way = np.cos(np.arange(x.size)).reshape(x.shape)
        numeric = (slope(x + 1e-6 * way, *rest) - slope(x - 1e-6 * way, *rest)) / 2e-6
    assert np.sum(found * way) == pytest.approx(float(numeric), rel=1e-4, abs=1e-5)


@every_backend
@pytest.mark.parametrize("name", DRAWN)
def test_random_numbers_follow_their_distribution_and_their_key(name, backend):
    row, key = TABLE[name], np.array([3, 1], "uint32")
    with backends.use_backend(backend):
        draw = transforms.jit(lambda k: row(k, shape=(200, 500), dtype="float32"))
        x, again, other = map(np.asarray, (draw(key), draw(key), draw(np.array([3, 2], "uint32"))))
    np.testing.assert_array_equal(x, again)
    mean, deviation = {"random_uniform": (0.5, 12**-0.5), "random_normal": (0.0, 1.0)}[name]
    assert x.mean() == pytest.approx(mean, abs=0.01)
    assert x.std() == pytest.approx(deviation, abs=0.01)
    assert abs(np.corrcoef(x.ravel(), other.ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(x.ravel()[1:], x.ravel()[:-1])[0, 1]) < 0.02
    if name == "random_uniform":
        assert x.min() >= 0
        assert x.max() < 1


def test_a_sum_of_symbols_is_a_shape():
    n = Dim.symbol("n")
    found = symbolic_type(TABLE["concatenate"], [Type((n, 3), "float32"), Type((2, 3), "float32")], {"axis": 0})
    assert found == [Type((n + 2, 3), "float32")]


BAD = [
    (elementwise.add, [Type((2, 3), "float32"), Type((2, 4), "float32")], {}, ShapeError),
    (elementwise.add, [Type((2,), "float32"), Type((2,), "int32")], {}, DtypeError),
    (TABLE["matmul"], [Type((2, 3), "float32"), Type((4, 5), "float32")], {}, ShapeError),
    (TABLE["reshape"], [Type((2, 3), "float32")], {"shape": (4,)}, ShapeError),
    (TABLE["reduce_sum"], [Type((2, 3), "float32")], {"axes": (2,)}, ShapeError),
    (TABLE["gather"], [Type((2, 3), "float32"), Type((1,), "float32")], {"axis": 0}, DtypeError),
    (control.cond, [Type((2,), "bool")], {"true_graph": None, "false_graph": None}, DtypeError),
]


@pytest.mark.parametrize(("row", "types", "attrs", "error"), BAD, ids=[r.name for r, *_ in BAD])
def test_types_that_do_not_fit_are_refused_with_the_name_of_the_primitive(row, types, attrs, error):
    with pytest.raises(error) as caught:
        row.types(types, {**row.defaults, **attrs})
    assert any(row.name in note for note in caught.value.__notes__)
