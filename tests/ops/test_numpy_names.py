"""NumPy's names among the ops: NumPy's answers, eager and compiled, at NaN and infinity, and without elements."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import amalthea
from amalthea import ops
from tests.arrays import numbers

nan, inf = np.nan, np.inf
X, Y, C = numbers(3, 4), numbers(3, 4, seed=1), numbers(2, 3, 4, seed=2)
N = np.where(np.arange(12).reshape(3, 4) % 3 == 1, nan, X).astype("float32")
N[2] = nan
S = np.float32([0, -0.0, 1, -1, 0.5, nan, inf, -inf, 1e-30, 1e30])
W, V = np.int32([[3, -1, 2], [0, 5, -4]]), np.int32([4, 0, -6])
E = np.zeros((0, 3), "float32")
T = np.array([True, False, False])
SORTED = np.float32([1, 2, 2, 5, nan])
WANTED = np.float32([[0, 1, 2, 3], [5, 6, nan, inf]])


def call(name, *args, **kwargs):
    return name, args, kwargs


UNARY = "sinc cbrt exp2 fabs deg2rad rad2deg isposinf isneginf nansum nanmax signbit".split()
NAN = "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian".split()
METHODS = (
    "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf", "closest_observation",
    "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased",
)  # fmt: skip
ROWS = [
    *(call(name, x) for name in UNARY for x in (X, S)),
    *(call(name, N, **kw) for name in NAN for kw in ({}, {"axis": 1}, {"axis": (0, 1), "keepdims": True})),
    *(call(name, E, axis=0) for name in NAN if name not in ("nanmax", "nanmin")),
    *(call(name, N, axis=0) for name in ("nancumsum", "nancumprod")),
    *(call(name, S[:, None], S) for name in "fmax fmin hypot heaviside logaddexp2 nextafter".split()),
    *(call("fmod", a, b) for a, b in ((S[:, None], np.float32([3, -3, 0.7, inf, 0])), (W[:, :, None], V + 2))),
    call("fmod", np.int8([-128, 127]), np.int8([3, -3])),
    *(call(name, W, V) for name in ("gcd", "lcm")),
    call("gcd", np.uint8([12, 255]), np.uint8([18, 51])),
    call("ldexp", np.float32([1e-30, 1e30, 3]), np.int32([200, -200, 1])),
    call("i0", np.float32([0, 1, -2, 19.9, 20.1, 40, 80, nan])),
    *(call("append", X, b, axis=axis) for b, axis in ((W, None), (Y, 0), (Y, -1))),
    *(call("array_split", np.arange(7), k) for k in (1, 3, 9)),
    *(call(name, C, 2 if name == "dsplit" else [1]) for name in ("hsplit", "vsplit", "dsplit")),
    call("hsplit", X[0], 2),
    *(call("dstack", xs) for xs in ([X, Y], [X[0], Y[0]], [1.0, 2.0])),
    *(call("rot90", C, k, axes=axes) for k in (-1, 0, 1, 2, 3) for axes in ((0, 1), (2, 0))),
    *(call(name, X) for name in ("fliplr", "flipud", "diagflat", "ptp", "corrcoef")),
    *(call("diag", x, k) for x in (X, X[0], E, E[:, 0]) for k in (-5, -1, 0, 2)),
    *(call(name, C, offset=k, axis1=2, axis2=0) for name in ("diagonal", "trace") for k in (-5, -1, 0, 1)),
    *(call("vander", x, N=n, increasing=up) for x in (X[0], V) for n in (None, 0, 3) for up in (False, True)),
    *(call("kron", x, b) for x, b in ((X, Y[:2]), (X[0], W), (E, X), (C, np.float32(2)))),
    *(call("inner", x, b) for x, b in ((X, Y[:2]), (C, X), (X, np.float32(2)))),
    call("vdot", X, Y),
    *(call("cross", X[:, :a], Y[:, :b]) for a in (2, 3) for b in (2, 3)),
    call("cross", X[:, :3].T, Y[:, :3], axisa=0, axisc=0),
    *(call("correlate", X[0, :a], C.ravel()[:b], mode=m)
      for m in ("valid", "same", "full") for a in (1, 3) for b in (1, 4)),
    *(call("diff", x, n=n, axis=axis) for x, axis in ((C, -1), (C, 0), (T, 0), (E, 0)) for n in (0, 1, 2)),
    *(call("trapezoid", X, **kw) for kw in ({}, {"axis": 0, "dx": 2}, {"x": np.float32([0, 1, 3, 7])}, {"x": X * 2})),
    call("trapezoid", E),
    *(call(name, x, q, axis=axis, method=m) for name, x in (("quantile", X), ("nanquantile", N)) for m in METHODS
      for q, axis in ((0.3, None), ([0.0, 0.5, 1 / 6, 1.0], 1))),
    call("quantile", N, 0.5, axis=1),
    call("quantile", np.zeros((2, 0), "float32"), 0.5, axis=0),
    call("percentile", X, [50, 20], axis=(0, 1), keepdims=True),
    call("nanpercentile", N, 25, axis=0),
    *(call("searchsorted", SORTED[:n], WANTED, side=side) for n in (0, 1, 5) for side in ("left", "right")),
    *(call("digitize", np.float32([0, 1, 1.5, 9]), bins) for bins in (np.float32([1, 2]), np.float32([]))),
    *(call("isin", x, of, invert=no) for x, of, no in ((W, V, False), (W, V, True), (S, S, False), (X, E, False))),
    *(call("histogram", x, bins)
      for x in (X[0], np.arange(11, dtype="float32"), X[0] * 0, E[:, 0]) for bins in (1, 3, 10)),
    call("histogram", X[0], 4, (-1, 1)),
    call("unravel_index", np.array([5, 0, 11]), (2, 3, 2)),
    *(call("select", [X > 0, X < -0.5], [X, -X], d) for d in (0, 7.5)),
    *(call(name, x) for name in ("bitwise_not", "bitwise_invert") for x in (W, T, np.uint8([0, 255]))),
    *(call(name, n) for name in ("bartlett", "blackman", "hamming", "hanning") for n in (-1, 0, 1, 6)),
    call("kaiser", 6, 3.0),
    *(call(name, *bounds) for name in ("logspace", "geomspace") for bounds in ((1, 8, 4), (1.0, 8.0, 4, False))),
    call("geomspace", -1, -8, 3),
    call("logspace", 0, 2, 3, base=2, dtype="int32"),
]  # fmt: skip
ids = [f"{n} {name}" for n, (name, _, _) in enumerate(ROWS)]
HOST = ("bartlett", "blackman", "hamming", "hanning", "kaiser", "logspace", "geomspace")


def check(found, want):
    pairs = zip(found, want, strict=True) if isinstance(want, (list, tuple)) else [(found, want)]
    for a, b in pairs:
        a, b = ops.convert_to_numpy(a), np.asarray(b)
        assert a.shape == b.shape
        np.testing.assert_allclose(a.astype("float64"), b.astype("float64"), rtol=2e-5, atol=2e-6)


def of_numpy(name):
    if name == "bitwise_invert":
        return np.invert
    return getattr(np, name)


@pytest.mark.parametrize(("name", "args", "kwargs"), ROWS, ids=ids)
@pytest.mark.filterwarnings("ignore")
def test_a_name_of_numpy_gives_numpys_answer(name, args, kwargs):
    with np.errstate(all="ignore"):
        want = of_numpy(name)(*args, **kwargs)
    check(getattr(ops, name)(*args, **kwargs), want)
    if isinstance(args[0], np.ndarray) and name not in HOST:
        check(amalthea.jit(lambda x: getattr(ops, name)(x, *args[1:], **kwargs))(args[0]), want)


UNIQUE = {
    "rows": (np.float32([[3, 1, 3], [1, 1, 3], [3, 1, 3]]), 0),
    "columns": (np.float32([[3, 1, 3], [1, 1, 3], [3, 1, 3]]), 1),
    "NaN": (np.float32([nan, 1, nan, 2, 1]), None),
    "flat": (W, None),
    "bools": (np.array([True, False, True]), None),
    "nothing": (E[:, 0], None),
    "blocks": (np.arange(24).reshape(6, 2, 2) % 4, 0),
}
ALL = {"return_index": True, "return_inverse": True, "return_counts": True}


@pytest.mark.parametrize("case", UNIQUE)
def test_unique_finds_what_numpy_finds(case):
    x, axis = UNIQUE[case]
    want = list(np.unique(x, axis=axis, **ALL))
    found = ops.unique(x, axis=axis, **ALL)
    want[2] = want[2].reshape(np.shape(found[2]))
    check(found, want)


@pytest.mark.parametrize("size", [0, 1, 3, 5])
def test_unique_of_a_given_size_is_compiled(size):
    x = UNIQUE["NaN"][0]
    values, index, inverse, counts = np.unique(x, **ALL)
    n = min(size, 3)
    found = amalthea.jit(lambda x: ops.unique(x, size=size, fill_value=9, **ALL))(x)
    filled = lambda a, fill: np.r_[a[:n], np.full(size - n, fill)]  # noqa: E731
    check(found, (filled(values, 9), filled(index, index[0]), inverse, filled(counts, 0)))


def test_counts_are_those_of_numpy():
    for weights in (None, np.float32([0.5, 1, 2, 3])):
        check(ops.bincount([1, 2, 2, 5], weights, minlength=9), np.bincount([1, 2, 2, 5], weights, 9))
    check(ops.bincount([[1, 2], [2, 0]], minlength=4), [[0, 1, 1, 0], [1, 0, 1, 0]])
    check(ops.digitize(X, [1.0, 0.0, 0.0, -1.0]), np.digitize(X, [1, 0, 0, -1]))


def test_positions_without_nan():
    check(ops.nanargmax(N, axis=1), np.int32([np.nanargmax(N[0]), np.nanargmax(N[1]), -1]))
    check(ops.nanargmin(N), np.nanargmin(N))
    check(ops.nanargmax(np.float32([nan, -inf, nan])), 1)
    check(ops.nanargmax(N, axis=0, keepdims=True), np.nanargmax(N, axis=0, keepdims=True))


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_nan_is_sorted_behind_infinity(mode):
    x = np.float32([[nan, inf, -1, nan], [3, nan, -inf, inf]])
    both = lambda x: (ops.sort(x), ops.argsort(x))  # noqa: E731
    check((amalthea.jit(both) if mode == "compiled" else both)(x), (np.sort(x), np.argsort(x, kind="stable")))


def test_a_partition_is_around_its_element():
    indices = np.asarray(ops.argpartition(C, 1, axis=1))
    parted = np.take_along_axis(C, indices, axis=1)
    np.testing.assert_array_equal(parted[:, 1], np.sort(C, axis=1)[:, 1])


VECTORIZED = {
    "broadcast": (lambda a, b: ops.where(a > b, a - b, a + b), {}, (np.int32([1, 2, 3, 4]), 2), [3, 4, 1, 2]),
    "signature": (lambda a, b: ops.sum(a * b), {"signature": "(n),(n)->()"},
      (np.ones((2, 3, 2)), np.ones(2)), 2 * np.ones((2, 3))),
    "matrices": (ops.matmul, {"signature": "(n,m),(m)->(n)"},
      (np.ones((5, 3, 2)), np.ones((4, 1, 2))), 2 * np.ones((4, 5, 3))),
    "excluded": (lambda a, b: a * b[0], {"excluded": {1}}, (np.int32([1, 2]), [3, 4]), [3, 6]),
}  # fmt: skip


@pytest.mark.parametrize("case", VECTORIZED)
def test_vectorize_calls_a_function_for_each_element(case):
    function, options, args, want = VECTORIZED[case]
    check(ops.vectorize(function, **options)(*args), np.asarray(want))


HALF = "sinc cbrt i0 hypot logaddexp2 nanmean nanvar corrcoef quantile trapezoid erfc erfinv cdist".split()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", HALF)
def test_half_precision_is_rounded_once(name, dtype):
    x = ops.cast(np.linspace(-0.9, 0.9, 12, dtype="float32").reshape(3, 4), dtype)
    more = {"quantile": (0.3,), "hypot": (x,), "logaddexp2": (x,), "cdist": (x,)}.get(name, ())
    found = getattr(ops, name)(x, *more)
    wide = getattr(ops, name)(ops.cast(x, "float32"), *(ops.cast(y, "float32") if y is x else y for y in more))
    assert ops.dtype(found) == dtype
    check(ops.cast(found, "float32"), ops.convert_to_numpy(ops.cast(ops.cast(wide, dtype), "float32")))


def test_each_name_is_in_ops_numpy_too():
    for name, _, _ in ROWS:
        assert getattr(ops.numpy, name) is getattr(ops, name)
    assert inspect.signature(ops.numpy.copy) == inspect.signature(ops.copy)
