"""Batches of images in files: a folder for each class, or files that a table names."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, DataError, brief
from amalthea.preprocessing.iterators import SUBSETS, Iterator, changed, save_batch
from amalthea.utils.image_files import COLOR_MODES, checked_size, img_to_array, load_img

CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


class _FromFiles(Iterator):
    """Reads, changes and labels the files of a batch."""

    class_modes: tuple[Any, ...] = ()

    def __init__(self, image_data_generator: Any, target_size: Any, color_mode: str, class_mode: Any, options: Any):
        if color_mode not in COLOR_MODES:
            raise ArgumentError(
                "This color mode does not exist.", expected=", ".join(COLOR_MODES), got=repr(color_mode)
            )
        if class_mode not in self.class_modes:
            raise ArgumentError(
                "This class mode does not exist.", expected=", ".join(map(str, self.class_modes)), got=repr(class_mode)
            )
        self.image_data_generator, self.color_mode, self.class_mode = image_data_generator, color_mode, class_mode
        self.target_size = checked_size(target_size, "target_size")
        self.data_format, self.dtype = options["data_format"], options["dtype"]
        channels = CHANNELS[color_mode]
        last = self.data_format == "channels_last"
        self.image_shape = (*self.target_size, channels) if last else (channels, *self.target_size)
        self.save_to_dir, self.save_prefix = options["save_to_dir"], options["save_prefix"]
        self.save_format, self.interpolation = options["save_format"], options["interpolation"]
        self.subset = options["subset"]
        if self.subset not in (None, *SUBSETS):
            raise ArgumentError("This subset does not exist.", expected=", ".join(SUBSETS), got=repr(self.subset))
        self.filenames: list[str] = []
        self.filepaths: list[str] = []
        self.classes: Any = None
        self.class_indices: dict[str, int] = {}
        self.sample_weight: Any = None
        self._targets: Any = None

    def _part(self, files: Any) -> Any:
        """The files of the subset: validation is the first share."""
        if self.subset is None:
            return files
        end = int(self.image_data_generator._validation_split * len(files))
        return files[:end] if self.subset == "validation" else files[end:]

    @property
    def labels(self) -> Any:
        """The labels of all files."""
        return self.classes if self._targets is None else self._targets

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        batch = np.zeros((len(index_array), *self.image_shape), dtypes.to_numpy(dtypes.standardize(self.dtype)))
        for i, j in enumerate(index_array):
            image = load_img(self.filepaths[j], self.color_mode, self.target_size, self.interpolation)
            array = img_to_array(image, self.data_format, self.dtype)
            batch[i] = changed(np.array(array), self.image_data_generator)
        if self.save_to_dir:
            save_batch(batch, index_array, self, 10_000_000)
        if self.class_mode is None:
            return batch
        rest = () if self.sample_weight is None else (self.sample_weight[index_array],)
        return (batch, self._labelled(batch, index_array), *rest)

    def _labelled(self, batch: np.ndarray, index_array: np.ndarray) -> Any:
        if self.class_mode == "input":
            return batch.copy()
        if self.class_mode == "multi_output":
            return [target[index_array] for target in self._targets]
        if self.class_mode == "raw":
            return self._targets[index_array]
        if self.class_mode in ("binary", "sparse"):
            return np.array([self.classes[j] for j in index_array], batch.dtype)
        hot = np.zeros((len(batch), len(self.class_indices)), batch.dtype)
        for i, j in enumerate(index_array):
            hot[i, self.classes[j]] = 1
        return hot


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Options of files with their defaults."""
    known = {
        "seed": None, "data_format": "channels_last", "save_to_dir": None, "save_prefix": "", "save_format": "png",
        "follow_links": False, "subset": None, "interpolation": "nearest", "dtype": "float32",
        "validate_filenames": True,
    }  # fmt: skip
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ArgumentError(f"An iterator over files has no option {unknown[0]!r}.", expected=", ".join(known))
    return {**known, **given}


