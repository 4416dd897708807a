"""Draws of random numbers, in a step of training or at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import config, docstrings, ops
from amalthea.engine import dtypes
from amalthea.engine.primitives import random as primitives
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import ArgumentError
from amalthea.ops.base import static
from amalthea.random.seeds import SeedGenerator, draw_seed

docstrings.share(
    "drawn shape",
    "shape: int or sequence of ints; output shape. Symbolic sizes, as from ``ops.shape``, are allowed.",
)
docstrings.share("drawn dtype", "dtype: DTypeLike; a float dtype. Defaults to None, which means ``floatx`` (float32).")
docstrings.share(
    "seed of a draw",
    """
seed: int, SeedGenerator or None. An int draws the same numbers at each call; a SeedGenerator draws others each
    time, in a fixed order. Defaults to None, the global generator that :func:`set_random_seed` seeds.
""",
)


def _draw(kind: str, shape: Sequence[Any], dtype: str, seed: Any) -> Any:
    """Standard draws in float32, or in float64 for that dtype. (Half precision has few different numbers.)"""
    wide = "float64" if dtype == "float64" else "float32"
    return getattr(primitives, kind)(draw_seed(seed), shape=static(shape), dtype=wide)


def _scaled(drawn: Any, scale: Any, shift: Any, dtype: str) -> Any:
    return ops.cast(ops.add(ops.multiply(drawn, scale), shift), dtype)


def float_dtype(dtype: Any) -> str:
    """Return the name of a float dtype, ``floatx`` for None."""
    name = dtypes.standardize(dtype or config.floatx())
    if not dtypes.is_float(name):
        raise ArgumentError("Such numbers are drawn as floats.", expected=", ".join(dtypes.FLOATS), got=name)
    return name


@docstrings.fill
def uniform(
    shape: Sequence[Any],
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Draws numbers from the uniform distribution over ``[minval, maxval)``.

    Args:
        |drawn shape|
        minval: float, or a tensor that broadcasts to ``shape``; lower bound. Defaults to 0.
        maxval: float, or a tensor that broadcasts to ``shape``; upper bound, not included, unless it is a tensor
            to which a sum rounds up. Defaults to 1.
        dtype: DTypeLike; dtype of the output. A dtype of whole numbers draws as :func:`randint`. Defaults to None,
            which means ``floatx`` (float32).
        |seed of a draw|

    Shapes:
        output: ``shape``

    Raises:
        ArgumentError: the dtype is bool, or the seed is not valid.

    Example:
        >>> from amalthea import ops, random
        >>> x = random.uniform((1000,), minval=2.0, maxval=4.0, seed=0)
        >>> bool(ops.all(x >= 2.0)), bool(ops.all(x < 4.0)), round(float(ops.mean(x)))
        (True, True, 3)
    """
    if dtype is not None and dtypes.is_integer(dtypes.standardize(dtype)):
        return randint(shape, minval, maxval, dtype, seed)
    name = float_dtype(dtype)
    drawn = _scaled(_draw("random_uniform", shape, name, seed), maxval - minval, minval, name)
    bounds = isinstance(minval, (int, float)) and isinstance(maxval, (int, float)) and minval < maxval
    return ops.minimum(drawn, _below(maxval, name)) if bounds else drawn


def _below(bound: float, dtype: str) -> np.ndarray:
    """The largest number of a float dtype that is smaller than a bound, to which a sum could have rounded up."""
    kind = dtypes.to_numpy(dtype)
    nearest = np.asarray(bound, kind)
    return nearest if float(nearest) < bound else np.nextafter(nearest, np.asarray(-np.inf, kind))


