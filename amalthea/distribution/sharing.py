"""``fit(..., devices=2)``: the devices and processes that there are, without a line of set-up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amalthea.checks import positive_int
from amalthea.distribution import launch, strategies
from amalthea.engine import backends, communicator

_strategies: dict[tuple[str, ...], strategies.DataParallel] = {}  # steps are compiled once for each


def number_of(devices: Any, name: str, owner: str) -> int:
    """Return how many devices are asked for, by a number or by a list of them."""
    return positive_int(len(devices) if isinstance(devices, (list, tuple)) else devices, name, owner)


def strategy_for(devices: Any) -> strategies.DataParallel:
    """Return a distribution over as many devices of this process, and all processes of its launcher."""
    here = strategies.devices_here()
    named = [str(x).lower() for x in devices] if isinstance(devices, (list, tuple)) else []
    chosen = named if named and set(named) <= set(here) else here[: number_of(devices, "devices", "fit")]
    key = (backends.current().name, *chosen)
    return _strategies.setdefault(key, strategies.DataParallel(devices=chosen))


def count_used() -> int:
    """Return the number of processes and devices that share each batch now."""
    group = strategies.group_in_use()
    if group is None:
        return 1
    used = strategies.distribution()
    return used.num_model_replicas if used is not None else group.size


@contextmanager
def on_devices(devices: Any) -> Iterator[str]:
    """Use devices while the block runs, and give a line that says how many there are; ``""`` if none are asked for.

    A distribution that is set stays. Nothing is started: without a launcher, a process has its own devices.
    """
    if devices is None:
        yield ""
        return
    asked = number_of(devices, "devices", "fit")
    if strategies.distribution() is not None:
        yield told(asked)
        return
    if communicator.current().size == 1:
        launch.initialize()
    with strategy_for(devices).scope():
        yield told(asked)


def told(asked: int) -> str:
    used = count_used()
    more = "" if used == asked else f" ({asked} asked for)"
    return f"Each batch is shared by {used} device{'s' * (used > 1)}{more}."