class DirectoryIterator(_FromFiles):
    """Batches of images in the folders of a folder; each is a class.

    Args:
        directory: str or path; the folder.
        image_data_generator: ImageDataGenerator, which changes the images.
        target_size: pair of int; height and width. Defaults to (256, 256).
        color_mode: str; ``"rgb"``, ``"rgba"`` or ``"grayscale"``. Defaults to ``"rgb"``.
        classes: list of str; names of the folders. Defaults to None, all in the order of their names.
        class_mode: str; ``"categorical"``, ``"binary"``, ``"sparse"``, ``"input"`` or None. Defaults to
            ``"categorical"``.
        batch_size: int; images in a batch. Defaults to 32.
        shuffle: bool; whether each epoch has a new order. Defaults to True.
        **options: ``seed``, ``data_format``, ``save_to_dir``, ``save_prefix``, ``save_format``, ``follow_links``,
            ``subset``, ``interpolation`` and ``dtype``.

    Raises:
        ArgumentError: the folder does not exist, or an option cannot be used.
        MissingLibraryError: Pillow is not installed.

    Example:
        >>> import tempfile
        >>> from amalthea.preprocessing import image
        >>> len(image.DirectoryIterator(tempfile.mkdtemp(), image.ImageDataGenerator()))
        Found 0 images belonging to 0 classes.
        0
    """

    class_modes = ("categorical", "binary", "sparse", "input", None)

    def __init__(
        self,
        directory: Any,
        image_data_generator: Any,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        **options: Any,
    ):
        options = _options(options)
        super().__init__(image_data_generator, target_size, color_mode, class_mode, options)
        self.directory = directory
        if not os.path.isdir(directory):
            raise ArgumentError("This folder does not exist.", got=brief(str(directory)))
        names = list(classes or sorted(e.name for e in os.scandir(directory) if e.is_dir()))
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.num_classes = self.nb_class = len(names)
        labels: list[int] = []
        for name, label in self.class_indices.items():
            found = self._part(self._files(os.path.join(directory, name), options["follow_links"]))
            self.filenames += [os.path.relpath(path, directory) for path in found]
            labels += [label] * len(found)
        self.samples = self.nb_sample = len(self.filenames)
        self.classes = np.array(labels, "int32")
        self.filepaths = [os.path.join(directory, name) for name in self.filenames]
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        Iterator.__init__(self, self.samples, batch_size, shuffle, options["seed"])

    def _files(self, folder: str, follow_links: bool) -> list[str]:
        """Images in a folder and those within it, in the order of their names."""
        walk = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
        return [
            os.path.join(root, name)
            for root, _, files in walk
            for name in sorted(files)
            if name.lower().endswith(self.white_list_formats)
        ]


