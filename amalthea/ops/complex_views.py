"""Complex numbers from two real ones, and back."""

from __future__ import annotations

from typing import Any

from amalthea.engine import dtypes, shapes
from amalthea.engine.primitives import complex_numbers as c
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement
from amalthea.engine.primitives.movement import part
from amalthea.engine.types import TensorLike
from amalthea.errors import DtypeError, ShapeError
from amalthea.ops.base import floating, floats, op, shape_of
from amalthea.ops.numpy.complex_numbers import imag, real


def _real(x: Any) -> Any:
    """Return floats, or raise an error for complex numbers."""
    if dtypes.is_complex(dtypes.name_of(x)):
        raise DtypeError("The input is complex already.", expected="real numbers", got=dtypes.name_of(x))
    return x


@op
def polar(abs_: TensorLike, angle: TensorLike) -> Any:
    """Computes complex numbers from their sizes and angles: ``abs_ * (cos(angle) + 1j * sin(angle))``.

    Args:
        abs_: TensorLike; the sizes.
        angle: TensorLike; the angles in radians. Its shape broadcasts against that of ``abs_``; both are promoted to
            one float dtype.

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Returns:
        complex64, or complex128 for float64.

    Raises:
        DtypeError: an input is complex.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.polar([2.0], [0.0])).tolist()
        [(2+0j)]
    """
    size, turn = map(_real, floats(abs_, angle))
    return c.from_parts(p.multiply(size, p.cos(turn)), p.multiply(size, p.sin(turn)))


@op
def view_as_complex(x: TensorLike) -> Any:
    """Makes complex numbers from pairs along the last axis: the real and the imaginary part.

    Args:
        x: TensorLike whose last axis has size 2. Whole numbers are computed in ``floatx`` (float32).

    Shapes:
        (..., 2) -> (...)

    Returns:
        complex64, or complex128 for float64.

    Raises:
        DtypeError: the input is complex.
        ShapeError: the last axis does not have size 2.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.view_as_complex([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [(1+2j), (3+4j)]
    """
    a = _real(floating(x))
    shape = shape_of(a)
    if not shape or not shapes.agree(shape[-1], 2):
        raise ShapeError("The last axis is not pairs.", expected="(..., 2)", got=shapes.show(shape))
    last = len(shape) - 1
    pair = (movement.reshape(part(a, last, i, i + 1), shape=shape[:-1]) for i in (0, 1))
    return c.from_parts(*pair)


@op
def view_as_real(x: TensorLike) -> Any:
    """Puts the real and the imaginary parts of complex numbers along a new last axis.

    Args:
        x: TensorLike of complex numbers; the imaginary part of real ones is 0.

    Shapes:
        (...) -> (..., 2)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.view_as_real([1 + 2j, 3 + 4j])).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    a = floating(x)
    shape = shape_of(a)
    pair = (movement.reshape(y, shape=(*shape, 1)) for y in (real(a), imag(a)))
    return movement.concatenate(*pair, axis=len(shape))
