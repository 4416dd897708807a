"""Bounding boxes: formats, clipping, moving with an image, overlap, and deltas from anchors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import docstrings, ops
from amalthea.engine import dtypes
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import ArgumentError, ShapeError, brief, nearest

docstrings.share(
    "format of boxes",
    """
    bounding_box_format: str; one of the formats of :func:`convert_format`.
    """,
)
docstrings.share(
    "size of the image",
    """
    height, width: int; height and width of the image, in pixels. Defaults to None.
    """,
)
docstrings.share(
    "shape of the image",
    """
    image_shape: tuple ``(height, width, channels)``; needed for relative formats. Defaults to None.
    """,
)


def _corners(x: Any, y: Any, w: Any, h: Any) -> tuple[Any, ...]:
    return x, y, x + w, y + h


# format -> its four numbers into left, top, right, bottom; and back
_TO_CORNERS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "yxyx": lambda y1, x1, y2, x2: (x1, y1, x2, y2),
    "xywh": _corners,
    "center_xywh": lambda x, y, w, h: _corners(x - w / 2, y - h / 2, w, h),
    "center_yxhw": lambda y, x, h, w: _corners(x - w / 2, y - h / 2, w, h),
}
_FROM_CORNERS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "yxyx": lambda x1, y1, x2, y2: (y1, x1, y2, x2),
    "xywh": lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    "center_xywh": lambda x1, y1, x2, y2: ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
    "center_yxhw": lambda x1, y1, x2, y2: ((y1 + y2) / 2, (x1 + x2) / 2, y2 - y1, x2 - x1),
}
FORMATS = (*_TO_CORNERS, *(f"rel_{name}" for name in _TO_CORNERS))


def _parts(boxes: Any) -> list[Any]:
    return [ops.expand_dims(x, -1) for x in ops.unstack(boxes, 4, axis=-1)]


def _joined(parts: Sequence[Any]) -> Any:
    return ops.concatenate(list(parts), axis=-1)


def _format(name: Any, height: Any, width: Any, both_relative: bool = False) -> tuple[str, bool]:
    """The format without ``rel_``, and whether it is relative."""
    lower = str(name).lower()
    if lower not in FORMATS:
        raise ArgumentError("This format of boxes does not exist.", got=repr(name), cure=nearest(lower, FORMATS))
    is_relative = lower.startswith("rel_")
    if is_relative and not both_relative and (height is None or width is None):
        raise ArgumentError(
            "A relative format needs the size of the image.", got=repr(name), cure="height=..., width=..."
        )
    return lower.removeprefix("rel_"), is_relative


def _checked(boxes: Any, owner: str) -> Any:
    boxes = ops.convert_to_tensor(boxes)
    if len(boxes.shape) not in (2, 3) or boxes.shape[-1] != 4:
        raise ShapeError(
            f"{owner} takes boxes of four numbers.", expected="(boxes, 4) or (batch, boxes, 4)", got=boxes.shape
        )
    return boxes


@docstrings.fill
def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: DTypeLike = "float32",
) -> Any:
    """Converts boxes from one format to another.

    ``"xyxy"`` is left, top, right, bottom; ``"yxyx"`` top, left, bottom, right; ``"xywh"`` left, top, width, height;
    ``"center_xywh"`` and ``"center_yxhw"`` begin with the centre. With ``rel_`` before, coordinates are shares of the
    image's width and height.

    Args:
        boxes: TensorLike, or dict with the key ``"boxes"``, whose other items are kept.
        source: str; format of the boxes.
        target: str; format to convert to.
        |size of the image|
        dtype: DTypeLike; dtype of the result. Defaults to ``"float32"``.

    Shapes: ``(boxes, 4)`` or ``(batch, boxes, 4)``; the output has the same.

    Raises:
        ArgumentError: a format does not exist, or a relative one is given without the size of the image.
        ShapeError: the boxes have other axes.

    Example:
        >>> from amalthea import ops, utils
        >>> boxes = [[10.0, 20.0, 30.0, 50.0]]
        >>> ops.convert_to_numpy(utils.bounding_boxes.convert_format(boxes, "xyxy", "xywh")).tolist()
        [[10.0, 20.0, 20.0, 30.0]]
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    relative = [str(name).lower().startswith("rel_") for name in (source, target)]
    (start, is_relative), (end, to_relative) = (_format(f, height, width, all(relative)) for f in (source, target))
    boxes = ops.cast(_checked(boxes, "convert_format"), dtypes.standardize(dtype))
    corners = _TO_CORNERS[start](*_parts(boxes))
    if is_relative != to_relative:
        factors = [ops.cast(size, dtypes.standardize(dtype)) for size in (width, height)] * 2
        corners = tuple(x * f if is_relative else x / f for x, f in zip(corners, factors))
    return _joined(_FROM_CORNERS[end](*corners))


