"""Ops on complex numbers: NumPy's values, the dtypes, layers that use them, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, Variable, layers, ops, optimizers
from amalthea.engine import dtypes
from amalthea.errors import DtypeError, ShapeError
from tests.arrays import integers, numbers

Z = (numbers(3, 4) + 1j * numbers(3, 4, seed=1)).astype("complex64")
W = (numbers(4, 2, seed=2) + 1j * numbers(4, 2, seed=3)).astype("complex64")
X = numbers(3, 4, seed=4)
SPECIAL = np.array([complex(np.nan, 1), complex(1, np.inf), 0, -2], "complex64")

AS_NUMPY = {
    "real": (ops.real, np.real, [Z]),
    "real of reals": (ops.real, np.real, [X]),
    "imag": (ops.imag, np.imag, [Z]),
    "imag of integers": (ops.imag, np.imag, [integers(5, 3).astype("int32")]),
    "conj": (ops.conj, np.conj, [Z]),
    "conjugate of reals": (ops.conjugate, np.conj, [X]),
    "angle": (ops.angle, np.angle, [Z]),
    "angle of reals": (ops.angle, np.angle, [X]),
    "isreal": (ops.isreal, np.isreal, [np.complex64([1, 1j, 2 + 0j])]),
    "isreal of reals": (ops.isreal, np.isreal, [X]),
    "isreal of bools": (ops.isreal, np.isreal, [X > 0]),
    "abs": (ops.abs, np.abs, [Z]),
    "exp": (ops.exp, np.exp, [Z]),
    "log": (ops.log, np.log, [Z]),
    "sqrt": (ops.sqrt, np.sqrt, [Z]),
    "sin": (ops.sin, np.sin, [Z]),
    "tanh": (ops.tanh, np.tanh, [Z]),
    "add": (ops.add, np.add, [Z, X]),
    "multiply": (ops.multiply, np.multiply, [Z, Z]),
    "divide": (ops.divide, np.divide, [X, Z]),
    "power": (ops.power, np.power, [Z, np.complex64(2.0)]),
    "negative": (ops.negative, np.negative, [Z]),
    "square": (ops.square, np.square, [Z]),
    "matmul": (ops.matmul, np.matmul, [Z, W]),
    "einsum": (lambda z, w: ops.einsum("ij,jk->ki", z, w), lambda z, w: np.einsum("ij,jk->ki", z, w), [Z, W]),
    "sum": (lambda z: ops.sum(z, axis=1), lambda z: np.sum(z, axis=1), [Z]),
    "mean": (ops.mean, np.mean, [Z]),
    "var": (lambda z: ops.var(z, axis=0), lambda z: np.var(z, axis=0), [Z]),
    "std": (ops.std, np.std, [Z]),
    "prod": (lambda z: ops.prod(z, axis=0), lambda z: np.prod(z, axis=0), [Z]),
    "norm": (lambda z: ops.norm(z, axis=1), lambda z: np.linalg.norm(z, axis=1), [Z]),
    "equal": (ops.equal, np.equal, [Z, Z]),
    "isnan": (ops.isnan, np.isnan, [SPECIAL]),
    "isinf": (ops.isinf, np.isinf, [SPECIAL]),
    "isfinite": (ops.isfinite, np.isfinite, [SPECIAL]),
    "where": (lambda z, x: ops.where(x > 0, z, x), lambda z, x: np.where(x > 0, z, x), [Z, X]),
    "take": (lambda z: ops.take(z, [2, 0], axis=1), lambda z: np.take(z, [2, 0], axis=1), [Z]),
    "a slice": (lambda z: z[1:, ::2], lambda z: z[1:, ::2], [Z]),
    "transpose": (ops.transpose, np.transpose, [Z]),
    "concatenate": (lambda z, x: ops.concatenate([z, x]), lambda z, x: np.concatenate([z, x]), [Z, X]),
    "solve": (ops.solve, np.linalg.solve, [Z[:3, :3], Z[:3, 3]]),
}


@pytest.mark.parametrize("mode", ["eager", "compiled"])
@pytest.mark.parametrize("name", AS_NUMPY)
def test_ops_give_what_numpy_gives(name, mode):
    function, reference, inputs = AS_NUMPY[name]
    with np.errstate(all="ignore"):
        wanted = reference(*inputs)
    run = amalthea.jit(function) if mode == "compiled" else function
    found = ops.convert_to_numpy(run(*(ops.convert_to_tensor(x) for x in inputs)))
    assert found.dtype == (wanted.dtype if wanted.dtype.kind in "cb" else found.dtype)
    assert found.dtype.kind == np.asarray(wanted).dtype.kind
    np.testing.assert_allclose(found, wanted, 1e-4, 1e-5)


PROMOTED = {
    ("complex64", "float32"): "complex64", ("complex64", "float64"): "complex128", ("complex64", "int64"): "complex64",
    ("complex64", "bfloat16"): "complex64", ("complex128", "complex64"): "complex128",
    ("bool", "complex64"): "complex64",
    ("complex64", "float"): "complex64", ("float32", "float64"): "float64", ("bfloat16", "float16"): "float32",
}  # fmt: skip


@pytest.mark.parametrize("pair", PROMOTED, ids=" ".join)
def test_complex_numbers_are_above_floats(pair):
    assert dtypes.promote(*pair) == dtypes.promote(*pair[::-1]) == PROMOTED[pair]


def test_pythons_complex_numbers_are_of_single_precision():
    for x in (1j, [1j, 2.0], [[1 + 2j]]):
        assert dtypes.standardize(ops.convert_to_tensor(x).dtype) == "complex64"
    assert dtypes.standardize(ops.multiply(np.float32([1.0]), 2j).dtype) == "complex64"
    assert dtypes.standardize(ops.multiply(np.float64([1.0]), 2j).dtype) == "complex128"


def test_casts_drop_the_imaginary_part():
    for dtype in ("float32", "float16", "int32"):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(ops.cast(np.complex64([1 + 2j, -3j]), dtype)).astype("float32"), [1, 0]
        )
    assert ops.convert_to_numpy(ops.cast(np.complex64([0, 2j]), "bool")).tolist() == [False, True]
    assert ops.convert_to_numpy(ops.cast([1.5, 2.0], "complex64")).tolist() == [1.5, 2.0]


def test_parts_make_the_number_again():
    np.testing.assert_allclose(ops.convert_to_numpy(ops.polar(ops.abs(Z), ops.angle(Z))), Z, 1e-5, 1e-6)
    pairs = ops.view_as_real(Z)
    assert tuple(pairs.shape) == (3, 4, 2)
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.view_as_complex(pairs)), Z)
    assert ops.convert_to_numpy(ops.view_as_real([1.0])).tolist() == [[1.0, 0.0]]


def test_eigenvectors_are_those_of_the_matrix():
    x = np.stack([numbers(4, 4), np.float32([[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 3]])])
    for run in (ops.eig, amalthea.jit(ops.eig)):
        w, v = map(ops.convert_to_numpy, run(x))
        np.testing.assert_allclose(x @ v, v * w[..., None, :], 1e-3, 1e-4)
        np.testing.assert_allclose(np.linalg.norm(v, axis=-2), 1.0, 1e-4)
        np.testing.assert_allclose(np.sort_complex(w[1]), np.sort_complex([1j, -1j, 2, 3]), 1e-5, 1e-5)
    assert [tuple(y.shape) for y in ops.eig(np.zeros((2, 0, 0), "float32"))] == [(2, 0), (2, 0, 0)]


def test_a_variable_holds_complex_numbers():
    variable = Variable(Z)
    assert variable.dtype == "complex64"

    @amalthea.jit
    def step(x):
        variable.assign(variable * 1j + x)
        return ops.abs(variable)

    found = ops.convert_to_numpy(step(X))
    np.testing.assert_allclose(variable.numpy(), Z * 1j + X, 1e-6)
    np.testing.assert_allclose(found, np.abs(Z * 1j + X), 1e-5)


def test_files_hold_complex_variables(tmp_path):
    made = [Sequential([layers.Input((4,)), layers.Dense(2, dtype="complex64")]) for _ in range(2)]
    made[0].layers[0].kernel.assign(W)
    made[0].save_weights(tmp_path / "complex.weights.h5")
    made[1].load_weights(tmp_path / "complex.weights.h5")
    np.testing.assert_array_equal(made[1].layers[0].kernel.numpy(), W)


def test_complex_numbers_are_made():
    for found in (ops.zeros((2,), "complex64") + 1.0, ops.ones((2,), "complex64"), ops.full((2,), 1.0, "complex64")):
        assert dtypes.standardize(found.dtype) == "complex64"
        np.testing.assert_array_equal(ops.convert_to_numpy(found), [1, 1])
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.linspace(0, 1, 3, dtype="complex64")), [0, 0.5, 1])


class Spectrum(layers.Layer):
    """Sizes of frequencies that have been multiplied by complex weights."""

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1] // 2 + 1, 2), initializer="random_normal")

    def call(self, x):
        real, imaginary = ops.rfft(x)
        spectrum = real + 1j * imaginary
        return ops.abs(spectrum * ops.view_as_complex(self.gain))


def test_a_layer_computes_with_complex_numbers_in_training():
    amalthea.random.set_random_seed(0)
    model = Sequential([layers.Input((8,)), layers.Dense(8), Spectrum(), layers.Dense(1)])
    model.compile(optimizers.Adam(0.03), "mse")
    x = numbers(32, 8)
    y = np.abs(np.fft.rfft(x))[:, 2:3].astype("float32")
    losses = model.fit(x, y, batch_size=8, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    assert model.predict(x, verbose=0).shape == (32, 1)


def test_symbolic_inputs_have_complex_types():
    x = Input((3, 2))
    z = ops.view_as_complex(x)
    assert (z.dtype, z.shape) == ("complex64", (None, 3))
    assert (ops.abs(z).dtype, ops.view_as_real(z).shape) == ("float32", (None, 3, 2))


REFUSED = {
    "maximum": lambda: ops.maximum(Z, 0.0),
    "less": lambda: ops.less(Z, 1.0),
    "max": lambda: ops.max(Z),
    "argmax": lambda: ops.argmax(Z),
    "sort": lambda: ops.sort(Z),
    "relu": lambda: ops.relu(Z),
    "floor": lambda: ops.floor(Z),
    "round": lambda: ops.round(Z),
    "trunc": lambda: ops.trunc(Z),
    "nan_to_num": lambda: ops.nan_to_num(Z),
    "saturate_cast": lambda: ops.saturate_cast(Z, "int8"),
    "an index": lambda: ops.take(X, Z),
    "a real layer": lambda: layers.Dense(2)(Z),
    "sign": lambda: ops.sign(Z),
    "svd": lambda: ops.svd(Z),
    "cholesky": lambda: ops.cholesky(Z[:3, :3]),
    "nuclear norm": lambda: ops.norm(Z, ord="nuc"),
    "fft of a complex part": lambda: ops.fft((Z, Z)),
    "softmax": lambda: ops.softmax(Z),
    "polar": lambda: ops.polar(Z, X),
    "view of complex numbers": lambda: ops.view_as_complex(Z[:, :2]),
    "gradient of a complex number": lambda: amalthea.grad(lambda z: ops.sum(z))(Z),
    "assignment to a real variable": lambda: Variable(X).assign(Z),
    "a real variable": lambda: Variable(Z, dtype="float32"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_order_is_refused(name):
    with pytest.raises(DtypeError):
        REFUSED[name]()


def test_pairs_are_needed():
    for x in (X[:, :3], 1.0):
        with pytest.raises(ShapeError):
            ops.view_as_complex(x)
