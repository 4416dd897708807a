"""Endless iterators over batches of images, which are data sets too: ``fit`` takes them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator as Iteration
from contextlib import contextmanager
from typing import Any

import numpy as np

from amalthea.checks import positive_int
from amalthea.data.py_dataset import PyDataset
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, DataError, ShapeError
from amalthea.utils.image_files import array_to_img

SUBSETS = ("training", "validation")


class Iterator(PyDataset):
    """The order of batches: an endless iterator, and a data set with ``len(iterator)`` batches.

    With a seed, NumPy's global generator is set before each batch, to ``seed`` plus the number of batches so far: two
    iterators with one seed (images and masks) draw the same.

    Args:
        n: int; number of samples.
        batch_size: int; samples in a batch.
        shuffle: bool; whether each epoch has a new order.
        seed: int; seed, or None for NumPy's global generator as it stands.

    Example:
        >>> from amalthea.preprocessing import image
        >>> len(image.Iterator(5, 2, False, None))
        3
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None):
        super().__init__()
        self.n, self.batch_size = n, positive_int(batch_size, "batch_size", type(self).__name__)
        self.shuffle, self.seed = shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: Any = None
        self.index_generator = self._flow_index()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        if not 0 <= idx < len(self):
            raise IndexError(f"There is no batch {idx}: the data have {len(self)}.")
        with self.lock:
            self._seed()
            order: Any = self.index_array if self.index_array is not None else self._set_index_array()
            chosen = order[self.batch_size * idx : self.batch_size * (idx + 1)]
        return self._get_batches_of_transformed_samples(chosen)

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self) -> Any:
        """Returns the next batch.

        Example:
            >>> import numpy as np
            >>> from amalthea.preprocessing import image
            >>> image.ImageDataGenerator().flow(np.zeros((3, 1, 1, 1)), batch_size=2).next().shape
            (2, 1, 1, 1)
        """
        with self.lock:
            chosen = next(self.index_generator)
        return self._get_batches_of_transformed_samples(chosen)

    def reset(self) -> None:
        """Begins an epoch anew.

        Example:
            >>> from amalthea.preprocessing import image
            >>> image.Iterator(5, 2, False, None).reset()
        """
        self.batch_index = 0

    def on_epoch_end(self) -> None:
        """Makes the order of the next epoch.

        Example:
            >>> from amalthea.preprocessing import image
            >>> image.Iterator(5, 2, False, None).on_epoch_end()
        """
        self._set_index_array()

    @contextmanager
    def _unchanged(self) -> Iteration[None]:
        """A look at a batch that leaves the order, the count of batches and NumPy's generator as they were."""
        kept = self.index_array, self.total_batches_seen, np.random.get_state()
        try:
            yield
        finally:
            self.index_array, self.total_batches_seen = kept[:2]
            np.random.set_state(kept[2])

    def _seed(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1

    def _set_index_array(self) -> np.ndarray:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)
        return self.index_array

    def _flow_index(self) -> Iteration[np.ndarray]:
        self.reset()
        while True:
            self._seed()
            if self.batch_index == 0:
                self._set_index_array()
            begin = (self.batch_index * self.batch_size) % self.n if self.n else 0
            self.batch_index = self.batch_index + 1 if self.n > begin + self.batch_size else 0
            yield self.index_array[begin : begin + self.batch_size]

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say how a batch is made.")

    # The state of locks and generators does not travel to processes that make batches ahead.
    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("lock", "index_generator")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lock, self.index_generator = threading.Lock(), self._flow_index()


def changed(image: np.ndarray, generator: Any) -> np.ndarray:
    """One image, changed at random and standardized."""
    if generator is None:
        return image
    return generator.standardize(generator.random_transform(image))


def save_batch(batch: np.ndarray, indices: Any, iterator: Any, numbers: int) -> None:
    """Write the images of a batch to files, under names with a random number below ``numbers``."""
    for image, index in zip(batch, indices):
        name = f"{iterator.save_prefix}_{index}_{np.random.randint(numbers)}.{iterator.save_format}"
        array_to_img(image, iterator.data_format, scale=True).save(os.path.join(iterator.save_to_dir, name))


