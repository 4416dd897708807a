"""``ImageDataGenerator``: batches of images, changed at random and standardized, as Keras 1 and 2 made them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import config
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, ShapeError
from amalthea.preprocessing.affine import FILL_MODES, apply_affine_transform
from amalthea.preprocessing.file_iterators import DataFrameIterator, DirectoryIterator
from amalthea.preprocessing.iterators import NumpyArrayIterator
from amalthea.preprocessing.transforms import apply_brightness_shift, apply_channel_shift, checked_pair, flip_axis

ORDERINGS = {"th": "channels_first", "tf": "channels_last", "default": None}


class ImageDataGenerator:
    """Makes batches of images that are changed at random and standardized.

    Random numbers come from NumPy's global generator in Keras 2's order: the same seed, the same images as there.

    Args:
        featurewise_center: bool; whether the mean over the data of :meth:`fit` is subtracted. Defaults to False.
        samplewise_center: bool; whether the mean of each image is subtracted. Defaults to False.
        featurewise_std_normalization: bool; whether images are divided by the standard deviation over the data.
            Defaults to False.
        samplewise_std_normalization: bool; whether each image is divided by its standard deviation. Defaults to False.
        zca_whitening: bool; whether images are whitened by the components of :meth:`fit`. Defaults to False.
        zca_epsilon: float; added to the variances of the components. Defaults to 1e-6.
        rotation_range: float; largest rotation, in degrees. Defaults to 0.
        width_shift_range: float, int or list; largest shift along the columns: a share of the width below 1, else
            pixels; a list holds the distances. Defaults to 0.
        height_shift_range: float, int or list; the same along the rows. Defaults to 0.
        brightness_range: pair of float; factors of the brightness. Defaults to None, no change.
        shear_range: float; largest shear, in degrees. Defaults to 0.
        zoom_range: float, or a pair; ``z`` means factors from ``1 - z`` to ``1 + z``. Defaults to 0.
        channel_shift_range: float; largest number that is added to all channels. Defaults to 0.
        fill_mode: str; pixels beyond the borders: ``"constant"``, ``"nearest"``, ``"reflect"`` or ``"wrap"``. Defaults
            to ``"nearest"``.
        cval: float; value of those pixels for ``"constant"``. Defaults to 0.
        horizontal_flip: bool; whether half of the images are mirrored from left to right. Defaults to False.
        vertical_flip: bool; whether half of the images are turned upside down. Defaults to False.
        rescale: float; factor of each element, before everything else. Defaults to None, no factor.
        preprocessing_function: callable; takes and returns one image, after the random changes. Defaults to None.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting of ``config``.
        validation_split: float from 0 to 1; share of the data that ``subset="validation"`` takes. Defaults to 0.
        interpolation_order: int; 0 takes the nearest pixel, 1 interpolates linearly. Defaults to 1.
        dtype: DTypeLike; dtype of the batches. Defaults to None, ``floatx``.
        dim_ordering: str; Keras 1's word for ``data_format``: ``"tf"`` or ``"th"``. Defaults to None.

    Raises:
        ArgumentError: a range, a mode or a share cannot be used.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> generator = image.ImageDataGenerator(horizontal_flip=True, rescale=1 / 255)
        >>> x, y = next(generator.flow(np.full((4, 8, 8, 3), 255.0), np.arange(4), batch_size=2))
        >>> x.shape, float(x.max()), y.shape
        ((2, 8, 8, 3), 1.0, (2,))
    """

    _std_epsilon = 1e-6

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Any], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
        dim_ordering: str | None = None,
    ):
        self.featurewise_center = featurewise_center or zca_whitening or featurewise_std_normalization
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range = None if brightness_range is None else checked_pair(brightness_range, "brightness_range")
        number = isinstance(zoom_range, (int, float, np.number))
        zoom = (1 - zoom_range, 1 + zoom_range) if number else checked_pair(zoom_range, "zoom_range")
        self.zoom_range = list(zoom)
        self.channel_shift_range = channel_shift_range
        if fill_mode not in FILL_MODES:
            raise ArgumentError("This fill mode does not exist.", expected=", ".join(FILL_MODES), got=repr(fill_mode))
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        given = ORDERINGS.get(str(dim_ordering), dim_ordering) if data_format is None else data_format
        self.data_format = config.standardize_data_format(given)
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        if validation_split and not 0 < validation_split < 1:
            raise ArgumentError("`validation_split` is a share.", expected="0 < share < 1", got=repr(validation_split))
        self._validation_split = validation_split
        if interpolation_order not in (0, 1):
            raise ArgumentError(
                "Images are interpolated by order 0 (nearest) or 1 (linear).",
                expected="0 or 1",
                got=repr(interpolation_order),
            )
        self.interpolation_order = interpolation_order
        self.dtype = dtypes.standardize(dtype or config.floatx())
        self.mean: Any = None
        self.std: Any = None
        self.principal_components: Any = None

    # ---------------------------------------------------------------------------------------------- batches

    def flow(self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, **options: Any) -> Any:
        """Returns an endless iterator over batches of arrays: a :class:`NumpyArrayIterator`.

        Args:
            x: array of images, or a list of it and of further arrays that are passed on unchanged.
            y: array of labels. Defaults to None, no labels.
            batch_size: int; images in a batch. Defaults to 32.
            shuffle: bool; whether each epoch has a new order. Defaults to True.
            **options: ``sample_weight``, ``seed``, ``save_to_dir``, ``save_prefix``, ``save_format`` and ``subset`` of
                the iterator.

        Shapes: (rows, height, width, channels) -> batches of them.

        Example:
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> len(image.ImageDataGenerator().flow(np.zeros((5, 2, 2, 1)), batch_size=2))
            3
        """
        options = _without_keras_1(options)
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, data_format=self.data_format, dtype=self.dtype, **options
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        **options: Any,
    ) -> Any:
        """Returns an endless iterator over batches of images in files, a folder for each class.

        Args:
            directory: str or path; the folder.
            target_size: pair of int; height and width to which images are resized. Defaults to (256, 256).
            color_mode: str; ``"rgb"``, ``"rgba"`` or ``"grayscale"``. Defaults to ``"rgb"``.
            classes: list of str; names of the folders. Defaults to None, all in the order of their names.
            class_mode: str; labels: ``"categorical"``, ``"binary"``, ``"sparse"``, ``"input"`` (the images themselves)
                or None. Defaults to ``"categorical"``.
            batch_size: int; images in a batch. Defaults to 32.
            shuffle: bool; whether each epoch has a new order. Defaults to True.
            **options: ``seed``, ``save_to_dir``, ``save_prefix``, ``save_format``, ``follow_links``, ``subset`` and
                ``interpolation`` of the iterator.

        Raises:
            MissingLibraryError: Pillow is not installed.

        Example:
            >>> import pathlib, tempfile
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> (folder / "cats").mkdir()
            >>> image.save_img(folder / "cats" / "1.png", np.zeros((4, 4, 3)))
            >>> next(image.ImageDataGenerator().flow_from_directory(folder, target_size=(2, 2)))[0].shape
            Found 1 images belonging to 1 classes.
            (1, 2, 2, 3)
        """
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle,
            data_format=self.data_format, dtype=self.dtype, **_without_keras_1(options),
        )  # fmt: skip

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        **options: Any,
    ) -> Any:
        """Returns an endless iterator over batches of images whose files a table names.

        Args:
            dataframe: DataFrame of pandas, or dict of columns.
            directory: str or path; folder of the files. Defaults to None: the table has whole paths.
            x_col: str; column of the files. Defaults to ``"filename"``.
            y_col: str, or list of str; column of the labels. Defaults to ``"class"``.
            weight_col: str; column of the weights of the rows. Defaults to None, no weights.
            target_size: pair of int; height and width to which images are resized. Defaults to (256, 256).
            color_mode: str; ``"rgb"``, ``"rgba"`` or ``"grayscale"``. Defaults to ``"rgb"``.
            classes: list of str; the classes. Defaults to None, all in the order of their names.
            class_mode: str; ``"categorical"``, ``"binary"``, ``"sparse"``, ``"input"``, ``"raw"``, ``"multi_output"``
                or None. Defaults to ``"categorical"``.
            batch_size: int; images in a batch. Defaults to 32.
            shuffle: bool; whether each epoch has a new order. Defaults to True.
            **options: ``seed``, ``save_to_dir``, ``save_prefix``, ``save_format``, ``subset``, ``interpolation`` and
                ``validate_filenames`` of the iterator.

        Raises:
            ArgumentError: a column does not exist, or its values do not fit the class mode.
            MissingLibraryError: Pillow is not installed.

        Example:
            >>> import pathlib, tempfile
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "1.png"
            >>> image.save_img(path, np.zeros((4, 4, 3)))
            >>> table = {"filename": [str(path)], "class": ["cat"]}
            >>> next(image.ImageDataGenerator().flow_from_dataframe(table, target_size=(2, 2)))[1].tolist()
            Found 1 validated image filenames belonging to 1 classes.
            [[1.0]]
        """
        if class_mode == "other":  # until Keras 2.2
            class_mode = "raw"
        options = {k: v for k, v in options.items() if k not in ("has_ext", "sort", "drop_duplicates")}
        return DataFrameIterator(
            dataframe, directory, self, x_col, y_col, weight_col, target_size, color_mode, classes, class_mode,
            batch_size, shuffle, data_format=self.data_format, dtype=self.dtype, **options,
        )  # fmt: skip

    # ----------------------------------------------------------------------------------------------- changes

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """Draws the numbers of a random change.

        Args:
            img_shape: tuple of int; shape of the image.
            seed: int; seed of NumPy's global generator, which is set first. Defaults to None, as it stands.

        Returns: a dict with ``theta``, ``tx``, ``ty``, ``shear``, ``zx``, ``zy``, ``flip_horizontal``,
            ``flip_vertical``, ``channel_shift_intensity`` and ``brightness``.

        Example:
            >>> from amalthea.preprocessing import image
            >>> image.ImageDataGenerator(rotation_range=90).get_random_transform((2, 2, 1), seed=0)["theta"]
            8.78643
        """
        self._prepare_draw(img_shape, seed)
        theta, tx, ty, shear, zx, zy = self._drawn_affine(img_shape)
        horizontal = bool((np.random.random() < 0.5) * self.horizontal_flip)
        vertical = bool((np.random.random() < 0.5) * self.vertical_flip)
        shift = None
        if self.channel_shift_range != 0:
            shift = np.random.uniform(-self.channel_shift_range, self.channel_shift_range)
        brightness = None if self.brightness_range is None else np.random.uniform(*self.brightness_range)
        return {
            "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy, "flip_horizontal": horizontal,
            "flip_vertical": vertical, "channel_shift_intensity": shift, "brightness": brightness,
        }  # fmt: skip

    @staticmethod
    def _prepare_draw(img_shape: Sequence[int], seed: int | None) -> None:
        if len(img_shape) != 3:
            raise ShapeError("An image has three axes.", expected="(height, width, channels)", got=tuple(img_shape))
        if seed is not None:
            np.random.seed(seed)

    def _drawn_affine(self, img_shape: Sequence[int]) -> tuple[Any, ...]:
        theta = np.random.uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = self._drawn_shift(self.height_shift_range, img_shape[self.row_axis - 1])
        ty = self._drawn_shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = np.random.uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = (1, 1) if self.zoom_range == [1, 1] else np.random.uniform(self.zoom_range[0], self.zoom_range[1], 2)
        return theta, tx, ty, shear, zx, zy

    def _drawn_shift(self, given: Any, size: int) -> Any:
        """A distance in pixels: an int means whole pixels below it, a list its elements, a float an interval."""
        if not np.any(given):
            return 0
        if isinstance(given, (float, np.floating)):
            drawn = np.random.uniform(-given, given)
        else:
            drawn = np.random.choice(given) * np.random.choice([-1, 1])
        return drawn * size if np.max(given) < 1 else drawn

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Changes an image by given numbers.

        Args:
            x: array; one image.
            transform_parameters: dict of :meth:`get_random_transform`; names that are missing change nothing.

        Shapes: (height, width, channels) -> the same.

        Example:
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> x = np.arange(2.0).reshape(1, 2, 1)
            >>> image.ImageDataGenerator().apply_transform(x, {"flip_horizontal": True}).ravel().tolist()
            [1.0, 0.0]
        """
        given, rows, columns = transform_parameters, self.row_axis - 1, self.col_axis - 1
        affine = {name: given[name] for name in ("theta", "tx", "ty", "shear", "zx", "zy") if name in given}
        x = apply_affine_transform(
            x, **affine, row_axis=rows, col_axis=columns, channel_axis=self.channel_axis - 1,
            fill_mode=self.fill_mode, cval=self.cval, order=self.interpolation_order,
        )  # fmt: skip
        if given.get("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given["channel_shift_intensity"], self.channel_axis - 1)
        x = flip_axis(x, columns) if given.get("flip_horizontal") else x
        x = flip_axis(x, rows) if given.get("flip_vertical") else x
        if given.get("brightness") is not None:
            last = np.moveaxis(x, self.channel_axis - 1, -1)
            x = np.moveaxis(apply_brightness_shift(last, given["brightness"], scale=False), -1, self.channel_axis - 1)
        return x

    def random_transform(self, x: Any, seed: int | None = None) -> np.ndarray:
        """Changes an image at random.

        Args:
            x: array; one image.
            seed: int; seed of NumPy's global generator, which is set first. Defaults to None, as it stands.

        Shapes: (height, width, channels) -> the same.

        Example:
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> image.ImageDataGenerator(rotation_range=9).random_transform(np.ones((2, 2, 1))).shape
            (2, 2, 1)
        """
        x = np.asarray(x)
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    # ---------------------------------------------------------------------------------------- standardization

    def standardize(self, x: Any) -> Any:
        """Standardizes one image, or a batch of them; an array of floats is changed in place, as in Keras.

        Args:
            x: array of floats.

        Shapes: (height, width, channels) -> the same.

        Example:
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> image.ImageDataGenerator(rescale=0.5).standardize(np.ones((1, 1, 1))).tolist()
            [[[0.5]]]
        """
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        x = x if isinstance(x, np.ndarray) and x.dtype.kind == "f" else np.asarray(x, self.dtype)
        if self.rescale:
            x *= self.rescale
        axes = self._sample_axes()
        if self.samplewise_center:
            x -= np.mean(x, axis=axes, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, axis=axes, keepdims=True) + self._std_epsilon
        if self.featurewise_center and self._is_fitted(self.mean, "featurewise_center"):
            x -= self.mean
        if self.featurewise_std_normalization and self._is_fitted(self.std, "featurewise_std_normalization"):
            x /= self.std + self._std_epsilon
        if self.zca_whitening and self._is_fitted(self.principal_components, "zca_whitening"):
            flat = np.reshape(x, (-1, int(np.prod(x.shape[-3:]))))
            x = np.reshape(np.dot(flat, self.principal_components), x.shape)
        return x

    def _sample_axes(self) -> Any:
        return None

    def _is_fitted(self, value: Any, name: str) -> bool:
        if value is None:
            warnings.warn(
                f"ImageDataGenerator({name}=True) changes nothing before it has seen data: call fit(x).",
                stacklevel=3,
            )
        return value is not None

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Computes the mean, the standard deviation and the components of data, for :meth:`standardize`.

        Args:
            x: array of images.
            augment: bool; whether it takes images that are changed at random. Defaults to False.
            rounds: int; how often each image is changed. Defaults to 1.
            seed: int; seed of NumPy's global generator. Defaults to None, as it stands.

        Shapes: (rows, height, width, channels).

        Raises:
            ShapeError: the array has other than four axes.

        Example:
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> generator = image.ImageDataGenerator(featurewise_center=True)
            >>> generator.fit(np.ones((2, 2, 2, 1)))
            >>> generator.mean.tolist()
            [[[1.0]]]
        """
        x = np.array(x, dtype=dtypes.to_numpy(self.dtype))
        if x.ndim != 4:
            raise ShapeError("Images have four axes.", expected="(rows, height, width, channels)", got=x.shape)
        if seed is not None:
            np.random.seed(seed)
        x = self._before_fit(x)
        if augment:
            x = np.stack([self.random_transform(image) for _ in range(rounds) for image in x])
        shape = [1, 1, 1]
        shape[self.channel_axis - 1] = x.shape[self.channel_axis]
        over = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.reshape(np.mean(x, axis=over), shape)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.reshape(np.std(x, axis=over), shape)
            x /= self.std + self._std_epsilon
        if self.zca_whitening:
            flat = np.reshape(x, (x.shape[0], -1))
            u, s, _ = np.linalg.svd(np.dot(flat.T, flat) / flat.shape[0])
            self.principal_components = (u * (1.0 / np.sqrt(s[None] + self.zca_epsilon))).dot(u.T)

    def _before_fit(self, x: np.ndarray) -> np.ndarray:
        return x * self.rescale if self.rescale else x


def _without_keras_1(options: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in options.items() if k != "dim_ordering"}
