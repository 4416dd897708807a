"""Functions of ``K`` that are an op under another name: name, signature in Keras 2, and the op or a formula of ops.

Arguments are passed by position in the order of the signature.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from amalthea import config, ops
from amalthea.compat.backend.symbols import recorded

EPSILON = 1e-12  # of l2_normalize


def _clip(x: Any, min_value: Any, max_value: Any) -> Any:
    low = -float("inf") if min_value is None else min_value
    high = float("inf") if max_value is None else max_value
    return ops.minimum(ops.maximum(x, low), ops.maximum(high, low))


def _hard_sigmoid(x: Any) -> Any:
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def _relu(x: Any, alpha: Any, max_value: Any, threshold: Any) -> Any:
    above = x if max_value is None else ops.minimum(x, max_value)
    below = ops.multiply(alpha, ops.subtract(x, threshold))
    return ops.where(ops.greater_equal(x, threshold) if threshold else ops.greater(x, 0), above, below)


def _l2_normalize(x: Any, axis: Any) -> Any:
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, EPSILON)))


def _floating(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bools count as floats of ``floatx``, as in Keras 1 and 2."""

    def counted(x: Any, *args: Any) -> Any:
        x = ops.convert_to_tensor(x)
        return function(ops.cast(x, config.floatx()) if str(x.dtype).endswith("bool") else x, *args)

    return counted


def _batch_normalization(x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int, epsilon: float) -> Any:
    scale = ops.rsqrt(ops.add(_along(var, x, axis), epsilon))
    scaled = ops.multiply(ops.subtract(x, _along(mean, x, axis)), scale)
    scaled = scaled if gamma is None else ops.multiply(scaled, _along(gamma, x, axis))
    return scaled if beta is None else ops.add(scaled, _along(beta, x, axis))


def _along(value: Any, x: Any, axis: int) -> Any:
    """A vector in the shape that broadcasts along one axis of ``x``; other shapes stay."""
    value = ops.convert_to_tensor(value)
    rank = len(x.shape)
    if len(value.shape) != 1 or axis % rank == rank - 1:
        return value
    return ops.reshape(value, [-1 if i == axis % rank else 1 for i in range(rank)])


def _normalize_in_training(x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: float) -> Any:
    axes = [a % len(x.shape) for a in reduction_axes]
    mean, var = ops.moments(x, axes)
    kept = [d if i not in axes else 1 for i, d in enumerate(ops.shape(x))]
    wide: Any = [v if v is None else ops.reshape(v, kept) for v in (mean, var, beta, gamma)]
    m, v, b, g = wide
    return _batch_normalization(x, m, v, b, g, -1, epsilon), mean, var


