"""Data parallelism and model parallelism: how batches and variables are divided among devices."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from amalthea.distribution.devices import list_devices
from amalthea.distribution.mesh import DeviceMesh, LayoutMap, TensorLayout
from amalthea.engine import backends
from amalthea.engine.communicator import Communicator
from amalthea.errors import ArgumentError


class Distribution:
    """The base class of distributions.

    Args:
        device_mesh: DeviceMesh.
        batch_dim_name: str; the axis of the mesh that divides batches.
        auto_shard_dataset: bool; True if each process is given whole batches, of which it takes its rows; False if its
            data are its own part already.
    """

    divides_variables = False

    def __init__(self, device_mesh: DeviceMesh, batch_dim_name: str | None, auto_shard_dataset: bool = True):
        self.device_mesh, self.batch_dim_name = device_mesh, batch_dim_name
        self.auto_shard_dataset = auto_shard_dataset

    @property
    def group(self) -> Communicator:
        """The processes that compute each batch together."""
        return backends.current().group_of(self)

    @property
    def num_model_replicas(self) -> int:
        """The number of parts that a batch is divided into."""
        group = self.group
        if group.mesh is None:
            return group.size
        return dict(zip(self.device_mesh.axis_names, self.device_mesh.shape))[self.batch_dim_name or ""]

    def get_data_layout(self, data_shape: Sequence[Any]) -> TensorLayout:
        """Returns the layout of a batch of this shape."""
        return TensorLayout([self.batch_dim_name, *[None] * (len(data_shape) - 1)], self.device_mesh)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """Returns the layout of a variable."""
        return TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """Returns the layout of an intermediate value, or None where nothing is asked."""
        return None  # a map of layouts names some

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Uses the distribution while the block runs."""
        token = _of_block.set(self)
        try:
            yield
        finally:
            _of_block.reset(token)

    def distribute_dataset(self, dataset: Any) -> Any:
        """Returns the data set itself: ``fit`` takes each process's rows."""
        return dataset


class DataParallel(Distribution):
    """Every process or device has the whole model, and a part of each batch.

    Batches and their losses, statistics and metrics are those of all parts together, so the same batch size gives the
    same losses on any number of devices. On JAX the devices of a process share a batch too; elsewhere it has one.

    Args:
        device_mesh: DeviceMesh with one axis. Defaults to None.
        devices: list of str; used without a mesh. Defaults to None, which takes all devices.
        auto_shard_dataset: bool; whether each process is given whole batches, and takes its rows. False if its data
            are its own part already. Defaults to True.

    Raises:
        ArgumentError: the mesh has more than one axis.

    Example:
        >>> from amalthea import distribution
        >>> distribution.initialize()
        >>> distribution.set_distribution(distribution.DataParallel())
        >>> distribution.distribution().num_model_replicas
        1
        >>> distribution.set_distribution(None)
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str] | None = None,
        auto_shard_dataset: bool = True,
    ):
        if device_mesh is None:
            devices = devices_here() if devices is None else list(devices)
            device_mesh = DeviceMesh((len(devices),), ["batch"], devices)
        if len(device_mesh.shape) != 1:
            raise ArgumentError("Data parallelism needs a mesh of one axis.", got=repr(device_mesh))
        super().__init__(device_mesh, device_mesh.axis_names[0], auto_shard_dataset)


class ModelParallel(Distribution):
    """Variables are divided among devices by a :class:`LayoutMap`, batches by one axis of the mesh; on JAX.

    Args:
        layout_map: LayoutMap; the layouts of variables. Those that it does not name are whole on every device.
        batch_dim_name: str; the axis of the mesh that divides batches. Defaults to None, the first axis.
        auto_shard_dataset: bool; as in :class:`DataParallel`. Defaults to True.
        **kwargs: ``device_mesh``, which Keras 3.0 to 3.3 took beside the map; it is the map's.

    Raises:
        ArgumentError: there is no map, or its mesh has no such axis.

    Example:
        >>> from amalthea import distribution
        >>> mesh = distribution.DeviceMesh((1, 1), ["batch", "model"], distribution.list_devices()[:1])
        >>> layouts = distribution.LayoutMap(mesh)
        >>> layouts["dense.*kernel"] = (None, "model")
        >>> distribution.ModelParallel(layout_map=layouts).batch_dim_name
        'batch'
    """

    def __init__(
        self,
        *,
        layout_map: LayoutMap | None = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
        **kwargs: Any,
    ):
        refuse_others("ModelParallel", kwargs, ("device_mesh",))
        if not isinstance(layout_map, LayoutMap):
            raise ArgumentError("Model parallelism needs a LayoutMap.", got=repr(layout_map))
        mesh = layout_map.device_mesh
        name = batch_dim_name or mesh.axis_names[0]
        if name not in mesh.axis_names:
            raise ArgumentError("The mesh has no such axis.", expected=", ".join(mesh.axis_names), got=repr(name))
        super().__init__(mesh, name, auto_shard_dataset)
        self.layout_map = layout_map

    @property
    def divides_variables(self) -> bool:
        """Whether some axis of the mesh, other than that of batches, has several devices."""
        sizes = dict(zip(self.device_mesh.axis_names, self.device_mesh.shape))
        return any(size > 1 for axis, size in sizes.items() if axis != self.batch_dim_name)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        return self.layout_map.get(variable.path) or super().get_variable_layout(variable)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        return self.layout_map.get(path)


_of_process: list[Distribution | None] = [None]
_of_block: ContextVar[Distribution | None] = ContextVar("distribution", default=None)


def refuse_others(name: str, given: dict[str, Any], known: Sequence[str]) -> None:
    """Raise an error for an argument that there is not."""
    for key in given:
        if key not in known:
            raise ArgumentError(f"{name} has no argument {key!r}.", expected=", ".join(known), got=key)


def devices_here() -> list[str]:
    """Return the fastest kind of devices."""
    found = list_devices()
    return [name for name in found if name.split(":")[0] == found[0].split(":")[0]]


def distribution() -> Distribution | None:
    """Returns the distribution in use, or None.

    Example:
        >>> from amalthea import distribution
        >>> distribution.distribution() is None
        True
    """
    return _of_block.get() or _of_process[0]


def set_distribution(value: Distribution | None) -> None:
    """Makes a distribution the one of all models of this process.

    Args:
        value: Distribution or None, which ends it.

    Raises:
        ArgumentError: it is neither.

    Example:
        >>> from amalthea import distribution
        >>> distribution.set_distribution(distribution.DataParallel(devices=["cpu:0"]))
        >>> distribution.distribution().batch_dim_name
        'batch'
        >>> distribution.set_distribution(None)
    """
    if value is not None and not isinstance(value, Distribution):
        raise ArgumentError("This is not a distribution.", expected="DataParallel(), ModelParallel(...) or None",
                            got=repr(value))  # fmt: skip
    _of_process[0] = value


def group_in_use() -> Communicator | None:
    """Return the processes and devices that share each batch, or None if one has all of it."""
    used = distribution()
    group = used.group if used is not None else None
    return group if group is not None and group.is_shared else None


def is_first() -> bool:
    """Return whether this process writes what all of them have: files, the progress bar."""
    group = group_in_use()
    return group is None or group.rank == 0
