"""Activation functions that work element by element."""

from __future__ import annotations

import math
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.ops.base import cast, counted, floating, op


def _scalar(x: Any, value: float) -> Any:
    return cast(value, dtypes.name_of(x))


@op
def relu(x: TensorLike) -> Any:
    """Computes the rectified linear unit: ``max(x, 0)``. Its gradient at 0 is 0.

    Args:
        x: TensorLike of any shape. The dtype is kept; bools count as int32.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.relu([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.0, 3.0]
    """
    return p.relu(counted(x))


@op
def sigmoid(x: TensorLike) -> Any:
    """Computes the logistic function: ``1 / (1 + exp(-x))``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sigmoid([-1.0, 0.0, 1.0])).tolist()
        [0.2689, 0.5, 0.7311]
    """
    return p.sigmoid(floating(x))


@op
def softplus(x: TensorLike) -> Any:
    """Computes ``log(1 + exp(x))`` without overflow.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.softplus([-1.0, 0.0, 1000.0])).tolist()
        [0.3133, 0.6931, 1000.0]
    """
    return p.softplus(floating(x))


@op
def relu6(x: TensorLike) -> Any:
    """Computes the rectified linear unit with an upper bound: ``min(max(x, 0), 6)``.

    Args:
        x: TensorLike of any shape. The dtype is kept; bools count as int32.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.relu6([-2.0, 3.0, 9.0])).tolist()
        [0.0, 3.0, 6.0]
    """
    return p.clip(counted(x), low=0, high=6)


@op
def softsign(x: TensorLike) -> Any:
    """Computes ``x / (1 + |x|)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.softsign([-1.0, 0.0, 3.0])).tolist()
        [-0.5, 0.0, 0.75]
    """
    a = floating(x)
    return p.divide(a, p.add(p.absolute(a), 1.0))


@op
def log_sigmoid(x: TensorLike) -> Any:
    """Computes ``log(sigmoid(x)) = -log(1 + exp(-x))`` without overflow.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.log_sigmoid([-1000.0, 0.0, 1.0])).tolist()
        [-1000.0, -0.6931, -0.3133]
    """
    return p.negative(p.softplus(p.negative(floating(x))))


@op
def silu(x: TensorLike) -> Any:
    """Computes the sigmoid linear unit: ``x * sigmoid(x)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.silu([-1.0, 0.0, 1.0])).tolist()
        [-0.2689, 0.0, 0.7311]

    Source: Elfwing, Uchibe and Doya, arXiv:1702.03118.
    """
    a = floating(x)
    return p.multiply(a, p.sigmoid(a))


@op
def swish(x: TensorLike) -> Any:
    """Computes ``x * sigmoid(x)``; the same op as :func:`silu`.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.swish([-1.0, 0.0, 1.0])).tolist()
        [-0.2689, 0.0, 0.7311]

    Source: Ramachandran, Zoph and Le, arXiv:1710.05941.
    """
    return silu(x)


@op
def elu(x: TensorLike, alpha: float = 1.0) -> Any:
    """Computes the exponential linear unit: ``x`` above 0, ``alpha * (exp(x) - 1)`` elsewhere.

    Args:
        |elementwise|
        alpha: float; the output tends to ``-alpha`` for very negative inputs. Defaults to 1.0.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.elu([-1.0, 0.0, 2.0])).tolist()
        [-0.6321, 0.0, 2.0]

    Source: Clevert, Unterthiner and Hochreiter, arXiv:1511.07289.
    """
    a = floating(x)
    above = p.greater(a, 0.0)
    return p.select(above, a, p.multiply(p.expm1(p.select(above, 0.0, a)), alpha))


