"""Files of data sets: fetched once, checked, and read without running anything that is in them."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import numpy as np

from amalthea.checks import integer, share_below_one
from amalthea.errors import ArgumentError, DataError, UnsafeFileError
from amalthea.utils.files import get_file

STORAGE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
Pair = tuple[np.ndarray, np.ndarray]

# The objects in a pickled array of lists of numbers; NumPy's modules had other names before 2.0.
_ADMITTED = {
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
}  # fmt: skip


class Unpickler(pickle.Unpickler):
    """Reads pickles of arrays and plain containers, and refuses all else.

    >>> Unpickler(io.BytesIO(pickle.dumps([1, {"a": np.arange(2)}]))).load()
    [1, {'a': array([0, 1])}]
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise UnsafeFileError(
                "The file of a data set holds something other than arrays.",
                expected="arrays, lists, numbers",
                got=f"{module}.{name}",
            )
        return super().find_class(module, name)


def unpickled(data: bytes) -> Any:
    """The object in a pickle of Python 2 or 3, if it is made of arrays and plain containers; text as bytes.

    Raises:
        UnsafeFileError: it holds anything else.
        DataError: the pickle is damaged.
    """
    try:
        return Unpickler(io.BytesIO(data), encoding="bytes").load()
    except UnsafeFileError:
        raise
    except Exception as error:  # a damaged pickle fails in many ways
        raise DataError("The file of a data set is damaged.", got=error) from None


def arrays_of(path: str) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file; rows of unequal lengths are arrays of lists."""
    with zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}


def _array(data: bytes) -> np.ndarray:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    dtype = read_header(file)[2]
    if dtype.hasobject:
        found = unpickled(file.read())
        return found if isinstance(found, np.ndarray) else np.asarray(found, object)
    return np.load(io.BytesIO(data), allow_pickle=False)


def fetched(path: str, name: str, file_hash: str) -> str:
    """The path of a file of Keras's storage, kept under ``path``."""
    return get_file(path, origin=STORAGE + name, file_hash=file_hash)


def split_at_end(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> tuple[Pair, Pair]:
    """Shuffled rows in two parts, the last ``test_split`` of which are for testing."""
    share_below_one(test_split, "test_split", "load_data")
    integer(seed, "seed", "load_data")
    order = np.random.RandomState(seed).permutation(len(x))
    x, y = x[order], y[order]
    first = int(len(x) * (1 - test_split))
    return (x[:first], y[:first]), (x[first:], y[first:])


def choose(value: Any, words: tuple[str, ...], name: str) -> None:
    """:class:`ArgumentError` for a word that is not one of these."""
    if value not in words:
        raise ArgumentError(f"`{name}` cannot be this.", expected=" or ".join(map(repr, words)), got=repr(value))
