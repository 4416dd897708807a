"""``scipy.misc``, by NumPy and Pillow."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, MissingLibraryError

_FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "cubic": 3}
_MODES = {"uint8": "L", "bool": "1"}


def _pillow() -> Any:
    if importlib.util.find_spec("PIL") is None:
        raise MissingLibraryError("Images are read by Pillow.", cure="pip install 'amalthea[images]'")
    from PIL import Image

    return Image


def fromimage(im: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The array of an image of Pillow."""
    if mode is not None and im.mode != mode:
        im = im.convert(mode)
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        return np.asarray(im.convert("F"))
    return np.array(im.convert("L") if im.mode == "1" else im)


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The array of an image file: ``(rows, columns)`` or ``(rows, columns, channels)``."""
    with _pillow().open(name) as image:
        return fromimage(image, flatten, mode)


def bytescale(
    data: Any, cmin: float | None = None, cmax: float | None = None, high: int = 255, low: int = 0
) -> np.ndarray:
    """Values from ``cmin`` to ``cmax`` as bytes from ``low`` to ``high``; bytes stay as they are.

    Example:
        >>> bytescale(np.array([0.0, 0.5, 1.0]))
        array([  0, 128, 255], dtype=uint8)
    """
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    least = float(data.min()) if cmin is None else cmin
    most = float(data.max()) if cmax is None else cmax
    scaled = (data - least) * ((high - low) / ((most - least) or 1.0)) + low
    return (np.clip(scaled, low, high) + 0.5).astype(np.uint8)


def toimage(
    arr: Any, high: int = 255, low: int = 0, cmin: float | None = None, cmax: float | None = None, mode: Any = None,
    channel_axis: int | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """The image of an array, whose values are stretched to bytes; an axis of 3 or 4 has the channels."""
    if kwargs:
        raise ArgumentError("toimage does not take this argument here.", got=", ".join(kwargs))
    data = np.asarray(arr)
    if data.ndim == 3:
        axis = channel_axis if channel_axis is not None else _channels(data.shape)
        data = np.moveaxis(data, axis, -1)
    elif data.ndim != 2:
        raise ArgumentError("An image has two axes, or three with channels.", got=str(data.shape))
    if mode == "F":
        return _pillow().fromarray(data.astype(np.float32))
    made = _pillow().fromarray(np.ascontiguousarray(bytescale(data, cmin, cmax, high, low)))
    return made if mode is None else made.convert(mode)


def _channels(shape: tuple[int, ...]) -> int:
    """The axis of the channels: the first of 3, else of 4."""
    return next((shape.index(n) for n in (3, 4) if n in shape), 2)


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Writes an array as an image file."""
    toimage(arr, channel_axis=2 if np.ndim(arr) == 3 else None).save(name, format)


def imshow(arr: Any) -> None:
    """Shows an array as an image, by the program that Pillow finds."""
    toimage(arr).show()


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """The array as bytes in another size: a percentage, a factor, or ``(rows, columns)``."""
    if interp not in _FILTERS:
        raise ArgumentError("This interpolation does not exist.", expected=", ".join(_FILTERS), got=interp)
    image = toimage(arr, mode=mode)
    if np.ndim(size) == 0:
        factor = size / 100 if isinstance(size, (int, np.integer)) else size
        wanted = tuple(int(side * factor) for side in image.size)
    else:
        wanted = (int(size[1]), int(size[0]))
    return fromimage(image.resize(wanted, resample=_FILTERS[interp]))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> np.ndarray:
    """The array as bytes, turned by an angle in degrees, counter-clockwise."""
    filters = {"nearest": 0, "bilinear": 2, "bicubic": 3, "cubic": 3}
    return fromimage(toimage(arr).rotate(angle, resample=filters[interp]))


def face(*args: Any, **kwargs: Any) -> Any:
    """Refuses: the image was a part of SciPy."""
    raise ArgumentError(
        "The sample images of SciPy are not here.", got="scipy.misc", cure="scipy.datasets.face(), or an image of yours"
    )


ascent = lena = face


# ------------------------------------------------------------------------------------- numbers


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(b * exp(a)))``.

    Example:
        >>> float(logsumexp([1000.0, 1000.0]))
        1000.6931
    """
    a = np.asarray(a, float)
    most = np.max(a, axis, keepdims=True)
    most = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        found = np.log(np.sum(np.exp(a - most) * (1.0 if b is None else b), axis, keepdims=True)) + most
    return found if keepdims else np.squeeze(found, axis) if axis is not None else found.reshape(())[()]


def comb(N: Any, k: Any, exact: bool = False, repetition: bool = False) -> Any:
    """The number of ways to choose ``k`` of ``N``.

    Example:
        >>> comb(5, 2, exact=True), float(comb(5, 2))
        (10, 10.0)
    """

    def one(n: Any, chosen: Any) -> int:
        n, chosen = int(n), int(chosen)
        n = n + chosen - 1 if repetition else n
        return math.comb(n, chosen) if 0 <= chosen <= n else 0

    return one(N, k) if exact else np.vectorize(one, otypes=[float])(N, k)[()]


def factorial(n: Any, exact: bool = False) -> Any:
    """The factorial; 0 of a negative number.

    Example:
        >>> factorial(5, exact=True), float(factorial(3))
        (120, 6.0)
    """
    if exact:
        return math.factorial(n) if n >= 0 else 0
    return np.vectorize(lambda x: math.gamma(x + 1) if x >= 0 else 0.0, otypes=[float])(n)[()]
