"""Operators of MIL in NumPy, by their documentation."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def kept(function: Any) -> Any:
    """Results have the dtype of the first operand."""

    def run(x: Any, y: Any = None, **options: Any) -> Any:
        x = np.asarray(x)
        made = function(x, **options) if y is None else function(x, np.asarray(y), **options)
        return np.asarray(made).astype(x.dtype)

    return run


def erf(x: np.ndarray) -> np.ndarray:
    import math

    return np.vectorize(math.erf, otypes=["float64"])(x.astype("float64"))


def reduced(function: Any) -> Any:
    def run(x: Any, axes: Any = None, keep_dims: Any = False) -> Any:
        axes = tuple(int(a) for a in np.atleast_1d(axes)) if axes is not None else None
        return np.asarray(function(x, axis=axes, keepdims=bool(keep_dims))).astype(x.dtype)

    return run


def positioned(function: Any) -> Any:
    def run(x: Any, axis: Any = -1, keep_dims: Any = True, output_dtype: Any = "int32") -> Any:
        made = function(x, axis=int(axis))
        return np.asarray(np.expand_dims(made, int(axis)) if keep_dims else made).astype("int32")

    return run


def slice_by_index(
    x: Any, begin: Any, end: Any, stride: Any = None, begin_mask: Any = None, end_mask: Any = None,
    squeeze_mask: Any = None,
) -> Any:  # fmt: skip
    stride = np.ones(x.ndim, "int32") if stride is None else stride
    masks = [np.zeros(x.ndim, bool) if m is None else m for m in (begin_mask, end_mask, squeeze_mask)]
    index = []
    for b, e, s, (free, whole, squeezed) in zip(begin, end, stride, zip(*masks)):
        index.append(int(b) if squeezed else slice(None if free else int(b), None if whole else int(e), int(s)))
    return x[tuple(index)]


def reshape(x: Any, shape: Any) -> Any:
    sizes = [x.shape[i] if n == 0 else int(n) for i, n in enumerate(shape)]
    return np.reshape(x, sizes)


def pad(x: Any, pad: Any, mode: Any = "constant", constant_val: Any = 0.0) -> Any:
    assert mode == "constant"
    widths = np.asarray(pad).reshape(-1, 2)
    return np.pad(x, [(0, 0)] * (x.ndim - len(widths)) + [tuple(w) for w in widths], constant_values=constant_val)


def gather_nd(x: Any, indices: Any, **options: Any) -> Any:
    return x[tuple(np.moveaxis(indices, -1, 0))]


def scatter_nd(data: Any, indices: Any, updates: Any, mode: Any, **options: Any) -> Any:
    assert mode == "add"
    made = data.copy()
    np.add.at(made, tuple(np.moveaxis(indices, -1, 0)), updates)
    return made


def scatter(data: Any, indices: Any, updates: Any, axis: Any, mode: Any, **options: Any) -> Any:
    assert mode == "update" and axis == 0
    made = data.copy()
    made[indices] = updates
    return made


def topk(x: Any, k: Any, axis: Any = -1, ascending: Any = False, **options: Any) -> Any:
    keys = x if ascending else -x.astype("float64")
    order = np.take(np.argsort(keys, axis=int(axis), kind="stable"), range(int(k)), axis=int(axis))
    return np.take_along_axis(x, order, int(axis)), order.astype("int32")


def matmul(x: Any, y: Any, transpose_x: Any = False, transpose_y: Any = False) -> Any:
    x = np.swapaxes(x, -1, -2) if transpose_x else x
    return np.matmul(x, np.swapaxes(y, -1, -2) if transpose_y else y)


def widths(pad_type: str, pad: Any, space: Any, window: Any, strides: Any, dilations: Any) -> list[tuple[int, int]]:
    if pad_type == "custom":
        return [(int(a), int(b)) for a, b in np.asarray(pad).reshape(-1, 2)]
    if pad_type == "valid":
        return [(0, 0)] * len(window)
    found = []
    for n, k, s, d in zip(space, window, strides, dilations):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        low = total // 2 if pad_type == "same" else total - total // 2
        found.append((low, total - low))
    return found


def patches(x: Any, window: Any, strides: Any, dilations: Any, padding: Any, value: float) -> Any:
    """Elements of each window, as ``(batch, channels, *space, window)``."""
    x = np.pad(x, [(0, 0), (0, 0), *padding], constant_values=value)
    space = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(x.shape[2:], window, dilations, strides)]
    views = []
    for offset in itertools.product(*map(range, window)):
        cuts = [slice(o * d, o * d + (n - 1) * s + 1, s) for o, d, n, s in zip(offset, dilations, space, strides)]
        views.append(x[(slice(None), slice(None), *cuts)])
    return np.stack(views, axis=-1)


def ints(values: Any, count: int) -> list[int]:
    return [1] * count if values is None else [int(v) for v in values]


def conv(
    x: Any, weight: Any, bias: Any = None, strides: Any = None, pad_type: Any = "valid", pad: Any = None,
    dilations: Any = None, groups: Any = 1,
) -> Any:  # fmt: skip
    rank, window, groups = x.ndim - 2, weight.shape[2:], int(groups)
    strides, dilations = ints(strides, rank), ints(dilations, rank)
    padding = widths(pad_type, pad, x.shape[2:], window, strides, dilations)
    seen = patches(x, window, strides, dilations, padding, 0)
    parts = []
    for part, kernel in zip(np.split(seen, groups, axis=1), np.split(weight, groups, axis=0)):
        flat = kernel.reshape(*kernel.shape[:2], -1)
        parts.append(np.moveaxis(np.tensordot(part, flat, ([1, part.ndim - 1], [1, 2])), -1, 1))
    made = np.concatenate(parts, axis=1).astype(x.dtype)
    return made if bias is None else made + np.asarray(bias).reshape(-1, *[1] * rank)


def conv_transpose(
    x: Any, weight: Any, bias: Any = None, strides: Any = None, pad_type: Any = "valid", pad: Any = None,
    dilations: Any = None, groups: Any = 1, output_shape: Any = None,
) -> Any:  # fmt: skip
    assert output_shape is None
    rank, window, groups = x.ndim - 2, weight.shape[2:], int(groups)
    strides, dilations = ints(strides, rank), ints(dilations, rank)
    padding = widths(pad_type, pad, x.shape[2:], window, strides, dilations)
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(x.shape[2:], strides, window, dilations)]
    outputs = weight.shape[1]
    made = np.zeros((x.shape[0], groups * outputs, *full), x.dtype)
    for g, (part, kernel) in enumerate(zip(np.split(x, groups, axis=1), np.split(weight, groups, axis=0))):
        for offset in itertools.product(*map(range, window)):
            cuts = [
                slice(o * d, o * d + (n - 1) * s + 1, s) for o, d, n, s in zip(offset, dilations, x.shape[2:], strides)
            ]
            product = np.moveaxis(np.tensordot(part, kernel[(slice(None), slice(None), *offset)], (1, 0)), -1, 1)
            made[(slice(None), slice(g * outputs, (g + 1) * outputs), *cuts)] += product
    made = made[(slice(None), slice(None), *(slice(a, n - b) for n, (a, b) in zip(full, padding)))]
    return made if bias is None else made + np.asarray(bias).reshape(-1, *[1] * rank)


def max_pool(x: Any, kernel_sizes: Any, strides: Any = None, pad_type: Any = "valid", pad: Any = None, **rest: Any):
    assert not rest.get("ceil_mode")
    window, ones = ints(kernel_sizes, 0), [1] * len(kernel_sizes)
    strides = ints(strides, len(window))
    return patches(x, window, strides, ones, widths(pad_type, pad, x.shape[2:], window, strides, ones), -np.inf).max(-1)


def avg_pool(
    x: Any, kernel_sizes: Any, strides: Any = None, pad_type: Any = "valid", pad: Any = None,
    exclude_padding_from_average: Any = False, ceil_mode: Any = False,
) -> Any:  # fmt: skip
    assert not ceil_mode
    window, ones = ints(kernel_sizes, 0), [1] * len(kernel_sizes)
    strides = ints(strides, len(window))
    padding = widths(pad_type, pad, x.shape[2:], window, strides, ones)
    sums = patches(x, window, strides, ones, padding, 0).sum(-1)
    if not exclude_padding_from_average:
        return (sums / np.prod(window)).astype(x.dtype)
    return (sums / patches(np.ones_like(x), window, strides, ones, padding, 0).sum(-1)).astype(x.dtype)


def softmax(x: Any, axis: Any = -1) -> Any:
    e = np.exp(x - x.max(axis=int(axis), keepdims=True))
    return (e / e.sum(axis=int(axis), keepdims=True)).astype(x.dtype)


def batch_norm(x: Any, mean: Any, variance: Any, gamma: Any = None, beta: Any = None, epsilon: Any = 1e-5) -> Any:
    mean, variance, gamma, beta = (
        v if v is None else np.asarray(v).reshape(-1, *[1] * (x.ndim - 2)) for v in (mean, variance, gamma, beta)
    )
    made = (x - mean) / np.sqrt(variance + epsilon)
    made = made if gamma is None else made * gamma
    return (made if beta is None else made + beta).astype(x.dtype)


def layer_norm(x: Any, axes: Any, gamma: Any = None, beta: Any = None, epsilon: Any = 1e-5) -> Any:
    axes = tuple(int(a) for a in axes)
    made = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    made = made if gamma is None else made * gamma
    return (made if beta is None else made + beta).astype(x.dtype)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    made = np.matmul(x, np.swapaxes(weight, -1, -2))
    return made if bias is None else made + bias


def cumsum(x: Any, axis: Any = 0, exclusive: Any = False, reverse: Any = False) -> Any:
    assert not exclusive
    flipped = np.flip(x, int(axis)) if reverse else x
    made = np.cumsum(flipped, int(axis), dtype=x.dtype)
    return np.flip(made, int(axis)) if reverse else made


def gelu(x: Any, mode: Any = "EXACT") -> Any:
    if mode == "EXACT":
        return (0.5 * x * (1 + erf(x / np.sqrt(2)))).astype(x.dtype)
    assert mode == "TANH_APPROXIMATION"
    return (0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))).astype(x.dtype)


def classify(probabilities: Any, classes: Any) -> Any:
    shares = probabilities.reshape(-1)
    return classes[int(shares.argmax())], dict(zip(classes, shares.tolist(), strict=True))


_DTYPES = {"fp32": "float32", "fp16": "float16", "int32": "int32", "bool": "bool"}
_UNARY = {
    "abs": np.abs, "sign": np.sign, "exp": np.exp, "sqrt": np.sqrt, "square": np.square, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "atanh": np.arctanh, "erf": erf, "logical_not": np.logical_not, "floor": np.floor,
    "ceil": np.ceil, "round": np.round, "identity": np.asarray, "softsign": lambda x: x / (1 + np.abs(x)),
    "relu": lambda x: np.maximum(x, 0), "softplus": lambda x: np.logaddexp(x, 0), "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": lambda x: np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x)))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "log": lambda x, epsilon=1e-45: np.log(x + np.asarray(epsilon, x.dtype)),
    "rsqrt": lambda x, epsilon=1e-12: 1 / np.sqrt(x + np.asarray(epsilon, x.dtype)),
    "leaky_relu": lambda x, alpha: np.where(x >= 0, x, x * alpha),
    "elu": lambda x, alpha: np.where(x >= 0, x, alpha * np.expm1(x)),
    "clip": lambda x, alpha, beta: np.clip(x, alpha, beta),
}  # fmt: skip
_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "real_div": np.divide, "floor_div": np.floor_divide,
    "mod": np.mod, "pow": np.power, "maximum": np.maximum, "minimum": np.minimum, "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}  # fmt: skip
_TESTS = {
    "equal": np.equal, "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal,
    "greater": np.greater, "greater_equal": np.greater_equal,
}  # fmt: skip
OPERATORS = {
    **{name: kept(function) for name, function in (_UNARY | _BINARY).items()},
    **{name: (lambda x, y, f=f: f(x, y)) for name, f in _TESTS.items()},
    "reduce_sum": reduced(np.sum), "reduce_prod": reduced(np.prod), "reduce_max": reduced(np.max),
    "reduce_min": reduced(np.min), "reduce_mean": reduced(np.mean), "reduce_argmax": positioned(np.argmax),
    "reduce_l2_norm": reduced(lambda x, **o: np.sqrt(np.sum(x * x, **o))),
    "reduce_sum_square": reduced(lambda x, **o: np.sum(x * x, **o)),
    "reduce_argmin": positioned(np.argmin), "cumsum": cumsum, "softmax": softmax, "matmul": matmul, "linear": linear,
    "cast": lambda x, dtype: np.asarray(x).astype(_DTYPES[dtype]), "reshape": reshape, "pad": pad, "topk": topk,
    "transpose": lambda x, perm: np.transpose(x, perm), "tile": lambda x, reps: np.tile(x, reps),
    "concat": lambda values, axis, interleave=False: np.concatenate(values, int(axis)),
    "squeeze": lambda x, axes=None: np.squeeze(x, None if axes is None else tuple(int(a) for a in axes)),
    "expand_dims": lambda x, axes: np.expand_dims(x, tuple(int(a) for a in axes)),
    "slice_by_index": slice_by_index, "shape": lambda x: np.array(np.shape(x), "int32"),
    "slice_by_size": lambda x, begin, size: x[
        tuple(slice(int(b), x.shape[i] if n == -1 else int(b + n)) for i, (b, n) in enumerate(zip(begin, size)))
    ],
    "reverse": lambda x, axes=None: np.flip(x, None if axes is None else tuple(int(a) for a in axes)),
    "range_1d": lambda start, end, step: np.arange(start, end, step, dtype="int32"),
    "gather": lambda x, indices, axis=0, **options: np.take(x, indices, int(axis)),
    "gather_nd": gather_nd, "scatter_nd": scatter_nd, "scatter": scatter,
    "select": lambda cond, a, b: np.where(cond, a, b).astype(np.asarray(a).dtype),
    "conv": conv, "conv_transpose": conv_transpose, "max_pool": max_pool, "avg_pool": avg_pool,
    "batch_norm": batch_norm, "layer_norm": layer_norm, "gelu": gelu, "classify": classify,
    "fill": lambda shape, value=0.0: np.full(shape, value), "stack": lambda values, axis: np.stack(values, int(axis)),
}  # fmt: skip