@docstrings.fill
def clip_to_image_size(
    bounding_boxes: dict[str, Any], height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> dict[str, Any]:
    """Clips boxes to the image. Labels of boxes without area become -1.

    Args:
        bounding_boxes: dict with ``"boxes"`` and ``"labels"``.
        |size of the image|
        |format of boxes|

    Shapes: boxes ``(boxes, 4)`` or ``(batch, boxes, 4)``, labels ``(boxes,)`` or ``(batch, boxes)``

    Raises:
        ArgumentError: the format does not exist, or the size of the image is missing.

    Example:
        >>> import numpy as np
        >>> from amalthea import utils
        >>> boxes = {"boxes": np.array([[-5.0, 2.0, 20.0, 8.0], [30.0, 0.0, 40.0, 5.0]]), "labels": np.array([0, 1])}
        >>> clipped = utils.bounding_boxes.clip_to_image_size(boxes, height=10, width=20)
        >>> np.asarray(clipped["boxes"]).tolist(), np.asarray(clipped["labels"]).tolist()
        ([[0.0, 2.0, 20.0, 8.0], [20.0, 0.0, 20.0, 5.0]], [0, -1])
    """
    if not isinstance(bounding_boxes, dict) or "boxes" not in bounding_boxes or "labels" not in bounding_boxes:
        raise ArgumentError(
            "Boxes come with labels.", expected='{"boxes": ..., "labels": ...}', got=brief(bounding_boxes)
        )
    _, is_relative = _format(bounding_box_format, 1, 1)
    if not is_relative and (height is None or width is None):
        raise ArgumentError(
            "Boxes are clipped to the size of an image.", got=f"{height}, {width}", cure="height=..., width=..."
        )
    boxes, labels = _checked(bounding_boxes["boxes"], "clip_to_image_size"), bounding_boxes["labels"]
    work, sizes = ("rel_xyxy", (1, 1)) if is_relative else ("xyxy", (width, height))
    dtype = ops.dtype(boxes)
    x1, y1, x2, y2 = _parts(convert_format(boxes, bounding_box_format, work, height, width))
    x1, x2 = (ops.clip(x, 0, sizes[0]) for x in (x1, x2))
    y1, y2 = (ops.clip(y, 0, sizes[1]) for y in (y1, y2))
    clipped = convert_format(_joined((x1, y1, x2, y2)), work, bounding_box_format, height, width)
    has_area = ops.squeeze((x2 - x1) * (y2 - y1), -1) > 0
    labels = ops.convert_to_tensor(labels)
    kept = ops.where(has_area, labels, ops.cast(-1, ops.dtype(labels)))
    return {
        **bounding_boxes,
        "boxes": ops.cast(clipped, dtype if dtype.startswith("float") else "float32"),
        "labels": kept,
    }


@docstrings.fill
def affine_transform(
    boxes: TensorLike,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: int,
    width: int,
    center_x: float | None = None,
    center_y: float | None = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Moves boxes as an affine transform moves an image: the new box holds the four corners.

    Args:
        boxes: TensorLike; the boxes.
        angle: float, or one for each image; rotation, in degrees.
        translate_x, translate_y: float, or one for each image; shift to the right and down, as a share of the size.
        scale: float, or one for each image; the factor.
        shear_x, shear_y: float, or one for each image; shear, in degrees.
        height, width: int; height and width of the image, in pixels.
        center_x, center_y: float; centre of rotation, as a share of the size. Defaults to None, the middle.
        |format of boxes|

    Shapes: ``(boxes, 4)`` or ``(batch, boxes, 4)``; the output has the same.

    Raises:
        ArgumentError: the format does not exist.
        ShapeError: the boxes have other axes.

    Example:
        >>> from amalthea import ops, utils
        >>> moved = utils.bounding_boxes.affine_transform([[0.0, 0.0, 2.0, 4.0]], 90.0, 0, 0, 1, 0, 0, 11, 11)
        >>> ops.convert_to_numpy(moved).round(3).tolist()
        [[0.0, 8.0, 4.0, 10.0]]

    Source: the matrix is Keras's, in which ``shear_x`` has the opposite sign in the first column.
    """
    checked = _checked(boxes, "affine_transform")
    single = len(checked.shape) == 2
    corners = convert_format(checked, bounding_box_format, "xyxy", height, width)
    corners = ops.expand_dims(corners, 0) if single else corners
    x1, y1, x2, y2 = ops.unstack(corners, 4, axis=-1)
    xs, ys = ops.stack([x1, x2, x1, x2], axis=-1), ops.stack([y1, y1, y2, y2], axis=-1)
    cx = (0.5 if center_x is None else center_x) * (width - 1)
    cy = (0.5 if center_y is None else center_y) * (height - 1)
    (a, b), (c, d) = _matrix(angle, scale, shear_x, shear_y)
    xs = xs - cx + _by_image(translate_x) * (width - 1)
    ys = ys - cy + _by_image(translate_y) * (height - 1)
    new_x, new_y = a * xs + b * ys + cx, c * xs + d * ys + cy
    ends = [ops.min(new_x, -1), ops.min(new_y, -1), ops.max(new_x, -1), ops.max(new_y, -1)]
    moved = convert_format(ops.stack(ends, axis=-1), "xyxy", bounding_box_format, height, width)
    return ops.squeeze(moved, 0) if single else moved


def _by_image(value: Any) -> Any:
    return ops.reshape(ops.cast(ops.convert_to_tensor(value), "float32"), (-1, 1, 1))


def _matrix(angle: Any, scale: Any, shear_x: Any, shear_y: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    turn, kx, ky = (_by_image(v) * (math.pi / 180.0) for v in (angle, shear_x, shear_y))
    cos, sin, kx, ky = ops.cos(turn), ops.sin(turn), ops.tan(kx), ops.tan(ky)
    c, d = ky * cos - sin, ky * sin + cos
    factor = _by_image(scale)
    return (factor * (cos - kx * c), factor * (sin + kx * d)), (factor * c, factor * d)


@docstrings.fill
def crop(boxes: TensorLike, top: int, left: int, height: int, width: int, bounding_box_format: str = "xyxy") -> Any:
    """Moves boxes into a part that is cropped from an image, and clips them to it.

    Args:
        boxes: TensorLike; the boxes.
        top, left: int; upper left corner of the part, in pixels.
        height, width: int; height and width of the part.
        |format of boxes|

    Shapes: ``(boxes, 4)`` or ``(batch, boxes, 4)``; the output has the same.

    Raises:
        ArgumentError: the format does not exist, or is relative.

    Example:
        >>> from amalthea import ops, utils
        >>> ops.convert_to_numpy(utils.bounding_boxes.crop([[10.0, 20.0, 50.0, 60.0]], 10, 20, 40, 30)).tolist()
        [[0.0, 10.0, 30.0, 40.0]]
    """
    _refuse_relative(bounding_box_format, "crop")
    x1, y1, x2, y2 = _parts(convert_format(boxes, bounding_box_format, "xyxy"))
    x1, x2 = (ops.clip(x - left, 0, width) for x in (x1, x2))
    y1, y2 = (ops.clip(y - top, 0, height) for y in (y1, y2))
    return convert_format(_joined((x1, y1, x2, y2)), "xyxy", bounding_box_format)


@docstrings.fill
def pad(
    boxes: TensorLike,
    top: int,
    left: int,
    height: int | None = None,
    width: int | None = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Moves boxes as an image is padded at the top and the left.

    Args:
        boxes: TensorLike; the boxes.
        top, left: int; rows and columns that are added, in pixels.
        height, width: int or None; accepted for Keras; a shift does not depend on them.
        |format of boxes|

    Shapes: ``(boxes, 4)`` or ``(batch, boxes, 4)``; the output has the same.

    Raises:
        ArgumentError: the format does not exist, or is relative.

    Example:
        >>> from amalthea import ops, utils
        >>> ops.convert_to_numpy(utils.bounding_boxes.pad([[10.0, 20.0, 50.0, 60.0]], 5, 3)).tolist()
        [[13.0, 25.0, 53.0, 65.0]]
    """
    _refuse_relative(bounding_box_format, "pad")
    x1, y1, x2, y2 = _parts(convert_format(boxes, bounding_box_format, "xyxy"))
    return convert_format(_joined((x1 + left, y1 + top, x2 + left, y2 + top)), "xyxy", bounding_box_format)


def _refuse_relative(name: Any, owner: str) -> None:
    if _format(name, 1, 1)[1]:
        raise ArgumentError(
            f"{owner} counts in pixels.",
            got=repr(name),
            cure="convert_format(boxes, 'rel_xyxy', 'xyxy', height, width)",
        )


def _sides(image_shape: Any) -> tuple[Any, Any]:
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


@docstrings.fill
def compute_iou(
    boxes1: TensorLike,
    boxes2: TensorLike,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: int = -1,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Computes the intersection over union of each pair of boxes.

    Args:
        boxes1, boxes2: TensorLike; the boxes.
        |format of boxes|
        use_masking: bool; whether pairs with a box whose numbers are all negative give ``mask_val``. Defaults to False.
        mask_val: int; value of masked pairs. Defaults to -1.
        |shape of the image|

    Shapes: ``(m, 4)`` and ``(n, 4)`` -> ``(m, n)``; with a batch ``(batch, m, n)``

    Raises:
        ArgumentError: the format does not exist, or a relative one is given without ``image_shape``.

    Example:
        >>> from amalthea import ops, utils
        >>> iou = utils.bounding_boxes.compute_iou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 1.0]], "xyxy")
        >>> ops.convert_to_numpy(iou).tolist()
        [[0.5]]
    """
    height, width = _sides(image_shape)
    one, other = (convert_format(b, bounding_box_format, "xyxy", height, width) for b in (boxes1, boxes2))
    one, other = ops.expand_dims(one, -2), ops.expand_dims(other, -3)
    found, _, _ = _overlap(_parts(one), _parts(other))
    found = ops.squeeze(found, -1)
    if not use_masking:
        return found
    masked = [ops.all(ops.convert_to_tensor(b) < 0, axis=-1) for b in (boxes1, boxes2)]
    either = ops.logical_or(ops.expand_dims(masked[0], -1), ops.expand_dims(masked[1], -2))
    return ops.where(either, ops.cast(mask_val, ops.dtype(found)), found)


def _overlap(one: Sequence[Any], other: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Intersection over union of corners, and width and height of the box around both."""
    (a1, b1, a2, b2), (c1, d1, c2, d2) = one, other
    shared = ops.relu(ops.minimum(a2, c2) - ops.maximum(a1, c1)) * ops.relu(ops.minimum(b2, d2) - ops.maximum(b1, d1))
    union = (a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - shared
    around = ops.maximum(a2, c2) - ops.minimum(a1, c1), ops.maximum(b2, d2) - ops.minimum(b1, d1)
    return ops.where(union > 0, shared / ops.where(union > 0, union, 1.0), 0.0), *around


@docstrings.fill
def compute_ciou(
    boxes1: TensorLike, boxes2: TensorLike, bounding_box_format: str, image_shape: Sequence[int] | None = None
) -> Any:
    """Computes the complete intersection over union of boxes at the same index: it also falls with the distance of the
    centres and the difference of the proportions.

    Args:
        boxes1, boxes2: TensorLike; the boxes, as many in each.
        |format of boxes|
        |shape of the image|

    Shapes: ``(..., 4)`` and ``(..., 4)`` -> ``(...)``

    Raises:
        ArgumentError: the format does not exist, or a relative one is given without ``image_shape``.

    Example:
        >>> from amalthea import ops, utils
        >>> boxes = [[0.0, 0.0, 2.0, 2.0]]
        >>> ops.convert_to_numpy(utils.bounding_boxes.compute_ciou(boxes, boxes, "xyxy")).round(3).tolist()
        [1.0]

    Source: Zheng et al., "Distance-IoU loss: faster and better learning for bounding box regression", 2020.
    """
    height, width = _sides(image_shape)
    one, other = (_parts(convert_format(b, bounding_box_format, "xyxy", height, width)) for b in (boxes1, boxes2))
    iou, wide, high = _overlap(one, other)
    apart = [(one[i] + one[i + 2] - other[i] - other[i + 2]) / 2 for i in (0, 1)]
    epsilon = 1e-7
    distance = (apart[0] ** 2 + apart[1] ** 2) / (wide**2 + high**2 + epsilon)
    angles = [ops.arctan((b[2] - b[0]) / (b[3] - b[1] + epsilon)) for b in (one, other)]
    proportion = (4 / math.pi**2) * (angles[0] - angles[1]) ** 2
    weight = proportion / (1.0 - iou + proportion + epsilon)
    return ops.squeeze(iou - distance - weight * proportion, -1)


@docstrings.fill
def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Expresses boxes as deltas from anchors: shifts of the centre in sizes of the anchor, and logarithms of factors.

    Args:
        anchors: TensorLike; boxes to start from.
        boxes: TensorLike; boxes to express.
        anchor_format, box_format: str; their formats.
        encoding_format: str; ``"center_xywh"`` or ``"center_yxhw"``, the order of the deltas. Defaults to
            ``"center_yxhw"``.
        variance: four floats by which the deltas are divided. Defaults to None, none.
        |shape of the image|

    Shapes: ``(n, 4)`` and ``(n, 4)`` or ``(batch, n, 4)`` -> the shape of ``boxes``

    Raises:
        ArgumentError: a format cannot be used, or ``variance`` does not have four numbers.

    Example:
        >>> from amalthea import ops, utils
        >>> boxes = [[0.0, 0.0, 2.0, 2.0]]
        >>> deltas = utils.bounding_boxes.encode_box_to_deltas(boxes, [[1.0, 0.0, 3.0, 2.0]], "xyxy", "xyxy")
        >>> ops.convert_to_numpy(deltas).tolist()
        [[0.0, 0.5, 0.0, 0.0]]
    """
    factors = _variance(variance, encoding_format)
    height, width = _sides(image_shape)
    start = _parts(convert_format(anchors, anchor_format, encoding_format, height, width))
    end = _parts(convert_format(boxes, box_format, encoding_format, height, width))
    shifts = [(end[i] - start[i]) / start[i + 2] for i in (0, 1)]
    growth = [ops.log(end[i] / start[i]) for i in (2, 3)]
    return ops.divide(_joined([*shifts, *growth]), factors)


@docstrings.fill
def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Computes the boxes that deltas from anchors stand for: the inverse of :func:`encode_box_to_deltas`.

    Args:
        anchors: TensorLike, or dict of them; boxes to start from.
        boxes_delta: TensorLike, or dict with the same keys; the deltas.
        anchor_format, box_format: str; formats of the anchors and of the result.
        encoded_format: str; ``"center_xywh"`` or ``"center_yxhw"``, the order of the deltas. Defaults to
            ``"center_yxhw"``.
        variance: four floats by which the deltas are multiplied. Defaults to None, none.
        |shape of the image|

    Shapes: ``(n, 4)`` and ``(n, 4)`` or ``(batch, n, 4)`` -> the shape of ``boxes_delta``

    Raises:
        ArgumentError: a format cannot be used, or ``variance`` does not have four numbers.

    Example:
        >>> from amalthea import ops, utils
        >>> deltas = [[0.0, 0.5, 0.0, 0.0]]
        >>> boxes = utils.bounding_boxes.decode_deltas_to_boxes([[0.0, 0.0, 2.0, 2.0]], deltas, "xyxy", "xyxy")
        >>> ops.convert_to_numpy(boxes).tolist()
        [[1.0, 0.0, 3.0, 2.0]]
    """
    factors = _variance(variance, encoded_format)
    if isinstance(anchors, dict):
        rest = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {key: decode_deltas_to_boxes(anchors[key], boxes_delta[key], *rest) for key in anchors}
    height, width = _sides(image_shape)
    start = _parts(convert_format(anchors, anchor_format, encoded_format, height, width))
    deltas = _parts(ops.multiply(ops.cast(boxes_delta, "float32"), factors))
    centre = [deltas[i] * start[i + 2] + start[i] for i in (0, 1)]
    size = [ops.exp(deltas[i]) * start[i] for i in (2, 3)]
    return convert_format(_joined([*centre, *size]), encoded_format, box_format, height, width)


def _variance(variance: Any, encoding: str) -> np.ndarray:
    if encoding not in ("center_xywh", "center_yxhw"):
        raise ArgumentError("Deltas are from centres.", expected="center_xywh, center_yxhw", got=repr(encoding))
    if variance is None:
        return np.ones(4, "float32")
    found = np.asarray(variance, "float32")
    if found.shape != (4,):
        raise ArgumentError("`variance` has a number for each delta.", expected="four floats", got=brief(variance))
    return found
