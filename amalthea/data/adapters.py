"""The right adapter for what a person passes to ``fit``, ``evaluate`` or ``predict``."""

from __future__ import annotations

from typing import Any

from amalthea.data.arrays import ArrayAdapter, check_batch_size
from amalthea.data.base import DataAdapter, SteppedAdapter
from amalthea.data.iterables import IterableAdapter, is_endless
from amalthea.data.packing import unpack_x_y_sample_weight
from amalthea.data.py_dataset import PyDatasetAdapter
from amalthea.data.structure import Nest
from amalthea.errors import ArgumentError, DataError


def make_adapter(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[int, float] | None = None,
    steps_per_epoch: int | None = None,
    seed: int | None = None,
    restart: bool = False,
    text: bool = False,
) -> DataAdapter:
    """Returns the :class:`DataAdapter` for some data, chosen by their kind.

    Args:
        x: arrays (NumPy, lists of numbers, data frames, tensors of any library, or lists, tuples and dicts of them), a
            ``PyDataset``, or an iterable of batches: a generator, a ``tf.data`` data set, a ``DataLoader``.
        y, sample_weight: arrays like ``x``. Defaults to None; data sets bring their own.
        batch_size: int; rows in a batch of arrays. Defaults to None, which means 32; data sets bring their own.
        shuffle: bool or ``"batch"``; whether each epoch has a new order. Defaults to False.
        class_weight: dict from class to weight. Defaults to None.
        steps_per_epoch: int; batches in an epoch. Defaults to None, which means the whole of the data.
        seed: int; seed of the orders. Defaults to None, which draws from the stream that ``set_random_seed`` starts.
        restart: bool; whether the data begin again in each epoch even with ``steps_per_epoch``. Defaults to False.
        text: bool; whether ``x`` may hold text. Defaults to False.

    Raises:
        ArgumentError: arguments that do not go together.
        DataError: the data cannot be used.

    Example:
        >>> from amalthea import data
        >>> data.make_adapter([1.0, 2.0, 3.0], [0, 1, 0], batch_size=2).steps
        2
    """
    check_batch_size(batch_size)
    if x is None:
        raise DataError("There is no data: x is None.", expected="arrays, a PyDataset, or an iterable of batches")
    nest = Nest(x, "x")
    if not isinstance(x, DataAdapter) and all(map(is_array, nest.leaves)):
        found = ArrayAdapter(nest, y, sample_weight, batch_size, shuffle, class_weight, seed, text)
    else:
        _refuse_labels(x, y, sample_weight)
        found = _of_dataset(x, shuffle, class_weight, seed, text)
    if steps_per_epoch is not None:
        return SteppedAdapter(found, steps_per_epoch, restart)
    if _never_ends(found):
        raise ArgumentError("These data never end, so an epoch needs a number of batches.", cure="steps_per_epoch=100")
    return found


def make_validation_adapter(
    validation_data: Any, batch_size: int | None = None, steps: int | None = None, text: bool = False
) -> DataAdapter:
    """Returns the adapter of ``validation_data``.

    Args:
        validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` of arrays, or a data set.
        batch_size: int; rows in a batch of arrays. Defaults to None, which means 32.
        steps: int; batches in an epoch. Defaults to None, which means the whole of the data.
        text: bool; whether ``x`` may hold text. Defaults to False.

    Example:
        >>> from amalthea import data
        >>> data.make_validation_adapter(([1.0, 2.0], [0, 1])).rows
        2
    """
    if isinstance(validation_data, (list, tuple)):
        x, y, sample_weight = unpack_x_y_sample_weight(validation_data)
    else:
        x, y, sample_weight = validation_data, None, None
    return make_adapter(x, y, sample_weight, batch_size, steps_per_epoch=steps, restart=True, text=text)


def is_array(x: Any) -> bool:
    """Whether a leaf is an array of some library, or a list of numbers.

    >>> is_array([1, 2]), is_array({1, 2}), is_array(iter([1, 2]))
    (True, False, False)
    """
    return isinstance(x, (list, tuple)) or any(
        hasattr(x, name) for name in ("__array__", "to_numpy", "toarray", "__dlpack__")
    )


def _refuse_labels(x: Any, y: Any, sample_weight: Any) -> None:
    for name, given in (("y", y), ("sample_weight", sample_weight)):
        if given is not None:
            raise ArgumentError(
                f"{name} was given beside a data set, which brings its own.",
                got=f"x: a {type(x).__name__}, {name}: a {type(given).__name__}",
                cure=f"let the data set give (x, y, sample_weight), and leave {name} out",
            )


def _of_dataset(
    x: Any, shuffle: bool | str, class_weight: dict[int, float] | None, seed: int | None, text: bool
) -> DataAdapter:
    if isinstance(x, DataAdapter):
        return x
    if all(hasattr(x, name) for name in ("__getitem__", "on_epoch_end")):
        return PyDatasetAdapter(x, shuffle, class_weight, seed, text)
    if hasattr(x, "__iter__"):
        return IterableAdapter(x, class_weight, text)
    raise DataError(
        "This cannot be used as data.",
        expected="arrays, a PyDataset, or an iterable of batches",
        got=f"x: a {type(x).__name__}",
    )


def _never_ends(found: DataAdapter) -> bool:
    if isinstance(found, PyDatasetAdapter):
        return found.steps is None
    return isinstance(found, IterableAdapter) and is_endless(found.iterable)
