"""The base of layers that change images: draw, then change.

A layer draws what it does to each image of a batch, then changes images, masks and boxes by the same draw. A subclass
implements ``_drawn`` and ``_changed``; one that moves pixels derives from :class:`MovingLayer` and implements
``_moved`` and ``_corners``, and masks and boxes follow.

    inputs ──▶ images (batch, ...) ──▶ _drawn ──┬──▶ _changed    images
                                                ├──▶ _masks      segmentation_masks
                                                ├──▶ _boxes      bounding_boxes
                                                └──▶ _labels     labels
"""

from __future__ import annotations

import math
from typing import Any

from amalthea import config, docstrings, ops, random
from amalthea.checks import as_number, several
from amalthea.checks import finite_number as finite
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, ShapeError, brief
from amalthea.layers import boxes as box_formats
from amalthea.layers.layer import Layer
from amalthea.layers.options import seed_generator
from amalthea.ops import image

docstrings.share(
    "random call",
    """
    Call args:
        inputs: one image, a batch, or a dict with ``"images"`` and any of ``"labels"``, ``"segmentation_masks"`` and
            ``"bounding_boxes"`` (a dict with ``"boxes"`` and ``"labels"``; ``bounding_box_format`` must be given).
        training: bool; whether the images are changed. Defaults to True.
    """,
)
docstrings.share(
    "image shapes",
    """
    Shapes: ``(batch, height, width, channels) -> (batch, height, width, channels)``, or one image without the batch.
    """,
)
docstrings.share(
    "value range",
    """
    value_range: ``(low, high)``; smallest and largest value of a pixel. Defaults to ``(0, 255)``.
    """,
)
docstrings.share(
    "image options",
    """
    **kwargs: ``data_format`` and ``bounding_box_format`` (one of the formats of
        ``utils.bounding_boxes.convert_format``), and options of every layer, see :class:`Layer`.
    """,
)
docstrings.share(
    "filling",
    """
    fill_mode: str; values beyond the border: ``"reflect"`` (mirrored), ``"constant"``, ``"nearest"`` (the border's) or
        ``"wrap"`` (from the other side). Defaults to ``"reflect"``.
    interpolation: str; ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
    fill_value: float; value beyond the border with ``fill_mode="constant"``. Defaults to 0.0.
    """,
)


def limits(
    value: Any, name: str, least: float = -1.0, most: float = 1.0, start: float | None = None
) -> tuple[float, float]:
    """Returns ``(lower, upper)``. One number ``f`` means ``(start, f)``; ``start`` is ``least`` unless that is
    negative, then ``-f``.
    """
    number = as_number(value)
    if number is not None:
        start = least if start is None and least >= 0 else start
        value = (-abs(number), abs(number)) if start is None else (start, number)
    is_pair = isinstance(value, (list, tuple)) and len(value) == 2 and all(as_number(v) is not None for v in value)
    if not is_pair or not least <= value[0] <= value[1] <= most:
        upper = "infinity" if most == math.inf else f"{most:g}"
        raise ArgumentError(
            f"`{name}` is out of range.",
            expected=f"a number, or (lower, upper), within {least:g} to {upper}",
            got=brief(value),
        )
    return tuple(value)


def value_limits(value_range: Any) -> tuple[float, float]:
    """Returns the smallest and the largest value of a pixel."""
    several(finite)(value_range, "value_range", "this layer")
    if len(value_range) != 2 or value_range[0] >= value_range[1]:
        raise ArgumentError(
            "A range of values is two numbers, the smaller first.", expected="(0, 255)", got=value_range
        )
    return tuple(value_range)


def another_seed(seed: Any, number: int) -> Any:
    """Returns the seed of a layer inside another one, which draws otherwise than its neighbours."""
    return seed + 1 + number if isinstance(seed, int) else seed


