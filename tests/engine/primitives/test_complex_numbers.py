"""Complex numbers: which primitives take them, their values on every backend, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import ops, testing
from amalthea.engine import backends, dtypes, transforms
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import TABLE, Sample, complex_numbers
from amalthea.engine.primitives.table import TAKE_COMPLEX, numbers
from amalthea.errors import DtypeError
from tests.backends import every_installed

# They hold graphs or functions, or have several outputs; exchange: test_collectives.py.
WITHOUT_SAMPLES = {"with_gradient", "native_call", "cond", "while_loop", "scan", "exchange"}


def with_imaginary_parts(sample):
    """The sample with complex numbers for its floats; smooth there, and away from the cut of logarithms."""
    inputs = [
        x * (1 + 0.25j) + 0.1j * numbers(*x.shape, seed=i + 5) if x.dtype == np.float64 else x
        for i, x in enumerate(sample.inputs)
    ]
    attrs = {k: "complex128" if v == "float64" else v for k, v in sample.attrs.items()}
    return Sample(tuple(inputs), attrs)


def _samples():
    for name in sorted(TAKE_COMPLEX - WITHOUT_SAMPLES):
        for number, sample in enumerate(TABLE[name].samples):
            made = with_imaginary_parts(Sample(sample.inputs, {**TABLE[name].defaults, **sample.attrs}))
            known = name != "cast" or sample.attrs["dtype"] == "float64"  # to real dtypes ops.cast alone casts
            if known and any(x.dtype.kind == "c" for x in made.inputs):
                yield TABLE[name], number, made


CASES = list(_samples())
every_sample = pytest.mark.parametrize(("row", "number", "sample"), CASES, ids=[f"{r.name}-{n}" for r, n, _ in CASES])


@every_sample
def test_the_typing_rule_agrees_with_what_comes_out(row, number, sample):
    testing.check_typing(row, sample)


@every_installed
def test_every_backend_agrees_with_numpy(backend):
    """All in one graph, to be compiled once; then each of them eagerly."""
    inputs = [x for _, _, sample in CASES for x in sample.inputs]

    def every(*xs):
        given = iter(xs)
        return [row(*(next(given) for _ in sample.inputs), **sample.attrs) for row, _, sample in CASES]

    with np.errstate(all="ignore"):
        wanted = [row.reference(*sample.inputs, **sample.attrs) for row, _, sample in CASES]
    with backends.use_backend(backend):
        for run in (transforms.jit(every), every):
            for (row, number, _), x, y in zip(CASES, run(*inputs), wanted):
                found = ops.convert_to_numpy(x)
                assert (found.dtype, found.shape) == (y.dtype, y.shape), row.name
                np.testing.assert_allclose(found, y, 1e-9, 1e-9, err_msg=f"{row.name}-{number}")


def weight(x):
    waves = np.cos(np.arange(np.prod(x.shape)) + 1.0).reshape(x.shape)
    return waves + 0.5j if x.dtype.kind == "c" else waves


def real_total(row, sample, inputs):
    """A real number that depends on both parts of the output."""
    return float(
        np.sum(np.real(row.reference(*inputs, **sample.attrs) * weight(row.reference(*inputs, **sample.attrs))))
    )


SMOOTH = [case for case in CASES if case[0].name not in ("equal",)]


@pytest.mark.parametrize(("row", "number", "sample"), SMOOTH, ids=[f"{r.name}-{n}" for r, n, _ in SMOOTH])
def test_gradients_match_central_differences_of_both_parts(row, number, sample):
    passes = not row.facts.get("passes_no_gradient")
    which = [i for i, x in enumerate(sample.inputs) if x.dtype.kind in "fc"]
    output = row.reference(*sample.inputs, **sample.attrs)

    def total(*xs):
        out = row(*xs, **sample.attrs)
        return ops.sum(ops.real(out * weight(output)))

    with backends.use_backend("numpy"):
        found = transforms.jit(transforms.grad(total, tuple(range(len(sample.inputs)))))(*sample.inputs)
    for i in which:
        x = sample.inputs[i]
        way = np.cos(np.arange(x.size) + 2.0).reshape(x.shape)
        for unit in (1.0, 1j) if x.dtype.kind == "c" else (1.0,):
            sides = []
            for sign in (1e-6, -1e-6):
                moved = [y + sign * unit * way if j == i else y for j, y in enumerate(sample.inputs)]
                sides.append(real_total(row, sample, moved))
            numeric = (sides[0] - sides[1]) / 2e-6 if passes else 0.0
            slope = np.sum(np.real(np.asarray(found[i]) * unit * way))
            assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-6)


def test_the_gradient_is_that_of_jax():
    """Of the square of the size of ``x + 1j * y``: ``2 * x - 2j * y``."""
    z = np.array([3.0 - 1.0j, 0.5 + 2.0j])
    with backends.use_backend("numpy"):
        found = amalthea.grad(lambda z: ops.sum(ops.abs(z) ** 2))(z)
    np.testing.assert_allclose(found, 2 * np.conj(z))


def test_the_size_of_zero_has_the_gradient_zero():
    z = np.array([0.0 + 0.0j, 1.0j])
    with backends.use_backend("numpy"):
        np.testing.assert_allclose(amalthea.grad(lambda z: ops.sum(ops.abs(z)))(z), [0, -1j])


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_eigenvectors_have_the_gradient_of_their_length_and_phase(seed):
    x = numbers(4, 4, seed=seed) + np.diag([2.0, 0.0, -2.0, 1.0])
    way = numbers(4, 4, seed=seed + 1)

    def total(x, row):
        w, v = row(x)
        return ops.sum(ops.real(w * weight(np.zeros(4, complex)))) + ops.sum(
            ops.real(v * weight(np.zeros((4, 4), complex)))
        )

    row = TABLE["eig"]
    with backends.use_backend("numpy"):
        slope = np.sum(transforms.jit(transforms.grad(lambda x: total(x, row)))(x) * way)
        sides = [float(total(x + step * way, row.reference)) for step in (1e-6, -1e-6)]
    assert slope == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5)


REFUSED = sorted(
    name
    for name, row in TABLE.items()
    if name not in TAKE_COMPLEX and row.samples and any(x.dtype == np.float64 for x in row.samples[0].inputs)
)


@pytest.mark.parametrize("name", REFUSED)
def test_the_other_primitives_refuse_complex_numbers(name):
    row, sample = TABLE[name], TABLE[name].samples[0]
    types = [
        Type(x.shape, "complex64" if x.dtype == np.float64 else dtypes.standardize(x.dtype)) for x in sample.inputs
    ]
    with pytest.raises(DtypeError):
        row.types(types, {**row.defaults, **sample.attrs})


def test_a_cast_to_real_numbers_is_refused_below_the_ops():
    with pytest.raises(DtypeError, match="imaginary"):
        TABLE["cast"].types([Type((2,), "complex64")], {"dtype": "float32"})


@pytest.mark.parametrize("types", [("float32", "float64"), ("int32", "int32")])
def test_parts_that_do_not_fit_are_refused(types):
    with pytest.raises(Exception, match="part"):
        complex_numbers.from_parts.types([Type((2,), dtype) for dtype in types], {})
