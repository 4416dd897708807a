"""Gradients of ops made of many primitives: central differences, and finite values at points without a derivative."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import grad, ops, use_backend

X = np.array([[0.31, -1.2, 0.77], [1.9, 0.45, -0.62]])
P = np.abs(X) * 0.4 + 0.05
N = np.where(np.arange(6).reshape(2, 3) == 4, np.nan, X)
SEGMENTS = np.array([1, 0, 1, 3])
ROWS4 = np.array([[0.3, 1.2], [-0.7, 0.4], [1.1, -0.5], [0.9, 2.0]])
LABELS, LENGTHS = np.array([[1, 1], [2, 0]]), (np.array([2, 1]), np.array([4, 3]))
IMAGE = np.sin(np.arange(75.0) * 1.3).reshape(1, 5, 5, 3)
AT = np.array([[0.4, 2.7, 3.1], [1.3, 0.2, 2.6]])

# name: (function of one array, the array)
ROWS = {
    "sinc": (ops.sinc, X), "sinc near 0": (ops.sinc, X * 1e-3), "cbrt": (ops.cbrt, X), "exp2": (ops.exp2, X),
    "i0": (ops.i0, X * 6), "hypot": (lambda x: ops.hypot(x, x[::-1] + 2), X), "erfc": (ops.erfc, X),
    "erfinv": (ops.erfinv, P), "logaddexp2": (lambda x: ops.logaddexp2(x, x[0]), X),
    "fmod": (lambda x: ops.fmod(x * 3, 0.7), X), "ldexp": (lambda x: ops.ldexp(x, [3, -1, 0]), X),
    "nanmean": (lambda x: ops.nanmean(x, axis=1), N), "nanvar": (lambda x: ops.nanvar(x, axis=0), N),
    "nanstd": (ops.nanstd, N), "nanprod": (ops.nanprod, N), "nanmax": (ops.nanmax, N),
    "quantile": (lambda x: ops.quantile(x, [0.3, 0.8], axis=1), X), "nanmedian": (ops.nanmedian, N),
    "nanquantile": (lambda x: ops.nanquantile(x, 0.3, method="midpoint"), N),
    "corrcoef": (ops.corrcoef, X), "trapezoid": (lambda x: ops.trapezoid(x, x=x * x), X),
    "correlate": (lambda x: ops.correlate(x[0], x[1, :2], "full"), X), "vander": (lambda x: ops.vander(x[0], 4), X),
    "kron": (lambda x: ops.kron(x, x), X), "cross": (lambda x: ops.cross(x[0], x[1]), X), "diff": (ops.diff, X),
    "cdist": (lambda x: ops.cdist(x, x + 1), X), "diag": (lambda x: ops.diag(x[0], 1), X),
    "trace": (lambda x: ops.trace(x, 1), X), "psnr": (lambda x: ops.psnr(x, x * 0.5, 2.0), X),
    **{
        f"segment_{name}": (lambda x, name=name: getattr(ops, f"segment_{name}")(x, SEGMENTS, 4)[:2], ROWS4)
        for name in ("sum", "max", "min", "prod")
    },
    "associative_scan": (lambda x: ops.associative_scan(lambda a, b: a * b + a + b, x, axis=1), X),
    "ctc_loss": (lambda x: ops.ctc_loss(LABELS, x, *LENGTHS), np.sin(np.arange(24.0)).reshape(2, 4, 3)),
    "attention": (lambda x: ops.dot_product_attention(x, x[:, :, :1], x[:, :, :1], is_causal=True),
                  np.cos(np.arange(24.0)).reshape(1, 3, 4, 2)),
    "map_coordinates": (lambda x: ops.image.map_coordinates(x[0, :, :, 0], AT, 1), IMAGE),
    "map_coordinates by the points": (lambda at: ops.image.map_coordinates(IMAGE[0, :, :, 0], at, 1), AT),
    "perspective": (lambda x: ops.image.perspective_transform(
        x, [[0, 0], [4, 0], [0, 4], [4, 4]], [[0, 1], [4, 0], [1, 4], [4, 3]]), IMAGE),
    "ssim": (lambda x: ops.image.ssim(x, x * x, filter_size=3), IMAGE),
    "gaussian_blur": (ops.image.gaussian_blur, IMAGE),
    "extract_patches": (lambda x: ops.image.extract_patches(x, 2), IMAGE),
    "rgb_to_hsv": (ops.image.rgb_to_hsv, IMAGE * 0.4 + 0.5), "hsv_to_rgb": (ops.image.hsv_to_rgb, IMAGE * 0.4 + 0.51),
    "fold": (lambda x: ops.fold(x, (2, 3), 2), np.sin(np.arange(8.0)).reshape(1, 4, 2)),
    "adaptive_average_pool": (lambda x: ops.adaptive_average_pool(x, 3), IMAGE),
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_float64():
    """The rules are the same on every backend; some compute convolutions of float64 in float32."""
    with use_backend("numpy"):
        yield


@pytest.mark.parametrize("name", ROWS)
def test_a_gradient_matches_central_differences(name):
    function, x = ROWS[name]
    weights = np.cos(np.arange(10_000.0))

    def total(x):
        y = function(x)
        return ops.sum(ops.nan_to_num(ops.reshape(y, (-1,))) * weights[: int(np.prod(y.shape))])

    found, step = np.asarray(grad(total)(x)), 1e-5
    for index in list(np.ndindex(x.shape))[::7] if x.size > 30 else np.ndindex(x.shape):
        if np.isnan(x[index]):
            assert found[index] == 0
            continue
        moved = [x.copy(), x.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        want = (float(total(moved[0])) - float(total(moved[1]))) / (2 * step)
        np.testing.assert_allclose(found[index], want, rtol=1e-5, atol=1e-7)


ZERO = np.zeros((2, 3))
TRAPS = {
    "hypot at the origin": (lambda x: ops.hypot(x, x), ZERO),
    "cdist of equal points": (lambda x: ops.cdist(x, x), ZERO),
    "cbrt of 0": (ops.cbrt, ZERO),
    "sinc of 0": (ops.sinc, ZERO),
    "powers of 0": (lambda x: ops.vander(x[0], 3), ZERO),
    "nanstd of equal elements": (ops.nanstd, ZERO),
    "mean of NaN alone": (lambda x: ops.nansum(x), ZERO * np.nan),
    "erfinv of 0": (ops.erfinv, ZERO),
    "grey": (ops.image.rgb_to_hsv, np.zeros((1, 2, 3))),
    "impossible labels": (lambda x: ops.ctc_loss([[1, 1]], x, [2], [2]), np.zeros((1, 2, 3))),
    "segment_prod of zeros": (lambda x: ops.segment_prod(x, [0, 0], 2), ZERO),
}


@pytest.mark.parametrize("name", TRAPS)
def test_a_gradient_is_finite_where_there_is_none(name):
    function, x = TRAPS[name]
    found = np.asarray(grad(lambda x: ops.sum(function(x)))(x))
    assert np.isfinite(found).all()


def test_the_second_derivative_of_sinc_at_0():
    found = grad(lambda x: ops.sum(grad(lambda y: ops.sum(ops.sinc(y)))(x)))(np.zeros(1))
    np.testing.assert_allclose(np.asarray(found), [-(np.pi**2) / 3])
