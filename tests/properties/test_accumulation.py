"""Sums of short floats: whatever adds up many elements does so in float32 at least, on every backend."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import jit, layers, ops, value_and_grad
from amalthea.engine import backends, dtypes
from amalthea.engine.primitives import TABLE
from amalthea.testing.primitives import TOLERANCE
from tests.backends import every_backend

N = 4096  # a sum of so many ones stops at 256 in bfloat16, at 2048 in float16
ALONG = np.full((2, N), 0.75)
RISING = np.tile([0.5, 1.0, 1.25, 0.25], N // 4)[None]
NEAR_ONE = np.tile([2.0, 0.5], N // 2)[None]
IMAGES = np.tile([0.5, 1.0], (1, 64, 64, 1))
WIDE = {"strides": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1, "data_format": "channels_last"}
POOL = {"window": (64, 64), "strides": (1, 1), "padding": ((0, 0), (0, 0)), "data_format": "channels_last"}
SPREAD = {"window": (16, 16), "strides": (1, 1), "padding": ((0, 0), (0, 0)), "data_format": "channels_last"}
ZEROS, ONE_PLACE = np.zeros((1, 3)), np.zeros((N, 1), "int32")
PARTS = np.full((49, 49), 0.5)
VECTOR = np.full(2, 0.5)


def _normalized(axis, scale):
    return RISING.reshape(N // 2, 2) if axis else RISING, scale, scale


def _gradient_of(name):
    """Inputs of the gradient of a normalization: a cotangent, the input, the scale and both moments."""
    (x, scale, offset), attrs = LONG[name]
    _, mean, spread = TABLE[name].reference(x, scale, offset, **attrs)
    return (np.resize([1.0, -0.5, 0.5], x.shape), x, scale, mean, spread), attrs


LONG = {  # inputs over which a sum in the dtype itself goes wrong
    "reduce_sum": ((ALONG,), {"axes": (1,), "keepdims": False}),
    "reduce_prod": ((np.full((1, 8), 1.0625),), {"axes": (1,), "keepdims": False}),
    "cumsum": ((ALONG,), {"axis": 1, "reverse": False}),
    "cumprod": ((np.full((1, 8), 1.0625),), {"axis": 1, "reverse": True}),
    "softmax": ((np.zeros((1, N)),), {"axis": 1}),
    "log_softmax": ((np.zeros((1, N)),), {"axis": 1}),
    "batch_normalize": (_normalized(1, VECTOR), {"axis": 1, "epsilon": 0.125}),
    "layer_normalize": (_normalized(0, np.ones(N)), {"axis": 1, "epsilon": 0.125}),
    "avg_pool": ((IMAGES,), POOL),
    "max_pool_gradient": ((PARTS[None, ..., None], IMAGES[..., 1:], np.ones((1, 49, 49, 1))), SPREAD),
    "avg_pool_gradient": ((PARTS[None, ..., None],), {"shape": (1, 64, 64, 1), **SPREAD}),
    "scatter_add": ((ZEROS, ONE_PLACE[:, 0], np.full((N, 3), 0.75)), {"axis": 0}),
    "add_along_axis": ((ZEROS.T, ONE_PLACE, np.full((N, 1), 0.75)), {"axis": 0}),
    "scatter_add_points": ((ZEROS, ONE_PLACE, np.full((N, 3), 0.75)), {}),
}
LONG["batch_normalize_gradient"] = _gradient_of("batch_normalize")
LONG["layer_normalize_gradient"] = _gradient_of("layer_normalize")
EVEN, RISING_DIAGONAL = np.full((32, 32), 0.5) + 16 * np.eye(32), np.diag(np.arange(1.0, 9.0) * 2) + 0.25
LONG |= {
    "cholesky": ((EVEN,), {}),
    "solve": ((EVEN, np.ones((32, 2))), {}),
    "triangular_solve": ((EVEN, np.ones((32, 2))), {"lower": True, "transpose_a": False}),
    "lu": ((EVEN,), {}),
    "qr": ((EVEN,), {"mode": "reduced"}),
    "svd": ((RISING_DIAGONAL,), {"full_matrices": False}),
    "eigh": ((RISING_DIAGONAL,), {}),
    "eig": ((RISING_DIAGONAL,), {}),
    "fft": ((ALONG, ALONG), {"axes": (1,), "inverse": False}),
    "from_parts": ((ALONG, ALONG), {}),
}
PRODUCTS = {  # every library accumulates their terms in float32 by itself
    "matmul": ((ALONG, np.full((N, 2), 0.5)), {"transpose_x": False, "transpose_y": False}),
    "conv": ((IMAGES, np.full((64, 64, 2, 2), 0.5)), WIDE),
    "conv_input_gradient": ((np.ones((1, 2, 2, N)), np.full((1, 1, 2, N), 0.5)), {"shape": (1, 2, 2, 2), **WIDE}),
    "conv_kernel_gradient": ((IMAGES, np.ones((1, 64, 64, 2))), {"kernel_shape": (1, 1, 2, 2), **WIDE}),
}


def _in(dtype, inputs):
    to = dtypes.to_numpy(dtype)
    return [x.astype(to) if x.dtype == np.float64 else x for x in inputs]


def _rounded(dtype, inputs):
    return [x.astype(dtypes.to_numpy(dtype)).astype("float64") if x.dtype == np.float64 else x for x in inputs]


def _assert_near(got, want, dtype, where):
    """As near as some roundings of the dtype."""
    got = np.asarray(got).astype("complex128" if np.iscomplexobj(got) else "float64")
    np.testing.assert_allclose(got, want, TOLERANCE[dtype], TOLERANCE[dtype], err_msg=where)


def test_every_primitive_that_adds_up_has_a_long_sum():
    assert set(LONG) == {name for name, row in TABLE.items() if row.accumulates}


@every_backend
@pytest.mark.parametrize("dtype", dtypes.NARROW)
@pytest.mark.parametrize("name", [*LONG, *PRODUCTS])
def test_every_long_sum_is_added_up_in_float32(name, dtype, backend):
    row, (inputs, attrs) = TABLE[name], {**LONG, **PRODUCTS}[name]
    wanted = row.reference(*_rounded(dtype, inputs), **attrs)
    with backends.use_backend(backend) as used:
        given = [used.array(x, dtypes.standardize(x.dtype)) for x in _in(dtype, inputs)]
        for how, found in (
            ("compiled", jit(lambda *xs: row(*xs, **attrs))(*given)),
            ("eager", row(*given, **attrs)),
        ):
            for want, got in zip(*[(v,) if row.single else v for v in (wanted, found)]):
                got = used.to_numpy(got)
                assert got.dtype == {"f": dtypes.to_numpy(dtype), "c": np.complex64}.get(want.dtype.kind, want.dtype)
                _assert_near(got, want, dtype, f"{name} on {backend}, {how}, {dtype}")


REDUCTIONS = {  # op: its meaning in NumPy
    "sum": lambda x: x.sum(1),
    "mean": lambda x: x.mean(1),
    "var": lambda x: x.var(1),
    "std": lambda x: x.std(1),
    "average": lambda x: x.mean(1),
    "median": lambda x: np.median(x, 1),
    "logsumexp": lambda x: np.log(np.exp(x - x.max()).sum(1)) + x.max(),
}


@pytest.mark.parametrize("dtype", dtypes.NARROW)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction_of_short_floats_is_that_of_wide_ones(name, dtype):
    x = np.resize([10.0, 20.0, 90.0], (2, 3 * N))
    if name == "sum":
        x = x / 64
    want = REDUCTIONS[name](_rounded(dtype, [x])[0])
    for found in (getattr(ops, name)(*_in(dtype, [x]), 1), jit(lambda v: getattr(ops, name)(v, 1))(*_in(dtype, [x]))):
        assert ops.dtype(found) == dtype
        _assert_near(ops.convert_to_numpy(found), want, dtype, name)


@pytest.mark.parametrize("dtype", dtypes.NARROW)
def test_every_normalization_of_short_floats_is_that_of_wide_ones(dtype):
    x = np.resize([100.0, 300.0, -200.0], (2, N))
    makes = [
        lambda v: ops.normalize(v),
        lambda v: ops.normalize(v, order=1),
        lambda v: ops.rms_normalization(v),
        lambda v: ops.layer_normalization(v),
        lambda v: ops.moments(v, 1)[1],
        lambda v: ops.sparsemax(v / 100),
    ]
    (given,), (wide,) = _in(dtype, [x]), _rounded(dtype, [x])
    for number, make in enumerate(makes):
        want = ops.convert_to_numpy(make(wide))
        _assert_near(ops.convert_to_numpy(make(given)), want, dtype, f"number {number}")


POOLS = [
    layers.GlobalAveragePooling2D,
    lambda **kw: layers.AveragePooling2D(64, **kw),
    lambda **kw: layers.AdaptiveAveragePooling2D(1, **kw),
]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
@pytest.mark.parametrize("number", range(len(POOLS)))
def test_every_average_over_an_image_is_added_up_in_float32(number, policy):
    x = np.full((1, 64, 64, 1), 40.0, "float32")
    out = ops.convert_to_numpy(POOLS[number](dtype=policy)(x)).astype("float64")
    np.testing.assert_allclose(out.ravel(), [40.0])


@pytest.mark.parametrize("dtype", dtypes.NARROW)
def test_the_gradient_of_what_every_step_of_a_scan_uses_is_added_up_in_float32(dtype):
    weight = np.ones((), dtypes.to_numpy(dtype))
    steps = np.full(N, 0.5, dtypes.to_numpy(dtype))

    def last(w):
        return ops.scan(lambda carry, x: (w * x, None), w * 0, steps)[0] + ops.sum(
            ops.scan(lambda carry, x: (carry, w * x), w * 0, steps)[1]
        )

    gradient = ops.convert_to_numpy(value_and_grad(last)(weight)[1])
    _assert_near(gradient, N / 2 + 0.5, dtype, "the sum over steps")