_REDUCED = "x, axis=None, keepdims=False"
_PAIR = "x, y"
ROWS: dict[str, tuple[str, Any]] = {
    # elementwise
    "abs": ("x", ops.abs),
    "cos": ("x", ops.cos),
    "elu": ("x, alpha=1.0", ops.elu),
    "exp": ("x", ops.exp),
    "hard_sigmoid": ("x", _hard_sigmoid),
    "log": ("x", ops.log),
    "pow": ("x, a", ops.power),
    "relu": ("x, alpha=0.0, max_value=None, threshold=0.0", _relu),
    "round": ("x", ops.round),
    "sigmoid": ("x", ops.sigmoid),
    "sign": ("x", ops.sign),
    "sin": ("x", ops.sin),
    "softplus": ("x", ops.softplus),
    "softsign": ("x", ops.softsign),
    "sqrt": ("x", lambda x: ops.sqrt(ops.maximum(x, 0))),
    "square": ("x", ops.square),
    "tanh": ("x", ops.tanh),
    "clip": ("x, min_value, max_value", _clip),
    "identity": ("x", ops.identity),
    "softmax": ("x, axis=-1", ops.softmax),
    "l2_normalize": ("x, axis=None", _l2_normalize),
    # pairs
    "equal": (_PAIR, ops.equal),
    "not_equal": (_PAIR, ops.not_equal),
    "greater": (_PAIR, ops.greater),
    "greater_equal": (_PAIR, ops.greater_equal),
    "less": (_PAIR, ops.less),
    "less_equal": (_PAIR, ops.less_equal),
    "lesser": (_PAIR, ops.less),
    "lesser_equal": (_PAIR, ops.less_equal),
    "maximum": (_PAIR, ops.maximum),
    "minimum": (_PAIR, ops.minimum),
    "dot": (_PAIR, ops.dot),
    # reductions
    "max": (_REDUCED, ops.max),
    "min": (_REDUCED, ops.min),
    "sum": (_REDUCED, _floating(ops.sum)),
    "prod": (_REDUCED, _floating(ops.prod)),
    "mean": (_REDUCED, ops.mean),
    "std": (_REDUCED, ops.std),
    "var": (_REDUCED, ops.var),
    "any": (_REDUCED, ops.any),
    "all": (_REDUCED, ops.all),
    "logsumexp": (_REDUCED, ops.logsumexp),
    "argmax": ("x, axis=-1", ops.argmax),
    "argmin": ("x, axis=-1", ops.argmin),
    "cumsum": ("x, axis=0", ops.cumsum),
    "cumprod": ("x, axis=0", ops.cumprod),
    # shapes and indices
    "cast": ("x, dtype", ops.cast),
    "concatenate": ("tensors, axis=-1", ops.concatenate),
    "expand_dims": ("x, axis=-1", ops.expand_dims),
    "gather": ("x, indices", lambda x, i: ops.take(x, ops.cast(i, "int32"), axis=0)),
    "one_hot": ("indices, num_classes", lambda i, n: ops.one_hot(ops.cast(i, "int32"), n)),
    "permute_dimensions": ("x, pattern", ops.transpose),
    "repeat_elements": ("x, rep, axis", ops.repeat),
    "repeat": ("x, n", lambda x, n: ops.repeat(ops.expand_dims(x, 1), n, axis=1)),
    "reverse": ("x, axes", ops.flip),
    "squeeze": ("x, axis", ops.squeeze),
    "stack": ("x, axis=0", ops.stack),
    "tile": ("x, n", ops.tile),
    "transpose": ("x", ops.transpose),
    "zeros_like": ("x, dtype=None", ops.zeros_like),
    "ones_like": ("x, dtype=None", ops.ones_like),
    "in_top_k": ("predictions, targets, k", lambda p, t, k: ops.in_top_k(ops.cast(t, "int32"), p, k)),
    "pattern_broadcast": ("x, broadcastable", lambda x, _: x),
    "to_dense": ("tensor", lambda x: x),
    # normalization
    "batch_normalization": ("x, mean, var, beta, gamma, axis=-1, epsilon=1e-3", _batch_normalization),
    "normalize_batch_in_training": ("x, gamma, beta, reduction_axes, epsilon=1e-3", _normalize_in_training),
}


def made(name: str, signature: str, compute: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a row.

    Args:
        name: str; name in ``K``.
        signature: str; parameters, as between the brackets of a definition.
        compute: callable; takes all of them by position.
    """
    parsed = inspect.Signature([_parameter(*text.split("=")) for text in signature.split(", ")])

    def function(*args: Any, **kwargs: Any) -> Any:
        given = parsed.bind(*args, **kwargs)
        given.apply_defaults()
        return compute(*given.args)

    function.__signature__ = parsed
    function.__name__ = function.__qualname__ = name
    source = getattr(compute, "__module__", "").startswith("amalthea.ops") and f"``ops.{compute.__name__}``"
    function.__doc__ = f"Keras's ``K.{name}({signature})``{': ' + source if source else ''}."
    return recorded(function)


def _parameter(name: str, default: str | None = None) -> inspect.Parameter:
    value = inspect.Parameter.empty if default is None else ast.literal_eval(default)
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)


FUNCTIONS = {name: made(name, *row) for name, row in ROWS.items()}