@op
def selu(x: TensorLike) -> Any:
    """Computes the scaled exponential linear unit: ``1.0507 * elu(x, alpha=1.6733)``.

    Through layers of this activation with LeCun-normal weights, the outputs keep mean 0 and variance 1.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.selu([-1.0, 0.0, 1.0])).tolist()
        [-1.1113, 0.0, 1.0507]

    Source: Klambauer et al., arXiv:1706.02515.
    """
    return p.multiply(elu(x, 1.6732632423543772), 1.0507009873554805)


@op
def celu(x: TensorLike, alpha: float = 1.0) -> Any:
    """Computes the continuously differentiable ELU: ``x`` above 0, ``alpha * (exp(x / alpha) - 1)`` elsewhere.

    Args:
        |elementwise|
        alpha: float other than 0; the output tends to ``-alpha`` for very negative inputs. Defaults to 1.0.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.celu([-2.0, 0.0, 1.0], alpha=2.0)).tolist()
        [-1.2642, 0.0, 1.0]

    Source: Barron, arXiv:1704.07483.
    """
    a = floating(x)
    above = p.greater(a, 0.0)
    return p.select(above, a, p.multiply(p.expm1(p.divide(p.select(above, 0.0, a), alpha)), alpha))


@op
def gelu(x: TensorLike, approximate: bool = True) -> Any:
    """Computes the Gaussian error linear unit: ``x * P(X <= x)``, where X has the standard normal distribution.

    The exact form is ``x * (1 + erf(x / sqrt(2))) / 2``, the approximation is
    ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) / 2``.

    Args:
        |elementwise|
        approximate: bool; True computes the approximation. Defaults to True.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> float(ops.gelu(1.0)), float(ops.gelu(1.0, approximate=False))
        (0.84119, 0.84134)

    Source: Hendrycks and Gimpel, arXiv:1606.08415.
    """
    a = floating(x)
    if not approximate:
        return p.multiply(p.multiply(a, 0.5), p.add(p.erf(p.multiply(a, math.sqrt(0.5))), 1.0))
    cubic = p.multiply(p.add(a, p.multiply(p.multiply(p.square(a), a), 0.044715)), math.sqrt(2 / math.pi))
    return p.multiply(p.multiply(a, 0.5), p.add(p.tanh(cubic), 1.0))


@op
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Any:
    """Computes the leaky rectified linear unit: ``x`` above 0, ``negative_slope * x`` elsewhere.

    Args:
        |elementwise|
        negative_slope: float; the slope below 0. Defaults to 0.2.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.leaky_relu([-2.0, 0.0, 3.0])).tolist()
        [-0.4, 0.0, 3.0]
    """
    a = floating(x)
    return p.select(p.greater(a, 0.0), a, p.multiply(a, negative_slope))


@op
def hard_sigmoid(x: TensorLike) -> Any:
    """Computes a piecewise linear sigmoid: ``min(max(x / 6 + 0.5, 0), 1)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hard_sigmoid([-4.0, 0.0, 1.5, 4.0])).tolist()
        [0.0, 0.5, 0.75, 1.0]
    """
    a = floating(x)
    return p.minimum(p.maximum(p.add(p.multiply(a, 1 / 6), 0.5), 0.0), 1.0)


@op
def hard_silu(x: TensorLike) -> Any:
    """Computes ``x * hard_sigmoid(x)``, a SiLU without exponentials.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hard_silu([-3.0, 0.0, 1.5, 4.0])).tolist()
        [0.0, 0.0, 1.125, 4.0]

    Source: Howard et al., arXiv:1905.02244.
    """
    a = floating(x)
    return p.multiply(a, hard_sigmoid(a))


@op
def hard_swish(x: TensorLike) -> Any:
    """Computes ``x * hard_sigmoid(x)``; the same op as :func:`hard_silu`.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hard_swish([-3.0, 0.0, 1.5, 4.0])).tolist()
        [0.0, 0.0, 1.125, 4.0]

    Source: Howard et al., arXiv:1905.02244.
    """
    return hard_silu(x)


