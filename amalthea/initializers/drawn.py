"""Initial values that are drawn at random on the host, so that a seed means the same weights everywhere."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, ShapeError
from amalthea.initializers.constant import Initializer, numpy_dtype
from amalthea.random import host_stream


class _Random(Initializer):
    """An initializer with a ``seed``: an int, a ``SeedGenerator``, or None; it writes :meth:`draw`."""

    seed: Any = None

    def draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        raise NotImplementedError

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        to = numpy_dtype(dtype)
        drawn = self.draw(host_stream(self.seed), tuple(shape), np.float64 if to == np.float64 else np.float32)
        return drawn.astype(to)


def _within_two_deviations(stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Standard normal numbers, those beyond ±2 drawn again."""
    drawn: np.ndarray[Any, Any] = stream.standard_normal(shape, dtype)
    while (far := np.abs(drawn) > 2).any():
        drawn[far] = stream.standard_normal(int(far.sum()), dtype)
    return drawn


class RandomNormal(_Random, aliases=("normal",)):
    """Numbers of the normal distribution."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        return stream.standard_normal(shape, dtype) * self.stddev + self.mean


class TruncatedNormal(_Random):
    """Numbers of the normal distribution, those beyond two standard deviations drawn again."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        return _within_two_deviations(stream, shape, dtype) * self.stddev + self.mean


class RandomUniform(_Random, aliases=("uniform",)):
    """Numbers spread evenly over ``[minval, maxval)``."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        return stream.random(shape, dtype) * (self.maxval - self.minval) + self.minval


def compute_fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs meet in one unit, and how many outputs one input reaches.

    The last two axes are inputs and outputs, those before them the window of a convolution, unless the axes are
    named.

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    >>> compute_fans((8, 2, 4), input_axes=(0,), output_axes=(1, 2))
    (8, 8)
    """
    shape = tuple(shape)
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    inputs = [axis % len(shape) for axis in ((-2,) if input_axes is None else input_axes)]
    outputs = [axis % len(shape) for axis in ((-1,) if output_axes is None else output_axes)]
    window = math.prod(n for axis, n in enumerate(shape) if axis not in inputs + outputs)
    return window * math.prod(shape[i] for i in inputs), window * math.prod(shape[i] for i in outputs)


_TRUNCATED_DEVIATION = 0.87962566103423978  # the standard deviation of a normal distribution cut at ±2


class VarianceScaling(_Random):
    """Numbers whose variance is ``scale / n``, where ``n`` is the fan in, the fan out, or their mean.

    Args:
        scale: above 0.
        mode: ``"fan_in"``, ``"fan_out"`` or ``"fan_avg"``.
        distribution: ``"truncated_normal"``, ``"untruncated_normal"`` or ``"uniform"``.
        seed: an int, a ``SeedGenerator``, or None.
        input_axes: the axes of the weight that are inputs, if not the last but one.
        output_axes: the axes of the weight that are outputs, if not the last.

    Source: Glorot and Bengio, 2010 (fan_avg); He et al., arXiv:1502.01852 (fan_in, scale 2); LeCun et al., 1998.
    """

    modes: dict[str, Callable[[float, float], float]] = {
        "fan_in": lambda a, b: a,
        "fan_out": lambda a, b: b,
        "fan_avg": lambda a, b: (a + b) / 2,
    }
    distributions = ("truncated_normal", "untruncated_normal", "uniform")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        distribution = {"normal": "truncated_normal"}.get(distribution.lower(), distribution.lower())
        if scale <= 0:
            raise ArgumentError("The scale of a variance is above 0.", got=repr(scale))
        for value, known in ((mode, self.modes), (distribution, self.distributions)):
            if value not in known:
                raise ArgumentError(f"VarianceScaling knows no {value!r}.", expected=", ".join(known))
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.input_axes, self.output_axes = input_axes, output_axes

    def draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        count = self.modes[self.mode](*compute_fans(shape, self.input_axes, self.output_axes))
        deviation = math.sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            return (stream.random(shape, dtype) * 2 - 1) * (math.sqrt(3) * deviation)
        if self.distribution == "untruncated_normal":
            return stream.standard_normal(shape, dtype) * deviation
        return _within_two_deviations(stream, shape, dtype) * (deviation / _TRUNCATED_DEVIATION)


class _Scaled(VarianceScaling):
    """A variance scaling with a name of its own: (scale, mode, distribution)."""

    rule = (1.0, "fan_in", "truncated_normal")

    def __init__(
        self, seed: Any = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ):
        super().__init__(*self.rule, seed, input_axes, output_axes)


class GlorotUniform(_Scaled):
    """Uniform, scaled by the mean of fan in and fan out. Source: Glorot and Bengio, 2010, equation 16."""

    rule = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Normal, scaled by the mean of fan in and fan out. Source: Glorot and Bengio, 2010."""

    rule = (1.0, "fan_avg", "truncated_normal")


class HeNormal(_Scaled):
    """Normal, scaled by twice the inverse of fan in, for ReLU. Source: He et al., arXiv:1502.01852, equation 10."""

    rule = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform, scaled by twice the inverse of fan in, for ReLU. Source: He et al., arXiv:1502.01852."""

    rule = (2.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Normal, scaled by the inverse of fan in, for SELU. Source: LeCun et al., "Efficient BackProp", 1998."""

    rule = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform, scaled by the inverse of fan in. Source: LeCun et al., "Efficient BackProp", 1998."""

    rule = (1.0, "fan_in", "uniform")


class Orthogonal(_Random, aliases=("OrthogonalInitializer",)):
    """``gain`` times a random matrix with orthonormal rows or columns, whichever are fewer.

    Shapes: two axes or more; all but the last are taken together as rows.

    Source: Saxe et al., arXiv:1312.6120.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        self.gain, self.seed = gain, seed

    def draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        if len(shape) < 2:
            raise ShapeError("An orthogonal matrix has two axes or more.", expected="(rows, columns)", got=shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(stream.standard_normal((max(rows, columns), min(rows, columns)), dtype))
        q = q * np.sign(np.diag(r))  # without it the matrices are not spread evenly
        return self.gain * (q if rows >= columns else q.T).reshape(shape)