class DataFrameIterator(_FromFiles):
    """Batches of images whose files a table names.

    Args:
        dataframe: DataFrame of pandas, or dict of columns.
        directory: str or path; folder of the files. Defaults to None: the table has whole paths.
        image_data_generator: ImageDataGenerator, which changes the images. Defaults to None, no changes.
        x_col: str; column of the files. Defaults to ``"filename"``.
        y_col: str, or list of str; column of the labels. Defaults to ``"class"``.
        weight_col: str; column of the weights. Defaults to None, no weights.
        target_size: pair of int; height and width. Defaults to (256, 256).
        color_mode: str; ``"rgb"``, ``"rgba"`` or ``"grayscale"``. Defaults to ``"rgb"``.
        classes: list of str; the classes. Defaults to None, all in the order of their names.
        class_mode: str; ``"categorical"``, ``"binary"``, ``"sparse"``, ``"input"``, ``"raw"``, ``"multi_output"`` or
            None. Defaults to ``"categorical"``.
        batch_size: int; images in a batch. Defaults to 32.
        shuffle: bool; whether each epoch has a new order. Defaults to True.
        **options: as in :class:`DirectoryIterator`, and ``validate_filenames``: bool; whether files that do not exist
            are left out, with a warning. Defaults to True.

    Raises:
        ArgumentError: a column does not exist, or its values do not fit the class mode.
        MissingLibraryError: Pillow is not installed.

    Example:
        >>> from amalthea.preprocessing import image
        >>> table = {"filename": []}
        >>> len(image.DataFrameIterator(table, class_mode=None))
        Found 0 validated image filenames.
        0
    """

    class_modes = ("categorical", "binary", "sparse", "input", "raw", "multi_output", None)

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
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
    ):
        options = _options(options)
        super().__init__(image_data_generator, target_size, color_mode, class_mode, options)
        self.directory = directory or ""
        names = self._column(dataframe, x_col)
        if not all(isinstance(name, str) for name in names):
            raise ArgumentError(f"Column '{x_col}' holds names of files.", expected="str", got=brief(names[:3]))
        rows = list(range(len(names)))
        if options["validate_filenames"]:
            rows = self._existing(names, x_col)
        has_classes = class_mode in ("categorical", "binary", "sparse")
        labels: list[Any] = []
        if has_classes:
            labels = self._column(dataframe, y_col)
            self._check_labels(labels, y_col, classes)
            rows, labels = self._of_classes(rows, labels, classes)
        rows = self._part(rows)
        if has_classes:
            self.classes = [_numbers(labels[i], self.class_indices) for i in rows]
        self.filenames = [names[i] for i in rows]
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.sample_weight = None if weight_col is None else self._weights(dataframe, weight_col)[rows]
        self._targets = self._raw(dataframe, y_col, rows)
        self.samples = len(rows)
        word = "validated" if options["validate_filenames"] else "non-validated"
        ending = f" belonging to {len(self.class_indices)} classes." if has_classes else "."
        print(f"Found {self.samples} {word} image filenames{ending}")
        Iterator.__init__(self, self.samples, batch_size, shuffle, options["seed"])

    @staticmethod
    def _column(table: Any, name: Any) -> list[Any]:
        if name not in table:
            raise ArgumentError(
                f"The table has no column {name!r}.", expected=", ".join(map(str, table)), got=repr(name)
            )
        return list(table[name])

    def _weights(self, table: Any, name: str) -> np.ndarray:
        weights = np.asarray(self._column(table, name))
        if weights.dtype.kind not in "fiu":
            raise ArgumentError(f"Column '{name}' holds weights.", expected="numbers", got=str(weights.dtype))
        return weights

    def _existing(self, names: list[str], column: str) -> list[int]:
        rows = [
            i
            for i, name in enumerate(names)
            if name.lower().endswith(self.white_list_formats) and os.path.isfile(os.path.join(self.directory, name))
        ]
        if len(rows) < len(names):
            warnings.warn(
                f"{len(names) - len(rows)} names in column '{column}' are not images that exist; they are left out.",
                stacklevel=4,
            )
        return rows

    def _check_labels(self, labels: list[Any], column: Any, classes: Any) -> None:
        kinds = (str, list, tuple) if self.class_mode == "categorical" else (str,)
        wrong = next((x for x in labels if not isinstance(x, kinds)), None)
        if wrong is not None:
            raise ArgumentError(
                f"With class_mode='{self.class_mode}', column '{column}' holds names of classes.",
                expected="str",
                got=brief(wrong),
                cure="dataframe[column].astype(str), or class_mode='raw'",
            )
        count = len(set(classes)) if classes else len({str(x) for x in labels})
        if self.class_mode == "binary" and count != 2:
            raise DataError("With class_mode='binary' there are two classes.", expected=2, got=count)

    def _of_classes(self, rows: list[int], labels: list[Any], classes: Any) -> tuple[list[int], list[Any]]:
        """Rows with a class, and labels without others."""
        if classes:
            kept = set(classes)
            labels = [
                [c for c in x if c in kept] or None if isinstance(x, (list, tuple)) else x if x in kept else None
                for x in labels
            ]
            rows = [i for i in rows if labels[i] is not None]
            found = kept
        else:
            found = {c for i in rows for c in (labels[i] if isinstance(labels[i], (list, tuple)) else [labels[i]])}
        self.class_indices = {name: i for i, name in enumerate(sorted(found))}
        return rows, labels

    def _raw(self, table: Any, column: Any, rows: list[int]) -> Any:
        if self.class_mode == "raw":
            several = isinstance(column, (list, tuple))
            found = [np.asarray(self._column(table, name))[rows] for name in (column if several else [column])]
            return np.stack(found, axis=1) if several else found[0]
        if self.class_mode == "multi_output":
            if not isinstance(column, list):
                raise ArgumentError("With class_mode='multi_output', `y_col` is a list.", got=repr(column))
            return [np.array(self._column(table, name))[rows] for name in column]
        return None


def _numbers(label: Any, indices: dict[str, int]) -> Any:
    return [indices[x] for x in label] if isinstance(label, (list, tuple)) else indices[label]
