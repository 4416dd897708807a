"""Data sets of the files in a folder, whose subfolders are classes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import docstrings, random
from amalthea.callbacks import console
from amalthea.checks import check_all, integer, optional, positive_int, share
from amalthea.data.dataset import Dataset
from amalthea.engine import backends
from amalthea.errors import ArgumentError, DataError, brief
from amalthea.utils import audio_files, image_files
from amalthea.utils.numerical import to_categorical

docstrings.share(
    "files of classes",
    """
    directory: str or path; the folder. Subfolders at any depth belong to the class of the folder at the top.
    labels: ``"inferred"`` takes the names of the subfolders, in alphabetical order, as classes; None makes elements
        without labels; a list of int has a label for each file, in the order of the sorted paths. Defaults to
        ``"inferred"``.
    label_mode: str or None; ``"int"`` gives class numbers, ``"categorical"`` one-hot vectors, ``"binary"`` 0.0 or 1.0
        for two classes; None gives no labels. Defaults to ``"int"``.
    class_names: list of str; the subfolders to take, whose order numbers the classes. Defaults to None, all of them in
        alphabetical order.
    """,
)
docstrings.share(
    "order of files",
    """
    shuffle: bool; whether the files are shuffled, anew in each pass. Defaults to True.
    seed: int; seed of the order and of the split. Defaults to None, which draws one from the stream that
        ``set_random_seed`` starts.
    validation_split: float between 0 and 1; share of the files that is kept for validation. Defaults to None, none.
    subset: str; ``"training"``, ``"validation"``, or ``"both"``, which returns two data sets. Needed with
        ``validation_split``. Defaults to None.
    follow_links: bool; whether symbolic links to folders are followed. Defaults to False.
    """,
)
docstrings.share(
    "format of a data set",
    """
    format: str or None; ``"tf"`` returns a ``tf.data.Dataset`` where TensorFlow is installed, and a
        :class:`~amalthea.data.Dataset`, which has the same methods, elsewhere; ``"grain"`` a Grain data set; None a
        :class:`~amalthea.data.Dataset`. Defaults to ``"tf"``.
    """,
)
docstrings.share(
    "say how many files", "verbose: bool; whether the number of files and classes is printed. Defaults to True."
)
IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_MODES = ("int", "categorical", "binary", None)
_CHECKS = {
    "batch_size": optional(positive_int),
    "seed": optional(integer),
    "validation_split": optional(share),
    "max_length": optional(positive_int),
    "sampling_rate": optional(positive_int),
    "output_sequence_length": optional(positive_int),
}


@docstrings.fill
def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str | None = "tf",
    verbose: bool = True,
) -> Any:
    """Makes a data set of the images in a folder, whose subfolders are classes.

    It reads files that end in bmp, gif, jpeg, jpg or png, with Pillow (``pip install amalthea[images]``).

    Args:
        |files of classes|
        color_mode: str; ``"rgb"``, ``"rgba"`` or ``"grayscale"``: 3, 4 or 1 channels. Defaults to ``"rgb"``.
        batch_size: int or None; images in a batch; None gives single images. Defaults to 32.
        image_size: two ints; height and width to which images are resized. Defaults to (256, 256).
        |order of files|
        interpolation: str; how images are resized, as in ``ops.image.resize``. Defaults to ``"bilinear"``.
        crop_to_aspect_ratio: bool; whether images are first cropped to the proportions of ``image_size``. Defaults to
            False.
        pad_to_aspect_ratio: bool; whether images are first padded to them. Defaults to False.
        data_format: str or None; ``"channels_last"`` or ``"channels_first"``. Defaults to None, the setting of
            ``config``.
        |format of a data set|
        |say how many files|

    Shapes: images ``(batch, height, width, channels)``, float32 from 0 to 255; labels ``(batch,)`` of int32,
        ``(batch, 1)`` or ``(batch, classes)`` of float32.

    Returns:
        The data set, with the attributes ``class_names`` and ``file_paths``; a pair of them for ``subset="both"``.

    Raises:
        ArgumentError: an argument has a value that cannot be used, or the folder does not exist.
        DataError: the folder holds no images, or a file is not an image.
        MissingLibraryError: Pillow is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from amalthea import utils
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cats", "dogs"):  # doctest: +SKIP
        ...     (folder / name).mkdir()
        ...     utils.save_img(folder / name / "1.png", np.zeros((4, 4, 3)))
        >>> options = {"image_size": (2, 2), "format": None, "verbose": False}
        >>> dataset = utils.image_dataset_from_directory(folder, **options)  # doctest: +SKIP
        >>> images, labels = next(iter(dataset))  # doctest: +SKIP
        >>> images.shape, dataset.class_names  # doctest: +SKIP
        ((2, 2, 2, 3), ['cats', 'dogs'])
    """
    read = image_files.Reader(
        color_mode, tuple(image_size), interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, data_format
    )
    return _made(
        "image", IMAGES, read, directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
        subset, follow_links, format, verbose,
    )  # fmt: skip


@docstrings.fill
def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str | None = "tf",
    verbose: bool = True,
) -> Any:
    """Makes a data set of the texts in a folder, whose subfolders are classes: files that end in txt.

    Args:
        |files of classes|
        batch_size: int or None; texts in a batch; None gives single texts. Defaults to 32.
        max_length: int or None; number of bytes after which texts are cut off. Defaults to None, which keeps all.
        |order of files|
        |format of a data set|
        |say how many files|

    Shapes: texts ``(batch,)`` of ``str``; labels ``(batch,)`` of int32, ``(batch, 1)`` or ``(batch, classes)`` of
        float32.

    Returns:
        The data set, with the attributes ``class_names`` and ``file_paths``; a pair of them for ``subset="both"``.

    Raises:
        ArgumentError: an argument has a value that cannot be used, or the folder does not exist.
        DataError: the folder holds no texts.

    Example:
        >>> import pathlib, tempfile
        >>> from amalthea import utils
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("bad", "good"):
        ...     (folder / name).mkdir()
        ...     _ = (folder / name / "1.txt").write_text(f"a {name} film")
        >>> dataset = utils.text_dataset_from_directory(folder, shuffle=False, format=None, verbose=False)
        >>> [(texts.tolist(), labels.tolist()) for texts, labels in dataset]
        [(['a bad film', 'a good film'], [0, 1])]
    """
    check_all("text_dataset_from_directory", _CHECKS, {"max_length": max_length})
    return _made(
        "text", (".txt",), TextReader(max_length), directory, labels, label_mode, class_names, batch_size, shuffle,
        seed, validation_split, subset, follow_links, format, verbose,
    )  # fmt: skip


@docstrings.fill
def audio_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
    format: str | None = "tf",
) -> Any:
    """Makes a data set of the sounds in a folder, whose subfolders are classes: WAV files of whole numbers.

    Args:
        |files of classes|
        batch_size: int or None; sounds in a batch; None gives single sounds. Defaults to 32.
        sampling_rate: int or None; samples in a second to which sounds are resampled. Defaults to None, which keeps
            theirs.
        output_sequence_length: int or None; number of samples to which sounds are cut or padded with zeros. Defaults to
            None, which pads to the longest of the batch.
        ragged: must be False; batches are dense.
        |order of files|
        |say how many files|
        |format of a data set|

    Shapes: sounds ``(batch, samples, channels)``, float32 from -1 to 1; labels ``(batch,)`` of int32, ``(batch, 1)`` or
        ``(batch, classes)`` of float32.

    Returns:
        The data set, with the attributes ``class_names`` and ``file_paths``; a pair of them for ``subset="both"``.

    Raises:
        ArgumentError: an argument has a value that cannot be used, or the folder does not exist.
        DataError: the folder holds no sounds, or a file is not a WAV file of whole numbers.

    Example:
        >>> import pathlib, tempfile, wave
        >>> from amalthea import utils
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("a", "b"):
        ...     (folder / name).mkdir()
        ...     with wave.open(str(folder / name / "1.wav"), "wb") as file:
        ...         file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...         file.writeframes(bytes(8))
        >>> dataset = utils.audio_dataset_from_directory(folder, format=None, verbose=False)
        >>> next(iter(dataset))[0].shape
        (2, 4, 1)
    """
    check_all(
        "audio_dataset_from_directory",
        _CHECKS,
        {"sampling_rate": sampling_rate, "output_sequence_length": output_sequence_length},
    )
    if ragged:
        raise ArgumentError("Batches of sounds are dense.", got="ragged=True", cure="ragged=False, which pads them")
    read = audio_files.Reader(sampling_rate, output_sequence_length)
    return _made(
        "audio", (".wav",), read, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
        validation_split, subset, follow_links, format, verbose, pads=output_sequence_length is None,
    )  # fmt: skip


class TextReader:
    """Reads the text of a file.

    Args:
        max_length: int or None; number of bytes that are kept.
    """

    def __init__(self, max_length: int | None):
        self.max_length = max_length

    def __call__(self, path: str) -> str:
        with open(path, "rb") as file:
            return file.read(-1 if self.max_length is None else self.max_length).decode("utf-8", "surrogateescape")


class Files:
    """Files and their labels, as a source of elements."""

    def __init__(self, paths: Sequence[str], labels: np.ndarray | None, read: Callable[[str], Any]):
        self.paths, self.labels, self.read = list(paths), labels, read

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        content = self.read(self.paths[index])
        return content if self.labels is None else (content, self.labels[index])


def _made(
    kind: str, endings: tuple[str, ...], read: Callable[[str], Any], directory: Any, labels: Any, label_mode: Any,
    class_names: Any, batch_size: Any, shuffle: Any, seed: Any, validation_split: Any, subset: Any, follow_links: bool,
    format: Any, verbose: Any, pads: bool = False,
) -> Any:  # fmt: skip
    owner = f"{kind}_dataset_from_directory"
    check_all(owner, _CHECKS, {"batch_size": batch_size, "seed": seed, "validation_split": validation_split})
    _check_labels(owner, labels, label_mode, class_names)
    _check_split(validation_split, subset, shuffle, seed)
    paths, numbers, names = _index(Path(directory), endings, labels, class_names, follow_links, kind)
    if label_mode == "binary" and len(names or ()) != 2:
        raise ArgumentError('`label_mode="binary"` is for two classes.', expected="2 classes", got=names)
    if verbose:
        console.say(f"Found {len(paths)} files" + (f" belonging to {len(names)} classes." if names else "."))
    seed = random.make_default_seed() % (1 << 32) if seed is None else seed
    if shuffle:
        order = np.random.RandomState(seed).permutation(len(paths))
        paths, numbers = [paths[i] for i in order], None if numbers is None else numbers[order]
    vectors = None if numbers is None or label_mode is None else _as_labels(numbers, label_mode, names)
    made = []
    for part in _parts(len(paths), validation_split, subset):
        if verbose and subset:
            console.say(f"Using {len(paths[part])} files for {_word(part)}.")
        source = Files(paths[part], None if vectors is None else vectors[part], read)
        if not len(source):
            raise DataError(
                f"No {kind} file is left for {_word(part)}.", got=f"{len(paths)} files", cure="another split"
            )
        dataset = backends.data_pipeline(
            format, pipeline(source, batch_size, shuffle, seed, pads), source, batch_size, shuffle, seed
        )
        dataset.class_names, dataset.file_paths = names, source.paths
        made.append(dataset)
    return made if subset == "both" else made[0]


def pipeline(source: Any, batch_size: int | None, shuffle: bool, seed: int | None, pads: bool = False) -> Dataset:
    """Elements of a source, shuffled in each pass, in batches."""
    dataset = Dataset.from_source(source)
    dataset = dataset.shuffle(None, seed) if shuffle else dataset
    if batch_size is None:
        return dataset
    if pads:
        return audio_files.padded_batches(dataset, batch_size)
    return dataset.batch(batch_size)


def _word(part: slice) -> str:
    return "validation" if part.start else "training"


def _parts(count: int, validation_split: float | None, subset: str | None) -> list[slice]:
    if not subset:
        return [slice(0, count)]
    first = count - int((validation_split or 0.0) * count)
    parts = {"training": slice(0, first), "validation": slice(first, count)}
    return list(parts.values()) if subset == "both" else [parts[subset]]


def _check_labels(owner: str, labels: Any, label_mode: Any, class_names: Any) -> None:
    if label_mode not in _MODES:
        raise ArgumentError(
            f"`label_mode` of {owner} cannot be this.", expected=f"one of {_MODES}", got=repr(label_mode)
        )
    is_list = isinstance(labels, (list, tuple, np.ndarray))
    if labels not in ("inferred", None) if not is_list else False:
        raise ArgumentError(
            f"`labels` of {owner} cannot be this.", expected="'inferred', None, or a list of int", got=brief(labels)
        )
    if labels is None and label_mode not in ("int", None):
        raise ArgumentError("A label mode needs labels.", expected="label_mode=None", got=repr(label_mode))
    if is_list and class_names is not None:
        raise ArgumentError("`class_names` are names of folders.", got="a list of labels", cure="labels='inferred'")


def _check_split(validation_split: Any, subset: Any, shuffle: Any, seed: Any) -> None:
    if (validation_split is None) != (subset is None):
        raise ArgumentError(
            "`validation_split` and `subset` go together.",
            expected="both, or neither",
            got=f"{validation_split}, {subset}",
        )
    if subset not in (None, "training", "validation", "both"):
        raise ArgumentError("This subset does not exist.", expected="training, validation, both", got=repr(subset))
    if validation_split is not None and not 0 < validation_split < 1:
        raise ArgumentError("`validation_split` is a share.", expected="more than 0, less than 1", got=validation_split)
    if subset in ("training", "validation") and shuffle and seed is None:
        raise ArgumentError("Without a seed, training and validation would share files.", cure="seed=1, for both calls")


def _index(
    directory: Path, endings: tuple[str, ...], labels: Any, class_names: Any, follow_links: bool, kind: str
) -> tuple[list[str], np.ndarray | None, list[str] | None]:
    """Paths, class numbers, names of classes."""
    if not directory.is_dir():
        raise ArgumentError("This folder does not exist.", got=brief(str(directory)))
    if isinstance(labels, str):
        found = sorted(d.name for d in directory.iterdir() if d.is_dir() and not d.name.startswith("."))
        unknown = [name for name in class_names or () if name not in found]
        if unknown or (class_names is not None and len(set(class_names)) != len(class_names)):
            raise ArgumentError("`class_names` are names of subfolders.", expected=found, got=list(class_names))
        names = list(class_names) if class_names is not None else found
        files = [_files(directory / name, endings, follow_links) for name in names]
        paths = [path for one in files for path in one]
        numbers = np.repeat(np.arange(len(names), dtype="int32"), [len(one) for one in files])
    else:
        paths, numbers, names = _files(directory, endings, follow_links), None, None
        if labels is not None:
            numbers, names = _given_labels(labels, len(paths))
    if not paths:
        raise DataError(
            f"The folder holds no {kind} file.", expected=f"files that end in {', '.join(endings)}", got=directory
        )
    return paths, numbers, names


def _given_labels(labels: Any, count: int) -> tuple[np.ndarray, list[str]]:
    numbers = np.asarray(labels)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or (numbers.size and numbers.min() < 0):
        raise ArgumentError("`labels` is a list of class numbers.", expected="ints from 0", got=brief(labels))
    if len(numbers) != count:
        raise ArgumentError("There is not a label for each file.", expected=f"{count} labels", got=len(numbers))
    return numbers.astype("int32"), [str(label) for label in sorted(set(numbers.tolist()))]


def _files(folder: Path, endings: tuple[str, ...], follow_links: bool) -> list[str]:
    found: list[str] = []
    for root, folders, files in sorted(os.walk(folder, followlinks=follow_links)):
        folders.sort()
        found += [os.path.join(root, name) for name in sorted(files) if name.lower().endswith(endings)]
    return found


def _as_labels(numbers: np.ndarray, mode: str, names: Any) -> np.ndarray:
    if mode == "int":
        return numbers
    if mode == "binary":
        return numbers.astype("float32")[:, None]
    return to_categorical(numbers, max(len(names), int(numbers.max()) + 1)).astype("float32")
