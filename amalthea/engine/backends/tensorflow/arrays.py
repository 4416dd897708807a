"""Values on their way into TensorFlow and out of it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # what TensorFlow tells about itself when it starts
import tensorflow as tf

from amalthea.engine import dtypes

DTYPES = {name: getattr(tf, name) for name in dtypes.NAMES}


def to_tensor(value: Any, dtype: str | None = None) -> Any:
    """Anything array-like as a tensor, copied where another library owns the memory."""
    if isinstance(value, tf.Variable):
        value = value.value()
    elif not isinstance(value, tf.Tensor):
        # Another library's memory is copied: where it is not aligned as TensorFlow wants it, its kernels abort.
        foreign = hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, np.generic))
        value = tf.constant(np.asarray(value) if foreign else value)
    return value if dtype is None or value.dtype == DTYPES[dtype] else tf.cast(value, DTYPES[dtype])


def to_numpy(value: Any) -> np.ndarray:
    """A copy of a tensor as a NumPy array."""
    return np.asarray(to_tensor(value).numpy())
