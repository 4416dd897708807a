"""Dtypes and windows for which TensorFlow lacks a kernel, or has a wrong one."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, Variable, layers, ops
from amalthea.engine import backends
from amalthea.engine.primitives import TABLE, normalization
from amalthea.engine.primitives import windows as w
from tests.arrays import numbers

tf = pytest.importorskip("tensorflow")


WHOLE = "uint8 uint16 uint32 uint64 int8 int16 int32 int64".split()
ARITHMETIC = "add subtract multiply floor_divide remainder maximum minimum equal less greater_equal".split()
UNARY = "negative absolute sign square relu floor isnan".split()


def in_all_modes(row, *inputs, **attrs):
    """What a primitive gives eagerly, in a plain graph, and in one that XLA compiles if the rule says so.

    The last is given to a variable, since the rule is another for what writes none.
    """
    eager = row(*inputs, **attrs)
    kept = Variable(np.zeros(eager.shape, ops.dtype(eager)), dtype=ops.dtype(eager))
    with mock.patch("amalthea.engine.backends.tensorflow._uses_xla", return_value=False):
        plain = amalthea.jit(lambda *xs: row(*xs, **attrs))(*inputs)
    amalthea.jit(lambda *xs: kept.assign(row(*xs, **attrs)))(*inputs)
    return [np.asarray(eager), np.asarray(plain), kept.numpy()]


def check(row, *inputs, **attrs):
    """Every way gives exactly what the reference gives."""
    attrs = {**row.defaults, **attrs}
    with np.errstate(all="ignore"):
        want = row.reference(*inputs, **attrs)
    for got in in_all_modes(row, *inputs, **attrs):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want, err_msg=row.name)


def extremes(dtype):
    info = np.iinfo(dtype)
    return np.array([0, 1, 2, 7, info.max, info.max - 1, info.max // 2 + 1], dtype)


@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers_are_exact_in_every_width(dtype):
    x, y = extremes(dtype), extremes(dtype)[::-1].copy()
    for name in ARITHMETIC:
        check(TABLE[name], x, y)
    for name in UNARY:
        check(TABLE[name], x)
    check(TABLE["power"], x, np.array([0, 1, 2, 3, 1, 1, 1], dtype))
    for name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"):
        check(TABLE[name], x, axes=(0,))
    for name in ("cumsum", "cumprod"):
        check(TABLE[name], x, axis=0)
    check(TABLE["matmul"], x[:6].reshape(2, 3), y[:6].reshape(3, 2))
    check(TABLE["scatter_add"], x, np.array([1, 1, -1]), y[:3], axis=0)
    check(TABLE["dynamic_update_slice"], x, y[:2], np.int32(6))
    check(TABLE["concatenate"], x, y, axis=0)
    check(TABLE["pad"], x, low=(1,), high=(2,), value=3)
    check(TABLE["clip"], x, low=1, high=7)
    check(TABLE["cast"], x, dtype="int32")
    check(TABLE["gather"], x, np.array([-1, 0, 3], dtype="int8"), axis=0)
    check(TABLE["iota"], shape=(2, 5), axis=1, dtype=dtype)


@pytest.mark.parametrize("dtype", WHOLE)
def test_dividing_a_whole_number_by_zero_gives_zero_as_in_numpy(dtype):
    x, y = np.array([5, 0], dtype), np.array([0, 0], dtype)
    check(TABLE["floor_divide"], x, y)
    check(TABLE["remainder"], x, y)


def test_bools_are_computed_with():
    x, y = np.array([[True], [False]]), np.array([True, False])
    for name in ("add", "multiply", "maximum", "less", "bitwise_xor", "equal"):
        check(TABLE[name], x, y)
    for name in ("reduce_max", "reduce_min", "reduce_sum", "reduce_prod"):
        check(TABLE[name], x, axes=(0, 1))
    check(TABLE["select"], x, y, ~y)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32"])
def test_windows_in_every_dtype(dtype):
    to = amalthea.engine.dtypes.to_numpy(dtype)
    x = np.arange(48).reshape(1, 4, 4, 3).astype(to)
    kernel = (np.arange(54).reshape(3, 3, 3, 2) % 3).astype(to)
    same = {"strides": (1, 1), "padding": ((1, 1), (1, 1))}
    wide = [x.astype("float64"), kernel.astype("float64")]
    want = w.conv.reference(*wide, dilation=(1, 1), **same)
    for got in in_all_modes(w.conv, x, kernel, dilation=(1, 1), **same):
        assert got.dtype == to
        np.testing.assert_allclose(got.astype("float64"), want, rtol=1e-2)
    check(w.max_pool, x, window=(3, 3), **same)


@pytest.mark.parametrize("name", ["random_uniform", "random_normal"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_a_key_gives_the_same_numbers_again(name, dtype):
    """Eagerly and compiled the same; XLA draws others from the same key, and those again too."""
    key = np.array([2**32 - 1, 3], "uint32")
    eager, compiled, by_xla = in_all_modes(TABLE[name], key, shape=(50, 3), dtype=dtype)
    np.testing.assert_array_equal(eager, compiled)
    np.testing.assert_array_equal(by_xla, in_all_modes(TABLE[name], key, shape=(50, 3), dtype=dtype)[2])


def test_bfloat16_is_converted_in_both_directions(on_tensorflow):
    x = np.array([1.5, -2.0], amalthea.engine.dtypes.to_numpy("bfloat16"))
    there = on_tensorflow.array(x, "bfloat16")
    assert there.dtype == tf.bfloat16
    back = on_tensorflow.to_numpy(there)
    assert back.dtype == x.dtype
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int16", "bool"])
def test_arrays_of_other_libraries_are_copied(on_tensorflow, library, dtype):
    module = pytest.importorskip(library)
    if (library, dtype) == ("torch", "bfloat16"):
        pytest.skip("PyTorch gives NumPy no bfloat16, and NumPy is the way from there to TensorFlow")
    given = module.ones((2, 3), dtype=getattr(module, "bool_" if "jax" in library and dtype == "bool" else dtype))
    found = on_tensorflow.array(given, dtype)
    if library == "torch":
        given.zero_()
    np.testing.assert_array_equal(on_tensorflow.to_numpy(found).astype("float32"), np.ones((2, 3)))


CONVOLUTIONS = {  # x, kernel, attributes
    "a pixel on every side": ((2, 8, 8, 3), (3, 3, 3, 4), {"strides": (2, 2), "padding": ((1, 1), (1, 1))}),
    "three axes, padded": ((1, 5, 4, 4, 2), (3, 2, 2, 2, 3), {"padding": ((1, 1), (1, 0), (0, 1))}),
    "depthwise, one pad": ((2, 6, 6, 3), (3, 3, 1, 6), {"groups": 3, "padding": ((1, 0), (0, 2))}),
    "depthwise, dilated": ((1, 8, 8, 2), (3, 2, 1, 2), {"groups": 2, "dilation": (2, 3)}),
    "depthwise, two strides": ((1, 7, 8, 2), (2, 2, 1, 4), {"groups": 2, "strides": (1, 2)}),
    "groups of two": ((2, 5, 5, 4), (3, 3, 2, 6), {"groups": 2, "strides": (2, 2), "padding": ((1, 1), (1, 1))}),
    "one axis, grouped": ((2, 9, 4), (3, 2, 4), {"groups": 2, "strides": (2,), "dilation": (2,), "padding": ((1, 2),)}),
    "one axis, depthwise": ((2, 9, 4), (3, 1, 4), {"groups": 4, "strides": (2,), "padding": ((1, 1),)}),
    "three axes, dilated": ((1, 5, 5, 5, 2), (2, 2, 2, 1, 2), {"groups": 2, "dilation": (2, 1, 2)}),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_that_tensorflow_has_no_kernel_for(name):
    x_shape, kernel_shape, given = CONVOLUTIONS[name]
    rank = len(x_shape) - 2
    attrs = {"strides": (1,) * rank, "padding": ((0, 0),) * rank, "dilation": (1,) * rank, **given}
    attrs = {**w.conv.defaults, **attrs}
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=x_shape), rng.normal(size=kernel_shape)
    out = w.conv.reference(x, kernel, **attrs)
    g = rng.normal(size=out.shape)
    rows = {
        w.conv: ((x, kernel), {}),
        w.conv_input_gradient: ((g, kernel), {"shape": x_shape}),
        w.conv_kernel_gradient: ((x, g), {"kernel_shape": kernel_shape}),
    }
    for row, (inputs, more) in rows.items():
        want = row.reference(*inputs, **more, **attrs)
        for got in in_all_modes(row, *inputs, **more, **attrs):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9, err_msg=row.name)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_first_of_the_equal_elements_in_a_window_takes_the_gradient(rank):
    x = np.random.default_rng(0).integers(0, 2, (2, *(5, 4, 5)[:rank], 2)).astype("float64")
    attrs = {"window": (3, 2, 2)[:rank], "strides": (1, 2, 1)[:rank], "padding": ((1, 0), (0, 0), (0, 1))[:rank]}
    attrs = {**w.max_pool.defaults, **attrs}
    out = w.max_pool.reference(x, **attrs)
    g = np.random.default_rng(1).normal(size=out.shape)
    want = w.max_pool_gradient.reference(g, x, out, **attrs)
    for got in in_all_modes(w.max_pool_gradient, g, x, out, **attrs):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_a_depthwise_convolution_fused_with_its_bias_keeps_its_padding():
    """TensorFlow 2.21 aborts the process if padding is explicit there."""
    model = Sequential([layers.Input((8, 8, 3)), layers.ZeroPadding2D(1), layers.DepthwiseConv2D(3, activation="relu")])
    x = numbers(2, 8, 8, 3)
    found = model.predict(x, verbose=0)
    with backends.use_backend("numpy"):
        np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 3])
@pytest.mark.parametrize("dtype, within", [("float32", 1e-4), ("float64", 1e-10), ("float16", 2e-2)])
def test_a_batch_is_normalized_with_the_moments_of_the_batch(dtype, within, axis):
    """The fused kernel is for float32; its own variance is that of a sample."""
    rng = np.random.default_rng(0)
    x, g = (rng.normal(1.0, 2.0, (2, 3, 2, 3)).astype(dtype) for _ in range(2))
    scale, offset = (rng.normal(size=x.shape[axis]).astype(dtype) for _ in range(2))
    attrs = {"axis": axis, "epsilon": 0.001}
    wide = [v.astype("float64") for v in (x, scale, offset)]
    want = normalization.batch_normalize.reference(*wide, **attrs)
    found = amalthea.jit(lambda *xs: normalization.batch_normalize(*xs, **attrs))(x, scale, offset)
    for got, expected in zip(found, want, strict=True):
        assert ops.dtype(got) == dtype
        np.testing.assert_allclose(got, expected, rtol=within, atol=within)
    inputs = (g.astype("float64"), *wide[:2], *want[1:])
    want = normalization.batch_normalize_gradient.reference(*inputs, **attrs)
    inputs = [v.astype(dtype) for v in inputs]
    found = amalthea.jit(lambda *xs: normalization.batch_normalize_gradient(*xs, **attrs))(*inputs)
    for got, expected in zip(found, want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=within, atol=10 * within)
