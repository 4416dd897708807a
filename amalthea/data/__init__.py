"""What ``fit``, ``evaluate`` and ``predict`` feed on.

Whatever a person passes as ``x`` becomes a :class:`Source`, which gives batches ``(x, y, sample_weight)`` of NumPy
arrays (or lists, tuples and dicts of them); ``y`` and ``sample_weight`` may be None.

    from amalthea import data

    feed = data.source(x, y, batch_size=64, shuffle=True)
    for epoch in range(epochs):
        for x, y, sample_weight in feed.batches(epoch):
            ...

| file | holds |
|---|---|
| ``base.py`` | ``Source``, the protocol; ``SteppedSource``, epochs of a given number of batches |
| ``choose.py`` | ``source`` and ``validation_source``: the right source for what a person passes |
| ``arrays.py`` | ``ArraySource``: arrays, lists of numbers, data frames; ``train_validation_split`` |
| ``py_dataset.py`` | ``PyDataset``, the class to derive your own from, and its source |
| ``ahead.py`` | batches made ahead of their turn, by threads or processes |
| ``iterables.py`` | ``IterableSource``: generators, ``tf.data``, PyTorch's ``DataLoader`` |
| ``convert.py`` | anything into NumPy arrays of a usable dtype |
| ``weights.py`` | ``class_weight`` into sample weights |
| ``packing.py`` | ``(x, y, sample_weight)`` packed and unpacked |
| ``structure.py`` | nested lists, tuples and dicts |
"""

from amalthea.data.adapters import source, validation_source
from amalthea.data.arrays import ArraySource, train_validation_split
from amalthea.data.base import Batch, Source, SteppedSource
from amalthea.data.iterables import IterableSource, to_batch
from amalthea.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from amalthea.data.py_dataset import PyDataset, PyDatasetSource, Sequence
from amalthea.data.weights import ClassWeights

__all__ = [
    "ArraySource",
    "Batch",
    "ClassWeights",
    "IterableSource",
    "PyDataset",
    "PyDatasetSource",
    "Sequence",
    "Source",
    "SteppedSource",
    "pack_x_y_sample_weight",
    "source",
    "to_batch",
    "train_validation_split",
    "unpack_x_y_sample_weight",
    "validation_source",
]
