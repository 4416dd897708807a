"""Trigonometric and hyperbolic functions with their inverses, element by element. All angles are in radians."""

from __future__ import annotations

import math
from typing import Any

from amalthea.engine.primitives import control
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.ops.base import accumulating, accumulating_pair, floating, floats, op


@op
def sin(x: TensorLike) -> Any:
    """Computes the sine of angles in radians.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import math
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sin([0.0, math.pi / 6, math.pi / 2])).tolist()
        [0.0, 0.5, 1.0]
    """
    return p.sin(floating(x))


@op
def cos(x: TensorLike) -> Any:
    """Computes the cosine of angles in radians.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import math
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cos([0.0, math.pi / 3, math.pi])).tolist()
        [1.0, 0.5, -1.0]
    """
    return p.cos(floating(x))


@op
def tan(x: TensorLike) -> Any:
    """Computes the tangent of angles in radians: ``sin(x) / cos(x)``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import math
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.tan([0.0, math.pi / 4])).tolist()
        [0.0, 1.0]
    """
    return p.tan(floating(x))


@op
def arcsin(x: TensorLike) -> Any:
    """Computes the inverse sine: the angle from -pi/2 to pi/2 that has this sine. It is NaN outside of -1 to 1.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arcsin([0.0, 0.5, 1.0])).tolist()
        [0.0, 0.5236, 1.5708]

    Source: differs from Keras 3 in the gradient: the infinite derivatives at -1 and 1 count as 0.
    """
    return p.arcsin(floating(x))


@op
def arccos(x: TensorLike) -> Any:
    """Computes the inverse cosine: the angle from 0 to pi that has this cosine. It is NaN outside of -1 to 1.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arccos([1.0, 0.5, -1.0])).tolist()
        [0.0, 1.0472, 3.1416]

    Source: differs from Keras 3 in the gradient: the infinite derivatives at -1 and 1 count as 0.
    """
    return p.arccos(floating(x))


@op
def arctan(x: TensorLike) -> Any:
    """Computes the inverse tangent: the angle from -pi/2 to pi/2 that has this tangent.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arctan([0.0, 1.0, float("inf")])).tolist()
        [0.0, 0.7854, 1.5708]
    """
    return p.arctan(floating(x))


@op
def arctan2(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the angle, from -pi to pi, between the positive horizontal axis and the point with the coordinates
    ``(x2, x1)``.

    Args:
        x1, x2: TensorLike, of shapes that broadcast against each other; vertical and horizontal coordinates. Whole
            numbers are computed in ``floatx``.

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arctan2([1, 1, -1], [1, -1, -1])).tolist()
        [0.7854, 2.3562, -2.3562]

    Source: differs from Keras 3 in the gradient: at the origin, where there is none, it counts as 0.
    """
    return p.arctan2(*floats(x1, x2))


@op
def sinh(x: TensorLike) -> Any:
    """Computes the hyperbolic sine: ``(exp(x) - exp(-x)) / 2``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sinh([-1, 0, 1])).tolist()
        [-1.1752, 0.0, 1.1752]
    """
    return p.sinh(floating(x))


@op
def cosh(x: TensorLike) -> Any:
    """Computes the hyperbolic cosine: ``(exp(x) + exp(-x)) / 2``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cosh([-1, 0, 1])).tolist()
        [1.5431, 1.0, 1.5431]
    """
    return p.cosh(floating(x))


@op
def tanh(x: TensorLike) -> Any:
    """Computes the hyperbolic tangent: ``(exp(x) - exp(-x)) / (exp(x) + exp(-x))``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.tanh([-1, 0, 1, 100])).tolist()
        [-0.7616, 0.0, 0.7616, 1.0]
    """
    return p.tanh(floating(x))


@op
def arcsinh(x: TensorLike) -> Any:
    """Computes the inverse hyperbolic sine: ``log(x + sqrt(x * x + 1))``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arcsinh([-1, 0, 1])).tolist()
        [-0.8814, 0.0, 0.8814]
    """
    return p.arcsinh(floating(x))


@op
def arccosh(x: TensorLike) -> Any:
    """Computes the inverse hyperbolic cosine: ``log(x + sqrt(x * x - 1))``. It is NaN below 1.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arccosh([1, 2, 10])).tolist()
        [0.0, 1.317, 2.9932]

    Source: differs from Keras 3 in the gradient: the infinite slope at 1 counts as 0.
    """
    return p.arccosh(floating(x))


@op
def arctanh(x: TensorLike) -> Any:
    """Computes the inverse hyperbolic tangent: ``log((1 + x) / (1 - x)) / 2``. It is NaN outside of -1 to 1.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.arctanh([-0.5, 0.0, 0.5])).tolist()
        [-0.5493, 0.0, 0.5493]
    """
    return p.arctanh(floating(x))


@op
def deg2rad(x: TensorLike) -> Any:
    """Converts angles from degrees to radians: ``x * pi / 180``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.deg2rad([0, 90, 180])).tolist()
        [0.0, 1.5708, 3.1416]
    """
    return p.multiply(floating(x), math.pi / 180)


@op
def rad2deg(x: TensorLike) -> Any:
    """Converts angles from radians to degrees: ``x * 180 / pi``.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import math
        >>> from amalthea import ops
        >>> round(float(ops.rad2deg(math.pi / 2)), 3)
        90.0
    """
    return p.multiply(floating(x), 180 / math.pi)


@op
@accumulating
def sinc(x: TensorLike) -> Any:
    """Computes the normalized sinc function: ``sin(pi * x) / (pi * x)``, and 1 at 0, with gradient 0 there.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.sinc([0.0, 0.5, 1.5])).tolist()
        [1.0, 0.6366, -0.2122]
    """
    angle = p.multiply(x, math.pi)
    near = p.less(p.absolute(angle), 1e-2)  # there by its series, whose derivatives of all orders are right at 0
    small = p.square(p.select(near, angle, 0.0))
    series = p.subtract(1.0, p.multiply(p.divide(small, 6.0), p.subtract(1.0, p.divide(small, 20.0))))
    far = p.select(near, 1.0, angle)
    return p.select(near, series, p.divide(p.sin(far), far))


@op
@accumulating_pair
def hypot(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the length of the hypotenuse, ``sqrt(x1 ** 2 + x2 ** 2)``, without overflow of the squares.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.hypot([3.0, 0.0], [4.0, -2.0])).tolist()
        [5.0, 2.0]

    Source: infinite where one input is infinite, even if the other is NaN, as in NumPy. The gradient at the origin,
    where none exists, counts as 0.
    """
    largest = p.maximum(p.absolute(x1), p.absolute(x2))
    infinite = p.logical_or(p.isinf(x1), p.isinf(x2))
    plain = p.logical_or(infinite, p.equal(largest, 0.0))
    scale = control.stop_gradient(p.select(plain, 1.0, largest))  # the result does not depend on it
    total = p.add(p.square(p.divide(x1, scale)), p.square(p.divide(x2, scale)))
    return p.select(infinite, float("inf"), p.multiply(scale, p.sqrt(total)))
