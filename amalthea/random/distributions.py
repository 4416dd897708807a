"""Draws from distributions that need several numbers for each draw: gamma, beta, binomial.

Proposals are made in a fixed number, so a draw is a plain function of its key and can be compiled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import docstrings, ops
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.primitives import random as primitives
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import static
from amalthea.random.draws import float_dtype
from amalthea.random.seeds import SeedGenerator, draw_seed

_PROPOSALS = 8  # each is accepted with a probability of 0.95 or more, so 4 of 10**11 draws are not
_FEW = 16  # so many trials are drawn one by one
_MOST = 1 << 24  # trials that float32 counts


def _stream(key: Any, number: int) -> Any:
    """Another key for each number: a draw needs several independent streams."""
    return ops.bitwise_xor(key, np.array([(number * 0x9E3779B9) & 0xFFFFFFFF, 0], np.uint32))


def _wide(name: str) -> str:
    return "float64" if name == "float64" else "float32"


def _parameter(x: Any, shape: Any, name: str, kind: str, low: float, high: float, with_least: bool) -> Any:
    """A parameter of a distribution as floats of the output's shape. Numbers that have a value are checked."""
    values = ops.cast(x, kind)
    if not isinstance(values, Tensor):
        known = ops.convert_to_numpy(values)
        fits = (known >= low if with_least else known > low) & (known <= high)
        if not fits.all():
            raise ArgumentError(
                f"`{name}` is out of its range.",
                expected="more than 0" if math.isinf(high) else f"{low:g} to {high:g}",
                got=known[~fits].flat[0],
            )
    try:
        return ops.broadcast_to(values, shape)
    except ShapeError:
        raise ShapeError(f"`{name}` does not broadcast to the shape.", expected=shape, got=values.shape) from None


def _log_gamma_draw(key: Any, alpha: Any, shape: Any, kind: str) -> Any:
    """Logarithms of draws from the gamma distribution; for small shapes, draws themselves would be 0.

    Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
    """
    small = ops.less(alpha, 1.0)
    d = ops.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    wide = (_PROPOSALS, *shape)
    x = primitives.random_normal(_stream(key, 1), shape=wide, dtype=kind)
    u = primitives.random_uniform(_stream(key, 2), shape=wide, dtype=kind)
    root = ops.multiply(x, ops.rsqrt(d * 9.0)) + 1.0
    positive = ops.greater(root, 0.0)
    log_v = 3.0 * ops.log(ops.where(positive, root, 1.0))
    bound = ops.add(0.5 * ops.square(x), ops.multiply(d, 1.0 - ops.exp(log_v) + log_v))
    accepted = ops.logical_and(positive, ops.less(ops.log(1.0 - u), bound))
    first = ops.argmax(ops.cast(accepted, "int32"), axis=0)
    chosen = ops.squeeze(ops.take_along_axis(log_v, ops.expand_dims(first, 0), axis=0), 0)
    boost = ops.log(1.0 - primitives.random_uniform(_stream(key, 3), shape=tuple(shape), dtype=kind))
    return ops.add(ops.add(ops.log(d), chosen), ops.where(small, ops.divide(boost, alpha), 0.0))


def _beta_draw(key: Any, alpha: Any, beta: Any, shape: Any, kind: str) -> Any:
    first = _log_gamma_draw(_stream(key, 5), alpha, shape, kind)
    return ops.sigmoid(ops.subtract(first, _log_gamma_draw(_stream(key, 7), beta, shape, kind)))


