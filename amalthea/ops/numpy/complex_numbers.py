"""Complex numbers and their parts. Real numbers are taken too, as NumPy takes them.

The gradient of a real function by a complex number ``x + 1j * y`` is ``df/dx - 1j * df/dy``, as in JAX.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.engine import dtypes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import complex_numbers as c
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement
from amalthea.engine.types import TensorLike
from amalthea.ops.base import floating, op, shape_of, tensor

docstrings.share("complex or real", "x: TensorLike of any shape; complex or real numbers.")


def _is_complex(x: Any) -> bool:
    return dtypes.is_complex(dtypes.name_of(x))


@op
def real(x: TensorLike) -> Any:
    """Returns the real part of each element; real numbers are returned as they are.

    Args:
        |complex or real|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.real([1 + 2j, 3 - 1j])).tolist()
        [1.0, 3.0]
    """
    a = tensor(x)
    return c.real(a) if _is_complex(a) else a


@op
def imag(x: TensorLike) -> Any:
    """Returns the imaginary part of each element, which is 0 for real numbers.

    Args:
        |complex or real|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.imag([1 + 2j, 3 - 1j])).tolist()
        [2.0, -1.0]
    """
    a = tensor(x)
    if _is_complex(a):
        return c.imag(a)
    return movement.broadcast_to(native(np.zeros((), dtypes.to_numpy(dtypes.name_of(a)))), shape=shape_of(a))


@op
def conj(x: TensorLike) -> Any:
    """Returns the complex conjugate of each element: the imaginary part with the other sign.

    Args:
        |complex or real|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.conj([1 + 2j, 3 - 1j])).tolist()
        [(1-2j), (3+1j)]
    """
    a = tensor(x)
    return c.conj(a) if _is_complex(a) else a


@op
def conjugate(x: TensorLike) -> Any:
    """Returns the complex conjugate of each element; the same op as :func:`conj`.

    Args:
        |complex or real|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.conjugate([1 + 2j])).tolist()
        [(1-2j)]
    """
    return conj(x)


@op
def angle(x: TensorLike) -> Any:
    """Computes the angle of each element in the complex plane, in radians from -pi to pi.

    Args:
        |complex or real|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.angle([1j, -1 + 0j, 1 + 0j])).round(4).tolist()
        [1.5708, 3.1416, 0.0]
    """
    a = floating(x)
    return p.arctan2(imag(a), real(a))


@op
def isreal(x: TensorLike) -> Any:
    """Tells for each element whether its imaginary part is 0, as it is for real numbers.

    Args:
        |complex or real|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.isreal([1 + 1j, 2 + 0j])).tolist()
        [False, True]
    """
    part = imag(x)
    return p.equal(part, part) if dtypes.name_of(part) == "bool" else p.equal(part, 0)
