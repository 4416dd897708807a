"""The base class of backends: run one primitive, compile a graph, and store a variable.

A backend is a table ``LOWERINGS`` from primitive to its library's function, and a subclass of :class:`Backend`.
No module outside this folder names a particular backend.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from amalthea.engine import communicator, dtypes
from amalthea.engine.backends.variable_groups import VariableGroup, wait_until_quiet, wait_until_readable
from amalthea.engine.communicator import Communicator
from amalthea.engine.ir import versions
from amalthea.engine.ir.graph import Graph, graph_of_trace
from amalthea.engine.ir.protocol import Executable, NativeFunction, Runtime
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor, type_of
from amalthea.engine.ir.variable import HostStorage, Storage, Variable
from amalthea.engine.passes.partition import partition
from amalthea.engine.passes.partition_rules import Layout
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import Primitive
from amalthea.errors import BackendError

# (backend, device) of an open `device` block.
requested_device: ContextVar[tuple[str, str] | None] = ContextVar("device", default=None)


def device_of(backend: str) -> str | None:
    """Return the device requested for this backend, or None."""
    asked = requested_device.get()
    return asked[1] if asked is not None and asked[0] == backend else None


class Backend(Runtime, ABC):
    """One tensor library. The default methods suit a library whose arrays are NumPy's.

    Attributes:
        name: str; the name of the backend.
        key: str; part of :attr:`location`. A forked child may change it, so that executables are compiled again.
        storage: the class of the storage of variables.
        lowerings: dict from primitive to the library's function.
        has_segments: bool; True if primitives without a lowering run as their NumPy references (``segments.py``).
        has_eager_gradients: bool; whether the library differentiates Python that runs op by op, so that a training
            step may be written with its own tape or ``backward``.
        layer_methods: dict from name to function of a layer; the library's own methods of modules, such as
            ``parameters``, for scripts written for it.
        gaps: dict from ``"primitive"`` or ``"primitive dtype"`` to the reason for which it is missing.
        tolerances: dict from ``"dtype"`` or ``"primitive dtype"`` to (largest relative error, reason).
    """

    name: str
    key: str = ""
    storage: type = HostStorage
    lowerings: Mapping[Primitive, Any]
    has_segments: bool = False
    has_eager_gradients: bool = False
    layer_methods: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    gaps: Mapping[str, str] = MappingProxyType({})
    tolerances: Mapping[str, tuple[float, str]] = MappingProxyType({})

    @abstractmethod
    def compile(self, graph: Graph) -> Executable:
        """Compile a graph into a function from the values of its inputs to those of its outputs.

        The function reads and writes the graph's variables itself. All dimensions are ints.
        """

    def connect(self, address: str, size: int, rank: int) -> Communicator | None:
        """Join processes by the library's own means; None if it has none, and others carry its arrays."""
        return None

    def leave(self) -> None:
        """Leave the processes that were joined, and forget devices, so that the process of a worker can join others."""

    def group_of(self, distribution: Any) -> Communicator:
        """Return the processes and devices that compute each batch together, as a distribution has it.

        Raises:
            BackendError: variables are to be divided, which the library does not do.
        """
        if distribution.divides_variables:
            raise BackendError(
                f"The backend '{self.name}' does not divide variables among devices.",
                cure="DataParallel(), or a backend that does: config.set_backend('jax')",
            )
        return communicator.current()

    def laid_out(self, array: Any, layout: Any) -> Any:
        """Return an array on the devices of a layout's mesh, where the library divides arrays."""
        return array

    def compile_part(self, graph: Graph, layouts: Sequence[Layout], group: Communicator) -> Executable:
        """Compile the graph of a whole batch for this process of a group; its inputs have the layouts given."""
        return self.compile(partition(graph, layouts, group))

    def refuse_gaps(self, graph: Graph) -> None:
        """Raise a :class:`BackendError` if the graph contains a primitive of :attr:`gaps`."""
        for node in all_nodes(graph):
            name, dtypes_met = node.primitive.name, {x.dtype for x in (*node.inputs, *node.outputs)}
            for key in (name, *(f"{name} {dtype}" for dtype in dtypes_met)):
                if key in self.gaps:
                    raise BackendError(
                        f"The backend '{self.name}' does not have a primitive of the graph: {self.gaps[key]}.",
                        got=key,
                        cure="use_backend('numpy'), or another backend that has it",
                    )

    def prefers_scan(self, graph: Graph) -> bool:
        """True if a scan over steps of this graph runs faster inside the library than one call per step."""
        return False

    @abstractmethod
    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """Run one primitive on concrete arrays."""

    def execute(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """Check the inputs by the typing rule, then :meth:`run`: so all backends raise the same errors."""
        primitive.types([type_of(x) for x in inputs], attrs)
        return self.run(primitive, inputs, attrs)

    def run_decomposed(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """Run a composite primitive without a lowering by its decomposition."""
        with Trace() as scope:
            tensors = [Tensor(type_of(x)) for x in inputs]
            made = primitive.decomposition(*tensors, **attrs)
        outputs = [as_tensor(x) for x in ([made] if primitive.single else made)]
        results = graph_of_trace(tensors, outputs, scope).run(inputs, self.execute)
        return results[0] if primitive.single else tuple(results)

    def eval_shape(self, function: Callable[..., Any], types: Sequence[Type]) -> Any:
        """Return values with the shapes and dtypes that a native function gives for inputs of these types."""
        zeros: list[Any] = [np.zeros(t.shape, dtypes.to_numpy(t.dtype)) for t in types]  # type: ignore[arg-type]
        return function(*(self.array(x, t.dtype) for x, t in zip(zeros, types)))

    def native_gradient(
        self, function: NativeFunction, inputs: Sequence[Any], cotangents: Sequence[Any], wanted: list[int]
    ) -> Sequence[Any]:
        """Return the cotangents of the inputs at the positions ``wanted``, by the library's own differentiation."""
        raise BackendError(
            f"The backend '{self.name}' cannot differentiate a native call.",
            cure="amalthea.custom_gradient around the call",
        )

    def seed(self, seed: int) -> None:
        """Seed the library's own random numbers, which scripts may draw beside ours."""
        return None

    def array(self, value: Any, dtype: str) -> Any:
        """Convert anything array-like to this backend's array."""
        return np.asarray(value, dtypes.to_numpy(dtype))

    def to_numpy(self, array: Any) -> np.ndarray:
        """Copy an array of this backend to a NumPy array."""
        return np.array(array)

    def storage_of(self, variable: Variable) -> Storage:
        """Return the variable's storage, moved to this backend if it was on another."""
        if type(variable.storage) is not self.storage:
            self._move(variable)
        return variable.storage

    def _move(self, variable: Variable) -> None:
        with versions.LOCK:
            wait_until_quiet([variable.storage], readers=False)
            if type(variable.storage) is not self.storage:
                variable.storage = self.new_storage(variable.storage.numpy())
                VariableGroup.changed()  # executables that use the old storage must look it up again

    def hold(self, variables: Sequence[Variable]) -> dict[Variable, Any]:
        """Return a consistent snapshot of the values of variables. These arrays are not changed afterwards."""
        with versions.LOCK:
            storages = [self.storage_of(v) for v in variables]
            wait_until_readable(storages)
            return {v: storage.peek() for v, storage in zip(variables, storages)}

    def change(self, values: Mapping[Variable, Any]) -> None:
        """Assign new values to all of these variables atomically."""
        with versions.LOCK:
            storages = [self.storage_of(v) for v in values]
            wait_until_quiet(storages)
            for storage, value in zip(storages, values.values()):
                storage.write(value)

    def new_storage(self, value: np.ndarray) -> Storage:
        return HostStorage(value)

    def in_child(self) -> None:  # noqa: B027  # most backends have nothing to do
        """Called in a process that was forked while this backend was loaded."""

    def devices(self) -> list[str]:
        """Return the names of the devices, the fastest first."""
        return ["cpu:0"]

    @property
    def location(self) -> str:
        """Backend and device as one key: an executable is only valid for the location that it was compiled for."""
        asked = requested_device.get()
        return self.key if asked is None else f"{self.key} {asked}"

    @property
    def device(self) -> str:
        """The device in use: the requested one, or the fastest."""
        return device_of(self.name) or self._fastest

    @cached_property
    def _fastest(self) -> str:
        return self.devices()[0]

    @contextmanager
    def on(self, device: str) -> Iterator[None]:
        """Use this device while the block runs."""
        token = requested_device.set((self.name, device))
        VariableGroup.changed()
        try:
            yield
        finally:
            requested_device.reset(token)
            VariableGroup.changed()
