"""Resizing and cropping of images to one size."""

from __future__ import annotations

from typing import Any

from amalthea.layers import boxes
from amalthea.layers.image_layer import MovingLayer
from amalthea.layers.options import keep
from amalthea.ops import image


class Resizing(MovingLayer):
    """Resizes images to a given height and width; masks and boxes of a dict too. Whole numbers keep their dtype.

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
        |image options|

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

    _keeps_dtype = True

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
        super().__init__(data_format=data_format, **kwargs)
        keep(self, locals(), but=("data_format",))

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        return image.resize(
            images, (self.height, self.width), interpolation, self.antialias, self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio, self.fill_mode, self.fill_value, self.data_format,
        )  # fmt: skip

    def _corners(self, corners: Any, drawn: Any, before: Any, after: Any) -> Any:
        region = (0, 0, *before)
        if self.crop_to_aspect_ratio or self.pad_to_aspect_ratio:
            region = image.fitted(before, (self.height, self.width), self.crop_to_aspect_ratio)
        return boxes.stretched(corners, region, after)


class CenterCrop(MovingLayer):
    """Cuts the middle out of images; a smaller image is enlarged first, with its proportions kept.

    Args:
        height, width: int, at least 1; size of the middle in pixels.
        |data format|
        |image options|

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
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = height, width

    def _is_enlarged(self, sizes: tuple[Any, Any]) -> bool:
        return any(isinstance(old, int) and old < new for old, new in zip(sizes, (self.height, self.width)))

    def _moved(self, images: Any, drawn: Any, interpolation: str) -> Any:
        size = (self.height, self.width)
        if self._is_enlarged(self._sizes(images)):
            return image.resize(images, size, interpolation, crop_to_aspect_ratio=True, data_format=self.data_format)
        return image.crop_centre(images, self._space(images), size)

    def _corners(self, corners: Any, drawn: Any, before: Any, after: Any) -> Any:
        if self._is_enlarged(before):
            region = image.fitted(before, after, crop=True)
        else:
            region = (*((old - new) // 2 for old, new in zip(before, after)), *after)
        return boxes.stretched(corners, region, after)
