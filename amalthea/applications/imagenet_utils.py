"""Images as the networks of ImageNet take them, and the names of its classes.

Source: Russakovsky et al. 2015, "ImageNet Large Scale Visual Recognition Challenge".
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amalthea import config, docstrings, ops
from amalthea.checks import positive_int
from amalthea.engine import dtypes
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError, brief, nearest
from amalthea.utils.files import get_file

__all__ = ["decode_predictions", "preprocess_input"]

CLASS_INDEX = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
CLASS_INDEX_MD5 = "c2c37ea517e94d9795004a39431a14cb"
CLASSES = 1000

docstrings.share(
    "image batch",
    """
    x: array or tensor; images with values from 0 to 255, one or a batch. It is not changed.
    data_format: str or None; ``"channels_last"`` or ``"channels_first"``. Defaults to None:
        ``config.image_data_format()``.
    """,
)


class Scaling(NamedTuple):
    """``(x / scale - mean) / deviation``, for each channel; the channels reversed first with ``reverse``."""

    scale: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...] = (1.0,)
    reverse: bool = False


BGR = Scaling(1.0, (103.939, 116.779, 123.68), reverse=True)
SIGNED = Scaling(127.5, (1.0,))
STANDARD = Scaling(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
MODES = dict(caffe=BGR, tf=SIGNED, torch=STANDARD)  # noqa: C408  as keywords: these are not backends


def preprocess_input(x: TensorLike, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Scales images for a network of ImageNet.

    Args:
        |image batch|
        mode: str; ``"caffe"`` turns RGB into BGR and subtracts the means of ImageNet, ``"tf"`` scales to -1 ... 1, and
            ``"torch"`` scales to 0 ... 1, then by the means and deviations of ImageNet. Defaults to ``"caffe"``.

    Shapes:
        (height, width, 3) or (batch, height, width, 3) -> the same

    Returns:
        An array for a NumPy array, else a tensor; of the dtype of ``x`` if it is a float, else ``config.floatx()``.

    Raises:
        ArgumentError: ``mode`` or ``data_format`` is not known.
        ShapeError: these are not images of three channels.

    Example:
        >>> import numpy as np
        >>> from amalthea.applications import imagenet_utils
        >>> image = np.full((1, 1, 3), 255, "uint8")
        >>> imagenet_utils.preprocess_input(image, mode="tf").tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    if mode not in MODES:
        raise ArgumentError(
            "`mode` of preprocess_input is not known.",
            expected=", ".join(map(repr, MODES)),
            got=brief(mode),
            cure=nearest(str(mode), MODES),
        )
    return _scaled(x, data_format, MODES[mode])


def _scaled(x: TensorLike, data_format: str | None, scaling: Scaling) -> Any:
    first = config.standardize_data_format(data_format) == "channels_first"
    host = isinstance(x, np.ndarray)
    library: Any = np if host else ops
    images: Any = x if host else ops.convert_to_tensor(x)
    axis = -3 if first else -1
    _check_images(images, axis, len(scaling.mean))
    if not dtypes.is_float(dtypes.standardize(images.dtype)):
        images = images.astype(config.floatx()) if host else ops.cast(images, config.floatx())
    if scaling.reverse:
        images = library.flip(images, axis)
    dtype = images.dtype if host else dtypes.to_numpy(dtypes.standardize(images.dtype))

    def by_channel(values: tuple[float, ...]) -> np.ndarray:
        return np.asarray(values, dtype).reshape((-1, 1, 1) if first else (-1,))

    centred = library.subtract(library.divide(images, by_channel((scaling.scale,))), by_channel(scaling.mean))
    return library.divide(centred, by_channel(scaling.deviation))


def _check_images(images: Any, axis: int, channels: int) -> None:
    if len(images.shape) not in (3, 4) or (channels > 1 and images.shape[axis] not in (3, None)):
        raise ShapeError(
            "These are not images as the networks of ImageNet take them.",
            expected=f"{'(3, height, width)' if axis == -3 else '(height, width, 3)'}, with a batch before it or not",
            got=brief(images),
            cure="x[None] for one image; data_format=..., if the channels are another axis",
        )


docstrings.fill(preprocess_input)


def preprocessing(scaling: Scaling | None, module: str) -> Callable[..., Any]:
    """Returns the ``preprocess_input`` of a family.

    Args:
        scaling: Scaling, or None for a family whose models take values from 0 to 255 and scale them themselves.
        module: str; name of the family's module.
    """

    def family_input(x: TensorLike, data_format: str | None = None) -> Any:
        if scaling is not None:
            return _scaled(x, data_format, scaling)
        config.standardize_data_format(data_format)
        return x

    summary, result = _OF_FAMILIES[scaling]
    family_input.__name__ = family_input.__qualname__ = "preprocess_input"
    family_input.__module__ = module
    family_input.__doc__ = _FAMILY_TEXT.format(summary=summary, result=result, module=module)
    return docstrings.fill(family_input)


_OF_FAMILIES = {
    None: ("Returns the images as they are: the models scale them themselves.", "[[[255.0, 255.0, 255.0]]]"),
    BGR: (
        "Turns RGB into BGR, and subtracts the mean of ImageNet from each channel.",
        "[[[151.061, 138.221, 131.32]]]",
    ),
    SIGNED: ("Scales images from 0 ... 255 to -1 ... 1.", "[[[1.0, 1.0, 1.0]]]"),
    STANDARD: ("Scales images to 0 ... 1, then by the means and deviations of ImageNet.", "[[[2.249, 2.429, 2.64]]]"),
}
_FAMILY_TEXT = """{summary}

