"""Zeros added around space, and borders cut off."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.checks import non_negative_int
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer


def _sides(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """``(before, after)`` for each axis of space, from an int, one for each axis, or pairs."""
    rows = value if isinstance(value, (list, tuple)) else (value,) * rank
    if rank == 1 and len(rows) == 2:
        rows = (tuple(rows),)
    pairs = tuple(tuple(row) if isinstance(row, (list, tuple)) else (row, row) for row in rows)
    whole = all(len(p) == 2 and all(non_negative_int.accepts(n) for n in p) for p in pairs)
    if len(pairs) != rank or not whole:
        raise ArgumentError(
            f"`{name}` says how much on each side of {rank} axes.", expected="ints from 0", got=repr(value)
        )
    return pairs  # type: ignore[return-value]


class _Border(Layer):
    rank = 2

    def _set_sides(self, name: str, value: Any, data_format: str | None) -> None:
        self._pairs = _sides(value, self.rank, name)
        setattr(self, name, self._pairs if self.rank > 1 else self._pairs[0])
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _for_all_axes(self) -> list[tuple[int, int]]:
        still = (0, 0)
        if self.data_format == "channels_first":
            return [still, still, *self._pairs]
        return [still, *self._pairs, still]


class _ZeroPadding(_Border):
    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set_sides("padding", padding, data_format)

    def call(self, inputs: Any) -> Any:
        return ops.pad(inputs, self._for_all_axes())


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after time.

    Shapes: ``(batch, steps, features)`` to ``(batch, before + steps + after, features)``.

    Args:
        padding: an int for both ends, or ``(before, after)``.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.

    Args:
        padding: an int; one for height and one for width; or ``((top, bottom), (left, right))``.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.ZeroPadding2D(((0, 1), (2, 3)))(np.ones((1, 4, 4, 3), "float32")).shape
        (1, 5, 9, 3)
    """

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes.

    Args:
        padding: an int; one for each of three axes; or a pair for each.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    rank = 3

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


class _Cropping(_Border):
    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set_sides("cropping", cropping, data_format)

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        cuts = self._for_all_axes()
        for axis, (size, cut) in enumerate(zip(shape, cuts)):
            if isinstance(size, int) and size <= sum(cut):
                raise ShapeError(
                    f"'{self.name}' leaves nothing of axis {axis}.", expected=f"more than {sum(cut)}", got=size
                )
        return inputs[tuple(slice(before, size - after) for size, (before, after) in zip(shape, cuts))]


class Cropping1D(_Cropping):
    """Steps cut off at the ends of time.

    Args:
        cropping: an int for both ends, or ``(before, after)``.
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Borders of images cut off.

    Args:
        cropping: an int; one for height and one for width; or ``((top, bottom), (left, right))``.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.Cropping2D(1)(np.ones((1, 4, 6, 3), "float32")).shape
        (1, 2, 4, 3)
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Borders of volumes cut off.

    Args:
        cropping: an int; one for each of three axes; or a pair for each.
        data_format: ``"channels_last"`` or ``"channels_first"``.
    """

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)
