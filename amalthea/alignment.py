"""Memory for arrays that begins where a line of the cache does: processors, and some libraries, want it so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

LINE = 64  # bytes


def aligned(shape: Sequence[int], dtype: Any) -> np.ndarray:
    """An array like that of ``np.empty``, which begins at a multiple of 64 bytes."""
    dtype = np.dtype(dtype)
    memory = np.empty(math.prod(shape) * dtype.itemsize + LINE, "uint8")
    return np.ndarray(shape, dtype, memory, -memory.ctypes.data % LINE)
