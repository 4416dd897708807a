"""Axes of images, and their dtype: what all ops on images share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from amalthea import config, docstrings
from amalthea.engine import dtypes
from amalthea.errors import ShapeError
from amalthea.ops import numpy as np_ops
from amalthea.ops.base import cast as to_dtype
from amalthea.ops.base import floating, tensor, wide
from amalthea.ops.core import cast, saturate_cast

F = TypeVar("F", bound=Callable[..., Any])

docstrings.share("images", "images: TensorLike; one image or a batch. Whole numbers are rounded back to their dtype.")
docstrings.share(
    "images as floats", "images: TensorLike; one image or a batch. Whole numbers are computed in ``floatx``."
)


def rounding(function: F) -> F:
    """Compute on images as floats (float32 for narrower ones), and return their dtype: whole numbers are rounded."""

    @functools.wraps(function)
    def rounded(images: Any, *args: Any, **kwargs: Any) -> Any:
        x = tensor(images)
        name = dtypes.name_of(x)
        out = function(wide(floating(x)), *args, **kwargs)
        if dtypes.is_integer(name):
            return saturate_cast(np_ops.round(out), name)
        return to_dtype(out, name) if dtypes.is_float(name) else out

    return rounded  # type: ignore[return-value]


def number(size: Any) -> Any:
    """Turn a size into a float; a size that is not known yet is counted when the graph runs."""
    return float(size) if isinstance(size, int) else cast(tensor(size), "float32")


def positions(count: Any) -> Any:
    """Make the numbers 0, 1, 2, ... as floats."""
    if isinstance(count, int):
        return cast(np_ops.arange(count), "float32")
    return np_ops.cumsum(np_ops.ones((count,))) - 1.0


def space_axes(rank: int, data_format: str) -> tuple[int, int]:
    """Return the axes of height and width."""
    if rank not in (3, 4):
        raise ShapeError("This is not an image.", expected="3 axes, or 4 with the batch", got=f"{rank} axes")
    first = rank - 3 if data_format == "channels_last" else rank - 2
    return first, first + 1


def batched(x: Any, data_format: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return images ``(batch, height, width, channels)``, and a function that restores the axes of a result.

    The result may have further axes behind.
    """
    format_ = config.standardize_data_format(data_format)
    single = len(x.shape) == 3
    space_axes(len(x.shape), format_)
    whole = np_ops.expand_dims(x, 0) if single else x
    whole = whole if format_ == "channels_last" else np_ops.moveaxis(whole, 1, 3)

    def restored(y: Any) -> Any:
        y = y if format_ == "channels_last" else np_ops.moveaxis(y, 3, 1)
        return np_ops.squeeze(y, 0) if single else y

    return whole, restored
