"""Images brought to one size."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.layers.layer import Layer
from amalthea.ops import image


class Resizing(Layer):
    """Images in another size.

    Shapes: ``(batch, height, width, channels)``, or one image without the batch.

    Args:
        height, width: the new size.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``.
        crop_to_aspect_ratio: cut borders off, so that proportions stay.
        pad_to_aspect_ratio: add borders of ``fill_value``, so that proportions stay.
        fill_mode: ``"constant"``.
        fill_value: what borders are filled with.
        antialias: whether a smaller image takes the mean of what falls together.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.Resizing(5, 4)(np.zeros((2, 8, 8, 3), "float32")).shape
        (2, 5, 4, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.height, self.width = height, width
        self.interpolation, self.antialias = interpolation, antialias
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        return image.resize(
            ops.cast(inputs, self.compute_dtype), (self.height, self.width), self.interpolation, self.antialias,
            self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value, self.data_format,
        )  # fmt: skip


class CenterCrop(Layer):
    """The middle of images. What is smaller is first made larger, its proportions kept.

    Args:
        height, width: the size of the middle.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.CenterCrop(4, 4)(np.zeros((2, 8, 8, 3), "float32")).shape
        (2, 4, 4, 3)
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.height, self.width = height, width
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x, size = ops.cast(inputs, self.compute_dtype), (self.height, self.width)
        axes = image.space_axes(len(x.shape), self.data_format)
        sizes = [ops.shape(x)[axis] for axis in axes]
        if any(isinstance(old, int) and old < new for old, new in zip(sizes, size)):
            return image.resize(x, size, crop_to_aspect_ratio=True, data_format=self.data_format)
        return image.crop_centre(x, axes, size)
