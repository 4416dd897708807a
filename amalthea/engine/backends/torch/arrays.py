"""Conversion of arrays to and from tensors, on the device in use."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from amalthea.engine import dtypes
from amalthea.engine.backends.base import device_of

NAMES = {name: getattr(torch, name) for name in dtypes.NAMES}


def devices() -> list[str]:
    """Return CUDA's devices, then the CPU."""
    return [*(f"gpu:{i}" for i in range(torch.cuda.device_count())), "cpu:0"]


_FASTEST = devices()[0]


def where() -> torch.device:
    """Return the device in use."""
    kind, _, number = (device_of("torch") or _FASTEST).partition(":")
    return torch.device("cpu") if kind == "cpu" else torch.device("cuda", int(number))


def to_tensor(value: Any, dtype: str | None = None) -> torch.Tensor:
    """Convert anything array-like to a tensor; an array of another library is shared by DLPack where possible."""
    if isinstance(value, torch.Tensor):
        return value if dtype is None else value.to(NAMES[dtype])
    if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
        tensor = torch.from_dlpack(value)
        return (tensor if dtype is None else tensor.to(NAMES[dtype])).to(where())
    array = np.asarray(value, None if dtype is None or dtype == "bfloat16" else dtypes.to_numpy(dtype))
    if array.dtype.name == "bfloat16":  # torch.from_numpy does not know ml_dtypes' bfloat16: convert its bits
        return torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16).to(where())
    tensor = torch.from_numpy(np.array(array)).to(where())
    return tensor.to(NAMES[dtype]) if dtype else tensor


def to_read(value: Any) -> torch.Tensor:
    """Return a tensor for reading only; it shares the memory of a NumPy array where possible."""
    if (
        type(value) is np.ndarray
        and value.flags.writeable
        and value.dtype.name != "bfloat16"
        and min(value.strides, default=0) >= 0  # PyTorch does not read an array backwards
    ):
        return torch.from_numpy(value).to(where())
    return to_tensor(value)


def to_numpy(tensor: Any) -> np.ndarray:
    """Copy a tensor to a NumPy array."""
    tensor = to_tensor(tensor).detach().cpu()
    if tensor.dtype is torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().copy().view(dtypes.to_numpy("bfloat16"))
    return np.array(tensor.numpy())