@op
def hard_tanh(x: TensorLike) -> Any:
    """Computes a piecewise linear tanh: ``min(max(x, -1), 1)``.

    Args:
        x: TensorLike of any shape. The dtype is kept; bools count as int32.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hard_tanh([-3.0, 0.5, 2.0])).tolist()
        [-1.0, 0.5, 1.0]
    """
    a = counted(x)
    return p.clip(a, low=0 if dtypes.name_of(a).startswith("uint") else -1, high=1)


@op
def tanh_shrink(x: TensorLike) -> Any:
    """Computes ``x - tanh(x)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.tanh_shrink([-1.0, 0.0, 2.0])).tolist()
        [-0.2384, 0.0, 1.036]
    """
    a = floating(x)
    return p.subtract(a, p.tanh(a))


@op
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Any:
    """Moves each element towards 0 by a threshold: ``sign(x) * max(|x| - threshold, 0)``.

    Args:
        |elementwise|
        threshold: float from 0; the distance. Smaller elements become 0. Defaults to 0.5.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.soft_shrink([-2.0, 0.3, 1.0])).tolist()
        [-1.5, 0.0, 0.5]
    """
    a = floating(x)
    return p.multiply(p.sign(a), p.relu(p.subtract(p.absolute(a), threshold)))


@op
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Any:
    """Sets elements near 0 to 0: ``x`` where ``|x| > threshold``, 0 elsewhere.

    Args:
        |elementwise|
        threshold: float from 0. Defaults to 0.5.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hard_shrink([-2.0, 0.3, 1.0])).tolist()
        [-2.0, 0.0, 1.0]
    """
    a = floating(x)
    return p.select(p.greater(p.absolute(a), threshold), a, _scalar(a, 0))


@op
def threshold(x: TensorLike, threshold: float, default_value: float) -> Any:
    """Returns ``x`` where ``x > threshold`` and ``default_value`` elsewhere.

    Args:
        |elementwise|
        threshold: float; only larger elements are kept.
        default_value: float; replaces all others.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.threshold([0.5, 1.0, 3.0], 1.0, -9.0)).tolist()
        [-9.0, -9.0, 3.0]
    """
    a = floating(x)
    return p.select(p.greater(a, threshold), a, _scalar(a, default_value))


@op
def squareplus(x: TensorLike, b: float = 4) -> Any:
    """Computes ``(x + sqrt(x ** 2 + b)) / 2``, a softplus without exponentials.

    Args:
        |elementwise|
        b: float from 0; width of the bend at 0. At 0 the function is ReLU. Defaults to 4.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.squareplus([-1.5, 0.0, 1.5])).tolist()
        [0.5, 1.0, 2.0]

    Source: Barron, arXiv:2112.11687.
    """
    a = floating(x)
    return p.multiply(p.add(a, p.sqrt(p.add(p.square(a), float(b)))), 0.5)


@op
def sparse_plus(x: TensorLike) -> Any:
    """Computes the sparse plus function: 0 up to -1, ``(x + 1) ** 2 / 4`` between -1 and 1, ``x`` from 1.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sparse_plus([-2.0, 0.0, 0.5, 3.0])).tolist()
        [0.0, 0.25, 0.5625, 3.0]
    """
    a = floating(x)
    bend = p.multiply(p.square(p.add(a, 1.0)), 0.25)
    return p.select(p.less_equal(a, -1.0), _scalar(a, 0), p.select(p.less(a, 1.0), bend, a))


@op
def sparse_sigmoid(x: TensorLike) -> Any:
    """Computes the sparse sigmoid, the slope of :func:`sparse_plus`: ``min(max((x + 1) / 2, 0), 1)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sparse_sigmoid([-2.0, 0.0, 0.5, 3.0])).tolist()
        [0.0, 0.5, 0.75, 1.0]
    """
    a = floating(x)
    return p.minimum(p.maximum(p.multiply(p.add(a, 1.0), 0.5), 0.0), 1.0)
