"""Reductions over segments: rows that share a number are combined."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import checks, docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import indexing, movement
from amalthea.engine.types import TensorLike
from amalthea.errors import DtypeError, ShapeError, TraceError
from amalthea.ops import scattering
from amalthea.ops.base import cast, op, shape_of, tensor

docstrings.share(
    "segments",
    """
data: TensorLike with at least one axis; its rows along the first axis are combined.
segment_ids: TensorLike of whole numbers, of one axis; the segment of each row. Rows whose number is negative or too
    large are left out.
num_segments: int from 0; number of segments. Defaults to None, the largest number plus 1; the numbers need values
    then.
sorted: bool; accepted for compatibility with Keras and ignored: the numbers may come in any order.
""",
)


def _checked(data: Any, segment_ids: Any, num_segments: Any, name: str) -> tuple[Any, Any, int]:
    """The rows, their segments as int32 (``num_segments`` for those that are left out), and the number of segments."""
    rows, ids = tensor(data), tensor(segment_ids)
    if not dtypes.is_integer(dtypes.name_of(ids)):
        raise DtypeError("The number of a segment is a whole number.", expected="integers", got=dtypes.name_of(ids))
    if len(ids.shape) != 1 or not rows.shape or not shapes.agree(shape_of(ids)[0], shape_of(rows)[0]):
        raise ShapeError(
            "Each row has the number of one segment.",
            expected="as many numbers as rows",
            got=f"{shapes.show(shape_of(ids))} for {shapes.show(shape_of(rows))}",
        )
    if num_segments is not None:
        count = int(checks.non_negative_int(num_segments, "num_segments", f"ops.{name}"))
    elif isinstance(ids, Tensor):
        raise TraceError("The number of segments is not known in a trace.", cure=f"ops.{name}(x, ids, num_segments=n)")
    else:
        count = max(int(np.asarray(ids).max(initial=-1)) + 1, 0)
    ids = cast(ids, "int32")
    inside = p.logical_and(p.less_equal(np.int32(0), ids), p.less(ids, np.int32(count)))
    return rows, p.select(inside, ids, np.int32(count)), count


def _scattered(data: Any, segment_ids: Any, num_segments: Any, name: str, start: Any, reduction: str) -> Any:
    rows, ids, count = _checked(data, segment_ids, num_segments, name)
    kind = dtypes.name_of(rows)
    fill = cast(start(kind), kind)
    base = movement.broadcast_to(fill, shape=(count + 1, *shape_of(rows)[1:]))
    points = movement.reshape(ids, shape=(*shape_of(ids), 1))
    return movement.part(scattering.update(base, points, rows, reduction), 0, 0, count)


@op
def segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Computes the sum of the rows of each segment; 0 for a segment without rows.

    Args:
        |segments|

    Shapes:
        (n, ...), (n,) -> (num_segments, ...)

    Raises:
        DtypeError: the numbers of segments are not whole numbers.
        ShapeError: there are not as many numbers as rows.
        TraceError: the numbers are symbolic and ``num_segments`` is None.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.segment_sum([1, 2, 3, 4], [0, 2, 0, 2])).tolist()
        [4, 0, 6]
    """
    rows, ids, count = _checked(data, segment_ids, num_segments, "segment_sum")
    kind = dtypes.name_of(rows)
    if kind == "bool":
        return cast(segment_sum(cast(rows, "int32"), ids, count), "bool")
    zeros = movement.broadcast_to(cast(0, kind), shape=(count + 1, *shape_of(rows)[1:]))
    return movement.part(indexing.scatter_add(zeros, ids, rows, axis=0), 0, 0, count)


@op
def segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Returns the largest of the rows of each segment; for a segment without rows, the least value of the dtype.

    Args:
        |segments|

    Shapes:
        (n, ...), (n,) -> (num_segments, ...)

    Raises:
        DtypeError: the numbers of segments are not whole numbers.
        ShapeError: there are not as many numbers as rows.
        TraceError: the numbers are symbolic and ``num_segments`` is None.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.segment_max([1.0, 2.0, 3.0, 4.0], [0, 2, 0, 2])).tolist()
        [3.0, -inf, 4.0]
    """
    return _scattered(data, segment_ids, num_segments, "segment_max", lambda kind: dtypes.bounds(kind)[0], "max")


@op
def segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Returns the smallest of the rows of each segment; for a segment without rows, the largest value of the dtype.

    Args:
        |segments|

    Shapes:
        (n, ...), (n,) -> (num_segments, ...)

    Raises:
        DtypeError: the numbers of segments are not whole numbers.
        ShapeError: there are not as many numbers as rows.
        TraceError: the numbers are symbolic and ``num_segments`` is None.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.segment_min([1.0, 2.0, 3.0, 4.0], [0, 2, 0, 2])).tolist()
        [1.0, inf, 2.0]
    """
    return _scattered(data, segment_ids, num_segments, "segment_min", lambda kind: dtypes.bounds(kind)[1], "min")


@op
def segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Computes the product of the rows of each segment; 1 for a segment without rows.

    Args:
        |segments|

    Shapes:
        (n, ...), (n,) -> (num_segments, ...)

    Raises:
        DtypeError: the numbers of segments are not whole numbers.
        ShapeError: there are not as many numbers as rows.
        TraceError: the numbers are symbolic and ``num_segments`` is None.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.segment_prod([1, 2, 3, 4], [0, 2, 0, 2])).tolist()
        [3, 1, 8]
    """
    return _scattered(data, segment_ids, num_segments, "segment_prod", lambda kind: 1, "mul")
