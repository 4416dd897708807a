"""Conversion of arrays to and from TensorFlow's tensors."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # silence TensorFlow's messages at import
import tensorflow as tf

from amalthea.engine import dtypes

DTYPES = {name: getattr(tf, name) for name in dtypes.NAMES}


def to_tensor(value: Any, dtype: str | None = None) -> Any:
    """Convert anything array-like to a tensor; memory of another library is copied."""
    if isinstance(value, tf.Variable):
        value = value.value()
    elif not isinstance(value, tf.Tensor):
        # TensorFlow's kernels abort if shared memory is not aligned as they expect.
        foreign = hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, np.generic))
        value = tf.constant(np.asarray(value) if foreign else value)  # pyright: ignore[reportArgumentType]  # the stub lacks np.generic
    return value if dtype is None or value.dtype == DTYPES[dtype] else tf.cast(value, DTYPES[dtype])


def to_numpy(value: Any) -> np.ndarray:
    """Copy a tensor to a NumPy array."""
    return np.asarray(to_tensor(value).numpy())
