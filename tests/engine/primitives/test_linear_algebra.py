"""Linear algebra and Fourier transforms: second derivatives, signs, and layers of matrices in training."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import testing
from amalthea.engine import backends, dtypes, transforms
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import TABLE, control, factorizations, fourier, linear_algebra, reductions
from amalthea.errors import ArgumentError, DtypeError, ShapeError

MODULES = {module.__name__ for module in (factorizations, fourier, linear_algebra)}
CASES = [case for case in testing.cases() if case[0].__module__ in MODULES]


@pytest.mark.parametrize(("row", "number", "sample"), CASES, ids=[f"{r.name}-{n}" for r, n, _ in CASES])
def test_second_derivatives_are_those_of_the_first(row, number, sample):
    """The derivative of the sum of the gradient, by differences of the gradient itself."""
    _, *rest = sample.inputs

    def total(x):
        made = row(x, *rest, **sample.attrs)
        outputs = [y for y in ((made,) if row.single else made) if dtypes.is_float(y.dtype)]
        return sum(_sum(y * np.cos(np.arange(np.prod(y.shape)) + 1.0).reshape(y.shape) * (y + 1.0)) for y in outputs)

    def slope(x):
        return _sum(transforms.grad(total)(x) * np.sin(np.arange(np.prod(x.shape)) + 1.0).reshape(x.shape))

    with backends.use_backend("numpy"):
        x = sample.inputs[0]
        found = np.asarray(transforms.jit(transforms.grad(slope))(x))
        way = np.cos(np.arange(x.size)).reshape(x.shape)
        run = transforms.jit(slope)
        numeric = (run(x + 1e-5 * way) - run(x - 1e-5 * way)) / 2e-5
    assert np.sum(found * way) == pytest.approx(float(numeric), rel=1e-5, abs=1e-5)


def _sum(x):
    return reductions.reduce_sum(x, axes=tuple(range(len(x.shape))))


@pytest.mark.parametrize("name", ["svd", "eigh"])
def test_vectors_have_one_sign(name):
    x = np.diag([1.0, 2.0, 3.0]) - 0.1
    for sign in (1, -1):
        u = TABLE[name].reference(sign * x)[1 if name == "eigh" else 0]
        size = np.abs(u)
        first = np.argmax(size >= factorizations.LARGE * size.max(0), axis=0)
        assert (np.take_along_axis(u, first[None], 0) > 0).all()


def test_rows_are_exchanged_as_told():
    x = np.random.default_rng(0).normal(size=(2, 4, 4))
    packed, pivots, order = linear_algebra.lu.reference(x)
    for i in range(2):
        low, high = np.tril(packed[i], -1) + np.eye(4), np.triu(packed[i])
        rows = np.arange(4)
        for j, other in enumerate(pivots[i]):
            rows[[j, other]] = rows[[other, j]]
        np.testing.assert_array_equal(rows, order[i])
        np.testing.assert_allclose(low @ high, x[i][rows])


def test_the_gradient_of_what_is_equal_is_finite():
    x = np.eye(3)
    for name in ("svd", "eigh", "qr"):
        slope = transforms.grad(lambda x, name=name: sum(_sum(y) for y in TABLE[name](x)))(control.identity(x))
        assert np.isfinite(np.asarray(slope)).all()


F = Type((3, 3), "float32")
BAD = {
    "solve": ([F, Type((2, 1), "float32")], {}, ShapeError),
    "triangular_solve": ([F, Type((3, 1), "float64")], {}, DtypeError),
    "cholesky": ([Type((3, 2), "float32")], {}, ShapeError),
    "lu": ([Type((3,), "float32")], {}, ShapeError),
    "qr": ([F], {"mode": "half"}, ArgumentError),
    "eigh": ([Type((3, 3), "int32")], {}, DtypeError),
    "svd": ([Type((), "float32")], {}, ShapeError),
    "fft": ([F, F], {"axes": (2,)}, ShapeError),
}


@pytest.mark.parametrize("name", BAD)
def test_types_that_do_not_fit_are_refused(name):
    types, attrs, error = BAD[name]
    with pytest.raises(error) as caught:
        TABLE[name].types(types, {**TABLE[name].defaults, **attrs})
    assert any(name in note for note in caught.value.__notes__)
