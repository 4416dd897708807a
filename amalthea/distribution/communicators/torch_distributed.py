"""Processes of ``torch.distributed``: gloo between CPUs, NCCL between NVIDIA's GPUs. ``torchrun`` starts them."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from amalthea.engine.backends.torch.arrays import to_numpy, to_tensor
from amalthea.engine.communicator import Communicator, timeout
from amalthea.errors import DistributionError

PATIENCE = 2.0  # seconds in which the ranks that are left say so
BUCKET = 1 << 22  # bytes: smaller arrays travel together


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make an error of the transport one that says which rank is missing, and why where that rank said so."""

    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except RuntimeError as error:
            raise self.explained(error) from error

    return run


class Torch(Communicator):
    """The default process group of ``torch.distributed``."""

    name = "torch.distributed"
    takes = torch.Tensor

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.store = dist.PrefixStore("amalthea", dist.distributed_c10d._get_default_store())
        self.device = torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else "cpu"

    @_told
    def all_reduce(self, arrays: Sequence[Any]) -> list[Any]:
        tensors = [to_tensor(x).detach().to(self.device) for x in arrays]
        sums: list[Any] = [None] * len(tensors)
        waiting = []
        for indices in _buckets(tensors):
            flat = torch.cat([_summable(tensors[i]).reshape(-1) for i in indices])
            waiting.append((dist.all_reduce(flat, async_op=True), flat, indices))
        for work, flat, indices in waiting:
            work.wait()
            for i, piece in zip(indices, flat.split([tensors[i].numel() for i in indices])):
                sums[i] = piece.reshape(tensors[i].shape).to(tensors[i].dtype)
        return [_like(y, x) for x, y in zip(arrays, sums)]

    @_told
    def all_gather(self, array: Any) -> list[Any]:
        own = to_tensor(array).detach().to(self.device).contiguous()
        sent = own.reshape(-1).view(torch.uint8)  # bytes: gloo does not know every dtype
        parts = [torch.empty_like(sent) for _ in range(self.size)]
        dist.all_gather(parts, sent)
        return [_like(x.view(own.dtype).reshape(own.shape), array) for x in parts]

    def joined(self, array: Any, axis: int, counts: Sequence[int]) -> Any:
        own, most = to_tensor(array).detach().to(self.device), max(counts)
        missing = own.new_zeros((*own.shape[:axis], most - own.shape[axis], *own.shape[axis + 1 :]))
        parts = self.all_gather(torch.cat([own, missing], axis))
        return _like(torch.cat([x.narrow(axis, 0, n) for x, n in zip(parts, counts)], axis), array)

    @_told
    def broadcast(self, arrays: Sequence[np.ndarray], root: int = 0) -> list[np.ndarray]:
        found = []
        for array in arrays:
            tensor = torch.from_numpy(np.array(array).reshape(-1).view("uint8")).to(self.device)
            dist.broadcast(tensor, root)
            found.append(tensor.cpu().numpy().view(array.dtype).reshape(array.shape))
        return found

    def barrier(self) -> None:
        self.all_reduce([np.zeros(1, "float32")])  # by the same messages as the steps, in their order

    def close(self) -> None:
        if dist.is_initialized():
            dist.destroy_process_group()

    def fail(self, error: BaseException) -> None:
        if isinstance(error, DistributionError):
            return
        with contextlib.suppress(RuntimeError):
            self.store.set(f"failed/{self.rank}", f"{type(error).__name__}: {error}".splitlines()[0])
        self.close()  # which ends the others' waiting

    def explained(self, error: RuntimeError) -> DistributionError:
        """Return an error that names the ranks that are gone: those that do not answer within two seconds."""
        try:
            self.store.set(f"alive/{self.rank}", "yes")
            time.sleep(PATIENCE)
            others = [rank for rank in range(self.size) if rank != self.rank]
            told = [f"rank {r}: {self.store.get(f'failed/{r}').decode()}" for r in others
                    if self.store.check([f"failed/{r}"])]  # fmt: skip
            silent = [f"rank {r} does not answer" for r in others if not self.store.check([f"alive/{r}"])]
        except RuntimeError:  # the rank that kept the store is gone
            told, silent = [], ["rank 0 does not answer"]
        got = "; ".join(told or silent or [str(error).splitlines()[0]])
        return DistributionError(
            f"Rank {self.rank} of {self.size} cannot go on: an exchange failed.",
            got=got,
            cure="the first error of that rank; BackupAndRestore, so that a new run goes on from the last step",
        )


def _like(tensor: torch.Tensor, given: Any) -> Any:
    return tensor.to(given.device) if isinstance(given, torch.Tensor) else to_numpy(tensor)


def _summable(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor in a dtype that gloo and NCCL add."""
    return tensor.to(torch.int64) if tensor.dtype in (torch.bool, torch.int16, torch.uint16, torch.uint32) else tensor


def _buckets(tensors: Sequence[torch.Tensor]) -> list[list[int]]:
    """Return the indices of tensors that are sent as one: of one dtype, up to a size."""
    open_: dict[torch.dtype, list[int]] = {}
    sizes: dict[torch.dtype, int] = {}
    done: list[list[int]] = []
    for i, tensor in enumerate(tensors):
        dtype = _summable(tensor).dtype
        open_.setdefault(dtype, []).append(i)
        sizes[dtype] = sizes.get(dtype, 0) + tensor.numel() * tensor.element_size()
        if sizes[dtype] >= BUCKET:
            done.append(open_.pop(dtype))
            del sizes[dtype]
    return [*done, *open_.values()]


def connect(place: Any) -> Torch:
    """Join the process group at a :class:`~amalthea.distribution.launch.Place`."""
    if not dist.is_initialized():
        kind, limit = "nccl" if torch.cuda.is_available() else "gloo", datetime.timedelta(seconds=timeout())
        if place.is_announced:  # torchrun's store outlives an attempt: another one must not read its addresses
            store, rank, size = next(dist.rendezvous("env://", timeout=limit))
            attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
            given: dict[str, Any] = {"store": dist.PrefixStore(f"attempt-{attempt}", store)}
        else:
            given, rank, size = {"init_method": f"tcp://{place.address}"}, place.rank, place.size
        dist.init_process_group(kind, timeout=limit, rank=rank, world_size=size, **given)
    return Torch()
