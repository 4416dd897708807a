"""Processes of Horovod, by its interface for PyTorch. ``horovodrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import horovod.torch as hvd
import numpy as np
import torch

from amalthea.engine.backends.torch.arrays import to_numpy, to_tensor
from amalthea.engine.communicator import Communicator, timeout


class Horovod(Communicator):
    """Horovod's processes. It fuses small messages itself."""

    name = "horovod"

    def __init__(self) -> None:
        self.rank, self.size = hvd.rank(), hvd.size()
        self._count = 0

    def _name(self, what: str) -> str:
        """Return a name that is the same on every rank: Horovod pairs messages by it."""
        self._count += 1
        return f"amalthea.{what}.{self._count}"

    def all_reduce(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        tensors = [to_tensor(x).detach() for x in arrays]
        handles = [hvd.allreduce_async(_summable(x), op=hvd.Sum, name=self._name("sum")) for x in tensors]
        sums = [hvd.synchronize(handle) for handle in handles]
        return [to_numpy(_back(y, x)) for x, y in zip(tensors, sums)]

    def all_gather(self, array: Any) -> list[np.ndarray]:
        own = np.asarray(array)
        sent = torch.from_numpy(np.frombuffer(own.tobytes(), "uint8").reshape(1, -1).copy())
        parts = hvd.allgather(sent, name=self._name("gather")).numpy()
        return [x.view(own.dtype).reshape(own.shape) for x in parts]

    def broadcast(self, arrays: Sequence[np.ndarray], root: int = 0) -> list[np.ndarray]:
        found = []
        for array in arrays:
            flat = torch.from_numpy(np.array(array).reshape(-1).view("uint8"))
            got = hvd.broadcast(flat, root, name=self._name("broadcast")).numpy() if flat.numel() else flat.numpy()
            found.append(got.view(array.dtype).reshape(array.shape))
        return found

    def barrier(self) -> None:
        self.all_reduce([np.zeros(1, "float32")])

    def close(self) -> None:
        hvd.shutdown()


def _summable(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor in a dtype that Horovod adds."""
    if tensor.is_complex():
        return torch.view_as_real(tensor)
    if tensor.dtype is torch.bfloat16:
        return tensor.to(torch.float32)
    known = tensor.is_floating_point() or tensor.dtype in (torch.int32, torch.int64)
    return tensor if known else tensor.to(torch.int64)


def _back(total: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Return a sum in the dtype and shape of a summand."""
    total = torch.view_as_complex(total) if own.is_complex() else total.to(own.dtype)
    return total.reshape(own.shape)


def connect(place: Any) -> Horovod:
    """Join Horovod's processes."""
    os.environ.setdefault("HOROVOD_STALL_SHUTDOWN_TIME_SECONDS", str(int(timeout())))
    os.environ.setdefault("HOROVOD_STALL_CHECK_TIME_SECONDS", str(int(timeout() / 2)))
    hvd.init()
    return Horovod()
