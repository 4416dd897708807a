"""The processes by Horovod's names."""

from __future__ import annotations

import os
import socket
from typing import Any

from amalthea.distribution import launch
from amalthea.engine import communicator
from amalthea.engine.communicator import Communicator
from amalthea.errors import DistributionError

_hosts: list[list[str]] = []  # by rank; empty before init()


def init(comm: Any = None, process_sets: Any = None) -> None:
    """Joins the processes that a launcher started; a script that none started is alone.

    Args:
        comm: not used; the processes are always all of the launcher's.
        process_sets: not used.

    Raises:
        DistributionError: the others did not come within five minutes.
        MissingLibraryError: the library of the launcher is not installed.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.rank(), hvd.size()
        (0, 1)
        >>> hvd.shutdown()
    """
    launch.join_by_library(launch.find(os.environ))
    names = communicator.current().all_gather_bytes(socket.gethostname().encode())
    _hosts[:] = [[name.decode() for name in names]]


def shutdown() -> None:
    """Leaves the processes.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.shutdown()
        >>> hvd.is_initialized()
        False
    """
    if _hosts:
        communicator.current().close()
        communicator.join(communicator.ALONE)
        _hosts.clear()


def is_initialized() -> bool:
    """Returns whether :func:`init` was called.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.is_initialized()
        False
    """
    return bool(_hosts)


def group() -> Communicator:
    """Return the processes.

    Raises:
        DistributionError: ``init`` was not called.
    """
    if not _hosts:
        raise DistributionError("Horovod's processes are not joined yet.", cure="hvd.init() first")
    return communicator.current()


def rank() -> int:
    """Returns the number of this process, from 0.

    Raises:
        DistributionError: :func:`init` was not called.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.rank()
        0
        >>> hvd.shutdown()
    """
    return group().rank


def size() -> int:
    """Returns the number of processes.

    Raises:
        DistributionError: :func:`init` was not called.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.size()
        1
        >>> hvd.shutdown()
    """
    return group().size


def local_rank() -> int:
    """Returns the number of this process among those of its host.

    Raises:
        DistributionError: :func:`init` was not called.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.local_rank()
        0
        >>> hvd.shutdown()
    """
    here = group().rank
    return _hosts[0][:here].count(_hosts[0][here])


def local_size() -> int:
    """Returns the number of processes on this host.

    Raises:
        DistributionError: :func:`init` was not called.

    Example:
        >>> from amalthea.distribution import horovod as hvd
        >>> hvd.init()
        >>> hvd.local_size()
        1
        >>> hvd.shutdown()
    """
    here = group().rank
    return _hosts[0].count(_hosts[0][here])
