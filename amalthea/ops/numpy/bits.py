"""Ops on the bits of whole numbers, element by element."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import movement
from amalthea.engine.primitives.bits import bitcast, size_of
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import DtypeError, ShapeError
from amalthea.ops.base import cast, counted, floats, op, promoted, shape_of, tensor


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


def _bits_of_float(x: Any) -> Any:
    size = 8 * size_of(dtypes.name_of(x))
    return bitcast(native(x), dtype=f"int{size}")


@op
def signbit(x: TensorLike) -> Any:
    """Returns True where the sign of a number is negative, also for -0.0.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.signbit([-1.0, -0.0, 0.0, 2.0])).tolist()
        [True, True, False, False]
    """
    a = tensor(x)
    name = dtypes.name_of(a)
    if name == "bool" or name.startswith("uint"):
        return p.logical_not(p.equal(a, a))
    return p.less(_bits_of_float(a) if dtypes.is_float(name) else a, 0)


@op
def nextafter(x1: TensorLike, x2: TensorLike) -> Any:
    """Returns the next float after ``x1`` in the direction of ``x2``.

    Args:
        |float pair|

    Shapes:
        Any shapes that broadcast: (3, 1), (4,) -> (3, 4)

    Example:
        >>> from amalthea import ops
        >>> float(ops.nextafter(1.0, 2.0)) == 1.0 + 2.0**-23  # in float32
        True
    """
    a, b = floats(x1, x2)
    bits = _bits_of_float(a)
    ranks = [_rank(bits), _rank(_bits_of_float(b))]
    up, down = (cast(compare(ranks[1], ranks[0]), dtypes.name_of(bits)) for compare in (p.greater, p.less))
    moved = _bits_of_rank(p.subtract(p.add(ranks[0], up), down), p.less(bits, 0))
    out = p.select(p.equal(ranks[0], ranks[1]), b, bitcast(moved, dtype=dtypes.name_of(a)))
    return p.select(p.logical_or(p.isnan(a), p.isnan(b)), float("nan"), out)


def _rank(bits: Any) -> Any:
    """Whole numbers in the order of the floats that have these bits; a library may compare the smallest ones as 0."""
    return p.select(p.less(bits, 0), p.subtract(native(_least(bits)), bits), bits)


def _bits_of_rank(rank: Any, was_negative: Any) -> Any:
    is_negative = p.logical_or(p.less(rank, 0), p.logical_and(p.equal(rank, 0), was_negative))
    return p.select(is_negative, p.subtract(native(_least(rank)), rank), rank)


def _least(x: Any) -> np.ndarray:
    kind = dtypes.to_numpy(dtypes.name_of(x))
    return np.asarray(np.iinfo(kind).min, kind)


@op
def view(x: TensorLike, dtype: DTypeLike | None = None) -> Any:
    """Reads the bits of a tensor as elements of another dtype.

    Args:
        |any tensor|
        dtype: DTypeLike; the new dtype. Elements of another size change the size of the last axis. Defaults to None,
            the dtype of ``x``.

    Shapes:
        (..., n) -> (..., n * old_size / new_size), with the sizes of an element in bytes

    Raises:
        DtypeError: no dtype has this name, or it is bool and that of ``x`` is not.
        ShapeError: the bytes along the last axis do not make whole new elements, or there are no axes.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops
        >>> hex(int(ops.view(np.float32(1.0), "int32")))
        '0x3f800000'
        >>> ops.convert_to_numpy(ops.view(np.array([1, 2, 3, 4], "uint8"), "uint16")).tolist()
        [513, 1027]
    """
    a = tensor(x)
    old, new = dtypes.name_of(a), dtypes.standardize(dtype or dtypes.name_of(a))
    if new == old:
        return native(a)
    if new == "bool":
        raise DtypeError("Bits are not read as bools.", expected="numbers", got=new, cure="ops.cast(x, 'bool')")
    a = cast(a, "uint8") if old == "bool" else a
    return _view(native(a), dtypes.name_of(a), new)


def _view(x: Any, old: str, new: str) -> Any:
    from_size, to_size = size_of(old), size_of(new)
    if from_size == to_size:
        return bitcast(x, dtype=new)
    shape = shape_of(x)
    if not shape or (isinstance(shape[-1], int) and shape[-1] * from_size % to_size):
        raise ShapeError(
            "The bytes of the last axis do not make whole elements.",
            expected=f"a multiple of {to_size} bytes",
            got=f"{old}{list(shape)}",
        )
    narrow, broad = sorted((from_size, to_size))
    parts = broad // narrow
    small, large = f"uint{8 * narrow}", f"uint{8 * broad}"
    shifts = np.arange(parts, dtype=large) * np.asarray(8 * narrow, large)
    whole = bitcast(x, dtype=large if from_size == broad else small)
    if from_size == broad:
        split = p.right_shift(movement.reshape(whole, shape=(*shape, 1)), shifts)
        lowest = p.bitwise_and(split, np.asarray((1 << 8 * narrow) - 1, large))
        made = movement.reshape(cast(lowest, small), shape=(*shape[:-1], shape[-1] * parts))
    else:
        groups = movement.reshape(cast(whole, large), shape=(*shape[:-1], shape[-1] // parts, parts))
        shifted = p.left_shift(groups, shifts)
        pieces = [movement.part(shifted, len(shape), n, n + 1) for n in range(parts)]
        made = movement.reshape(functools.reduce(p.bitwise_or, pieces), shape=shape_of(groups)[:-1])
    return bitcast(made, dtype=new)
