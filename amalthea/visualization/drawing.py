"""Boxes and masks drawn on images."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from amalthea import config, docstrings, ops
from amalthea.bounding_boxes import convert_format
from amalthea.checks import check_all, positive_int, positive_number, share
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, DtypeError, ShapeError, brief
from amalthea.utils.image_files import pillow

docstrings.share(
    "data format of images",
    """
    data_format: str or None; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting of ``config``.
    """,
)


def as_images(images: Any, data_format: str | None) -> np.ndarray:
    """A batch of images as a NumPy array of uint8 with channels last."""
    array = ops.convert_to_numpy(images)
    if array.ndim != 4:
        raise ShapeError(
            "A batch of images has four axes.", expected="(batch, height, width, channels)", got=array.shape
        )
    if config.standardize_data_format(data_format) == "channels_first":
        array = array.transpose(0, 2, 3, 1)
    if array.shape[3] not in (1, 3):
        raise ShapeError("Images have 1 or 3 channels.", expected="(batch, height, width, 3)", got=array.shape)
    array = np.repeat(array, 3, axis=3) if array.shape[3] == 1 else array
    return np.clip(np.nan_to_num(array), 0, 255).astype("uint8")


@docstrings.fill
def draw_bounding_boxes(
    images: TensorLike,
    bounding_boxes: Mapping[str, Any],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: Sequence[int] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Draws boxes on a batch of images, and the names of their classes.

    Args:
        images: TensorLike; pixels from 0 to 255.
        bounding_boxes: dict with ``"boxes"`` and ``"labels"``, and ``"confidences"`` if they are to be written. Boxes
            of label -1 are left out.
        bounding_box_format: str; one of the formats of ``utils.bounding_boxes.convert_format``.
        class_mapping: dict from label to name. Defaults to None, which writes none.
        color: three ints; red, green and blue. Defaults to grey.
        line_thickness: int; width of the lines, in pixels. Defaults to 2.
        text_thickness: int; width of the strokes of names, in pixels. Defaults to 1.
        font_scale: float; size of names; 1.0 is 12 pixels. Defaults to 1.0.
        |data format of images|

    Shapes: images ``(batch, height, width, channels)``, boxes ``(batch, boxes, 4)``, labels ``(batch, boxes)``

    Returns:
        uint8 array ``(batch, height, width, 3)``.

    Raises:
        ArgumentError: boxes or labels are missing, or an option cannot be used.
        ShapeError: the images have other axes.
        MissingLibraryError: names are to be written, and Pillow is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import visualization
        >>> boxes = {"boxes": np.array([[[1.0, 1.0, 4.0, 3.0]]]), "labels": np.array([[0]])}
        >>> drawn = visualization.draw_bounding_boxes(np.zeros((1, 5, 6, 3)), boxes, "xyxy", line_thickness=1)
        >>> (drawn[0, :, :, 0] // 128).tolist()
        [[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0], [0, 1, 0, 0, 1, 0], [0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]]
    """
    check_all(
        "draw_bounding_boxes",
        {"line_thickness": positive_int, "text_thickness": positive_int, "font_scale": positive_number},
        {"line_thickness": line_thickness, "text_thickness": text_thickness, "font_scale": font_scale},
    )
    if not isinstance(bounding_boxes, Mapping) or not {"boxes", "labels"} <= bounding_boxes.keys():
        raise ArgumentError(
            "Boxes come with labels.", expected='{"boxes": ..., "labels": ...}', got=brief(bounding_boxes)
        )
    drawn = as_images(images, data_format).copy()
    height, width = drawn.shape[1:3]
    boxes = ops.convert_to_numpy(convert_format(bounding_boxes["boxes"], bounding_box_format, "xyxy", height, width))
    labels = ops.convert_to_numpy(bounding_boxes["labels"])
    scores = bounding_boxes.get("confidences")
    scores = None if scores is None else ops.convert_to_numpy(scores)
    if boxes.ndim != 3 or labels.shape != boxes.shape[:2] or len(boxes) != len(drawn):
        raise ShapeError(
            "There are not boxes and labels for each image.",
            expected=f"({len(drawn)}, boxes, 4) and ({len(drawn)}, boxes)",
            got=f"{boxes.shape} and {labels.shape}",
        )
    for i, j in zip(*np.nonzero(labels != -1)):
        corners = [int(n) for n in np.rint(boxes[i, j])]
        _frame(drawn[i], corners, _rgb(color), line_thickness)
        if class_mapping is not None:
            name = str(class_mapping.get(int(labels[i, j]), int(labels[i, j])))
            name = name if scores is None else f"{name} {scores[i, j]:.2f}"
            _write(drawn[i], name, corners[:2], _rgb(color), text_thickness, font_scale)
    return drawn


