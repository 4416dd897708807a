"""``HDF5Matrix``: rows of a data set in an HDF5 file, read when they are needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from amalthea.errors import ArgumentError, brief


class HDF5Matrix:
    """Rows of a data set in an HDF5 file, which ``fit``, ``evaluate`` and ``predict`` take in place of an array.

    Args:
        datapath: str or path; the file.
        dataset: str; name of the data set in it.
        start: int; first row. Defaults to 0.
        end: int; row after the last. Defaults to None, all.
        normalizer: callable; applied to rows that are read. Defaults to None.

    Raises:
        ArgumentError: the file does not exist or has no such data set, or the rows are out of range.

    Example:
        >>> import pathlib, tempfile
        >>> import h5py
        >>> import numpy as np
        >>> from amalthea.compat import utils
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "data.h5"
        >>> with h5py.File(path, "w") as file:
        ...     _ = file.create_dataset("x", data=np.arange(10.0))
        >>> rows = utils.HDF5Matrix(path, "x", start=2, end=6)
        >>> rows.shape, rows[1:3].tolist()
        ((4,), [3.0, 4.0])
    """

    refs: dict[str, Any] = {}
    _lock = threading.Lock()

    def __init__(
        self,
        datapath: Any,
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[[Any], Any] | None = None,
    ):
        path = os.path.abspath(os.fspath(datapath))
        with self._lock:
            file = self.refs.get(path)
            if not file:  # closed files are false
                file = self.refs[path] = _opened(path)
        found = file.get(dataset)
        if not isinstance(found, h5py.Dataset):
            raise ArgumentError("The file has no data set of this name.", expected=", ".join(file), got=brief(dataset))
        self.data, self.normalizer = found, normalizer
        self.start, self.end = start, len(found) if end is None else end
        if not 0 <= self.start <= self.end <= len(found):
            raise ArgumentError(
                "The rows are out of range.", expected=f"0 to {len(found)}", got=f"{self.start} to {self.end}"
            )

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            return self[key[0]][(slice(None), *key[1:]) if not isinstance(key[0], (int, np.integer)) else key[1:]]
        rows = np.arange(self.start, self.end)[key]
        with self._lock:
            values = self.data[int(rows)] if rows.ndim == 0 else self._several(rows)
        return values if self.normalizer is None else self.normalizer(values)

    def _several(self, rows: np.ndarray) -> np.ndarray:
        """Rows in any order: HDF5 reads them in ascending order, each once."""
        if not len(rows):
            return np.empty((0, *self.data.shape[1:]), self.data.dtype)
        if rows[-1] - rows[0] == len(rows) - 1 and np.all(np.diff(rows) == 1):
            return self.data[rows[0] : rows[-1] + 1]
        once, back = np.unique(rows, return_inverse=True)
        return self.data[once][back]

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        values = self[:]
        return values if dtype is None else np.asarray(values, dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the rows that are used."""
        return (len(self), *np.shape(self[:1])[1:])

    @property
    def dtype(self) -> Any:
        """The dtype of the rows that are used."""
        return np.asarray(self[:0] if self.normalizer is None else self[:1]).dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))


def _opened(path: str) -> Any:
    if not os.path.isfile(path):
        raise ArgumentError("This file does not exist.", got=brief(path))
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ArgumentError("This is not an HDF5 file.", got=f"{brief(path)} ({error})") from None
