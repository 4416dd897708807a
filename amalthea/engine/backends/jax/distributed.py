"""Many devices and processes: XLA divides the graph of the whole batch among the devices of a mesh."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from amalthea.engine.communicator import Communicator
from amalthea.engine.ir.graph import Graph
from amalthea.engine.passes.partition_rules import Layout, Rows
from amalthea.errors import ArgumentError, DistributionError

MOST_IN_FLIGHT = 16  # XLA's CPU client dead-locks with about 30 divided steps that nobody has waited for


class Devices(Communicator):
    """The devices of a mesh, and the processes that have them.

    Args:
        distribution: Distribution; its ``device_mesh`` names the devices, its ``get_variable_layout`` lays variables.
        devices: dict from our names of devices to JAX's.
    """

    name = "jax"

    def __init__(self, distribution: Any, devices: dict[str, Any]):
        self.rank, self.size = jax.process_index(), jax.process_count()
        self.distribution = distribution
        mesh = _mesh(distribution.device_mesh, devices)
        self.mesh = mesh if mesh.size > 1 else None
        self.batch_axis = distribution.batch_dim_name

    def all_reduce(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        return [np.sum(self.all_gather(x), axis=0, dtype=np.asarray(x).dtype) for x in arrays]

    def all_gather(self, array: Any) -> list[Any]:
        return [array] if self.size == 1 else [*np.asarray(multihost_utils.process_allgather(np.asarray(array)))]

    def broadcast(self, arrays: Sequence[np.ndarray], root: int = 0) -> list[np.ndarray]:
        if self.size == 1:
            return [*arrays]
        return [np.asarray(x) for x in multihost_utils.broadcast_one_to_all([*arrays], self.rank == root)]

    def barrier(self) -> None:
        if self.size > 1:
            multihost_utils.sync_global_devices("amalthea")

    # ------------------------------------------------------------------------------------------ values

    @property
    def replicated(self) -> NamedSharding:
        return NamedSharding(self.mesh, PartitionSpec())

    def of_variable(self, variable: Any) -> NamedSharding:
        layout = self.distribution.get_variable_layout(variable)
        return NamedSharding(self.mesh, PartitionSpec(*layout.axes))

    def of_rows(self, rows: Rows) -> NamedSharding:
        """Return how a batch lies on the mesh: divided if every device can have as many rows."""
        parts = dict(self.mesh.shape)[self.batch_axis]
        if rows.size % parts or len(set(rows.counts)) > 1:
            return self.replicated
        return NamedSharding(self.mesh, PartitionSpec(*[None] * rows.axis, self.batch_axis))

    def whole(self, value: Any, layout: Layout) -> Any:
        """Return the array of all processes, of which this one passes its rows."""
        value = np.asarray(value)
        if not isinstance(layout, Rows):
            return self.laid(value, self.replicated)
        sharding = self.of_rows(layout)
        if sharding.is_fully_replicated:
            return self.laid(self.joined(value, layout.axis, layout.counts), sharding)
        if self.size == 1:
            return jax.device_put(value, sharding)
        shape = (*value.shape[: layout.axis], layout.size, *value.shape[layout.axis + 1 :])
        return jax.make_array_from_process_local_data(sharding, value, shape)

    def laid(self, value: np.ndarray, sharding: NamedSharding) -> Any:
        """Return an array that every process has as a whole, laid on the mesh."""
        if self.size == 1:
            return jax.device_put(value, sharding)
        return jax.make_array_from_callback(value.shape, sharding, lambda index: value[index])


_groups: weakref.WeakKeyDictionary[Any, Devices] = weakref.WeakKeyDictionary()


def group_of(distribution: Any, devices: dict[str, Any]) -> Devices:
    """Return the group of a distribution; the same one each time."""
    if distribution not in _groups:
        _groups[distribution] = Devices(distribution, devices)
    return _groups[distribution]


def connect(address: str, size: int, rank: int) -> Communicator:
    """Join JAX's processes; before JAX's first computation.

    Raises:
        DistributionError: JAX has computed already, or the others did not come.
    """
    try:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(address, size, rank)
    except RuntimeError as error:
        raise DistributionError(
            f"Rank {rank} of {size} could not join JAX's processes at {address}.",
            got=str(error).splitlines()[0],
            cure="distribution.initialize() as the first line that computes",
        ) from error
    return _Processes()


def leave() -> None:
    """Leave JAX's processes, and forget its devices: it joins others only before it knows any."""
    if jax.distributed.is_initialized():
        jax.distributed.shutdown()
    _groups.clear()
    jax.clear_caches()
    jax.extend.backend.clear_backends()


class _Processes(Devices):
    """The processes, without a mesh."""

    def __init__(self) -> None:
        self.rank, self.size = jax.process_index(), jax.process_count()


def laid_out(array: Any, layout: Any, devices: dict[str, Any]) -> Any:
    """Return an array on the devices of a layout's mesh."""
    return jax.device_put(array, NamedSharding(_mesh(layout.device_mesh, devices), PartitionSpec(*layout.axes)))


def _mesh(mesh: Any, devices: dict[str, Any]) -> Mesh:
    """Return JAX's mesh for ours.

    Raises:
        ArgumentError: there is no such device.
    """
    missing = [name for name in mesh.devices.reshape(-1) if name not in devices]
    if missing:
        raise ArgumentError("There is no such device.", expected=", ".join(devices), got=missing[0])
    return Mesh(np.vectorize(devices.__getitem__, otypes=[object])(mesh.devices), mesh.axis_names)


def compiled(
    graph: Graph, layouts: Sequence[Layout], group: Devices, step: Any, state: tuple[Any, Any], storage_of: Callable
) -> Any:
    """Return a jitted step whose arguments lie on the mesh, and a function from a call's values to its inputs.

    Args:
        graph: Graph of the whole batch.
        layouts: of the inputs.
        group: Devices.
        step: the function of values written, values kept, and inputs.
        state: the variables that it writes, and those that it only reads.
        storage_of: function from a variable to its storage.
    """
    written, kept = ([group.of_variable(v) for v in variables] for variables in state)
    for variable, sharding in zip((*state[0], *state[1]), (*written, *kept)):
        storage = storage_of(variable)
        value = storage.current()
        if value.sharding != sharding:
            storage.write(group.laid(np.asarray(value), sharding))
    inputs = [group.of_rows(x) if isinstance(x, Rows) else group.replicated for x in layouts]
    outputs = [group.replicated] * len(graph.outputs)
    jitted = jax.jit(step, donate_argnums=0, in_shardings=(written, kept, inputs), out_shardings=(outputs, written))
    calls = 0

    def run(changing: Any, constant: Any, values: Sequence[Any]) -> Any:
        nonlocal calls
        calls += 1
        changing, constant = (_on_mesh(x, to, group) for x, to in ((changing, written), (constant, kept)))
        found = jitted(changing, constant, [group.whole(x, layout) for x, layout in zip(values, layouts)])
        if calls % MOST_IN_FLIGHT == 0:
            jax.block_until_ready(found)
        return found

    return run


def _on_mesh(values: Sequence[Any], shardings: Sequence[Any], group: Devices) -> list[Any]:
    """Return values on the mesh; those that were assigned meanwhile lie on one device."""
    return [x if len(x.sharding.device_set) > 1 else group.laid(np.asarray(x), to) for x, to in zip(values, shardings)]
