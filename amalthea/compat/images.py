"""``keras.preprocessing.image`` in the words of Keras 1, and its numbers for the same seed.

Keras 1 took the nearest pixel, sheared by radians, added another number to each channel, standardized along the
channels, and drew flips only if they were wanted. Keras 2's generator is :mod:`amalthea.preprocessing.image`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.compat.backend import spellings
from amalthea.preprocessing import image
from amalthea.preprocessing.image import flip_axis as flip_axis

ENDINGS = ("jpg", "jpeg", "bmp", "png", "ppm", "tif", "tiff")


class ImageDataGenerator(image.ImageDataGenerator):
    """The generator of Keras 1; its arguments are those of :class:`amalthea.preprocessing.image.ImageDataGenerator`.

    Args:
        *args: arguments in the order of Keras 1.
        **kwargs: arguments by name; ``dim_ordering`` is ``"tf"`` or ``"th"``, and ``shear_range`` counts radians.

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import images
        >>> x = np.arange(4.0).reshape(1, 2, 2, 1)
        >>> next(images.ImageDataGenerator(vertical_flip=True).flow(x, seed=0)).ravel().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """

    _std_epsilon = 1e-7
    _order_of_arguments = (
        "featurewise_center samplewise_center featurewise_std_normalization samplewise_std_normalization zca_whitening "
        "rotation_range width_shift_range height_shift_range shear_range zoom_range channel_shift_range fill_mode cval "
        "horizontal_flip vertical_flip rescale preprocessing_function dim_ordering"
    ).split()

    def __init__(self, *args: Any, **kwargs: Any):
        given = {**dict(zip(self._order_of_arguments, args)), **kwargs}
        centers = {name: given.get(name, False) for name in ("featurewise_center", "samplewise_center")}
        super().__init__(**{"interpolation_order": 0, **given})
        self.__dict__.update(centers)  # dividing by the deviation does not subtract the mean
        self.featurewise_std_normalization = given.get("featurewise_std_normalization", False)

    dim_ordering = property(lambda self: "th" if self.data_format == "channels_first" else "tf")

    def flow(self, X: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, **options: Any) -> Any:
        """Returns an endless iterator over batches of an array.

        Args:
            X: array of images.
            y: array of labels. Defaults to None, no labels.
            batch_size: int; images in a batch. Defaults to 32.
            shuffle: bool; whether each epoch has a new order. Defaults to True.
            **options: ``seed``, ``save_to_dir``, ``save_prefix`` and ``save_format``, which defaults to ``"jpeg"``.

        Shapes: (rows, height, width, channels) -> batches of them.

        Example:
            >>> import numpy as np
            >>> from amalthea.compat import images
            >>> next(images.ImageDataGenerator().flow(np.zeros((3, 2, 2, 1)), batch_size=2)).shape
            (2, 2, 2, 1)
        """
        return super().flow(X, y, batch_size, shuffle, **{"save_format": "jpeg", **options})

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """Draws the numbers of a random change, in Keras 1's order.

        Args:
            img_shape: tuple of int; shape of the image.
            seed: int; seed of NumPy's global generator, which is set first. Defaults to None, as it stands.

        Example:
            >>> from amalthea.compat import images
            >>> images.ImageDataGenerator(horizontal_flip=True).get_random_transform((2, 2, 1), 0)["flip_horizontal"]
            False
        """
        self._prepare_draw(img_shape, seed)
        drawn: dict[str, Any] = dict(zip(("theta", "tx", "ty", "shear", "zx", "zy"), self._drawn_affine(img_shape)))
        drawn["shear"] = np.rad2deg(drawn["shear"])
        if self.channel_shift_range != 0:
            count = img_shape[self.channel_axis - 1]
            limit = self.channel_shift_range
            drawn["channel_shift_intensity"] = [np.random.uniform(-limit, limit) for _ in range(count)]
        drawn["flip_horizontal"] = self.horizontal_flip and np.random.random() < 0.5
        drawn["flip_vertical"] = self.vertical_flip and np.random.random() < 0.5
        return drawn

    def _drawn_shift(self, given: Any, size: int) -> Any:
        return np.random.uniform(-given, given) * size if given else 0

    def _sample_axes(self) -> Any:
        return self.channel_axis - 4

    def _before_fit(self, x: np.ndarray) -> np.ndarray:
        return x


def load_img(path: Any, grayscale: bool = False, target_size: Sequence[int] | None = None, **options: Any) -> Any:
    """Loads an image from a file.

    Args:
        path: str or path.
        grayscale: bool; whether it becomes shades of grey. Defaults to False.
        target_size: pair of int; height and width. Defaults to None, its own.
        **options: ``color_mode`` and ``interpolation`` of :func:`amalthea.utils.load_img`.

    Raises:
        MissingLibraryError: Pillow is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from amalthea.compat import images
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.png"
        >>> images.save_img(path, np.zeros((4, 6, 3)))
        >>> images.load_img(path, grayscale=True).mode
        'L'
    """
    if isinstance(grayscale, str):  # the second argument is `color_mode` since Keras 2.2.5
        options, grayscale = {"color_mode": grayscale, **options}, False
    mode = "grayscale" if grayscale else options.pop("color_mode", "rgb")
    return image.load_img(path, mode, target_size, **options)


def array_to_img(x: Any, dim_ordering: Any = None, scale: bool = True, **options: Any) -> Any:
    """Converts an array to an image of Pillow.

    Args:
        x: array.
        dim_ordering: str; ``"tf"`` or ``"th"``, or a ``data_format``. Defaults to None, the setting.
        scale: bool; whether elements are scaled to 0 to 255. Defaults to True.
        **options: ``data_format`` and ``dtype`` of :func:`amalthea.utils.array_to_img`.

    Shapes: (height, width, channels).

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import images
        >>> images.array_to_img(np.zeros((3, 4, 6)), dim_ordering="th").size
        (6, 4)
    """
    where = spellings.data_format(options.pop("data_format", dim_ordering))
    return image.array_to_img(x, where, scale, **options)


def img_to_array(img: Any, dim_ordering: Any = None, **options: Any) -> np.ndarray:
    """Converts an image of Pillow to an array.

    Args:
        img: image of Pillow, or array.
        dim_ordering: str; ``"tf"`` or ``"th"``, or a ``data_format``. Defaults to None, the setting.
        **options: ``data_format`` and ``dtype`` of :func:`amalthea.utils.img_to_array`.

    Shapes: (height, width, channels).

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import images
        >>> images.img_to_array(np.zeros((4, 6)), dim_ordering="th").shape
        (1, 4, 6)
    """
    where = spellings.data_format(options.pop("data_format", dim_ordering))
    return image.img_to_array(img, where, **options)


save_img = image.save_img


def list_pictures(directory: Any, ext: Any = ENDINGS) -> list[str]:
    """Returns the paths of the images in a folder and those within it.

    Args:
        directory: str or path.
        ext: str with ``|`` between endings, or sequence of str. Defaults to those of images.

    Example:
        >>> import tempfile
        >>> from amalthea.compat import images
        >>> images.list_pictures(tempfile.mkdtemp())
        []
    """
    endings = tuple(f".{e}" for e in (ext.split("|") if isinstance(ext, str) else ext))
    return [
        os.path.join(root, name)
        for root, _, files in sorted(os.walk(directory))
        for name in sorted(files)
        if name.lower().endswith(endings)
    ]


# ------------------------------------------------------------------------------------- changes of one image

random_rotation = functools.partial(image.random_rotation, interpolation_order=0)
random_shift = functools.partial(image.random_shift, interpolation_order=0)
random_zoom = functools.partial(image.random_zoom, interpolation_order=0)


def random_shear(x: Any, intensity: float, *args: Any, **kwargs: Any) -> np.ndarray:
    """Shears an image by a random angle, in radians.

    Args:
        x: array; one image.
        intensity: float; largest angle, in radians.
        *args: axes, as in :func:`amalthea.preprocessing.image.random_shear`.
        **kwargs: axes by name.

    Shapes: (channels, height, width) -> the same.

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import images
        >>> images.random_shear(np.ones((1, 2, 2)), 0.5).tolist()
        [[[1.0, 1.0], [1.0, 1.0]]]
    """
    return image.random_shear(x, float(np.rad2deg(intensity)), *args, **{"interpolation_order": 0, **kwargs})


def random_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Adds another random number to each channel of an image.

    Args:
        x: array; one image.
        intensity: float; largest number.
        channel_axis: int; axis of the channels. Defaults to 0.

    Shapes: (channels, height, width) -> the same.

    Example:
        >>> import numpy as np
        >>> from amalthea.compat import images
        >>> images.random_channel_shift(np.ones((1, 1, 2)), 3.0).tolist()
        [[[1.0, 1.0]]]
    """
    count = np.shape(x)[channel_axis]
    return image.apply_channel_shift(x, [np.random.uniform(-intensity, intensity) for _ in range(count)], channel_axis)
