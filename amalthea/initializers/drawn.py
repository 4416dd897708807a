"""Random initial values, drawn on the host, so that a seed gives the same weights on every backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, Union

import numpy as np

from amalthea import docstrings
from amalthea.engine.types import DTypeLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.initializers.constant import Initializer, numpy_dtype
from amalthea.random import SeedGenerator, host_stream

Seed: TypeAlias = Union[int, "SeedGenerator", None]

docstrings.share(
    "seed of an initializer",
    """
    seed: int, ``SeedGenerator`` or None; an int gives the same values at each call. Defaults to None, which draws new
        values at each call, from the stream that ``amalthea.random.set_random_seed`` starts.
    """,
)
docstrings.share(
    "axes of fans",
    """
    input_axes: sequence of ints or None; axes of the weight that are inputs. Defaults to None, the last but one.
    output_axes: sequence of ints or None; axes of the weight that are outputs. Defaults to None, the last.
    """,
)


class _Random(Initializer):
    """An initializer with a ``seed``: an int, a ``SeedGenerator``, or None; it writes :meth:`_draw`."""

    seed: Any = None

    def _draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        raise NotImplementedError

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        to = numpy_dtype(dtype)
        drawn = self._draw(host_stream(self.seed), tuple(shape), np.float64 if to == np.float64 else np.float32)
        return drawn.astype(to)


def _within_two_deviations(stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Standard normal numbers, those beyond ±2 drawn again."""
    drawn: np.ndarray[Any, Any] = stream.standard_normal(shape, dtype)
    while (far := np.abs(drawn) > 2).any():
        drawn[far] = stream.standard_normal(int(far.sum()), dtype)
    return drawn


class RandomNormal(_Random, aliases=("normal",)):
    """Random values of the normal distribution.

    Args:
        mean: float; mean of the distribution. Defaults to 0.
        stddev: float; standard deviation of the distribution. Defaults to 0.05.
        |seed of an initializer|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.RandomNormal(mean=1.0, stddev=0.5, seed=0)((100, 100))
        >>> round(float(w.mean()), 1), round(float(w.std()), 1)
        (1.0, 0.5)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def _draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        return stream.standard_normal(shape, dtype) * self.stddev + self.mean


class TruncatedNormal(_Random):
    """Random values of the normal distribution, drawn again while they are beyond two standard deviations.

    Args:
        mean: float; mean of the distribution. Defaults to 0.
        stddev: float; standard deviation before the truncation, which makes it 0.88 of this. Defaults to 0.05.
        |seed of an initializer|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.TruncatedNormal(stddev=0.5, seed=0)((100, 100))
        >>> bool(abs(w).max() <= 1.0), round(float(w.std()), 2)
        (True, 0.44)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def _draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        return _within_two_deviations(stream, shape, dtype) * self.stddev + self.mean


class RandomUniform(_Random, aliases=("uniform",)):
    """Random values of the uniform distribution over ``[minval, maxval)``.

    Args:
        minval: float; lower bound. Defaults to -0.05.
        maxval: float; upper bound, not included. Defaults to 0.05.
        |seed of an initializer|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.RandomUniform(0.0, 2.0, seed=0)((100, 100))
        >>> bool(w.min() >= 0.0), bool(w.max() < 2.0), round(float(w.mean()), 1)
        (True, True, 1.0)
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def _draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        return stream.random(shape, dtype) * (self.maxval - self.minval) + self.minval


@docstrings.fill
def compute_fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """Computes fan in (number of inputs of one unit) and fan out (number of units that one input reaches) of a weight.

    Axes that are neither inputs nor outputs are the window of a convolution: its size multiplies both fans.

    Args:
        shape: sequence of ints; shape of the weight.
        |axes of fans|

    Returns:
        A tuple ``(fan_in, fan_out)``. Both are the size of a weight of one axis, and 1 for a number.

    Example:
        >>> from amalthea.initializers import compute_fans
        >>> compute_fans((3, 3, 16, 32))  # the kernel of a convolution: 9 * 16, 9 * 32
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
    """Random values of variance ``scale / n``, where n is the number of inputs or outputs of the weight.

    A uniform distribution has the bounds ``±sqrt(3 * scale / n)``.

    Args:
        scale: float, above 0; factor of the variance. Defaults to 1.
        mode: str; n is the fan in with ``"fan_in"``, the fan out with ``"fan_out"``, and their mean with
            ``"fan_avg"`` (see :func:`compute_fans`). Defaults to ``"fan_in"``.
        distribution: ``"truncated_normal"`` (at two standard deviations), ``"untruncated_normal"`` or ``"uniform"``.
            Defaults to ``"truncated_normal"``; ``"normal"`` means the same.
        |seed of an initializer|
        |axes of fans|

    Shapes:
        |shapes of initial values|

    Raises:
        ArgumentError: ``scale`` is 0 or less, or the mode or distribution does not exist.

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.VarianceScaling(scale=2.0, mode="fan_in", seed=0)((200, 100))
        >>> round(float(w.std()), 2)  # sqrt(2 / 200)
        0.1

    Source: Glorot and Bengio, 2010 (fan_avg); He et al., arXiv:1502.01852 (fan_in, scale 2); LeCun et al., 1998.
    """

    _modes: dict[str, Callable[[float, float], float]] = {
        "fan_in": lambda a, b: a,
        "fan_out": lambda a, b: b,
        "fan_avg": lambda a, b: (a + b) / 2,
    }
    _distributions = ("truncated_normal", "untruncated_normal", "uniform")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        distribution = {"normal": "truncated_normal"}.get(distribution.lower(), distribution.lower())
        if scale <= 0:
            raise ArgumentError("The scale of a variance is above 0.", got=repr(scale))
        for value, known in ((mode, self._modes), (distribution, self._distributions)):
            if value not in known:
                raise ArgumentError(f"VarianceScaling knows no {value!r}.", expected=", ".join(known))
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.input_axes, self.output_axes = input_axes, output_axes

    def _draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        count = self._modes[self.mode](*compute_fans(shape, self.input_axes, self.output_axes))
        deviation = math.sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            return (stream.random(shape, dtype) * 2 - 1) * (math.sqrt(3) * deviation)
        if self.distribution == "untruncated_normal":
            return stream.standard_normal(shape, dtype) * deviation
        return _within_two_deviations(stream, shape, dtype) * (deviation / _TRUNCATED_DEVIATION)


