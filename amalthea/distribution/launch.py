"""Joining the processes that a launcher started: its environment says where, how many, and which one this is."""

from __future__ import annotations

import atexit
import importlib
import os
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple

from amalthea.engine import backends, communicator
from amalthea.engine.communicator import Communicator
from amalthea.errors import ArgumentError, DistributionError, MissingLibraryError

PORT = 29400
LIBRARIES = {"torch_distributed": "amalthea[torch]", "mpi": "amalthea[mpi]", "horovod": "horovod"}


class Place(NamedTuple):
    """One process among others.

    Args:
        launcher: str; the program that started it.
        kind: str; the module of ``communicators/`` that joins it.
        rank, size: int; its number, and the number of processes.
        address: str or None; ``"host:port"`` of the first process, where the environment names it.
        is_announced: bool; True if the environment is the one that ``torch.distributed`` reads itself.
    """

    launcher: str
    kind: str
    rank: int
    size: int
    address: str | None = None
    is_announced: bool = False


def _of_keras(env: Mapping[str, str]) -> Place | None:
    addresses = env.get("KERAS_DISTRIBUTION_JOB_ADDRESSES")
    if not addresses:
        return None
    size = int(env.get("KERAS_DISTRIBUTION_NUM_PROCESSES") or len(addresses.split(",")))
    rank = int(env.get("KERAS_DISTRIBUTION_PROCESS_ID", "0"))
    return Place("Keras's variables", "torch_distributed", rank, size, addresses.split(",")[0])


def _of_horovod(env: Mapping[str, str]) -> Place | None:
    if "HOROVOD_RANK" not in env:
        return None
    return Place("horovodrun", "horovod", int(env["HOROVOD_RANK"]), int(env["HOROVOD_SIZE"]))


def _of_torchrun(env: Mapping[str, str]) -> Place | None:
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= env.keys():
        return None
    address = f"{env['MASTER_ADDR']}:{int(env['MASTER_PORT']) + 1}"  # its own port has a store of its own
    return Place("torchrun", "torch_distributed", int(env["RANK"]), int(env["WORLD_SIZE"]), address, is_announced=True)


def _of_mpi(env: Mapping[str, str]) -> Place | None:
    for rank, size in (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE")):
        if rank in env and size in env:
            return Place("mpirun", "mpi", int(env[rank]), int(env[size]))
    return None


def _of_slurm(env: Mapping[str, str]) -> Place | None:
    if "SLURM_PROCID" not in env or int(env.get("SLURM_NTASKS", "1")) < 2:
        return None
    address = f"{first_host(env.get('SLURM_STEP_NODELIST') or env['SLURM_JOB_NODELIST'])}:{PORT}"
    return Place("Slurm", "torch_distributed", int(env["SLURM_PROCID"]), int(env["SLURM_NTASKS"]), address)


FINDERS: tuple[Callable[[Mapping[str, str]], Place | None], ...] = (
    _of_keras, _of_horovod, _of_torchrun, _of_mpi, _of_slurm,
)  # fmt: skip


def first_host(nodes: str) -> str:
    """Return the first host of Slurm's list of nodes.

    >>> first_host("gpu[003-005,9],login1"), first_host("a,b")
    ('gpu003', 'a')
    """
    name, bracket, rest = nodes.partition("[")
    if not bracket or "," in name:
        return nodes.split(",")[0]
    return name + rest.split("]")[0].split(",")[0].split("-")[0]


def find(env: Mapping[str, str]) -> Place | None:
    """Return what the environment of a launcher says of this process, or None."""
    return next((place for place in (look(env) for look in FINDERS) if place is not None), None)


def initialize(
    job_addresses: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Joins the processes that train together.

    Without arguments it looks for the environment of ``torchrun``, ``mpirun``, ``horovodrun``, Slurm, and for Keras's
    variables ``KERAS_DISTRIBUTION_JOB_ADDRESSES``, ``..._NUM_PROCESSES``, ``..._PROCESS_ID``. A script that no launcher
    started stays alone. A second call changes nothing.

    Args:
        job_addresses: str; ``"host:port"`` of the first process, or of all, with commas. Defaults to None.
        num_processes: int; the number of processes. Defaults to None, which counts the addresses.
        process_id: int; the number of this process, from 0. Defaults to None; an address needs it.

    Raises:
        ArgumentError: the arguments do not make one process among others.
        DistributionError: the others did not come within five minutes.
        MissingLibraryError: the library of the launcher is not installed.

    Example:
        >>> from amalthea import distribution
        >>> distribution.initialize()  # no launcher: this process stays alone
        >>> distribution.DataParallel(devices=["cpu:0"]).num_model_replicas
        1
    """
    if communicator.current().size > 1:
        return
    place = _given(job_addresses, num_processes, process_id) if job_addresses else find(os.environ)
    if place is not None and place.size > 1:
        _enter(_connected(place))


def join_by_library(place: Place | None) -> None:
    """Join a launcher's processes by its library, not by the backend's own means: each computes on its own."""
    if communicator.current().size == 1 and place is not None and place.size > 1:
        _enter(_by_library(place))


def _enter(group: Communicator) -> None:
    communicator.join(group)
    atexit.register(group.close)  # libraries whose threads still run at the end abort the process


def _given(addresses: str, size: int | None, rank: int | None) -> Place:
    listed = addresses.split(",")
    size = size if size is not None else len(listed)
    if rank is None or not 0 <= rank < size:
        raise ArgumentError(
            "The number of this process is not among those of all.",
            expected=f"process_id from 0 to {size - 1}",
            got=rank,
        )
    if ":" not in listed[0]:
        raise ArgumentError("An address has no port.", expected="'host:port'", got=repr(listed[0]))
    return Place("initialize", "torch_distributed", rank, size, listed[0])


def _connected(place: Place) -> Communicator:
    """Join by the backend's own means, where it has any, else by the library of the launcher."""
    backend = backends.current()
    if place.address is not None:
        found = backend.connect(place.address, place.size, place.rank)
        if found is not None:
            return found
    group = _by_library(place)
    return backend.connect(_address_by(group), place.size, place.rank) or group


def _by_library(place: Place) -> Communicator:
    try:
        module = importlib.import_module(f"amalthea.distribution.communicators.{place.kind}")
    except ImportError as error:
        raise MissingLibraryError(
            f"{place.launcher} started this process, and the library that joins it is not installed.",
            got=str(error),
            cure=f"pip install {LIBRARIES[place.kind]}",
        ) from error
    try:
        return module.connect(place)
    except RuntimeError as error:
        raise DistributionError(
            f"Rank {place.rank} of {place.size} could not join the others.", got=str(error).splitlines()[0]
        ) from error


def _address_by(group: Communicator) -> str:
    """Return an address of the first process."""
    return group.all_gather_bytes(f"{socket.gethostname()}:{PORT}".encode())[0].decode()
