"""Zero padding and cropping of space."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.checks import non_negative_int
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer


def _sides(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """Returns ``(before, after)`` for each axis of space, from an int, one int for each axis, or pairs."""
    rows = value if isinstance(value, (list, tuple)) else (value,) * rank
    if rank == 1 and len(rows) == 2:
        rows = (tuple(rows),)
    pairs = tuple(tuple(row) if isinstance(row, (list, tuple)) else (row, row) for row in rows)
    whole = all(len(p) == 2 and all(non_negative_int.accepts(n) for n in p) for p in pairs)
    if len(pairs) != rank or not whole:
        raise ArgumentError(
            f"`{name}` says how much on each side of {rank} axes.", expected="ints from 0", got=repr(value)
        )
    return pairs


class _Border(Layer):
    _rank = 2

    def _set_sides(self, name: str, value: Any, data_format: str | None) -> None:
        self._pairs = _sides(value, self._rank, name)
        setattr(self, name, self._pairs if self._rank > 1 else self._pairs[0])
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

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
    """Adds zeros before and after time.

    Args:
        padding: int or ``(before, after)``; number of steps added at both ends, or at each. Defaults to 1.
        |data format|
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, before + steps + after, channels)``.

    Raises:
        ArgumentError: ``padding`` is neither of these, or negative.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2], "float32").reshape(1, 2, 1)
        >>> np.asarray(layers.ZeroPadding1D((2, 1))(x)).ravel().tolist()
        [0.0, 0.0, 1.0, 2.0, 0.0]
    """

    _rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Adds rows and columns of zeros around images.

    Args:
        padding: int for all sides, ``(vertical, horizontal)``, or ``((top, bottom), (left, right))``; number of pixels.
            Defaults to ``(1, 1)``.
        |data format|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, top + height + bottom, left + width + right, channels)``.

    Raises:
        ArgumentError: ``padding`` is none of these, or negative.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.ZeroPadding2D(((0, 1), (2, 3)))(np.ones((1, 4, 4, 3), "float32")).shape)
        (1, 5, 9, 3)
    """

    _rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Adds zeros around volumes.

    Args:
        padding: int for all sides, one int for each of the three axes, or ``(before, after)`` for each; number of
            voxels. Defaults to ``((1, 1), (1, 1), (1, 1))``.
        |data format|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width, channels)``; each
        axis of space grows by ``before + after``.

    Raises:
        ArgumentError: ``padding`` is none of these, or negative.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.ZeroPadding3D((0, 1, 2))(np.ones((1, 4, 4, 4, 3), "float32")).shape)
        (1, 4, 6, 8, 3)
    """

    _rank = 3

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
            if isinstance(size, int) and sum(cut) and size <= sum(cut):
                raise ShapeError(
                    f"'{self.name}' leaves nothing of axis {axis}.", expected=f"more than {sum(cut)}", got=size
                )
        return inputs[tuple(slice(before, size - after) for size, (before, after) in zip(shape, cuts))]


class Cropping1D(_Cropping):
    """Cuts steps off the beginning and end of time.

    Args:
        cropping: int or ``(before, after)``; number of steps cut off at both ends, or at each. Defaults to ``(1, 1)``.
        |layer options|

    Shapes: ``(batch, steps, channels) -> (batch, steps - before - after, channels)``.

    Raises:
        ArgumentError: ``cropping`` is neither of these, or negative.
        ShapeError: nothing would be left of the input.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([1, 2, 3, 4], "float32").reshape(1, 4, 1)
        >>> np.asarray(layers.Cropping1D((1, 2))(x)).ravel().tolist()
        [2.0]
    """

    _rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Cuts rows and columns off the borders of images.

    Args:
        cropping: int for all sides, ``(vertical, horizontal)``, or ``((top, bottom), (left, right))``; number of
            pixels. Defaults to ``((0, 0), (0, 0))``, which cuts nothing off.
        |data format|
        |layer options|

    Shapes: ``(batch, height, width, channels) -> (batch, height - top - bottom, width - left - right, channels)``.

    Raises:
        ArgumentError: ``cropping`` is none of these, or negative.
        ShapeError: nothing would be left of the input.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.Cropping2D(((0, 1), (2, 3)))(np.ones((1, 4, 6, 3), "float32")).shape)
        (1, 3, 1, 3)
    """

    _rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Cuts off the borders of volumes.

    Args:
        cropping: int for all sides, one int for each of the three axes, or ``(before, after)`` for each; number of
            voxels. Defaults to ``((1, 1), (1, 1), (1, 1))``.
        |data format|
        |layer options|

    Shapes: ``(batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width, channels)``; each
        axis of space shrinks by ``before + after``.

    Raises:
        ArgumentError: ``cropping`` is none of these, or negative.
        ShapeError: nothing would be left of the input.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.Cropping3D((0, 1, 2))(np.ones((1, 5, 5, 5, 3), "float32")).shape)
        (1, 5, 3, 1, 3)
    """

    _rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)