class NumpyArrayIterator(Iterator):
    """Batches of images in an array.

    Args:
        x: array of images, or a list of it and of further arrays that are passed on unchanged.
        y: array of labels, or None.
        image_data_generator: ImageDataGenerator, which changes the images.
        batch_size: int; images in a batch. Defaults to 32.
        shuffle: bool; whether each epoch has a new order. Defaults to False.
        sample_weight: array of weights. Defaults to None.
        seed: int; seed. Defaults to None.
        data_format: str; ``"channels_last"`` or ``"channels_first"``. Defaults to ``"channels_last"``.
        save_to_dir: str or path; folder to which the images are written too. Defaults to None.
        save_prefix: str; begin of the names of those files. Defaults to none.
        save_format: str; ending of those files. Defaults to ``"png"``.
        subset: str; ``"training"`` or ``"validation"``, a part by ``validation_split``. Defaults to None, all.
        dtype: DTypeLike; dtype of the batches. Defaults to ``"float32"``.

    Shapes: (rows, height, width, channels) -> batches of them.

    Raises:
        ShapeError: the images have other than four axes.
        DataError: arrays have different lengths, or a subset lacks a class.
        ArgumentError: the subset does not exist.

    Example:
        >>> import numpy as np
        >>> from amalthea.preprocessing import image
        >>> batches = image.NumpyArrayIterator(np.zeros((3, 2, 2, 1)), np.arange(3), image.ImageDataGenerator(), 2)
        >>> [y.tolist() for _, y in (next(batches), next(batches))]
        [[0, 1], [2]]
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str = "channels_last",
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        dtype: Any = "float32",
    ):
        others: list[np.ndarray] = []
        if isinstance(x, (list, tuple)):
            rest = x[1] if isinstance(x[1], list) else [x[1]]
            x, others = x[0], [np.asarray(a) for a in rest]
        labels = None if y is None else np.asarray(y)
        weights = None if sample_weight is None else np.asarray(sample_weight)
        for name, array in (("y", labels), ("sample_weight", weights), *(("x", a) for a in others)):
            if array is not None and len(array) != len(x):
                raise DataError(f"The images and `{name}` have different lengths.", expected=len(x), got=len(array))
        part = self._part(len(x), labels, subset, image_data_generator)
        self.dtype = dtype
        self.x = np.asarray(x, dtypes.to_numpy(dtypes.standardize(dtype)))[part]
        self.x_misc = [a[part] for a in others]
        self.y = None if labels is None else labels[part]
        self.sample_weight = weights  # of all rows: Keras does not divide them
        if self.x.ndim != 4:
            raise ShapeError("Images have four axes.", expected="(rows, height, width, channels)", got=self.x.shape)
        self.image_data_generator, self.data_format = image_data_generator, data_format
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        super().__init__(self.x.shape[0], batch_size, shuffle, seed)

    @staticmethod
    def _part(n: int, labels: Any, subset: str | None, generator: Any) -> slice:
        if subset is None:
            return slice(None)
        if subset not in SUBSETS:
            raise ArgumentError("This subset does not exist.", expected=", ".join(SUBSETS), got=repr(subset))
        end = int(n * generator._validation_split)
        if labels is not None and not np.array_equal(np.unique(labels[:end]), np.unique(labels[end:])):
            raise DataError(
                "The two subsets do not have the same classes.",
                got="labels in an order",
                cure="data that are shuffled before the split",
            )
        return slice(end) if subset == "validation" else slice(end, None)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        batch = np.zeros((len(index_array), *self.x.shape[1:]), self.x.dtype)
        for i, j in enumerate(index_array):
            batch[i] = changed(self.x[j].copy(), self.image_data_generator)
        if self.save_to_dir:
            save_batch(batch, index_array, self, 10_000)
        images = [batch, *(a[index_array] for a in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return images
        rest = () if self.sample_weight is None else (self.sample_weight[index_array],)
        return (images, self.y[index_array], *rest)
