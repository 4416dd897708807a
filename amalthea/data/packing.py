"""``(x, y, sample_weight)`` packed into one value and unpacked again, as ``train_step`` and data sets pass them."""

from __future__ import annotations

from typing import Any

from amalthea.errors import DataError


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Returns the three parts of a batch; missing ones are None. A list counts as a tuple.

    Args:
        data: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.

    Raises:
        DataError: a tuple of more than three parts.

    Example:
        >>> from amalthea import data
        >>> data.unpack_x_y_sample_weight(("x", "y")), data.unpack_x_y_sample_weight("x")
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
    """Packs the parts of a batch, the opposite of :func:`unpack_x_y_sample_weight`; None at the end is left out.

    Args:
        x: inputs.
        y: labels. Defaults to None.
        sample_weight: weights of the rows. Defaults to None.

    Example:
        >>> from amalthea import data
        >>> pack = data.pack_x_y_sample_weight
        >>> pack("x", "y"), pack("x"), pack(["a", "b"])
        (('x', 'y'), 'x', (['a', 'b'],))
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x