class ImageLayer(Layer):
    """The base of layers of images: layout, single images as batches of one, and what goes along with images."""

    _keeps_dtype = False  # whether whole numbers are rounded back to their dtype, as in Keras
    _only_in_config_if_set = ("bounding_box_format",)

    def __init__(self, *, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.bounding_box_format = box_formats.checked_format(bounding_box_format)

    def call(self, inputs: Any, training: bool = True) -> Any:
        if not isinstance(inputs, dict):
            return self._all_changed({"images": inputs}, training)["images"]
        return self._all_changed(inputs, training)

    def _all_changed(self, data: dict[str, Any], training: bool) -> dict[str, Any]:
        if "images" not in data:
            raise ArgumentError(
                f"{type(self).__name__} found no images.", expected='a dict with "images"', got=brief(sorted(data))
            )
        images = ops.convert_to_tensor(data["images"])
        image.space_axes(len(images.shape), self.data_format)
        single = len(images.shape) == 3
        whole = _batched(images) if single else images
        drawn = self._drawn_if(whole, training)
        changed = self._in_floats(whole, drawn)
        found = {**data, "images": _first(changed) if single else changed}
        for key, change in (("labels", self._labels), ("segmentation_masks", self._masks)):
            if data.get(key) is not None:
                value = ops.convert_to_tensor(data[key])
                if key == "segmentation_masks" and len(value.shape) != len(images.shape):
                    raise ShapeError(
                        "A mask has the axes of its image.",
                        expected=images.shape,
                        got=value.shape,
                        cure="masks[..., None]",
                    )
                value = change(_batched(value) if single else value, drawn)
                found[key] = _first(value) if single else value
        if data.get("bounding_boxes") is not None:
            boxes = box_formats.checked_boxes(data["bounding_boxes"], type(self).__name__, self.bounding_box_format)
            boxes = {k: _batched(v) if single else v for k, v in boxes.items()}
            boxes = self._boxes(boxes, drawn, self._sizes(whole), self._sizes(changed))
            found["bounding_boxes"] = {k: _first(v) if single else v for k, v in boxes.items()}
        return found

    def _in_floats(self, images: Any, drawn: Any) -> Any:
        name = ops.dtype(images)
        keeps = self._keeps_dtype and dtypes.is_integer(name)
        if drawn is None and keeps:
            return images
        x = ops.cast(images, "float32" if keeps else self.compute_dtype)
        x = x if drawn is None else self._changed(x, drawn)
        return ops.saturate_cast(ops.round(x), name) if keeps else ops.cast(x, self.compute_dtype)

    def _drawn_if(self, images: Any, training: bool) -> Any:
        """Returns what is done to each image; None for nothing. Layers that are not random do the same always."""
        return ()

    def _changed(self, images: Any, drawn: Any) -> Any:
        """Changes images ``(batch, ...)`` of floats."""
        raise NotImplementedError

    def _labels(self, labels: Any, drawn: Any) -> Any:
        return labels

    def _masks(self, masks: Any, drawn: Any) -> Any:
        return masks

    def _boxes(self, boxes: dict[str, Any], drawn: Any, before: Any, after: Any) -> dict[str, Any]:
        return boxes

    def _space(self, images: Any) -> tuple[int, int]:
        """Returns the axes of height and width."""
        return image.space_axes(len(images.shape), self.data_format)

    def _sizes(self, images: Any) -> tuple[Any, Any]:
        """Returns height and width."""
        down, across = self._space(images)
        return ops.shape(images)[down], ops.shape(images)[across]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


def _batched(x: Any) -> Any:
    return ops.expand_dims(x, 0)


def _first(x: Any) -> Any:
    return ops.squeeze(x, 0)


class RandomImage(ImageLayer):
    """The base of layers that draw in training; a subclass implements ``_drawn``."""

    def __init__(self, *, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = seed_generator(seed)

    def _drawn_if(self, images: Any, training: bool) -> Any:
        return self._drawn(images) if training else None

    def _drawn(self, images: Any) -> Any:
        """Draws what is done to each image of a batch."""
        raise NotImplementedError

    def _draw(self, images: Any, low: float, high: float, *more: int) -> Any:
        """Draws a uniform number for each image: ``(batch, *more)``."""
        shape = (ops.shape(images)[0], *more)
        return random.uniform(shape, low, high, dtype=self.compute_dtype, seed=self.generator)

    def _chosen(self, images: Any, probability: tuple[float, float]) -> Any:
        """Chooses images, each with a probability that is drawn between limits: bools ``(batch, 1, 1, 1)``."""
        drawn = self._draw(images, *probability, 1, 1, 1) if probability[0] < probability[1] else probability[0]
        return ops.less(self._draw(images, 0.0, 1.0, 1, 1, 1), drawn)

    def _signs(self, images: Any, *more: int) -> Any:
        """Draws 1 or -1 for each image."""
        return ops.where(ops.less(self._draw(images, 0.0, 1.0, *more), 0.5), 1.0, -1.0)

    def _order(self, images: Any) -> Any:
        """Draws an order of the images of a batch."""
        numbers = image.positions(ops.shape(images)[0])
        return ops.cast(random.shuffle(numbers, seed=self.generator), "int32")


class MovingLayer(ImageLayer):
    """The base of layers that move pixels: masks and boxes follow."""

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        raise NotImplementedError

    def _corners(self, corners: Any, drawn: Any, before: Any, after: Any) -> Any:
        """Moves boxes ``(batch, boxes, 4)`` given by left, top, right and bottom in pixels."""
        raise ArgumentError(
            f"{type(self).__name__} cannot move boxes.",
            expected="images, labels and masks",
            got="bounding_boxes",
            cure="RandomPerspective, or leave the boxes out",
        )

    def _changed(self, images: Any, drawn: Any) -> Any:
        return self._moved(images, drawn, getattr(self, "interpolation", "bilinear"))

    def _masks(self, masks: Any, drawn: Any) -> Any:
        if drawn is None:
            return masks
        return ops.cast(self._moved(ops.cast(masks, "float32"), drawn, "nearest"), ops.dtype(masks))

    def _boxes(self, boxes: dict[str, Any], drawn: Any, before: Any, after: Any) -> dict[str, Any]:
        if drawn is None:
            return boxes
        corners = box_formats.to_corners(boxes["boxes"], self.bounding_box_format, before)
        moved = self._corners(corners, drawn, before, after)
        return box_formats.from_corners({**boxes, "boxes": moved}, self.bounding_box_format, after)
