"""Ops on the bits of whole numbers, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.types import TensorLike
from amalthea.errors import DtypeError
from amalthea.ops.base import counted, op, promoted, tensor


@op
def bitwise_and(x: TensorLike, y: TensorLike) -> Any:
    """Computes the bits that are set in both numbers.

    Args:
        |bits pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are floats.

    Example:
        >>> from amalthea import ops
        >>> int(ops.bitwise_and(0b1100, 0b1010)) == 0b1000
        True
    """
    return p.bitwise_and(*promoted(x, y))


@op
def bitwise_or(x: TensorLike, y: TensorLike) -> Any:
    """Computes the bits that are set in at least one of two numbers.

    Args:
        |bits pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are floats.

    Example:
        >>> from amalthea import ops
        >>> int(ops.bitwise_or(0b1100, 0b1010)) == 0b1110
        True
    """
    return p.bitwise_or(*promoted(x, y))


@op
def bitwise_xor(x: TensorLike, y: TensorLike) -> Any:
    """Computes the bits that are set in exactly one of two numbers.

    Args:
        |bits pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are floats.

    Example:
        >>> from amalthea import ops
        >>> int(ops.bitwise_xor(0b1100, 0b1010)) == 0b0110
        True
    """
    return p.bitwise_xor(*promoted(x, y))


@op
def left_shift(x: TensorLike, y: TensorLike) -> Any:
    """Shifts bits to the left: ``x * 2 ** y``.

    Args:
        |shifted pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are floats.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.left_shift([1, 3], [4, 1])).tolist()
        [16, 6]
    """
    return p.left_shift(*map(counted, promoted(x, y)))


@op
def bitwise_left_shift(x: TensorLike, y: TensorLike) -> Any:
    """Shifts bits to the left: ``x * 2 ** y``; the same op as :func:`left_shift`.

    Args:
        |shifted pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are floats.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.bitwise_left_shift([5, 7], 1)).tolist()
        [10, 14]
    """
    return p.left_shift(*map(counted, promoted(x, y)))


@op
def right_shift(x: TensorLike, y: TensorLike) -> Any:
    """Shifts bits to the right: ``floor(x / 2 ** y)``.

    Args:
        |shifted pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are floats.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.right_shift([16, 7], [4, 1])).tolist()
        [1, 3]
    """
    return p.right_shift(*map(counted, promoted(x, y)))


@op
def bitwise_right_shift(x: TensorLike, y: TensorLike) -> Any:
    """Shifts bits to the right: ``floor(x / 2 ** y)``; the same op as :func:`right_shift`.

    Args:
        |shifted pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Raises:
        DtypeError: the inputs are floats.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.bitwise_right_shift([-8, 9], 2)).tolist()
        [-2, 2]
    """
    return p.right_shift(*map(counted, promoted(x, y)))


@op
def bitwise_not(x: TensorLike) -> Any:
    """Inverts every bit: ``-x - 1`` for signed numbers, the logical not for bools.

    Args:
        x: TensorLike of whole numbers or bools, of any shape. The dtype is kept.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: the input holds floats.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.bitwise_not([0, 5, -1])).tolist()
        [-1, -6, 0]
    """
    a = tensor(x)
    name = dtypes.name_of(a)
    if name == "bool":
        return p.logical_not(a)
    if not dtypes.is_integer(name):
        raise DtypeError("Only whole numbers and bools have bits to invert.", expected="integers, or bool", got=name)
    ones = np.iinfo(dtypes.to_numpy(name)).max if name.startswith("uint") else -1
    return p.bitwise_xor(a, native(np.asarray(ones, dtypes.to_numpy(name))))


@op
def bitwise_invert(x: TensorLike) -> Any:
    """Inverts every bit; the same op as :func:`bitwise_not`.

    Args:
        x: TensorLike of whole numbers or bools, of any shape. The dtype is kept.

    Shapes:
        any shape -> the same shape

    Raises:
        DtypeError: the input holds floats.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.bitwise_invert([True, False])).tolist()
        [False, True]
    """
    return bitwise_not(x)

