"""Resizing and cropping of images to one size."""

from __future__ import annotations

from typing import Any

from amalthea import config, ops
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep
from amalthea.ops import image


class Resizing(Layer):
    """Resizes images to a given height and width.

    Args:
        height, width: int, at least 1; new size in pixels.
        interpolation: str; ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``. Defaults to
            ``"bilinear"``.
        crop_to_aspect_ratio: bool; whether borders are cut off first, so that the image is not stretched. Defaults to
            False.
        pad_to_aspect_ratio: bool; whether borders are added first, so that the image is not stretched. Defaults to
            False. Not together with ``crop_to_aspect_ratio``.
        fill_mode: str; only ``"constant"``, which fills added borders with ``fill_value``.
        fill_value: float; value of added borders. Defaults to 0.0.
        antialias: bool; whether smaller images average the pixels that fall together. Defaults to False.
        |data format|
        |layer options|

    Shapes: ``(batch, old_height, old_width, channels) -> (batch, height, width, channels)``, or one image without the
        batch.

    Raises:
        ArgumentError: an option is none of these, at the first call.
        ShapeError: the input is not an image.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([0, 10], "float32").reshape(1, 1, 2, 1)
        >>> np.asarray(layers.Resizing(1, 4)(x)).ravel().tolist()
        [0.0, 2.5, 7.5, 10.0]
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
        keep(self, locals())
        self.data_format = config.standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        return image.resize(
            ops.cast(inputs, self.compute_dtype), (self.height, self.width), self.interpolation, self.antialias,
            self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value, self.data_format,
        )  # fmt: skip


class CenterCrop(Layer):
    """Cuts the middle out of images; a smaller image is enlarged first, with its proportions kept.

    Args:
        height, width: int, at least 1; size of the middle in pixels.
        |data format|
        |layer options|

    Shapes: ``(batch, old_height, old_width, channels) -> (batch, height, width, channels)``, or one image without the
        batch.

    Raises:
        ShapeError: the input is not an image.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.arange(5, dtype="float32").reshape(1, 1, 5, 1)
        >>> np.asarray(layers.CenterCrop(1, 3)(x)).ravel().tolist()
        [1.0, 2.0, 3.0]
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
