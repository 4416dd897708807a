"""Batches from arrays that are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from amalthea import random, tree
from amalthea.alignment import aligned
from amalthea.data.base import Batch, DataAdapter
from amalthea.data.convert import count_rows, to_arrays
from amalthea.data.structure import Nest
from amalthea.data.weights import check_class_weight, weigh
from amalthea.engine.communicator import part_of, split
from amalthea.errors import ArgumentError

LARGE = 1 << 16  # bytes


class ArrayAdapter(DataAdapter):
    """Batches of rows. Without shuffling they are views; with it, each epoch has its own permutation.

    Args:
        x, y, sample_weight: arrays, or lists, tuples and dicts of arrays, all with n rows. ``y`` and ``sample_weight``
            default to None.
        batch_size: int; rows in a batch. Defaults to None, which means 32.
        shuffle: bool or ``"batch"``, which shuffles the order of the batches only. Defaults to False.
        class_weight: dict from class to weight. Defaults to None.
        seed: int; seed of the permutations. Defaults to None, which draws one from the stream of ``set_random_seed``.
        text: bool; whether ``x`` may hold text. Defaults to False.

    Shapes: arrays (n, ...) -> batches (batch_size, ...); the last one may be shorter.

    Raises:
        DataError: lengths differ, no row, dtypes that are not numeric, a class without a weight.
        ArgumentError: ``batch_size`` or ``shuffle`` is not valid.

    Example:
        >>> import numpy as np
        >>> from amalthea import data
        >>> batches = data.ArrayAdapter(np.arange(5.0), np.arange(5), batch_size=2).batches()
        >>> [(x.tolist(), y.tolist()) for x, y, _ in batches]
        [([0.0, 1.0], [0, 1]), ([2.0, 3.0], [2, 3]), ([4.0], [4])]
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        shuffle: bool | str = False,
        class_weight: dict[int, float] | None = None,
        seed: int | None = None,
        text: bool = False,
    ):
        check_batch_size(batch_size)
        _check_shuffle(shuffle)
        check_class_weight(class_weight)
        nests = to_arrays(x, "x", text), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
        self.rows = count_rows(*nests)
        self.inputs, self.labels, sample_weight = (nest.packed() for nest in nests)
        self.batch_size = batch_size or 32
        self.steps = -(-self.rows // self.batch_size)
        self.is_one_batch = self.steps == 1
        self.shuffle = shuffle
        parts = (self.inputs, self.labels, weigh(self.labels, sample_weight, class_weight))
        self._columns, self._pack = tree.flatten(parts), tree.packer(parts)
        self._seed = random.make_default_seed() if shuffle and seed is None else seed

    def peek(self) -> Batch:
        return self._at(slice(0, self.batch_size))

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        return map(self._at, self._selections(epoch))

    def batches_from(self, epoch: int, step: int) -> Iterator[Batch]:
        return map(self._at, islice(self._selections(epoch), step, None))

    def parts(self, epoch: int, step: int, size: int, rank: int) -> Iterator[tuple[Batch, tuple[int, ...]]]:
        """The rows of one of several processes in each batch, and the number of rows of each."""
        for rows in islice(self._selections(epoch), step, None):
            count = len(range(self.rows or 0)[rows]) if isinstance(rows, slice) else len(rows)
            counts = split(count, size)
            own = part_of(counts, rank)
            if isinstance(rows, slice):
                yield self._at(slice(rows.start + own.start, rows.start + own.stop)), counts
            else:
                yield self._at(rows[own]), counts

    def resume_state(self) -> dict[str, Any]:
        return {"seed": self._seed}

    def resume_from(self, state: dict[str, Any]) -> None:
        self._seed = state["seed"]

    def _at(self, rows: slice | np.ndarray) -> Batch:
        if isinstance(rows, slice):
            picked = [column if column is None else column[rows] for column in self._columns]
        else:
            picked = [column if column is None else _picked(column, rows) for column in self._columns]
        return self._pack(picked)

    def _selections(self, epoch: int) -> Iterator[slice | np.ndarray]:
        assert self.rows and self.steps and self.batch_size
        slices = [slice(start, start + self.batch_size) for start in range(0, self.rows, self.batch_size)]
        if not self.shuffle:
            return iter(slices)
        generator = epoch_generator(self._seed, epoch)
        if self.shuffle == "batch":
            return (slices[i] for i in generator.permutation(self.steps))
        rows = generator.permutation(self.rows)
        return (rows[part] for part in slices)


def _picked(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Some rows in memory of their own. Where they are many, it begins where libraries can take it as it is."""
    if len(rows) * (column.nbytes // len(column)) < LARGE:
        return column.take(rows, axis=0)
    out = aligned((len(rows), *column.shape[1:]), column.dtype)
    return column.take(rows, axis=0, out=out, mode="clip")  # which needs no buffer; the indices are ours


def epoch_generator(seed: int | None, epoch: int) -> np.random.Generator:
    """The generator of one epoch's order: the same for the same seed and epoch, whatever ran before."""
    return np.random.Generator(np.random.Philox(key=np.array([seed or 0, epoch], dtype="uint64")))


def check_batch_size(batch_size: Any) -> None:
    """Refuse a batch size that is no positive integer."""
    good = isinstance(batch_size, (int, np.integer)) and not isinstance(batch_size, bool) and batch_size > 0
    if batch_size is not None and not good:
        raise ArgumentError("batch_size is a positive integer.", got=repr(batch_size))


def _check_shuffle(shuffle: Any) -> None:
    if shuffle not in (True, False, "batch"):
        raise ArgumentError("shuffle cannot be this.", expected="True, False or 'batch'", got=repr(shuffle))


def train_validation_split(arrays: Any, validation_split: float, text: bool = False) -> tuple[Any, Any]:
    """Splits arrays into the last ``validation_split`` of the rows, not shuffled, and the rows before.

    Args:
        arrays: tuple such as ``(x, y, sample_weight)``, each nested as it is; parts that are None stay None.
        validation_split: float above 0 and below 1.
        text: bool; whether the first part may hold text. Defaults to False.

    Returns:
        The training part and the validation part, both nested as ``arrays``; NumPy views.

    Raises:
        ArgumentError: the fraction is out of range, or leaves one part without rows.

    Example:
        >>> import numpy as np
        >>> from amalthea import data
        >>> train, validation = data.train_validation_split((np.arange(10), None), 0.2)
        >>> train[0].tolist(), validation[0].tolist()
        ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9])
    """
    if not 0 < validation_split < 1:
        raise ArgumentError(
            "validation_split is a fraction.", expected="more than 0, less than 1", got=validation_split
        )
    names = ("x", "y", "sample_weight")
    nests = [to_arrays(part, name, text and name == "x") for name, part in zip(names, arrays, strict=False)]
    rows = count_rows(*nests)
    first = int(rows * (1.0 - validation_split))
    if first in (0, rows):
        raise ArgumentError(
            "validation_split leaves no row for one of the two parts.",
            got=f"{validation_split} of {rows} rows",
            cure="more data, or another fraction",
        )
    return _rows_of(nests, slice(0, first)), _rows_of(nests, slice(first, rows))


def _rows_of(nests: Sequence[Nest], rows: slice) -> tuple[Any, ...]:
    return tuple(nest.packed([array[rows] for array in nest.leaves]) for nest in nests)
