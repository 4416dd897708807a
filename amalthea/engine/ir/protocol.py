"""The interface between the library and a backend, stated once.

``backends/base.py`` implements it. The library reaches the backend in use through ``ir/runtime.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.variable import Storage, Variable

Executable = Callable[[Sequence[Any]], list[Any]]
NativeFunction = Callable[..., Sequence[Any]]


class Runtime(Protocol):
    """A tensor library as the rest of the package sees it."""

    name: str
    gaps: Mapping[str, str]
    has_eager_gradients: bool
    layer_methods: Mapping[str, Callable[..., Any]]

    @property
    def location(self) -> str:
        """Backend and device as one key: an executable is only valid for the location that it was compiled for."""
        ...

    # One primitive, and whole graphs

    def execute(self, primitive: Any, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """Check the inputs by the typing rule, then run the primitive on concrete arrays."""
        ...

    def compile(self, graph: Graph) -> Executable:
        """Compile a graph into a function from the values of its inputs to those of its outputs.

        The function reads and writes the graph's variables itself. All dimensions are ints.
        """
        ...

    def prefers_scan(self, graph: Graph) -> bool:
        """True if a scan over steps of this graph runs faster inside the library than one call per step."""
        ...

    # Variables

    def storage_of(self, variable: Variable) -> Storage:
        """Return the variable's storage, moved to this backend if it was on another."""
        ...

    def hold(self, variables: Sequence[Variable]) -> dict[Variable, Any]:
        """Return a consistent snapshot of the values of variables. These arrays are not changed afterwards."""
        ...

    def change(self, values: Mapping[Variable, Any]) -> None:
        """Assign new values to all of these variables atomically."""
        ...

    # Arrays

    def array(self, value: Any, dtype: str) -> Any:
        """Convert anything array-like to the library's array."""
        ...

    def to_numpy(self, array: Any) -> np.ndarray:
        """Copy an array of the library to a NumPy array."""
        ...

    # Native calls

    def eval_shape(self, function: NativeFunction, types: Sequence[Type]) -> Any:
        """Return values with the shapes and dtypes that a native function gives for inputs of these types."""
        ...

    def native_gradient(
        self, function: NativeFunction, inputs: Sequence[Any], cotangents: Sequence[Any], wanted: list[int]
    ) -> Sequence[Any]:
        """Return the cotangents of the inputs at the positions ``wanted``, by the library's own differentiation."""
        ...

    # Devices

    def devices(self) -> list[str]:
        """List the devices that the library can use, the fastest first."""
        ...

    @contextmanager
    def on(self, device: str) -> Iterator[None]:
        """Use this device until the block ends."""
        ...