@docstrings.fill
def gamma(
    shape: Sequence[Any],
    alpha: TensorLike,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Draws numbers from the gamma distribution with scale 1.

    Args:
        |drawn shape|
        alpha: float above 0, or a tensor that broadcasts to ``shape``; shape of the distribution, its mean.
        |drawn dtype|
        |seed of a draw|

    Shapes:
        output: ``shape``, such as (batch, features)

    Raises:
        ArgumentError: ``alpha`` is not positive, the dtype is not a float dtype, or the seed is not valid.
        ShapeError: ``alpha`` does not broadcast to the shape.

    Example:
        >>> from amalthea import ops, random
        >>> x = random.gamma((10000,), alpha=4.0, seed=0)
        >>> round(float(ops.mean(x))), round(float(ops.var(x)))
        (4, 4)

    Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
    """
    name, whole = float_dtype(dtype), static(shape)
    a = _parameter(alpha, whole, "alpha", _wide(name), 0.0, math.inf, False)
    return ops.cast(ops.exp(_log_gamma_draw(draw_seed(seed), a, whole, _wide(name))), name)


@docstrings.fill
def beta(
    shape: Sequence[Any],
    alpha: TensorLike,
    beta: TensorLike,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Draws numbers from 0 to 1 from the beta distribution: ``x / (x + y)`` of two draws from gamma distributions.

    Args:
        |drawn shape|
        alpha: float above 0, or a tensor that broadcasts to ``shape``; larger ones move the numbers to 1.
        beta: float above 0, or a tensor that broadcasts to ``shape``; larger ones move the numbers to 0.
        |drawn dtype|
        |seed of a draw|

    Shapes:
        output: ``shape``, such as (batch, features)

    Raises:
        ArgumentError: a parameter is not positive, the dtype is not a float dtype, or the seed is not valid.
        ShapeError: a parameter does not broadcast to the shape.

    Example:
        >>> from amalthea import ops, random
        >>> x = random.beta((10000,), alpha=3.0, beta=1.0, seed=0)
        >>> round(float(ops.mean(x)), 1), bool(ops.all(x <= 1.0))  # 3 / (3 + 1)
        (0.7, True)
    """
    name, whole = float_dtype(dtype), static(shape)
    kind = _wide(name)
    a, b = (_parameter(x, whole, n, kind, 0.0, math.inf, False) for x, n in ((alpha, "alpha"), (beta, "beta")))
    return ops.cast(_beta_draw(draw_seed(seed), a, b, whole, kind), name)


@docstrings.fill
def binomial(
    shape: Sequence[Any],
    counts: TensorLike,
    probabilities: TensorLike,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Draws numbers of successes from the binomial distribution, as floats.

    Args:
        |drawn shape|
        counts: int from 0, or a tensor of whole numbers that broadcasts to ``shape``; number of trials, at most
            2 ** 24.
        probabilities: float from 0 to 1, or a tensor that broadcasts to ``shape``; probability of a success.
        |drawn dtype|
        |seed of a draw|

    Shapes:
        output: ``shape``, such as (batch, features)

    Raises:
        ArgumentError: a parameter is out of its range, the dtype is not a float dtype, or the seed is not valid.
        ShapeError: a parameter does not broadcast to the shape.

    Example:
        >>> from amalthea import ops, random
        >>> x = random.binomial((10000,), counts=20, probabilities=0.25, seed=0)
        >>> round(float(ops.mean(x))), bool(ops.all(x <= 20))
        (5, True)

    Source: Ahrens and Dieter, "Computer methods for sampling from gamma, beta, Poisson and binomial distributions",
    1974: the middle one of the sorted trials is a beta draw, which halves the number of trials.
    """
    name, whole = float_dtype(dtype), static(shape)
    kind, key = _wide(name), draw_seed(seed)
    n = ops.floor(_parameter(counts, whole, "counts", kind, 0, _MOST, True))
    p = _parameter(probabilities, whole, "probabilities", kind, 0.0, 1.0, True)
    known = 0 in whole or isinstance(n, Tensor)
    most = _MOST if known else int(ops.max(n)) if n.shape else int(n)
    found = ops.zeros_like(n)
    for step in range(max(math.ceil(math.log2(max(most, 1) / _FEW)), 0)):
        many = ops.greater(n, _FEW)
        middle = ops.where(many, ops.floor(n * 0.5) + 1.0, 1.0)
        above = ops.where(many, ops.subtract(n + 1.0, middle), 1.0)
        drawn = _beta_draw(_stream(key, 11 + step), middle, above, whole, kind)
        below = ops.less_equal(drawn, p)
        found = ops.where(ops.logical_and(many, below), ops.add(found, middle), found)
        share = ops.where(below, ops.divide_no_nan(ops.subtract(p, drawn), 1.0 - drawn), ops.divide_no_nan(p, drawn))
        n = ops.where(many, ops.where(below, ops.subtract(n, middle), middle - 1.0), n)
        p = ops.where(many, ops.clip(share, 0.0, 1.0), p)
    even = primitives.random_uniform(_stream(key, 4), shape=(_FEW, *whole), dtype=kind)
    trial = ops.reshape(ops.cast(np.arange(_FEW), kind), (_FEW, *(1,) * len(whole)))
    success = ops.logical_and(ops.less(trial, n), ops.less(even, p))
    return ops.cast(ops.add(found, ops.sum(ops.cast(success, kind), axis=0)), name)
