"""A run that several processes share: they begin alike, take their rows of each batch, and stop together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from amalthea import snapshots, tree
from amalthea.data.arrays import ArrayAdapter
from amalthea.data.base import Batch, DataAdapter
from amalthea.distribution import strategies
from amalthea.engine.communicator import Communicator, broadcast_variables
from amalthea.engine.partitioned import Part
from amalthea.errors import ArgumentError, DistributionError


@contextmanager
def shared() -> Iterator[None]:
    """Tell the other processes if this one cannot go on."""
    group = strategies.group_in_use()
    try:
        yield
    except BaseException as error:
        if group is not None:
            group.fail(error)
        raise


def begin(model: Any, *adapters: DataAdapter | None) -> None:
    """Give every process the state of the first: weights, slots, seeds, metrics, the order of the data.

    Raises:
        DistributionError: the models of the processes differ.
        ArgumentError: the model runs eagerly, so that no graph can be divided.
    """
    group = strategies.group_in_use()
    if group is None:
        return
    if model.run_eagerly:
        raise ArgumentError(
            "A step that several processes share is compiled.", got="run_eagerly=True", cure="run_eagerly=False"
        )
    if group.size == 1:
        return
    variables = _variables(model)
    _check_alike(variables, group)
    broadcast_variables(variables, group)
    for adapter in adapters:
        if adapter is not None:
            state = group.all_gather_bytes(snapshots.to_bytes(adapter.resume_state()))[0]
            adapter.resume_from(snapshots.from_bytes(state))


def _variables(model: Any) -> list[Any]:
    found = [*model.variables, *(model.optimizer.variables if model.optimizer is not None else ())]
    found += [v for metric in model.metrics for v in metric.variables]
    return list({id(v): v for v in found}.values())


def _check_alike(variables: list[Any], group: Communicator) -> None:
    own = ", ".join(f"{v.path} {v.type}" for v in variables)
    plain = ", ".join(str(v.type) for v in variables)
    told = f"{hashlib.sha256(plain.encode()).hexdigest()} {len(variables)} variables, {own[:300]}"
    found = [x.decode() for x in group.all_gather_bytes(told.encode())]
    for rank, x in enumerate(found):
        if x.split(" ")[0] != found[0].split(" ")[0]:
            raise DistributionError(
                "The models of the ranks differ.",
                expected=f"rank 0: {found[0].split(' ', 1)[1]}",
                got=f"rank {rank}: {x.split(' ', 1)[1]}",
                cure="the same model and compile() on every rank",
            )


def batches_of(adapter: DataAdapter, epoch: int, first: int) -> Iterable[Any]:
    """The batches of an epoch, of a shared run as this process's parts where the adapter can tell them."""
    group = strategies.group_in_use()
    if group is not None and group.size > 1 and type(adapter) is ArrayAdapter and _takes_rows(adapter):
        parts = adapter.parts(epoch, first, group.size, group.rank)
        return (Part(batch, counts) for batch, counts in parts)
    return adapter.batches_from(epoch, first) if first else adapter.batches(epoch)


def of_all(adapter: DataAdapter, batches: Iterable[Any]) -> Iterable[Any]:
    """Batches for the compiled step: data that are a process's own become parts of the batch of all."""
    group = strategies.group_in_use()
    return batches if group is None or group.size == 1 or _takes_rows(adapter) else _own_parts(batches, group)


def _takes_rows(adapter: DataAdapter) -> bool:
    used = strategies.distribution()
    return not adapter.is_own_part and (used is None or used.auto_shard_dataset)


def _own_parts(batches: Iterable[Batch], group: Communicator) -> Iterator[Any]:
    """Each process's batches as parts. One whose data end goes on with no rows until all have ended."""
    source, last = iter(batches), None
    while True:
        batch = next(source, None)
        rows = 0 if batch is None else len(tree.flatten(batch[0])[0])
        counts = tuple(int(n[0]) for n in map(np.asarray, group.all_gather(np.array([rows], "int64"))))
        if not any(counts):
            return
        if batch is None and last is None:
            raise DistributionError("A rank has no data at all.", got=f"rank {group.rank}")
        last = batch if batch is not None else tree.map_structure(lambda x: None if x is None else x[:0], last)
        yield Part(last, counts)


def agree_to_stop(model: Any) -> None:
    """Let every process go on or stop as the first does, at the end of an epoch."""
    group = strategies.group_in_use()
    if group is not None and group.size > 1:
        model.stop_training = bool(group.broadcast([np.array([int(bool(model.stop_training))], "int64")])[0][0])
