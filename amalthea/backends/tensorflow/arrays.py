"""Values on their way into TensorFlow and out of it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # what TensorFlow tells about itself when it starts
import tensorflow as tf

from amalthea import dtypes

DTYPES = {name: getattr(tf, name) for name in dtypes.NAMES}


def to_tensor(value: Any, dtype: str | None = None) -> Any:
    """Anything array-like as a tensor, copied where another library owns the memory."""
    if isinstance(value, tf.Variable):
        value = value.value()
    elif not isinstance(value, tf.Tensor):
        foreign = hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, np.generic))
        value = _from_dlpack(value) if foreign else tf.constant(value)
    return value if dtype is None or value.dtype == DTYPES[dtype] else tf.cast(value, DTYPES[dtype])


def _from_dlpack(value: Any) -> Any:
    """A copy of another library's array; by way of NumPy where DLPack has no word for it."""
    try:
        return tf.raw_ops.DeepCopy(x=tf.experimental.dlpack.from_dlpack(value.__dlpack__()))
    except (BufferError, RuntimeError, TypeError, tf.errors.OpError):
        return tf.constant(np.asarray(value))


def to_numpy(value: Any) -> np.ndarray:
    """A copy of a tensor as a NumPy array."""
    return np.asarray(to_tensor(value).numpy())
