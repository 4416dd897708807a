"""Windows of a time series as a data set, and a data set in two parts."""

from __future__ import annotations

import random as random_module
from typing import Any

import numpy as np

from amalthea import docstrings, random
from amalthea.checks import integer, non_negative_int, optional, positive_int
from amalthea.data.dataset import Dataset, Rows
from amalthea.data.structure import Nest
from amalthea.engine import backends
from amalthea.errors import ArgumentError, DataError, brief
from amalthea.utils.directories import pipeline


@docstrings.fill
def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str | None = "tf",
) -> Any:
    """Makes a data set of windows that slide over a time series.

    Window k takes the steps ``k * sequence_stride + i * sampling_rate`` for i from 0 to ``sequence_length - 1``; its
    target is ``targets[k * sequence_stride]``.

    Args:
        data: array of consecutive steps.
        targets: array of a target for each window that begins at the same index; None makes windows alone.
        sequence_length: int; steps in a window.
        sequence_stride: int; steps between the beginnings of two windows. Defaults to 1.
        sampling_rate: int; steps between two steps of a window. Defaults to 1.
        batch_size: int or None; windows in a batch; None gives single windows. Defaults to 128.
        shuffle: bool; whether the windows are shuffled, anew in each pass. Defaults to False.
        seed: int; seed of the orders. Defaults to None, which draws one from the stream that ``set_random_seed``
            starts.
        start_index: int; steps before it are left out. Defaults to None, the first.
        end_index: int; steps from it on are left out. Defaults to None, none.
        |format of a data set|

    Shapes: data ``(steps, ...)``, targets ``(windows, ...)`` -> ``(batch, sequence_length, ...)`` and ``(batch, ...)``

    Raises:
        ArgumentError: a number is out of range, or windows are longer than the data.

    Example:
        >>> import numpy as np
        >>> from amalthea import utils
        >>> data = np.arange(6)
        >>> dataset = utils.timeseries_dataset_from_array(data[:-3], data[3:], 2, format=None)
        >>> [(x.tolist(), y.tolist()) for x, y in dataset]
        [([[0, 1], [1, 2]], [3, 4])]
    """
    owner = "timeseries_dataset_from_array"
    for name, value in (("length", sequence_length), ("stride", sequence_stride)):
        positive_int(value, f"sequence_{name}", owner)
    positive_int(sampling_rate, "sampling_rate", owner)
    optional(positive_int)(batch_size, "batch_size", owner)
    series = np.asarray(data)
    goals = None if targets is None else np.asarray(targets)
    first, last = _range(start_index, end_index, len(series), owner)
    span = (sequence_length - 1) * sampling_rate
    count = last - first - span
    count = count if goals is None else min(count, len(goals) - first)
    if count < 1:
        raise ArgumentError(
            "The data are shorter than a window.",
            expected=f"{span + 1} steps or more",
            got=f"{last - first} steps",
        )
    starts = first + np.arange(0, count, sequence_stride)
    source = Windows(series, goals, starts, sampling_rate * np.arange(sequence_length))
    seed = random.make_default_seed() if shuffle and seed is None else seed
    return backends.data_pipeline(
        format, pipeline(source, batch_size, shuffle, seed), source, batch_size, shuffle, seed
    )


def _range(start: int | None, end: int | None, size: int, owner: str) -> tuple[int, int]:
    optional(non_negative_int)(start, "start_index", owner)
    optional(non_negative_int)(end, "end_index", owner)
    first, last = start or 0, size if end is None else end
    if not first < last <= size:
        raise ArgumentError(
            "`start_index` and `end_index` do not lie within the data.",
            expected=f"0 <= start < end <= {size}",
            got=f"{first} and {last}",
        )
    return first, last


