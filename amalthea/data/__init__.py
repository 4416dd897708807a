"""The data of ``fit``, ``evaluate`` and ``predict``.

The argument ``x`` becomes a :class:`DataAdapter`, which gives batches ``(x, y, sample_weight)`` of NumPy
arrays (or lists, tuples and dicts of them); ``y`` and ``sample_weight`` may be None.

    from amalthea import data

    feed = data.make_adapter(x, y, batch_size=64, shuffle=True)
    for epoch in range(epochs):
        for x, y, sample_weight in feed.batches(epoch):
            ...

| file | holds |
|---|---|
| ``base.py`` | ``DataAdapter``, the protocol; ``SteppedAdapter``, epochs of a given number of batches |
| ``adapters.py`` | ``make_adapter`` and ``make_validation_adapter``: the right adapter for what a person passes |
| ``arrays.py`` | ``ArrayAdapter``: arrays, lists of numbers, data frames; ``train_validation_split`` |
| ``py_dataset.py`` | ``PyDataset``, the class to derive your own from, and its adapter |
| ``prefetch.py`` | batches made ahead of their turn, by threads or processes |
| ``dataset.py`` | ``Dataset``: elements that are mapped, shuffled, batched |
| ``iterables.py`` | ``IterableAdapter``: generators, ``tf.data``, PyTorch's ``DataLoader`` |
| ``own_rows.py`` | ``OwnRows``: the rows that one process of several has |
| ``sharded_files.py`` | ``ShardedFiles``: a folder of ``.npz`` or Parquet files, each process its own |
| ``columns.py`` | columns of Arrow's tables as arrays |
| ``convert.py`` | anything into NumPy arrays of a usable dtype |
| ``weights.py`` | ``class_weight`` into sample weights |
| ``packing.py`` | ``(x, y, sample_weight)`` packed and unpacked |
| ``structure.py`` | ``Nest``: the leaves of nested data, and their names |
"""

from amalthea.data.adapters import make_adapter, make_validation_adapter
from amalthea.data.arrays import ArrayAdapter, train_validation_split
from amalthea.data.base import Batch, DataAdapter, SteppedAdapter
from amalthea.data.dataset import Dataset
from amalthea.data.iterables import IterableAdapter, to_batch
from amalthea.data.own_rows import OwnRows
from amalthea.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from amalthea.data.py_dataset import PyDataset, PyDatasetAdapter, Sequence
from amalthea.data.sharded_files import ShardedFiles
from amalthea.data.weights import ClassWeights
from amalthea.names import missing_in as _missing_in

__all__ = [
    "ArrayAdapter",
    "Batch",
    "ClassWeights",
    "Dataset",
    "IterableAdapter",
    "OwnRows",
    "PyDataset",
    "PyDatasetAdapter",
    "Sequence",
    "ShardedFiles",
    "DataAdapter",
    "SteppedAdapter",
    "pack_x_y_sample_weight",
    "make_adapter",
    "to_batch",
    "train_validation_split",
    "unpack_x_y_sample_weight",
    "make_validation_adapter",
]

__getattr__ = _missing_in("data")
