"""Linear algebra and Fourier transforms: Keras's answers, gradients, and how bad matrices are met."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, ops
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, BackendError, DtypeError, ShapeError
from tests.arrays import numbers
from tests.oracles.draws import cotangent
from tests.oracles.read import held
from tests.thinned import thinned

RECORDS = thinned(held("linear_algebra"), 4)
HALF = ("float16", "bfloat16")


def given(record):
    to = record["dtype"]
    return [x.astype(dtypes.to_numpy(to)) if to != "float32" else x for x in record["inputs"]]


def call(record, *xs):
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in record["config"].items()}
    found = getattr(ops, record["name"])(*([tuple(xs)] if record["pair"] else xs), **config)
    return list(found) if isinstance(found, (list, tuple)) else [found]


def close(found, wanted, name=""):
    found, wanted = (np.asarray(ops.convert_to_numpy(x)).astype("float64") for x in (found, wanted))
    assert found.shape == wanted.shape, name
    np.testing.assert_allclose(found, wanted, 2e-4, 2e-5 * max(1.0, np.abs(wanted).max(initial=0)), err_msg=name)


@pytest.mark.parametrize("record", RECORDS, ids=[r["id"] for r in RECORDS])
def test_every_op_gives_keras_numbers(record):
    found = call(record, *given(record))
    if record["refused"]:  # Keras on JAX has no half precision here
        assert {dtypes.standardize(x.dtype) for x in found} <= {record["dtype"], "int32"}
        return
    assert len(found) == len(record["outputs"])
    for x, (dtype, wanted) in zip(found, record["outputs"]):
        assert dtypes.standardize(x.dtype) == dtype
        wanted = wanted.reshape(()) if wanted.shape == (1,) and not tuple(x.shape) else wanted  # as a scalar is stored
        if record["dtype"] not in HALF:
            close(*((ops.abs(x), np.abs(wanted)) if record["signs"] else (x, wanted)), record["id"])


SMOOTH = thinned([r for r in RECORDS if len(r["gradients"])], 2)


@pytest.mark.parametrize("record", SMOOTH, ids=[r["id"] for r in SMOOTH])
def test_every_op_has_keras_gradients(record):
    def total(*xs):
        floats = [x for x in call(record, *xs) if dtypes.is_float(x.dtype)]
        return sum(ops.sum(x * cotangent(x.shape, i)) for i, x in enumerate(floats))

    xs = record["inputs"]
    for found, wanted in zip(amalthea.grad(total, tuple(range(len(xs))))(*xs), record["gradients"], strict=True):
        close(found, wanted, record["id"])


X = numbers(4, 3)
SQUARE = numbers(3, 3) + 3 * np.eye(3, dtype="float32")


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 4)])
def test_factors_multiply_to_the_matrix(shape):
    x = numbers(*shape)
    (q, r), (u, s, vh) = ops.qr(x), ops.svd(x, full_matrices=False)
    close(ops.matmul(q, r), x)
    close(ops.matmul(u * s[..., None, :], vh), x)
    full = ops.svd(x)
    assert tuple(full[0].shape[-2:]) == (shape[-2],) * 2 and tuple(full[2].shape[-2:]) == (shape[-1],) * 2


def test_the_pseudoinverse_of_equal_singular_values_has_a_gradient():
    """The derivative of the singular vectors does not exist there, that of the pseudoinverse does."""
    x, way = 2 * np.eye(3, 2, dtype="float32"), numbers(3, 2)
    weight = numbers(2, 3, seed=1)
    slope = amalthea.grad(lambda x: ops.sum(ops.pinv(x) * weight))(x)
    numeric = np.sum((np.linalg.pinv(x + 1e-3 * way) - np.linalg.pinv(x - 1e-3 * way)) / 2e-3 * weight)
    assert float(np.sum(ops.convert_to_numpy(slope) * way)) == pytest.approx(float(numeric), rel=1e-3)


SINGULAR = {
    "one zero": np.float32([[1, 2], [2, 4]]),
    "a batch": np.float32([[[0, 1], [0, 0]], [[1, 2], [3, 4]]]),
    "rank of two less": np.float32([[1, 2, 3], [2, 4, 6], [3, 6, 9]]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_the_gradient_of_a_determinant_is_the_cofactors(name):
    x = SINGULAR[name]
    found = amalthea.jit(amalthea.grad(lambda x: ops.sum(ops.det(x))))(x)
    wanted = np.zeros(x.shape)
    for i, j in np.ndindex(x.shape[-2:]):
        rest = np.delete(np.delete(x, i, -2), j, -1).astype("float64")
        wanted[..., i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    close(found, wanted)


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_a_matrix_without_a_factor_leaves_the_others_of_its_batch(mode):
    way = amalthea.jit if mode == "compiled" else lambda f: f
    good, singular, indefinite = np.eye(2) * 4, np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 1.0]])
    factors = ops.convert_to_numpy(way(ops.cholesky)(np.float32([good, indefinite])))
    inverses = ops.convert_to_numpy(way(ops.inv)(np.float32([good, singular])))
    close(factors[0], np.eye(2) * 2)
    close(inverses[0], np.eye(2) / 4)
    assert np.isnan(factors[1]).any()
    assert not np.isfinite(inverses[1]).all()


@pytest.mark.parametrize("name", ["svd", "eigh", "qr", "pinv"])
def test_numbers_that_are_not_finite_give_no_exception(name):
    x = np.float32([[[1, 2], [3, 4]], [[np.nan, 1], [1, np.inf]]])
    for run in (getattr(ops, name), amalthea.jit(getattr(ops, name))):
        for y in (run(x),) if name == "pinv" else run(x):
            y = ops.convert_to_numpy(y)
            assert np.isfinite(y[0]).all() and not np.isfinite(y[1]).all()


EMPTY = {
    "cholesky": ((2, 0, 0), {}), "inv": ((0, 3, 3), {}), "det": ((0, 0), {}), "slogdet": ((2, 0, 0), {}),
    "pinv": ((0, 3), {}), "matrix_rank": ((2, 0, 3), {}), "qr": ((0, 3, 2), {}), "eigh": ((0, 0), {}),
    "svd": ((0, 2, 3), {"full_matrices": False}), "norm": ((0, 3), {"axis": 0}), "lu_factor": ((0, 2, 2), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_matrices_without_elements_give_what_numpy_gives(name):
    shape, config = EMPTY[name]
    x = np.zeros(shape, "float32")
    found = [ops.convert_to_numpy(y) for y in _listed(getattr(ops, name)(x, **config))]
    if name != "lu_factor":
        wanted = _listed(getattr(np.linalg, name)(x, **config))
        assert [y.shape for y in found] == [np.shape(y) for y in wanted]
        for y, z in zip(found, wanted):
            np.testing.assert_array_equal(y, z)


def _listed(found):
    return list(found) if isinstance(found, (list, tuple)) else [found]


def test_right_sides_broadcast():
    a, b = np.stack([SQUARE, SQUARE.T]), numbers(3, 2)
    close(ops.solve(a, b), np.linalg.solve(a, np.stack([b, b])))
    close(ops.solve(a, numbers(2, 3)), np.linalg.solve(a, numbers(2, 3)[..., None])[..., 0])
    close(ops.solve(SQUARE, numbers(5, 3, 2)), np.linalg.solve(np.stack([SQUARE] * 5), numbers(5, 3, 2)))


@pytest.mark.parametrize("options", [
    {"fft_length": 8}, {"fft_length": 8, "window": None}, {"fft_length": 16, "window": "hamming"},
    {"fft_length": 8, "window": np.ones(8, "float32")},
])  # fmt: skip
def test_a_short_time_transform_is_undone(options):
    x = numbers(2, 24)
    sizes = {"sequence_length": 8, "sequence_stride": 4, **options}
    close(ops.istft(ops.stft(x, **sizes), **sizes), x)
    close(ops.istft(ops.stft(x, **sizes), **sizes, length=20), x[:, :20])
    close(ops.istft(ops.stft(x, **sizes), **sizes, length=40)[:, :24], x)


def test_inputs_of_unknown_batch_have_known_shapes():
    x = Input((3, 3))
    batch = x.type.shape[0]
    assert ops.cholesky(x).type.shape == (batch, 3, 3)
    assert [y.type.shape for y in ops.svd(x)] == [(batch, 3, 3), (batch, 3), (batch, 3, 3)]
    assert [ops.det(x).type.shape, ops.norm(x, axis=(1, 2)).type.shape] == [(batch,), (batch,)]
    assert ops.pinv(Input((4, 3))).shape == (None, 3, 4)
    signal = Input((None,))
    size = signal.type.shape[1]
    assert ops.rfft(signal)[0].type.shape == (signal.type.shape[0], size // 2 + 1)
    assert ops.extract_sequences(signal, 4, 2).type.shape == (signal.type.shape[0], (size - 4) // 2 + 1, 4)
    assert ops.istft(ops.stft(signal, 4, 2, 4), 4, 2, 4).shape == (None, None)


def test_a_direction_gives_the_derivative_along_it():
    def function(x, more):
        return {"square": x * x * more["y"], "sum": ops.sum(ops.sin(x))}, 7

    x, y, dx, dy = (numbers(3, seed=i) for i in range(4))
    value, slope, rest = ops.jvp(function, (x, {"y": y}), (dx, {"y": dy}), has_aux=True)
    assert rest == 7
    close(value["square"], x * x * y)
    close(slope["square"], 2 * x * y * dx + x * x * dy)
    close(slope["sum"], np.sum(np.cos(x) * dx))
    close(amalthea.jit(lambda x, dx: ops.jvp(ops.exp, [x], [dx])[1])(x, dx), np.exp(x) * dx)


BAD = {
    "a vector": (lambda: ops.det([1.0, 2.0]), ShapeError),
    "not square": (lambda: ops.inv(X), ShapeError),
    "a right side of another size": (lambda: ops.solve(SQUARE, numbers(4)), ShapeError),
    "a number as the right side": (lambda: ops.solve(SQUARE, 1.0), ShapeError),
    "least squares of a batch": (lambda: ops.lstsq(numbers(2, 3, 3), numbers(2, 3)), ShapeError),
    "a mode": (lambda: ops.qr(X, mode="half"), ArgumentError),
    "a norm of vectors": (lambda: ops.norm(X, ord="fro", axis=0), ArgumentError),
    "a norm of matrices": (lambda: ops.norm(X, ord=3), ArgumentError),
    "a norm of three axes": (lambda: ops.norm(numbers(2, 2, 2), ord=1), ArgumentError),
    "a norm over one axis twice": (lambda: ops.norm(X, axis=(0, -2)), ArgumentError),
    "a list as the order": (lambda: ops.norm(X, ord=[1], axis=(0, 1)), ArgumentError),
    "a tolerance": (lambda: ops.pinv(X, rcond="small"), ArgumentError),
    "None": (lambda: ops.cholesky(None), ArgumentError),
    "one array for two": (lambda: ops.fft(X), ArgumentError),
    "parts of two shapes": (lambda: ops.fft((X, X[:2])), ShapeError),
    "an axis without elements": (lambda: ops.rfft(np.zeros((2, 0), "float32")), ShapeError),
    "a number to transform": (lambda: ops.rfft(1.0), ShapeError),
    "a length of nothing": (lambda: ops.rfft(X, 0), ArgumentError),
    "a length that is not whole": (lambda: ops.irfft((X, X), 2.5), ArgumentError),
    "one frequency": (lambda: ops.irfft((X[:, :1], X[:, :1])), ShapeError),
    "sequences longer than the input": (lambda: ops.extract_sequences(X, 4, 1), ShapeError),
    "a stride of nothing": (lambda: ops.extract_sequences(X, 2, 0), ArgumentError),
    "an unknown window": (lambda: ops.stft(numbers(9), 4, 2, 4, window="kaiser"), ArgumentError),
    "a window of another length": (lambda: ops.stft(numbers(9), 4, 2, 4, window=np.ones(3)), ShapeError),
    "a transform shorter than a sequence": (lambda: ops.stft(numbers(9), 4, 2, 3), ArgumentError),
    "too short to be mirrored": (lambda: ops.stft(numbers(2), 4, 2, 4), ShapeError),
    "one sequence": (lambda: ops.istft((numbers(3), numbers(3)), 4, 2, 4), ShapeError),
    "primals alone": (lambda: ops.jvp(ops.sin, X, (X,)), ArgumentError),
    "too few tangents": (lambda: ops.jvp(ops.add, (X, X), (X,)), ArgumentError),
    "a tangent of another shape": (lambda: ops.jvp(ops.sin, (X,), (X[:2],)), ShapeError),
    "rows of unknown number": (lambda: ops.svd(Input((3,))), ShapeError),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    function, error = BAD[name]
    with pytest.raises(error):
        function()


def test_whole_matrices_are_factored_in_floats():
    close(ops.det([[1, 2], [3, 4]]), -2.0)
    with pytest.raises(DtypeError):
        amalthea.engine.primitives.TABLE["cholesky"](np.eye(2, dtype="int32"))


NO_GRADIENT = {"svd": (X, {}), "qr": (X, {"mode": "complete"})}


@pytest.mark.parametrize("name", NO_GRADIENT)
def test_vectors_that_only_complete_a_basis_have_no_gradient(name):
    x, config = NO_GRADIENT[name]
    with pytest.raises(BackendError, match="arbitrary"):
        amalthea.grad(lambda x: ops.sum(getattr(ops, name)(x, **config)[0]))(x)


def test_full_singular_values_have_a_gradient():
    close(
        amalthea.grad(lambda x: ops.sum(ops.svd(x)[1] ** 2))(X),  # the sum of the squares of all elements
        2 * X,
    )