class Windows:
    """Windows of a series and their targets, as a source of elements."""

    def __init__(self, series: np.ndarray, targets: np.ndarray | None, starts: np.ndarray, steps: np.ndarray):
        self.series, self.targets, self.starts, self.steps = series, targets, starts, steps

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Any:
        start = self.starts[index]
        window = self.series[start + self.steps]
        return window if self.targets is None else (window, self.targets[start])


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Splits data into two data sets, such as for training and validation.

    Args:
        dataset: array, tuple, list or dict of arrays, or a data set that ends: ours, ``tf.data``, or of PyTorch. One in
            batches is split by rows and put into batches again.
        left_size: int or float; number of elements of the first part, or their share. Defaults to None, what the
            second leaves.
        right_size: int or float; number of elements of the second part, from the end, or their share. Defaults to None,
            what the first leaves.
        shuffle: bool; whether elements are shuffled before. Defaults to False.
        seed: int; seed of the order. Defaults to None, which draws one from the stream that ``set_random_seed`` starts.
        preferred_backend: str; ``"tensorflow"`` or ``"grain"`` return data sets of these libraries. Defaults to None,
            a :class:`~amalthea.data.Dataset`, or ``tf.data`` for data sets of it.

    Returns:
        The two data sets.

    Raises:
        ArgumentError: a size is missing or out of range.
        DataError: there are no elements.

    Example:
        >>> import numpy as np
        >>> from amalthea import utils
        >>> left, right = utils.split_dataset(np.arange(5), left_size=0.6)
        >>> [int(x) for x in left], [int(x) for x in right]
        ([0, 1, 2], [3, 4])
    """
    optional(integer)(seed, "seed", "split_dataset")
    rows, batch_size, pipeline_format = _rows(dataset)
    count = len(rows)
    if not count:
        raise DataError("There is nothing to split: not one element.")
    left, right = _sizes(left_size, right_size, count)
    order = np.arange(count)
    if shuffle:
        seed = random.make_default_seed() % (1 << 32) if seed is None else seed
        indices = list(range(count))
        random_module.Random(seed).shuffle(indices)  # the order that Keras gives for a seed
        order = np.array(indices)
    format = pipeline_format if preferred_backend is None else preferred_backend
    parts = []
    for chosen in (order[:left], order[count - right :]):
        source = Chosen(rows, chosen)
        made = pipeline(source, batch_size, False, None)
        parts.append(backends.data_pipeline(format, made, source, batch_size, False, None))
    return parts[0], parts[1]


class Chosen:
    """Some elements of a source, in an order."""

    def __init__(self, source: Any, indices: Any):
        self.source, self.indices = source, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.source[int(self.indices[index])]


def _rows(dataset: Any) -> tuple[Any, int | None, str | None]:
    """Elements with an index, how many were in a batch, and the format of the data set that they come from."""
    is_pipeline = hasattr(dataset, "element_spec")
    if isinstance(dataset, Dataset) or is_pipeline:
        size = getattr(dataset, "_batch_size", None)
        size = None if size is None else int(size)
        if isinstance(dataset, Dataset) and dataset.cardinality() == -1:
            raise ArgumentError("A data set without an end cannot be split.", cure="dataset.take(1000)")
        single = dataset.unbatch() if size is not None else dataset
        return list(single.as_numpy_iterator()), size, "tf" if is_pipeline else None
    is_source = hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__") and not hasattr(dataset, "shape")
    if is_source and not isinstance(dataset, (list, tuple, dict, str)):
        return [dataset[i] for i in range(len(dataset))], None, None
    leaves = Nest(dataset, "dataset").leaves
    if not leaves or not all(hasattr(x, "shape") or isinstance(x, (list, tuple)) for x in leaves):
        raise ArgumentError("This cannot be split.", expected="arrays, or a data set that ends", got=brief(dataset))
    return Rows(dataset), None, None


def _sizes(left: Any, right: Any, count: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ArgumentError("At least one size is needed.", expected="left_size or right_size", cure="left_size=0.8")
    sizes = [_size(name, value, count) for name, value in (("left_size", left), ("right_size", right))]
    if sizes[0] is None:
        sizes[0] = count - (sizes[1] or 0)
    if sizes[1] is None:
        sizes[1] = count - sizes[0]
    if sizes[0] + sizes[1] > count:
        raise ArgumentError(
            "The two parts are more than all elements.", expected=f"{count} in all", got=f"{sizes[0]} + {sizes[1]}"
        )
    if 0 in sizes:
        raise ArgumentError("A part has no element.", expected="1 or more in each", got=f"{sizes[0]} and {sizes[1]}")
    return sizes[0], sizes[1]


def _size(name: str, value: Any, count: int) -> int | None:
    if value is None:
        return None
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    is_share = is_number and isinstance(value, (float, np.floating))
    if not is_number or not (0 <= value <= 1 if is_share else 0 < value < count):
        raise ArgumentError(
            f"`{name}` is a number of elements or their share.",
            expected=f"an int from 1 to {count - 1}, or 0.0 to 1.0",
            got=repr(value),
        )
    return round(value * count) if is_share else int(value)
