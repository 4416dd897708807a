"""Processes of MPI, by mpi4py. ``mpirun`` starts them."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np
from mpi4py import MPI

from amalthea.engine.communicator import Communicator, timeout
from amalthea.errors import DistributionError


class Mpi(Communicator):
    """MPI's world."""

    name = "mpi"

    def __init__(self) -> None:
        self.world = MPI.COMM_WORLD
        self.rank, self.size = self.world.Get_rank(), self.world.Get_size()
        self.is_broken = False  # whether a rank did not answer in time

    def all_reduce(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        arrays = [np.asarray(x) for x in arrays]
        sums: list[Any] = [None] * len(arrays)
        kinds: dict[Any, list[int]] = {}
        for i, x in enumerate(arrays):
            kinds.setdefault(_summed_in(x.dtype), []).append(i)
        for dtype, indices in kinds.items():
            flat = np.concatenate([arrays[i].astype(dtype, copy=False).reshape(-1) for i in indices])
            self._wait(self.world.Iallreduce(MPI.IN_PLACE, flat))
            ends = np.cumsum([arrays[i].size for i in indices])
            for i, piece in zip(indices, np.split(flat, ends[:-1])):
                sums[i] = piece.reshape(arrays[i].shape).astype(arrays[i].dtype)
        return sums

    def all_gather(self, array: Any) -> list[np.ndarray]:
        own = np.asarray(array)
        parts = np.empty((self.size, max(own.nbytes, 1)), "uint8")
        self._wait(self.world.Iallgather(np.frombuffer(own.tobytes() or b"\0", "uint8"), parts))
        return [x[: own.nbytes].view(own.dtype).reshape(own.shape) for x in parts]

    def broadcast(self, arrays: Sequence[np.ndarray], root: int = 0) -> list[np.ndarray]:
        found = []
        for array in arrays:
            flat = np.array(array).reshape(-1).view("uint8")
            self._wait(self.world.Ibcast(flat, root))
            found.append(flat.view(array.dtype).reshape(array.shape))
        return found

    def barrier(self) -> None:
        self._wait(self.world.Ibarrier())

    def _wait(self, request: Any) -> None:
        """Wait for an exchange; MPI itself would wait for ever.

        Raises:
            DistributionError: the others did not take part in time.
        """
        end, pause = time.monotonic() + timeout(), 0.0
        while not request.Test():
            if time.monotonic() > end:
                self.is_broken = True
                raise DistributionError(
                    f"Rank {self.rank} of {self.size} cannot go on: it waits for longer than {timeout():.0f} seconds.",
                    cure="the output of the other ranks; AMALTHEA_DISTRIBUTION_TIMEOUT, if a step takes so long",
                )
            time.sleep(pause)
            pause = min(pause + 2e-6, 1e-3)

    def fail(self, error: BaseException) -> None:
        if isinstance(error, DistributionError) and not self.is_broken:
            return  # every rank has it
        print(f"Rank {self.rank} of {self.size} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        traceback.print_exception(error)
        self.world.Abort(1)  # mpirun ends the others


def _summed_in(dtype: np.dtype) -> np.dtype:
    """Return a dtype that MPI adds: a wider one for bool and half precision."""
    if dtype.kind == "b":
        return np.dtype("int64")
    return np.dtype("float32") if dtype.itemsize == 2 and dtype.kind not in "iu" else dtype


def connect(place: Any) -> Mpi:
    """Join MPI's world."""
    return Mpi()
