"""Boxes that go along with images through layers.

Inside layers a box is left, top, right and bottom in pixels, at the edges of pixels: the pixel in column 3 reaches from
3 to 4, and its centre, which maps of images work on, is at 3.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea import bounding_boxes, ops
from amalthea.engine import shapes
from amalthea.errors import ArgumentError, ShapeError, brief, nearest
from amalthea.ops import image


def checked_format(name: Any) -> Any:
    """Returns the name of a format of boxes, or None."""
    if name is not None and name not in bounding_boxes.FORMATS:
        raise ArgumentError(
            "This format of boxes does not exist.", got=repr(name), cure=nearest(str(name), bounding_boxes.FORMATS)
        )
    return name


def checked_boxes(boxes: Any, owner: str, format_: Any) -> dict[str, Any]:
    """Returns boxes as float32 and their labels."""
    if not isinstance(boxes, dict) or "boxes" not in boxes or "labels" not in boxes:
        raise ArgumentError("Boxes come with labels.", expected='{"boxes": ..., "labels": ...}', got=brief(boxes))
    if format_ is None:
        raise ArgumentError(
            f"{owner} was given boxes of an unknown format.",
            expected="the argument bounding_box_format",
            got="None",
            cure=f'{owner}(..., bounding_box_format="xyxy")',
        )
    found = {**boxes, "boxes": ops.cast(boxes["boxes"], "float32"), "labels": ops.convert_to_tensor(boxes["labels"])}
    shape = found["boxes"].shape
    if len(shape) not in (2, 3) or not shapes.agree(shape[-1], 4):
        raise ShapeError(f"{owner} takes boxes of four numbers.", expected="(boxes, 4), or a batch", got=shape)
    return found


def to_corners(boxes: Any, format_: str, size: tuple[Any, Any]) -> Any:
    """Returns left, top, right and bottom in pixels, of boxes on images of a height and width."""
    return bounding_boxes.convert_format(boxes, format_, "xyxy", *map(image.number, size))


def from_corners(boxes: dict[str, Any], format_: str, size: tuple[Any, Any]) -> dict[str, Any]:
    """Returns boxes clipped to the image, in a format. The label of a box that is outside becomes -1."""
    height, width = map(image.number, size)
    clipped = bounding_boxes.clip_to_image_size(boxes, height, width, "xyxy")
    return bounding_boxes.convert_format(clipped, "xyxy", format_, height, width)


def moved(corners: Any, move: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
    """Returns the boxes around the four corners of each box, moved by a map of the centres of pixels.

    Args:
        corners: boxes ``(batch, boxes, 4)``.
        move: function of columns and rows ``(batch, boxes, 4)``, which returns new ones.
    """
    left, top, right, bottom = ops.unstack(corners - 0.5, 4, axis=-1)
    columns, rows = move(ops.stack([left, right, left, right], axis=-1), ops.stack([top, top, bottom, bottom], axis=-1))
    ends = [ops.min(columns, -1), ops.min(rows, -1), ops.max(columns, -1), ops.max(rows, -1)]
    return ops.stack(ends, axis=-1) + 0.5


def stretched(corners: Any, region: tuple[Any, Any, Any, Any], size: tuple[Any, Any]) -> Any:
    """Returns boxes on an image that a region ``(top, left, height, width)`` of the old one fills."""
    top, left, height, width = region
    down, across = image.number(size[0]) / _number(height), image.number(size[1]) / _number(width)
    x1, y1, x2, y2 = ops.unstack(corners, 4, axis=-1)
    left, top = _number(left), _number(top)
    return ops.stack([(x1 - left) * across, (y1 - top) * down, (x2 - left) * across, (y2 - top) * down], axis=-1)


def _number(value: Any) -> Any:
    return image.number(value) if isinstance(value, shapes.Dim) else ops.cast(value, "float32")
