"""Public ops against NumPy: eager, compiled on every backend, and by type with an unknown batch."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, ops
from amalthea.engine import backends
from amalthea.engine.primitives.table import numbers
from amalthea.errors import ArgumentError, DtypeError, ShapeError, TraceError
from tests.backends import every_backend

A = numbers(2, 3, 4).astype("float32")
B = numbers(2, 3, 4, seed=1).astype("float32")
V = numbers(4, seed=2).astype("float32")
N = np.array([[3, -1, 2], [0, 5, -4]], "int32")
T = np.array([[True, False], [True, True]])

# name: (arguments, what NumPy says)
ROWS = {
    "abs": ((A,), np.abs),
    "add": ((A, V), np.add),
    "all": ((T,), lambda x: np.all(x)),
    "amax": ((A, 1), lambda x, axis: np.max(x, axis=axis)),
    "any": ((T, 0), lambda x, axis: np.any(x, axis=axis)),
    "arange": ((2, 9, 3), lambda *a: np.arange(*a, dtype="int32")),
    "argmax": ((A, 2), lambda x, axis: np.argmax(x, axis=axis)),
    "argmin": ((A,), lambda x: np.argmin(x)),
    "argsort": ((A, 1), lambda x, axis: np.argsort(x, axis=axis)),
    "average": ((A, 0), lambda x, axis: np.average(x, axis=axis)),
    "broadcast_to": ((V, (2, 4)), np.broadcast_to),
    "ceil": ((A,), np.ceil),
    "clip": ((A, -0.5, 0.5), np.clip),
    "concatenate": (([A, B], 1), lambda xs, axis: np.concatenate(xs, axis)),
    "count_nonzero": ((N,), lambda x: np.count_nonzero(x)),
    "cumprod": ((A, 2), lambda x, axis: np.cumprod(x, axis)),
    "cumsum": ((A, 0), lambda x, axis: np.cumsum(x, axis)),
    "divide": ((A, B), np.divide),
    "divide_no_nan": ((A, np.zeros_like(A)), lambda x, y: np.zeros_like(x)),
    "dot": ((A, V), np.dot),
    "einsum": (("bij,bkj->bik", A, B), np.einsum),
    "equal": ((N, 2), np.equal),
    "exp": ((A,), np.exp),
    "expand_dims": ((A, 1), np.expand_dims),
    "eye": ((3,), lambda n: np.eye(n, dtype="float32")),
    "flip": ((A, 1), np.flip),
    "floor": ((A,), np.floor),
    "floor_divide": ((N, 2), np.floor_divide),
    "full": (((2, 2), 3.0), lambda s, v: np.full(s, v, "float32")),
    "greater": ((A, B), np.greater),
    "hstack": (([N, N],), np.hstack),
    "identity": ((2,), lambda n: np.identity(n, "float32")),
    "isclose": ((A, A + 1e-9), np.isclose),
    "isfinite": ((np.float32([1, np.inf, np.nan]),), np.isfinite),
    "less_equal": ((A, B), np.less_equal),
    "linspace": ((0.0, 1.0, 5), lambda a, b, n: np.linspace(a, b, n, dtype="float32")),
    "log1p": ((np.abs(A),), np.log1p),
    "logaddexp": ((A, B), np.logaddexp),
    "logical_and": ((T, T[:1]), np.logical_and),
    "logical_not": ((T,), np.logical_not),
    "logical_xor": ((T, T[:1]), np.logical_xor),
    "logsumexp": ((A, 2), lambda x, axis: np.log(np.sum(np.exp(x), axis=axis))),
    "matmul": ((A, np.swapaxes(B, 1, 2)), np.matmul),
    "max": ((A,), lambda x: np.max(x)),
    "maximum": ((A, 0.0), np.maximum),
    "mean": ((A, (0, 2)), lambda x, axis: np.mean(x, axis=axis)),
    "median": ((A, 1), lambda x, axis: np.median(x, axis=axis)),
    "meshgrid": ((V, V[:2]), np.meshgrid),
    "min": ((A, -1), lambda x, axis: np.min(x, axis=axis)),
    "mod": ((N, 3), np.mod),
    "moveaxis": ((A, 0, 2), np.moveaxis),
    "multiply": ((A, B), np.multiply),
    "nan_to_num": ((np.float32([1, np.inf, -np.inf, np.nan]),), np.nan_to_num),
    "negative": ((N,), np.negative),
    "not_equal": ((N, 2), np.not_equal),
    "ones": (((2, 3),), lambda s: np.ones(s, "float32")),
    "ones_like": ((N,), np.ones_like),
    "outer": ((V, V), np.outer),
    "pad": ((A, ((0, 0), (1, 2), (0, 1))), np.pad),
    "power": ((np.abs(A), 2.0), np.power),
    "prod": ((A, 1), lambda x, axis: np.prod(x, axis=axis)),
    "ravel": ((A,), np.ravel),
    "repeat": ((A, 2, 1), np.repeat),
    "reshape": ((A, (4, -1)), np.reshape),
    "roll": ((A, 2, 1), np.roll),
    "round": ((A * 3, 1), np.round),
    "sign": ((A,), np.sign),
    "sort": ((A, 0), np.sort),
    "split": ((A, 3, 1), np.split),
    "sqrt": ((np.abs(A),), np.sqrt),
    "square": ((A,), np.square),
    "squeeze": ((A[:1], 0), np.squeeze),
    "stack": (([A, B], 1), np.stack),
    "std": ((A, 1), lambda x, axis: np.std(x, axis=axis)),
    "subtract": ((A, 1.5), np.subtract),
    "sum": ((N, 0), lambda x, axis: np.sum(x, axis=axis)),
    "swapaxes": ((A, 0, 2), np.swapaxes),
    "take": ((A, np.array([0, 2, -1], "int32"), 1), lambda x, i, axis: np.take(x, i, axis)),
    "take_along_axis": ((N, np.array([[2], [0]], "int32"), 1), np.take_along_axis),
    "tensordot": ((A, B, [[1, 2], [1, 2]]), np.tensordot),
    "tile": ((N, (2, 3)), np.tile),
    "transpose": ((A, (2, 0, 1)), np.transpose),
    "tri": ((3, 4), lambda n, m: np.tri(n, m, dtype="float32")),
    "tril": ((A, -1), np.tril),
    "triu": ((A, 1), np.triu),
    "trunc": ((A * 3,), np.trunc),
    "var": ((A,), lambda x: np.var(x)),
    "vstack": (([V, V],), np.vstack),
    "where": ((A > 0, A, B), np.where),
    "zeros_like": ((A,), np.zeros_like),
}  # fmt: skip
every_op = pytest.mark.parametrize("name", ROWS)


def flat(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def assert_same(found, want):
    for a, b in zip(flat(found), flat(want), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert (a.dtype.kind == "f") == (b.dtype.kind == "f")
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


@every_backend
@every_op
def test_an_op_is_numpys_function(name, backend):
    arguments, reference = ROWS[name]
    op, want = getattr(ops, name), reference(*arguments)
    arrays = [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray)]

    def of_arrays(*values):
        given = list(arguments)
        for i, value in zip(arrays, values):
            given[i] = value
        return op(*given)

    with backends.use_backend(backend):
        assert_same(op(*arguments), want)
        assert_same(amalthea.jit(of_arrays)(*(arguments[i] for i in arrays)), want)


BATCHED = {
    "softmax": (lambda x: ops.softmax(x), (None, 3, 4)),
    "sum over features": (lambda x: ops.sum(x, axis=-1), (None, 3)),
    "mean over the batch": (lambda x: ops.mean(x, axis=0), (3, 4)),
    "first step": (lambda x: x[:, 0], (None, 4)),
    "backwards": (lambda x: x[:, ::-1, 1:], (None, 3, 3)),
    "new axis": (lambda x: x[..., None], (None, 3, 4, 1)),
    "flattened": (lambda x: ops.reshape(x, (-1, 12)), (None, 12)),
    "all rows": (lambda x: ops.reshape(x, (-1, 4)), (None, 4)),
    "joined": (lambda x: ops.concatenate([x, x], axis=1), (None, 6, 4)),
    "twice the batch": (lambda x: ops.concatenate([x, x], axis=0), (None, 3, 4)),
    "like itself": (lambda x: x + ops.zeros_like(x), (None, 3, 4)),
    "by its own shape": (lambda x: ops.broadcast_to(ops.ones((1, 4)), (ops.shape(x)[0], 4)), (None, 4)),
    "product": (lambda x: ops.matmul(x, np.ones((4, 5), "float32")), (None, 3, 5)),
    "einstein": (lambda x: ops.einsum("bij,bkj->bik", x, x), (None, 3, 3)),
}


@pytest.mark.parametrize("name", BATCHED)
def test_an_unknown_batch_stays_unknown_and_the_rest_is_known(name):
    function, shape = BATCHED[name]
    x = Input((3, 4))
    y = function(x)
    assert y.shape == shape
    found = amalthea.jit(function)(np.ones((2, 3, 4), "float32")).shape
    assert tuple(found) == tuple(d if d is not None else n for d, n in zip(shape, found))


PROMOTIONS = [
    (np.int32([1]), 2.5, "float32"),
    (np.float16([1]), 2, "float16"),
    (np.int8([1]), np.uint8([1]), "int16"),
    (np.int64([1]), np.float16([1]), "float16"),
    (np.bool_([1]), 1, "int32"),
    (np.float32([1]), np.float64([1]), "float64"),
]


@pytest.mark.parametrize(("a", "b", "dtype"), PROMOTIONS)
def test_dtypes_are_promoted_by_the_lattice(a, b, dtype):
    assert ops.dtype(ops.add(a, b)) == dtype


@every_backend
def test_indices_with_arrays_are_numpys(backend):
    keys = [
        (np.array([1, 0]),),
        (slice(None), np.array([0, 2]), np.array([1, 3])),
        (np.array([0, 1]), slice(None), np.array([1, 3])),
        (0, slice(None), np.array([1, 2])),
        (slice(None), np.array([[0], [2]])),
    ]
    with backends.use_backend(backend):
        for key in keys:
            assert_same(ops.get_item(A, key), A[key])
            assert_same(amalthea.jit(lambda x, key=key: x[key])(A), A[key])
        moved = amalthea.jit(lambda x, i: (ops.slice(x, (0, i), (2, 2)), ops.slice_update(x, (0, i), x[:, :1] * 0)))
        block, changed = moved(N, np.int32(1))
        assert_same(block, N[:, 1:3])
        assert np.asarray(changed)[:, 1].tolist() == [0, 0]


@every_backend
def test_scatter_adds_and_updates(backend):
    with backends.use_backend(backend):
        points = np.array([[0], [2], [0]], "int32")
        scattered = amalthea.jit(lambda v: ops.scatter(points, v, (4,)))(np.float32([1, 2, 3]))
        assert np.asarray(scattered).tolist() == [4, 0, 2, 0]
        updated = amalthea.jit(lambda x: ops.scatter_update(x, points[:2], np.int32([7, 8])))(np.int32([1, 1, 1]))
        assert np.asarray(updated).tolist() == [7, 1, 8]


WRONG = [
    (lambda: ops.reshape(A, (5, -1)), ShapeError),
    (lambda: ops.reshape(A, (-1, -1)), ArgumentError),
    (lambda: ops.add(A, np.ones(3, "float32")), ShapeError),
    (lambda: ops.sum(A, axis=3), ArgumentError),
    (lambda: ops.add(A, None), ArgumentError),
    (lambda: ops.add(A, np.array(["x"])), DtypeError),
    (lambda: ops.conv(A, A, padding="some"), ArgumentError),
    (lambda: ops.max_pool(A, 9), ShapeError),
    (lambda: ops.concatenate([A, B[:, :, :2]], axis=1), ShapeError),
    (lambda: amalthea.jit(lambda x: x[x > 0])(A), TraceError),
    (lambda: ops.einsum("ab,bc", A), ArgumentError),
]


@pytest.mark.parametrize(("wrong", "error"), WRONG)
def test_impossible_ops_are_refused_in_words(wrong, error):
    with pytest.raises(error):
        wrong()


def test_truth_values_are_counted_where_keras_counts_them():
    yes = np.array([True, False])
    for op in (
        ops.square,
        lambda x: ops.mod(x, np.array([True, True])),
        lambda x: ops.floor_divide(x, np.array([True, True])),
    ):
        assert ops.dtype(op(yes)) == "int32"
    assert np.asarray(ops.square(yes)).tolist() == [1, 0]
    assert np.asarray(ops.mod(yes, np.array([True, True]))).tolist() == [0, 0]
    assert ops.dtype(ops.abs(yes)) == ops.dtype(ops.absolute(yes)) == "bool"
    assert np.asarray(amalthea.jit(lambda x: ops.abs(x))(yes)).tolist() == [True, False]