class _Scaled(VarianceScaling):
    """A variance scaling with a name of its own: (scale, mode, distribution)."""

    _scaling = (1.0, "fan_in", "truncated_normal")

    def __init__(
        self, seed: Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ):
        super().__init__(*self._scaling, seed, input_axes, output_axes)


class GlorotUniform(_Scaled):
    """Glorot's (Xavier's) uniform initializer, the default of most kernels.

    Uniform over ``±sqrt(6 / (fan_in + fan_out))``.

    Args:
        |seed of an initializer|
        |axes of fans|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.GlorotUniform(seed=0)((100, 50))
        >>> round(float(abs(w).max()), 2)  # the bound is sqrt(6 / 150)
        0.2

    Source: Glorot and Bengio, AISTATS 2010, equation 16.
    """

    _scaling = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Glorot's (Xavier's) normal initializer.

    Normal, truncated at two standard deviations, of variance ``2 / (fan_in + fan_out)``.

    Args:
        |seed of an initializer|
        |axes of fans|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.GlorotNormal(seed=0)((120, 80))
        >>> round(float(w.std()), 2)  # sqrt(2 / 200)
        0.1

    Source: Glorot and Bengio, AISTATS 2010.
    """

    _scaling = (1.0, "fan_avg", "truncated_normal")


class HeNormal(_Scaled):
    """He's normal initializer, for layers with ReLU.

    Normal, truncated at two standard deviations, of variance ``2 / fan_in``.

    Args:
        |seed of an initializer|
        |axes of fans|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.HeNormal(seed=0)((200, 100))
        >>> round(float(w.std()), 2)  # sqrt(2 / 200)
        0.1

    Source: He et al., arXiv:1502.01852, equation 10.
    """

    _scaling = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Scaled):
    """He's uniform initializer, for layers with ReLU.

    Uniform over ``±sqrt(6 / fan_in)``, of variance ``2 / fan_in``.

    Args:
        |seed of an initializer|
        |axes of fans|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.HeUniform(seed=0)((150, 100))
        >>> round(float(abs(w).max()), 2)  # the bound is sqrt(6 / 150)
        0.2

    Source: He et al., arXiv:1502.01852.
    """

    _scaling = (2.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """LeCun's normal initializer, for layers with SELU.

    Normal, truncated at two standard deviations, of variance ``1 / fan_in``.

    Args:
        |seed of an initializer|
        |axes of fans|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.LecunNormal(seed=0)((100, 100))
        >>> round(float(w.std()), 2)  # sqrt(1 / 100)
        0.1

    Source: LeCun et al., "Efficient BackProp", 1998.
    """

    _scaling = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """LeCun's uniform initializer.

    Uniform over ``±sqrt(3 / fan_in)``, of variance ``1 / fan_in``.

    Args:
        |seed of an initializer|
        |axes of fans|

    Shapes:
        |shapes of initial values|

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.LecunUniform(seed=0)((75, 100))
        >>> round(float(abs(w).max()), 2)  # the bound is sqrt(3 / 75)
        0.2

    Source: LeCun et al., "Efficient BackProp", 1998.
    """

    _scaling = (1.0, "fan_in", "uniform")


class Orthogonal(_Random, aliases=("OrthogonalInitializer",)):
    """Random matrix with orthonormal rows or columns, whichever are fewer, times a factor.

    Args:
        gain: float; factor. Defaults to 1.
        |seed of an initializer|

    Shapes:
        (..., columns) with two axes or more -> an array of this shape; all axes but the last make up the rows

    Raises:
        ShapeError: the shape has less than two axes (when called).

    Example:
        >>> from amalthea import initializers
        >>> w = initializers.Orthogonal(gain=2.0, seed=0)((4, 2))
        >>> abs(w.T @ w).round(4).tolist()  # the square of the gain on the diagonal
        [[4.0, 0.0], [0.0, 4.0]]

    Source: Saxe et al., arXiv:1312.6120.
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None):
        self.gain, self.seed = gain, seed

    def _draw(self, stream: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        if len(shape) < 2:
            raise ShapeError("An orthogonal matrix has two axes or more.", expected="(rows, columns)", got=shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(stream.standard_normal((max(rows, columns), min(rows, columns)), dtype))
        q = q * np.sign(np.diag(r))  # without it the matrices are not spread evenly
        return self.gain * (q if rows >= columns else q.T).reshape(shape)
