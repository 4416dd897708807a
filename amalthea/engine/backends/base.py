"""What a backend is: how it runs one primitive, compiles a graph, and keeps a variable.

A backend is a table ``LOWERINGS`` from primitive to its library's function, and a subclass of :class:`Backend`.
Nothing outside this folder names one.
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

from amalthea.engine import dtypes
from amalthea.engine.backends.variable_groups import VariableGroup, wait_until_quiet, wait_until_readable
from amalthea.engine.ir import versions
from amalthea.engine.ir.graph import Graph, graph_of_trace
from amalthea.engine.ir.runtime import Executable, NativeFunction, Runtime
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor, type_of
from amalthea.engine.ir.variable import HostStorage, Storage, Variable
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import Primitive
from amalthea.errors import BackendError

# The backend and the device of it that were asked for, if any were.
requested_device: ContextVar[tuple[str, str] | None] = ContextVar("device", default=None)


def device_of(backend: str) -> str | None:
    """The device that was asked for on this backend, if any was."""
    asked = requested_device.get()
    return asked[1] if asked is not None and asked[0] == backend else None


class Backend(Runtime, ABC):
    """One tensor library. The defaults suit a library whose arrays are NumPy's own."""

    name: str
    key: str = ""  # what is compiled for one key is not for another: the name, until a child process gets its own
    storage: type = HostStorage
    lowerings: Mapping[Primitive, Any]
    gaps: Mapping[str, str] = MappingProxyType({})  # primitive, or "primitive dtype": why it is missing
    # dtype, or "primitive dtype": how far it may be from float64, and why
    tolerances: Mapping[str, tuple[float, str]] = MappingProxyType({})

    @abstractmethod
    def compile(self, graph: Graph) -> Executable:
        """A function from the values of the graph's inputs to those of its outputs.

        It reads and writes the graph's variables itself. Shapes are ints.
        """

    def refuse_gaps(self, graph: Graph) -> None:
        """A :class:`BackendError` if the graph holds a primitive that is a gap."""
        for node in all_nodes(graph):
            name, dtypes_met = node.primitive.name, {x.dtype for x in (*node.inputs, *node.outputs)}
            for key in (name, *(f"{name} {dtype}" for dtype in dtypes_met)):
                if key in self.gaps:
                    raise BackendError(
                        f"The backend '{self.name}' lacks a primitive that the graph holds: {self.gaps[key]}.",
                        got=key,
                        cure="use_backend('numpy'), or another that has it",
                    )

    def prefers_scan(self, graph: Graph) -> bool:
        """Whether a loop over steps of this graph runs faster inside the library than one call a step."""
        return False

    @abstractmethod
    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """One primitive on concrete arrays, now."""

    def execute(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """:meth:`run`, after the typing rule has agreed: the same error everywhere for what does not fit."""
        primitive.types([type_of(x) for x in inputs], attrs)
        return self.run(primitive, inputs, attrs)

    def run_decomposed(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """A fused primitive that the table lacks, by what it consists of."""
        with Trace() as scope:
            tensors = [Tensor(type_of(x)) for x in inputs]
            made = primitive.decomposition(*tensors, **attrs)  # type: ignore[misc]
        outputs = [as_tensor(x) for x in ([made] if primitive.single else made)]
        results = graph_of_trace(tensors, outputs, scope).run(inputs, self.execute)
        return results[0] if primitive.single else tuple(results)

    def eval_shape(self, function: Callable[..., Any], types: Sequence[Type]) -> Any:
        """Something with the shapes and dtypes of what a native function gives for inputs of these types."""
        zeros: list[Any] = [np.zeros(t.shape, dtypes.to_numpy(t.dtype)) for t in types]  # type: ignore[arg-type]
        return function(*(self.array(x, t.dtype) for x, t in zip(zeros, types)))

    def native_gradient(
        self, function: NativeFunction, inputs: Sequence[Any], cotangents: Sequence[Any], wanted: list[int]
    ) -> Sequence[Any]:
        """The cotangents of the inputs at ``wanted``, by the library's own means."""
        raise BackendError(
            f"The backend '{self.name}' cannot differentiate a native call.", cure="custom_gradient around it"
        )

    def array(self, value: Any, dtype: str) -> Any:
        """Anything array-like as this backend's array."""
        return np.asarray(value, dtypes.to_numpy(dtype))

    def to_numpy(self, array: Any) -> np.ndarray:
        """A copy of a backend's array as NumPy's."""
        return np.array(array)

    def storage_of(self, variable: Variable) -> Storage:
        """The variable's storage, moved here if another backend had it."""
        if type(variable.storage) is not self.storage:
            self._move(variable)
        return variable.storage

    def _move(self, variable: Variable) -> None:
        with versions.LOCK:
            wait_until_quiet([variable.storage], readers=False)
            if type(variable.storage) is not self.storage:
                variable.storage = self.new_storage(variable.storage.numpy())
                VariableGroup.changed()  # whoever held the old storage must look again

    def hold(self, variables: Sequence[Variable]) -> dict[Variable, Any]:
        """The values of variables at one moment. Nobody changes them afterwards."""
        with versions.LOCK:
            storages = [self.storage_of(v) for v in variables]
            wait_until_readable(storages)
            return {v: storage.peek() for v, storage in zip(variables, storages)}

    def change(self, values: Mapping[Variable, Any]) -> None:
        """New values, for all of these variables in one moment."""
        with versions.LOCK:
            storages = [self.storage_of(v) for v in values]
            wait_until_quiet(storages)
            for storage, value in zip(storages, values.values()):
                storage.write(value)

    def new_storage(self, value: np.ndarray) -> Storage:
        return HostStorage(value)

    def in_child(self) -> None:  # noqa: B027  # most have nothing to do
        """Be told, in a process that was forked while this backend was loaded."""

    def devices(self) -> list[str]:
        """The devices it can use, the fastest first."""
        return ["cpu:0"]

    @property
    def location(self) -> str:
        """Backend and device as one key: an executable for one location does not serve another."""
        asked = requested_device.get()
        return self.key if asked is None else f"{self.key} {asked}"

    @property
    def device(self) -> str:
        """The device in use: the one asked for, or the fastest."""
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
