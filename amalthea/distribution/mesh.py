"""Meshes of devices, and layouts of arrays on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from math import prod
from typing import Any

import numpy as np

from amalthea.distribution.devices import list_devices
from amalthea.engine import backends
from amalthea.errors import ArgumentError


class DeviceMesh:
    """A grid of devices with names for its axes.

    Args:
        shape: list of int; the size of each axis, such as ``(2, 4)``.
        axis_names: list of str; a name for each axis, such as ``["batch", "model"]``.
        devices: list of str; as many devices as the grid has. Defaults to None, which takes them all.

    Raises:
        ArgumentError: names, sizes and devices do not fit each other.

    Example:
        >>> from amalthea import distribution
        >>> mesh = distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
        >>> mesh.shape, mesh.axis_names
        ([1], ['batch'])
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Any = None):
        if not shape or not axis_names or len(shape) != len(axis_names):
            raise ArgumentError(
                "A mesh needs a name for each axis.", expected=f"{len(shape or ())} names", got=f"{axis_names}"
            )
        found = np.array(list_devices() if devices is None else devices).reshape(-1)
        if prod(shape) != len(found):
            raise ArgumentError(
                "The devices do not fill the mesh.",
                expected=f"{prod(shape)} devices for {tuple(shape)}",
                got=len(found),
            )
        self.shape, self.axis_names = [*shape], [*axis_names]
        self.devices = found.reshape(shape)

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"


class TensorLayout:
    """Layout of an array on a mesh: for each axis of the array, the axis of the mesh that divides it, or None.

    Args:
        axes: list of str or None; one for each axis of the value.
        device_mesh: DeviceMesh; may be set later. Defaults to None.

    Raises:
        ArgumentError: a name is not an axis of the mesh.

    Example:
        >>> from amalthea import distribution
        >>> mesh = distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
        >>> distribution.TensorLayout([None, "model"], mesh).axes
        (None, 'model')
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None):
        self.axes = tuple(axes)
        self._mesh = device_mesh
        self._check()

    def _check(self) -> None:
        names = self._mesh.axis_names if self._mesh is not None else self.axes
        unknown = [axis for axis in self.axes if axis is not None and axis not in names]
        if unknown:
            raise ArgumentError("The mesh has no such axis.", expected=", ".join(map(str, names)), got=unknown[0])

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh, or None before it is set."""
        return self._mesh

    @device_mesh.setter
    def device_mesh(self, mesh: DeviceMesh) -> None:
        if self._mesh is not None:
            raise ArgumentError("The layout has a mesh already.", got=repr(self._mesh))
        self._mesh = mesh
        self._check()

    def __repr__(self) -> str:
        return f"<TensorLayout {self.axes} of {self._mesh}>"


class LayoutMap(MutableMapping[str, TensorLayout]):
    """Layouts of variables by their paths: a key is a path, or a regular expression that is found in it.

    Args:
        device_mesh: DeviceMesh; the mesh of layouts that are given as tuples.

    Example:
        >>> from amalthea import distribution
        >>> mesh = distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
        >>> layouts = distribution.LayoutMap(mesh)
        >>> layouts["dense.*kernel"] = (None, "model")
        >>> layouts["dense_1/kernel"].axes
        (None, 'model')
    """

    def __init__(self, device_mesh: DeviceMesh):
        self._mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh."""
        return self._mesh

    def __getitem__(self, key: str) -> Any:
        if key in self._layouts:
            return self._layouts[key]
        matching = [pattern for pattern in self._layouts if re.search(pattern, key)]
        if len(matching) > 1:
            raise ArgumentError(
                f"Several patterns match the path {key!r}.", expected="one of them", got=", ".join(matching)
            )
        return self._layouts[matching[0]] if matching else None

    def get(self, key: str, default: Any = None) -> Any:
        found = self[key]
        return default if found is None else found

    def __setitem__(self, key: str, layout: Any) -> None:
        if key in self._layouts:
            raise ArgumentError("The map has a layout for this path already.", got=key, cure="del layouts[path] first")
        layout = layout if isinstance(layout, TensorLayout) else TensorLayout(layout)
        if layout.device_mesh is None:
            layout.device_mesh = self._mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)

    def __len__(self) -> int:
        return len(self._layouts)


def distribute_tensor(tensor: Any, layout: TensorLayout) -> Any:
    """Lays an array on the devices of a mesh, on a backend that divides arrays; elsewhere it stays as it is.

    Args:
        tensor: array.
        layout: TensorLayout; its mesh is set.

    Raises:
        ArgumentError: the layout has no mesh, or another rank than the array.

    Example:
        >>> import numpy as np
        >>> from amalthea import distribution
        >>> mesh = distribution.DeviceMesh((1,), ["batch"], distribution.list_devices()[:1])
        >>> np.asarray(distribution.distribute_tensor(np.ones(2), distribution.TensorLayout(["batch"], mesh))).tolist()
        [1.0, 1.0]
    """
    if layout.device_mesh is None:
        raise ArgumentError("The layout has no mesh.", cure="layout.device_mesh = DeviceMesh(...)")
    if len(layout.axes) != np.ndim(tensor):
        raise ArgumentError(
            "The layout has another number of axes than the array.", expected=np.ndim(tensor), got=len(layout.axes)
        )
    return backends.current().laid_out(tensor, layout)