Args:
    |image batch|

Shapes:
    (height, width, 3) or (batch, height, width, 3) -> the same

Returns:
    An array for a NumPy array, else a tensor.

Raises:
    ArgumentError: ``data_format`` is not known.
    ShapeError: these are not images of three channels.

Example:
    >>> import numpy as np
    >>> from {module} import preprocess_input
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).round(3).tolist()
    {result}
"""


def decode_predictions(preds: TensorLike, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """Returns the classes of ImageNet that a model finds likeliest.

    The names of the classes are fetched once and kept in ``~/.keras/models``.

    Args:
        preds: array or tensor; predictions of a model of ImageNet.
        top: int; number of classes for each image. Defaults to 5.

    Shapes:
        (batch, 1000) -> batch lists of ``top`` tuples

    Returns:
        For each image ``(WordNet's number, name, score)`` of its classes, the likeliest first.

    Raises:
        ShapeError: these are not predictions of 1000 classes.
        ArgumentError: ``top`` is not a positive int.
        DownloadError: the names cannot be fetched.

    Example:
        >>> import numpy as np
        >>> from amalthea.applications import imagenet_utils
        >>> scores = np.eye(1000)[[207]]
        >>> imagenet_utils.decode_predictions(scores, top=1)  # doctest: +SKIP
        [[('n02099601', 'golden_retriever', 1.0)]]
        >>> scores.shape
        (1, 1000)
    """
    positive_int(top, "top", "decode_predictions")
    scores = preds if isinstance(preds, np.ndarray) else ops.convert_to_numpy(preds)
    if scores.ndim != 2 or scores.shape[1] != CLASSES:
        raise ShapeError(
            "These are not predictions of a model of ImageNet.",
            expected=f"(batch, {CLASSES})",
            got=scores.shape,
            cure="a model with include_top=True and classes=1000",
        )
    names = _class_index()
    return [[(*names[i], row[i]) for i in np.argsort(-row, kind="stable")[:top]] for row in scores]


@functools.cache
def _names_in(path: str) -> list[tuple[str, str]]:
    index = json.loads(Path(path).read_text())
    return [tuple(index[str(i)]) for i in range(CLASSES)]


def _class_index() -> list[tuple[str, str]]:
    """WordNet's number and the name of each class."""
    file = get_file("imagenet_class_index.json", CLASS_INDEX, cache_subdir="models", file_hash=CLASS_INDEX_MD5)
    return _names_in(file)
