"""Two integers of 4 bits in a byte.

bits of a byte:  7 6 5 4 | 3 2 1 0
                 odd row | even row
"""

from __future__ import annotations

from typing import Any

from amalthea import checks, ops
from amalthea.engine import dtypes
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import DtypeError
from amalthea.ops import base


def pack_int4(arr: TensorLike, axis: int = 0, dtype: DTypeLike = "int8") -> tuple[Any, tuple[int, ...], int]:
    """Packs pairs of integers of 4 bits along an axis into bytes.

    The even rows are the low 4 bits, the odd rows the high ones; an odd number of rows is filled up with zeros.

    Args:
        arr: tensor of int8 from -8 to 7, or of uint8 from 0 to 15; only the low 4 bits are kept.
        axis: int; the axis along which pairs are packed. Defaults to 0.
        dtype: str; ``"int8"`` or ``"uint8"``, the dtype of ``arr`` and of the result. Defaults to ``"int8"``.

    Shapes: ``(rows, columns) -> (ceil(rows / 2), columns)`` along axis 0.

    Returns: tuple ``(packed, packed_shape, rows)`` with the size of the axis before, for :func:`unpack_int4`.

    Raises:
        DtypeError: ``dtype`` is neither, or ``arr`` is of another dtype.
        ArgumentError: ``arr`` does not have the axis.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, quantizers
        >>> packed, shape, rows = quantizers.pack_int4(np.array([1, 2, -1], "int8"))
        >>> ops.convert_to_numpy(packed).tolist(), shape, rows
        ([33, 15], (2,), 3)
    """
    name = _byte(dtype, "pack_int4")
    x = base.tensor(arr)
    if dtypes.name_of(x) != name:
        raise DtypeError(
            f"pack_int4 with dtype={name!r} takes integers of that dtype.",
            expected=name,
            got=dtypes.name_of(x),
            cure=f"pack_int4(ops.cast(arr, {name!r}), dtype={name!r})",
        )
    checks.axes_within(axis, len(x.shape), "pack_int4")
    axis %= len(x.shape)
    rows = int(x.shape[axis])
    x = ops.bitwise_and(ops.cast(ops.moveaxis(x, axis, 0), "int32"), 15)
    x = ops.pad(x, [[0, rows % 2], *[[0, 0]] * (len(x.shape) - 1)])
    both = ops.bitwise_or(x[::2], ops.left_shift(x[1::2], 4))
    both = _signed(both, 128) if name == "int8" else both
    packed = ops.moveaxis(ops.cast(both, name), 0, axis)
    return packed, tuple(int(size) for size in packed.shape), rows


def unpack_int4(packed: TensorLike, orig_len: int, axis: int = 0, dtype: DTypeLike = "int8") -> Any:
    """Unpacks bytes into pairs of integers of 4 bits; the reverse of :func:`pack_int4`.

    Args:
        packed: tensor of int8 or uint8.
        orig_len: int; size of the axis before packing.
        axis: int; the axis along which pairs were packed. Defaults to 0.
        dtype: str; ``"int8"`` gives integers from -8 to 7, ``"uint8"`` from 0 to 15. Defaults to ``"int8"``.

    Shapes: ``(ceil(rows / 2), columns) -> (rows, columns)`` along axis 0.

    Returns: the integers.

    Raises:
        DtypeError: ``dtype`` or the dtype of ``packed`` is neither int8 nor uint8.
        ArgumentError: ``packed`` does not have the axis, or ``orig_len`` is negative.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, quantizers
        >>> ops.convert_to_numpy(quantizers.unpack_int4(np.array([33, 15], "int8"), 3)).tolist()
        [1, 2, -1]
    """
    name = _byte(dtype, "unpack_int4")
    x = base.tensor(packed)
    _byte(dtypes.name_of(x), "`packed` of unpack_int4")
    checks.non_negative_int(orig_len, "orig_len", "unpack_int4")
    checks.axes_within(axis, len(x.shape), "unpack_int4")
    axis %= len(x.shape)
    x = ops.cast(ops.moveaxis(x, axis, 0), "int32")
    halves = ops.stack([ops.bitwise_and(x, 15), ops.bitwise_and(ops.right_shift(x, 4), 15)], axis=1)
    pairs = ops.reshape(halves, (2 * x.shape[0], *base.shape_of(x)[1:]))[:orig_len]
    pairs = _signed(pairs, 8) if name == "int8" else pairs
    return ops.moveaxis(ops.cast(pairs, name), 0, axis)


def _signed(x: Any, half: int) -> Any:
    """Turns unsigned integers below ``2 * half`` into two's complement."""
    return ops.subtract(ops.bitwise_xor(x, half), half)


def _byte(dtype: Any, owner: str) -> str:
    name = dtypes.standardize(dtype)
    if name not in ("int8", "uint8"):
        raise DtypeError(f"The dtype of {owner} is one of bytes.", expected="int8 or uint8", got=name)
    return name
