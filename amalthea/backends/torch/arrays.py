"""Arrays to and from tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from amalthea import dtypes

NAMES = {name: getattr(torch, name) for name in dtypes.NAMES}


def to_tensor(value: Any, dtype: str | None = None) -> torch.Tensor:
    """Anything array-like as a tensor; bfloat16 of ``ml_dtypes`` goes by its bits."""
    if isinstance(value, torch.Tensor):
        return value if dtype is None else value.to(NAMES[dtype])
    array = np.asarray(value, None if dtype is None or dtype == "bfloat16" else dtypes.to_numpy(dtype))
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16)
    tensor = torch.from_numpy(np.array(array))
    return tensor.to(NAMES[dtype]) if dtype else tensor


def to_numpy(tensor: Any) -> np.ndarray:
    """A copy of a tensor as a NumPy array."""
    tensor = to_tensor(tensor).detach().cpu()
    if tensor.dtype is torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().copy().view(dtypes.to_numpy("bfloat16"))
    return np.array(tensor.numpy())
