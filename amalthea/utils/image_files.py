"""Images in files, as arrays and back, with Pillow."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import config, ops
from amalthea.engine import backends, dtypes
from amalthea.engine.ir.trace import on_host
from amalthea.engine.types import DTypeLike
from amalthea.errors import ArgumentError, DataError, MissingLibraryError, ShapeError, brief

COLOR_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")


def pillow() -> Any:
    """The module ``PIL.Image``, or :class:`MissingLibraryError` with the command that installs it."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise MissingLibraryError(
            "Images in files need Pillow, which is not installed.", cure="pip install amalthea[images]"
        ) from None
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Loads an image from a file.

    Args:
        path: str, path, or ``io.BytesIO`` with the bytes of a file.
        color_mode: str; ``"rgb"``, ``"rgba"`` or ``"grayscale"``. Defaults to ``"rgb"``.
        target_size: two ints; height and width to which the image is resized. Defaults to None, which keeps its own.
        interpolation: str; ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos"``, ``"box"`` or ``"hamming"``.
            Defaults to ``"nearest"``.
        keep_aspect_ratio: bool; whether the middle of the image is first cropped to the proportions of
            ``target_size``. Defaults to False, which stretches it.

    Returns:
        An image of Pillow.

    Raises:
        ArgumentError: an argument has a value that cannot be used, or the file does not exist.
        DataError: the file is not an image.
        MissingLibraryError: Pillow is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from amalthea import utils
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.png"
        >>> utils.save_img(path, np.zeros((4, 6, 3)))
        >>> utils.load_img(path, target_size=(2, 3)).size
        (3, 2)
    """
    if color_mode not in COLOR_MODES:
        raise ArgumentError("This color mode does not exist.", expected=", ".join(COLOR_MODES), got=repr(color_mode))
    image = _opened(path)
    deep = color_mode == "grayscale" and image.mode in ("I;16", "I", "F")  # more than 8 bits a pixel are kept
    image = image if deep or image.mode == COLOR_MODES[color_mode] else image.convert(COLOR_MODES[color_mode])
    if target_size is None:
        return image
    height, width = checked_size(target_size, "target_size")
    method = getattr(pillow().Resampling, str(interpolation).upper(), None)
    if method is None or interpolation not in INTERPOLATIONS:
        raise ArgumentError(
            "This interpolation does not exist.", expected=", ".join(INTERPOLATIONS), got=repr(interpolation)
        )
    if image.size == (width, height):
        return image
    box = _middle(image.size, (width, height)) if keep_aspect_ratio else None
    return image.resize((width, height), method, box)


def _opened(path: Any) -> Any:
    if not isinstance(path, (str, os.PathLike, io.BytesIO)):
        raise ArgumentError(
            "An image is loaded from a path, or from bytes.", expected="str, path, io.BytesIO", got=brief(path)
        )
    if not isinstance(path, io.BytesIO) and not os.path.isfile(path):
        raise ArgumentError("This file of an image does not exist.", got=brief(str(path)))
    image_module = pillow()
    try:
        image = image_module.open(path if isinstance(path, io.BytesIO) else io.BytesIO(_bytes(path)))
        image.load()
        return image
    except Exception as error:  # Pillow has many ways to say that bytes are not an image
        raise DataError("This is not an image that can be read.", got=f"{brief(path)} ({error})") from None


def _bytes(path: Any) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _middle(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest part in the middle of an image that has other proportions."""
    (width, height), (to_width, to_height) = size, wanted
    kept_height = min(height, (width * to_height) // to_width) or height
    kept_width = min(width, (height * to_width) // to_height) or width
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    return left, top, left + kept_width, top + kept_height


def img_to_array(img: Any, data_format: str | None = None, dtype: DTypeLike | None = None) -> np.ndarray:
    """Converts an image of Pillow to a NumPy array.

    Args:
        img: image of Pillow, or array with two or three axes.
        data_format: str or None; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting of
            ``config``.
        dtype: DTypeLike or None; dtype of the array. Defaults to None, ``config.floatx()``.

    Shapes: ``(height, width, channels)`` or ``(channels, height, width)``

    Raises:
        ShapeError: the image has another number of axes.

    Example:
        >>> import numpy as np
        >>> from amalthea import utils
        >>> utils.img_to_array(np.zeros((4, 6))).shape
        (4, 6, 1)
    """
    data_format = config.standardize_data_format(data_format)
    array = np.asarray(
        img, dtypes.to_numpy(config.floatx()) if dtype is None else dtypes.to_numpy(dtypes.standardize(dtype))
    )
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ShapeError("An image has two or three axes.", expected="(height, width, channels)", got=array.shape)
    return array.transpose(2, 0, 1) if data_format == "channels_first" else array


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: DTypeLike | None = None) -> Any:
    """Converts an array to an image of Pillow.

    Args:
        x: array.
        data_format: str or None; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting of
            ``config``.
        scale: bool; whether the smallest element becomes 0 and the largest 255. Defaults to True; False takes elements
            as they are.
        dtype: DTypeLike or None; dtype in which it is scaled. Defaults to None, ``config.floatx()``.

    Shapes: ``(height, width, channels)`` with 1, 3 or 4 channels

    Raises:
        ShapeError: the array has other axes.
        MissingLibraryError: Pillow is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import utils
        >>> utils.array_to_img(np.zeros((4, 6, 3))).size
        (6, 4)
    """
    data_format = config.standardize_data_format(data_format)
    array = np.asarray(
        on_host(x) if hasattr(x, "shape") else x,
        dtypes.to_numpy(config.floatx() if dtype is None else dtypes.standardize(dtype)),
    )
    if array.ndim != 3:
        raise ShapeError("An image has three axes.", expected="(height, width, channels)", got=array.shape)
    array = array.transpose(1, 2, 0) if data_format == "channels_first" else array
    if array.shape[2] not in (1, 3, 4):
        raise ShapeError("An image has 1, 3 or 4 channels.", expected="(height, width, 3)", got=array.shape)
    if scale:
        array = array - np.min(array, initial=np.inf if not array.size else array.flat[0])
        largest = np.max(array, initial=0)
        array = array * (255.0 / largest) if largest else array
    if array.shape[2] == 1:
        is_deep = array.max(initial=0) > 255
        return pillow().fromarray(array[:, :, 0].astype("int32" if is_deep else "uint8"))
    return pillow().fromarray(array.astype("uint8"))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Saves an array as an image in a file.

    Args:
        path: str or path, or an open file.
        x: array.
        data_format: str or None; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting of
            ``config``.
        file_format: str or None; such as ``"png"``. Defaults to None, which takes the ending of the path.
        scale: bool; whether the smallest element becomes 0 and the largest 255. Defaults to True.
        **kwargs: further arguments of Pillow's ``save``.

    Shapes: ``(height, width, channels)`` with 1, 3 or 4 channels

    Raises:
        ArgumentError: the format is not known.
        ShapeError: the array has other axes.
        MissingLibraryError: Pillow is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from amalthea import utils
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.png"
        >>> utils.save_img(path, np.zeros((4, 6, 3)))
        >>> path.exists()
        True
    """
    image = array_to_img(x, data_format, scale)
    name = "jpeg" if str(file_format).lower() == "jpg" else file_format
    ending = os.path.splitext(str(path))[1].lower()
    if image.mode == "RGBA" and (name == "jpeg" or (name is None and ending in (".jpg", ".jpeg"))):
        image = image.convert("RGB")  # JPEG has no transparency
    try:
        image.save(path, format=name, **kwargs)
    except (ValueError, KeyError) as error:
        raise ArgumentError("The image cannot be saved in this format.", got=f"{name or ending} ({error})") from None


def smart_resize(
    x: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    **kwargs: Any,
) -> Any:
    """Resizes images and keeps their proportions: the middle is cropped to those of ``size`` first.

    Args:
        x: array; one image or a batch.
        size: two ints; height and width.
        interpolation: str; as in ``ops.image.resize``. Defaults to ``"bilinear"``.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to ``"channels_last"``.
        **kwargs: ``backend_module`` of Keras, not used: the backend in use resizes.

    Shapes: ``(height, width, channels)`` or ``(batch, height, width, channels)`` to the same with ``size``

    Returns:
        A NumPy array for a NumPy array, else an array of the backend.

    Raises:
        ArgumentError: the size or the interpolation cannot be used.
        ShapeError: the array has other axes.

    Example:
        >>> import numpy as np
        >>> from amalthea import utils
        >>> utils.smart_resize(np.zeros((4, 8, 3)), (2, 2)).shape
        (2, 2, 3)
    """
    unknown = sorted(set(kwargs) - {"backend_module"})
    if unknown:
        raise ArgumentError(f"smart_resize has no argument {unknown[0]!r}.", got=", ".join(unknown))
    size = checked_size(size, "size")
    resized = ops.image.resize(x, size, interpolation, crop_to_aspect_ratio=True, data_format=data_format)
    return ops.convert_to_numpy(resized) if isinstance(x, np.ndarray) else resized


def checked_size(size: Any, name: str) -> tuple[int, int]:
    """Height and width, or :class:`ArgumentError`."""
    pair = tuple(size) if isinstance(size, (list, tuple, np.ndarray)) else ()
    if len(pair) != 2 or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in pair):
        raise ArgumentError(f"`{name}` is a height and a width.", expected="two positive ints", got=brief(size))
    return int(pair[0]), int(pair[1])


class Reader:
    """Reads an image from a file, resized, as float32 from 0 to 255.

    Args:
        color_mode: str; key of ``COLOR_MODES``.
        size: height and width.
        interpolation: str; as in ``ops.image.resize``.
        crops, pads: whether the proportions are kept by cropping or padding.
        data_format: str or None.
    """

    def __init__(
        self, color_mode: str, size: Any, interpolation: str, crops: bool, pads: bool, data_format: str | None
    ):
        if color_mode not in COLOR_MODES:
            raise ArgumentError(
                "This color mode does not exist.", expected=", ".join(COLOR_MODES), got=repr(color_mode)
            )
        self.color_mode, self.size = color_mode, checked_size(size, "image_size")
        self.options = {
            "interpolation": interpolation, "crop_to_aspect_ratio": crops, "pad_to_aspect_ratio": pads,
            "data_format": "channels_last",
        }  # fmt: skip
        self.is_channels_first = config.standardize_data_format(data_format) == "channels_first"
        self._resized(np.zeros((2, 2, 1), "float32"))  # options that cannot be used are found now

    def __call__(self, path: str) -> np.ndarray:
        image = np.asarray(load_img(path, self.color_mode), "float32")
        image = self._resized(image if image.ndim == 3 else image[:, :, None])
        return image.transpose(2, 0, 1) if self.is_channels_first else image

    def _resized(self, image: np.ndarray) -> np.ndarray:
        if image.shape[:2] == self.size:
            return image
        with backends.computing_with("numpy"):
            return np.asarray(ops.image.resize(image, self.size, **self.options), "float32")
