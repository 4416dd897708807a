"""``(x, y, sample_weight)`` packed into one value and unpacked again, as ``train_step`` and data sets pass them."""

from __future__ import annotations

from typing import Any

from amalthea.errors import DataError


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """The three parts of a batch; those that it lacks are None. A list counts as a tuple.

    Raises:
        DataError: a tuple of more than three parts.

    >>> unpack_x_y_sample_weight(("x", "y")), unpack_x_y_sample_weight("x")
    (('x', 'y', None), ('x', None, None))
    """
    if not isinstance(data, (list, tuple)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise DataError(
            "A batch has one to three parts.",
            expected="x, (x, y), or (x, y, sample_weight)",
            got=f"a {type(data).__name__} of {len(data)}",
            cure="wrap several inputs in one tuple: ((input_1, input_2), y)",
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The opposite of :func:`unpack_x_y_sample_weight`: parts that are None at the end are left out.

    >>> pack_x_y_sample_weight("x", "y"), pack_x_y_sample_weight("x"), pack_x_y_sample_weight(["a", "b"])
    (('x', 'y'), 'x', (['a', 'b'],))
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x
