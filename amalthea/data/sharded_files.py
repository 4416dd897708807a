"""A folder of files with rows, of which each process reads its own."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amalthea.data.columns import Columns, Names
from amalthea.data.own_rows import OwnRows
from amalthea.engine import communicator
from amalthea.errors import ArgumentError, DataError, MissingLibraryError

ARRAYS = ("x", "y", "sample_weight")  # of an .npz file


class Piece(NamedTuple):
    """Rows that are read at once: an ``.npz`` file, or a row group of a Parquet file."""

    rows: int
    read: Callable[[], Any]


class ShardedFiles(OwnRows):
    """Batches from the ``.npz`` or Parquet files of a folder.

    Under a distribution each process reads its own files (of Parquet: row groups), which are dealt out so that all have
    about as many rows. Batches are those of all processes together; the data of a process are never in memory at once.

    Args:
        folder: str or path; its files end in ``.npz`` or ``.parquet``. An ``.npz`` file has ``x``, and may have ``y``
            and ``sample_weight``.
        batch_size: int; rows in a batch of all processes. Defaults to None, which means 32.
        features, label, sample_weight: columns of Parquet files: str; list of str, which are joined on the last axis;
            or dict from names of inputs to columns. Default to None; ``features`` is needed there.
        shuffle: bool; whether each epoch has another order of the files, and of the rows in each. Defaults to False.
        seed: int; seed of the orders. Defaults to 0.

    Shapes: files of (rows, ...) -> batches (batch_size, ...); the last one may be shorter.

    Raises:
        ArgumentError: the folder has no such files, or files of both kinds, or ``features`` is missing.
        UnknownNameError: the Parquet files have no such column.
        DataError: a file cannot be read.
        MissingLibraryError: the files are Parquet and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from amalthea import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for i in range(3):
        ...         np.savez(f"{folder}/part-{i}.npz", x=np.full((2, 1), i), y=np.full(2, i))
        ...     files = data.ShardedFiles(folder, batch_size=4)
        ...     [(x[:, 0].tolist(), y.tolist()) for x, y, _ in files.batches()]
        [([0, 0, 1, 1], [0, 0, 1, 1]), ([2, 2], [2, 2])]
    """

    def __init__(
        self,
        folder: Any,
        batch_size: int | None = None,
        features: Names = None,
        label: Names = None,
        sample_weight: str | None = None,
        shuffle: bool = False,
        seed: int = 0,
    ):
        group = communicator.current()
        pieces = _pieces(Path(folder), Columns(features, label, sample_weight))
        own = [pieces[i] for i in dealt([piece.rows for piece in pieces], group.size)[group.rank]]
        super().__init__([p.read for p in own], [p.rows for p in own], batch_size, shuffle, seed)


def dealt(rows: Sequence[int], size: int) -> list[list[int]]:
    """Deal out pieces so that ranks have about as many rows: the largest first, to the rank that has the fewest.

    >>> dealt([5, 1, 4, 2], 2)
    [[0, 1], [2, 3]]
    """
    found: list[list[int]] = [[] for _ in range(size)]
    sums = [0] * size
    for i in sorted(range(len(rows)), key=lambda i: -rows[i]):
        rank = sums.index(min(sums))
        found[rank].append(i)
        sums[rank] += rows[i]
    return [sorted(own) for own in found]


def _pieces(folder: Path, columns: Columns) -> list[Piece]:
    paths = {kind: sorted(folder.glob(f"*{kind}")) for kind in (".npz", ".parquet")}
    kinds = [kind for kind, found in paths.items() if found]
    if len(kinds) != 1:
        raise ArgumentError(
            f"The folder {str(folder)!r} cannot be used as data.",
            expected="files that end in .npz, or files that end in .parquet",
            got="both" if kinds else "neither" if folder.is_dir() else "no such folder",
        )
    if kinds == [".npz"]:
        return [Piece(_rows_of_npz(path), lambda path=path: _read_npz(path)) for path in paths[".npz"]]
    if columns.features is None:
        raise ArgumentError("Parquet files need the names of their columns.", cure='features="x", label="y"')
    return [piece for path in paths[".parquet"] for piece in _row_groups(path, columns)]


def _rows_of_npz(path: Path) -> int:
    """Return the number of rows, from the header alone.

    Raises:
        DataError: the file is damaged, or has no ``x``.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open("x.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return read(file)[0][0]
    except (KeyError, IndexError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"The file {path.name!r} has no rows that can be read.", expected="an .npz file with an array x", got=error
        ) from error


def _read_npz(path: Path) -> tuple[Any, ...]:
    with np.load(path, allow_pickle=False) as file:
        return tuple(file[name] if name in file.files else None for name in ARRAYS)


def _row_groups(path: Path, columns: Columns) -> list[Piece]:
    try:
        pyarrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    except ImportError as error:
        raise MissingLibraryError("Parquet files need pyarrow.", cure="pip install pyarrow") from error
    try:
        with parquet.ParquetFile(path) as file:
            columns.check(file.schema_arrow.names)
            counts = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(f"The file {path.name!r} cannot be read.", expected="a Parquet file", got=error) from error

    def read(i: int) -> Any:
        with parquet.ParquetFile(path) as file:
            return columns.batch(file.read_row_group(i, columns.names))

    return [Piece(count, lambda i=i: read(i)) for i, count in enumerate(counts)]