def _rgb(color: Any) -> tuple[int, ...]:
    found = tuple(color) if isinstance(color, (list, tuple, np.ndarray)) else ()
    if len(found) != 3 or not all(isinstance(n, (int, np.integer)) and 0 <= n <= 255 for n in found):
        raise ArgumentError("A color is red, green and blue.", expected="three ints from 0 to 255", got=brief(color))
    return tuple(int(n) for n in found)


def _frame(image: np.ndarray, corners: Sequence[int], color: tuple[int, ...], thickness: int) -> None:
    """Lines around a box, their middle on its edge."""
    left, top, right, bottom = corners
    before, after = thickness // 2, (thickness + 1) // 2
    for y in (top, bottom):
        image[_span(y - before, y + after), _span(left - before, right + after)] = color
    for x in (left, right):
        image[_span(top - before, bottom + after), _span(x - before, x + after)] = color


def _span(start: int, stop: int) -> slice:
    return slice(max(start, 0), max(stop, 0))


def _write(image: np.ndarray, name: str, at: Sequence[int], color: tuple[int, ...], stroke: int, scale: float) -> None:
    """A name above the upper left corner, within the image."""
    pillow()
    from PIL import Image, ImageDraw, ImageFont

    size = max(round(12 * scale), 1)
    try:
        font = ImageFont.load_default(size)
    except (TypeError, ImportError):  # Pillow before 10.1, or without FreeType
        font = ImageFont.load_default()
    picture = Image.fromarray(image)
    x, y = max(at[0], 0), max(at[1] - size - 2, 0)
    ImageDraw.Draw(picture).text((x, y), name, fill=color, font=font, stroke_width=stroke - 1)
    image[:] = np.asarray(picture)


@docstrings.fill
def draw_segmentation_masks(
    images: TensorLike,
    segmentation_masks: TensorLike,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Colors the pixels of a batch of images by their classes.

    Args:
        images: TensorLike; pixels from 0 to 255.
        segmentation_masks: TensorLike of ints; the class of each pixel. Class 0 is the background, which is colored
            too unless it is ``ignore_index``.
        num_classes: int; number of classes. Defaults to None, which takes the largest in the masks.
        color_mapping: dict from class to three ints. Defaults to None, which makes different colors.
        alpha: float in [0, 1]; share of the color in a pixel. Defaults to 0.8.
        blend: bool; whether pixels and colors are mixed. Defaults to True; False puts colors alone.
        ignore_index: int; class that is not colored. Defaults to -1.
        |data format of images|

    Shapes: images ``(batch, height, width, channels)``, masks ``(batch, height, width)`` or ``(batch, height, width,
        1)``

    Returns:
        uint8 array ``(batch, height, width, 3)``.

    Raises:
        ArgumentError: an option cannot be used.
        DtypeError: the masks are not whole numbers.
        ShapeError: the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> from amalthea import visualization
        >>> images, masks = np.zeros((1, 1, 2, 3)), np.array([[[0, 1]]])
        >>> colors = {1: (100, 0, 0)}
        >>> options = {"color_mapping": colors, "alpha": 0.5, "ignore_index": 0}
        >>> drawn = visualization.draw_segmentation_masks(images, masks, **options)
        >>> drawn[0, 0].tolist()
        [[0, 0, 0], [50, 0, 0]]
    """
    share(alpha, "alpha", "draw_segmentation_masks")
    pixels = as_images(images, data_format)
    masks = ops.convert_to_numpy(segmentation_masks)
    if masks.dtype.kind not in "iu":
        raise DtypeError(
            "Masks hold class numbers.", expected="integers", got=masks.dtype, cure="masks.astype('int32')"
        )
    masks = masks[..., 0] if masks.ndim == 4 and masks.shape[3] == 1 else masks
    if masks.shape != pixels.shape[:3]:
        raise ShapeError("The masks do not fit the images.", expected=pixels.shape[:3], got=masks.shape)
    classes = (
        int(masks.max(initial=0)) + 1 if num_classes is None else positive_int(num_classes, "num_classes", "draw") + 1
    )
    colors = _palette(classes) if color_mapping is None else {k: _rgb(v) for k, v in color_mapping.items()}
    drawn = pixels.astype("float32")
    for number in np.unique(masks):
        if number != ignore_index and int(number) in colors:
            chosen, color = masks == number, np.asarray(colors[int(number)], "float32")
            drawn[chosen] = (1 - alpha) * drawn[chosen] + alpha * color if blend else color
    return np.rint(drawn).astype("uint8")


def _palette(count: int) -> dict[int, tuple[int, ...]]:
    """Colors around the circle of hues."""
    hues = (colorsys.hsv_to_rgb(i / max(count, 1), 0.8, 0.95) for i in range(count))
    return {i: tuple(round(255 * part) for part in rgb) for i, rgb in enumerate(hues)}