@docstrings.fill
def normal(
    shape: Sequence[Any],
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Draws numbers from the normal distribution.

    Args:
        |drawn shape|
        mean: float, or a tensor that broadcasts to ``shape``. Defaults to 0.
        stddev: float, or a tensor that broadcasts to ``shape``; standard deviation. Defaults to 1.
        |drawn dtype|
        |seed of a draw|

    Shapes:
        output: ``shape``, such as (batch, features)

    Raises:
        ArgumentError: the dtype is not a float dtype, or the seed is not valid.

    Example:
        >>> from amalthea import ops, random
        >>> x = random.normal((10000,), mean=5.0, stddev=2.0, seed=0)
        >>> round(float(ops.mean(x))), round(float(ops.std(x)))
        (5, 2)
    """
    name = float_dtype(dtype)
    return _scaled(_draw("random_normal", shape, name, seed), stddev, mean, name)


@docstrings.fill
def truncated_normal(
    shape: Sequence[Any],
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Draws numbers from the normal distribution, limited to two standard deviations around the mean.

    A number is the inverse distribution function of a uniform one, so no draw has to be repeated.

    Args:
        |drawn shape|
        mean: float, or a tensor that broadcasts to ``shape``. Defaults to 0.
        stddev: float, or a tensor that broadcasts to ``shape``; standard deviation before the limits. Defaults to 1.
        |drawn dtype|
        |seed of a draw|

    Shapes:
        output: ``shape``, such as (batch, features)

    Raises:
        ArgumentError: the dtype is not a float dtype, or the seed is not valid.

    Example:
        >>> from amalthea import ops, random
        >>> x = random.truncated_normal((10000,), stddev=0.5, seed=0)
        >>> bool(ops.max(ops.abs(x)) <= 1.0), round(float(ops.std(x)), 1)
        (True, 0.4)
    """
    inside = math.erf(math.sqrt(2.0))  # the share of the distribution within two deviations
    name = float_dtype(dtype)
    even = _draw("random_uniform", shape, name, seed) * (2.0 * inside) - inside
    standard = ops.clip(_inverse_erf(even) * math.sqrt(2.0), -2.0, 2.0)
    return _scaled(standard, stddev, mean, name)


_GILES = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip


def _inverse_erf(x: Any) -> Any:
    """The inverse of the error function for ``abs(x) < 0.99``, to float32.

    Source: Giles, "Approximating the erfinv function", 2010, table 5 (the middle branch).
    """
    w = ops.negative(ops.log((1.0 - x) * (1.0 + x))) - 2.5
    polynomial = w * _GILES[0] + _GILES[1]
    for coefficient in _GILES[2:]:
        polynomial = polynomial * w + coefficient
    return polynomial * x


@docstrings.fill
def randint(
    shape: Sequence[Any],
    minval: int,
    maxval: int,
    dtype: DTypeLike = "int32",
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Draws whole numbers from ``minval`` to ``maxval - 1``, all equally likely.

    Args:
        |drawn shape|
        minval: int; the smallest number.
        maxval: int; the end, not included.
        dtype: DTypeLike; a dtype of whole numbers. Defaults to int32.
        |seed of a draw|

    Shapes:
        output: ``shape``

    Raises:
        ArgumentError: the dtype is not one of whole numbers, or the seed is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, random
        >>> dice = ops.convert_to_numpy(random.randint((1000,), 1, 7, seed=0))
        >>> np.unique(dice).tolist()
        [1, 2, 3, 4, 5, 6]
    """
    name = dtypes.standardize(dtype)
    if not dtypes.is_integer(name):
        raise ArgumentError("Whole numbers need an integer dtype.", expected=", ".join(dtypes.INTEGERS), got=name)
    count = maxval - minval
    wide = "float64" if isinstance(count, int) and count > 1 << 22 else "float32"  # float32 counts to 2**24
    even = _draw("random_uniform", shape, wide, seed)
    whole = ops.cast(ops.floor(even * ops.cast(count, wide)), name)
    return ops.minimum(whole, ops.cast(count - 1, name)) + ops.cast(minval, name)


@docstrings.fill
def categorical(
    logits: TensorLike, num_samples: int, dtype: DTypeLike = "int32", seed: int | SeedGenerator | None = None
) -> Any:
    """Draws class numbers with the probabilities ``softmax(logits)``.

    Args:
        logits: TensorLike of two axes; logarithms of the probabilities of the classes, up to a constant in each row.
        num_samples: int from 0; number of draws for each row.
        dtype: DTypeLike; dtype of the output. Defaults to int32.
        |seed of a draw|

    Shapes:
        (batch, classes) -> (batch, num_samples)

    Example:
        >>> from amalthea import ops, random
        >>> draws = random.categorical(ops.log([[0.2, 0.8]]), 4000, seed=0)
        >>> tuple(draws.shape), round(float(ops.mean(draws)), 1)
        ((1, 4000), 0.8)

    Source: Gumbel, "Statistical theory of extreme values", 1954 (the largest of logits with Gumbel noise).
    """
    scores: Any = ops.convert_to_tensor(logits)
    batch, classes = ops.shape(scores)
    even = uniform((batch, num_samples, classes), 1e-20, 1.0, seed=seed)
    noise = ops.negative(ops.log(ops.negative(ops.log(even))))
    noisy = ops.add(ops.cast(ops.expand_dims(scores, 1), noise.dtype), noise)
    return ops.cast(ops.argmax(noisy, axis=-1), dtype)


@docstrings.fill
def dropout(
    inputs: TensorLike,
    rate: float,
    noise_shape: Sequence[Any] | None = None,
    seed: int | SeedGenerator | None = None,
) -> Any:
    """Sets elements to 0 at random and multiplies the others by ``1 / (1 - rate)``, which keeps the expected sum.

    Args:
        inputs: TensorLike of any shape.
        rate: float from 0 to 1; the probability of each element to become 0.
        noise_shape: sequence of ints or None, one for each axis; shape of the random decisions, which broadcasts to the
            inputs. None for an axis means its size; 1 lets all elements along it share a decision. Defaults to None,
            the shape of the inputs.
        |seed of a draw|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops, random
        >>> x = random.dropout(ops.ones((10000,)), rate=0.2, seed=0)
        >>> float(ops.max(x)), round(float(ops.mean(x)), 1), round(float(ops.mean(x == 0)), 1)
        (1.25, 1.0, 0.2)

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """
    x = ops.convert_to_tensor(inputs)
    whole = ops.shape(x)
    shape = whole if noise_shape is None else [n or m for n, m in zip(noise_shape, whole)]
    kept = ops.greater_equal(_draw("random_uniform", shape, "float32", seed), rate)
    grown = ops.multiply(x, 1.0 / (1.0 - rate) if rate < 1 else 0.0)
    return ops.where(kept, grown, ops.zeros_like(grown))


@docstrings.fill
def shuffle(x: TensorLike, axis: int = 0, seed: int | SeedGenerator | None = None) -> Any:
    """Puts the slices along an axis into a random order.

    Args:
        x: TensorLike with at least one axis.
        axis: int; the axis to shuffle. Defaults to 0, the first.
        |seed of a draw|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops, random
        >>> x = random.shuffle(ops.arange(10), seed=0)
        >>> ops.convert_to_numpy(ops.sort(x)).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    a = ops.convert_to_tensor(x)
    order = ops.argsort(_draw("random_uniform", (ops.shape(a)[axis],), "float32", seed))
    return ops.take(a, order, axis=axis)
