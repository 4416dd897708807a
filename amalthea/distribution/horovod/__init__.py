"""Horovod's words for Keras: a script for Horovod changes its import alone.

    from amalthea.distribution import horovod as hvd  # was: import horovod.keras as hvd

Each process reads its own data; the gradients are averaged over the processes before each update. The processes are
those that ``horovodrun``, ``torchrun``, ``mpirun`` or Slurm started.

This is another law than that of :class:`~amalthea.distribution.DataParallel`: losses, metrics and the statistics of
batch normalization are those of a process's own rows, and the mean of the means of unequal batches is not the mean of
all rows. With batches of one size, and without batch normalization, both give the same weights.
"""

from __future__ import annotations

from typing import Any

from amalthea.distribution.horovod import callbacks
from amalthea.distribution.horovod.collectives import (
    Average,
    Compression,
    Sum,
    allgather,
    allreduce,
    broadcast,
    broadcast_global_variables,
    broadcast_variables,
)
from amalthea.distribution.horovod.optimizer import DistributedOptimizer, load_model
from amalthea.distribution.horovod.processes import (
    init,
    is_initialized,
    local_rank,
    local_size,
    rank,
    shutdown,
    size,
)

__all__ = [
    "Average",
    "Compression",
    "DistributedOptimizer",
    "Sum",
    "allgather",
    "allreduce",
    "broadcast",
    "broadcast_global_variables",
    "broadcast_variables",
    "callbacks",
    "init",
    "is_initialized",
    "load_model",
    "local_rank",
    "local_size",
    "rank",
    "shutdown",
    "size",
]

_LEFT_OUT = {
    "elastic": "torchrun --max_restarts=3 with callbacks.BackupAndRestore, which goes on from the last step",
    "Adasum": "op=hvd.Average",
    "PartialDistributedOptimizer": "hvd.DistributedOptimizer",
    "ProcessSet": "all processes",
    "start_timeline": "callbacks.TensorBoard",
}


def __getattr__(name: str) -> Any:
    instead = f"; use {_LEFT_OUT[name]}" if name in _LEFT_OUT else ""
    raise AttributeError(f"amalthea.distribution.horovod has no {name!r}{instead}.")
