"""Data sets of this library as ``tf.data`` pipelines."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from amalthea import tree


def made(dataset: Any, source: Any, batch_size: int | None, shuffle: bool, seed: int | None) -> Any:
    """A ``tf.data`` data set that goes through the given one in each pass.

    Args:
        dataset: Dataset of arrays; its first element tells dtypes and shapes.
        source, batch_size, shuffle, seed: as the data set was made; a batch has any number of rows.
    """
    first = next(dataset._items(0))
    signature = tree.map_structure(lambda x: _spec(np.asarray(x), batch_size), first)
    pipeline: Any = tf.data.Dataset.from_generator(lambda: iter(dataset), output_signature=signature)
    size = dataset.cardinality()
    pipeline = pipeline.apply(tf.data.experimental.assert_cardinality(size)) if size >= 0 else pipeline
    pipeline._batch_size = batch_size
    return pipeline.prefetch(tf.data.AUTOTUNE)


def _spec(x: np.ndarray, batch_size: int | None) -> tf.TensorSpec:
    dtype = tf.string if x.dtype.kind in "OU" else tf.as_dtype(x.dtype)
    shape = list(x.shape)
    if batch_size is not None:
        shape[0] = None
        shape[1:2] = [None] * len(shape[1:2]) if len(shape) == 3 else shape[1:2]  # of sounds, each batch has its length
    return tf.TensorSpec(shape, dtype)
