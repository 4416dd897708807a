"""A graph as an ONNX Runtime session, bound to the memory of its variables, and the updates that follow it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.backends.buffered_executable import Bound, BufferedExecutable
from amalthea.engine.backends.double_buffers import BufferedStorage, double_buffer, flat_view, make_contiguous
from amalthea.engine.backends.onnx.builder import ONNX_TYPES
from amalthea.engine.backends.onnxruntime.updates.partition import Update
from amalthea.engine.backends.onnxruntime.updates.program import BoundProgram
from amalthea.engine.executable_cache import Cache
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.variable import Variable
from amalthea.engine.ir.versions import Reading

MAX_CONTIGUOUS_ELEMENTS = 1 << 16  # larger variables gain nothing from being contiguous


class Executable(BufferedExecutable):
    """Runs a session. Each call binds inputs and outputs only; variables are bound once."""

    is_first_run = True

    def __init__(
        self,
        graph: Graph,
        session: Any,
        storage_of: Callable[[Variable], Any],
        threads: int = 1,
        updates: Sequence[Update] = (),
    ):
        self.session = session
        super().__init__(graph, storage_of)
        inputs, outputs = ([x.name for x in items] for items in (session.get_inputs(), session.get_outputs()))
        self.inputs = [_Slot(name, x.type) for name, x in zip(inputs, graph.inputs)]
        self.read_names = inputs[len(self.inputs) :]
        results = zip(outputs, graph.results)
        own = len(graph.outputs) - sum(update.count for update in updates)
        self.outputs = [_Slot(name, x.type) for name, x in islice(results, own)]
        self.updates = [BoundUpdate(update, list(islice(results, update.count)), threads) for update in updates]
        self.write_names = [name for name, _ in results]
        self.updated = [variable for update in self.updates for variable in update.variables]

    def _run(self, bound: Bound, values: Sequence[Any]) -> list[np.ndarray]:
        binding, updates, _ = bound
        cpu = _CPU()
        given, results = [], []
        for slot, value in zip(self.inputs, values):
            array = np.ascontiguousarray(value, slot.dtype)
            binding.bind_input(slot.name, cpu, slot.onnx_type, slot.shape, array.__array_interface__["data"][0])
            given.append(array)
        for slot in self.outputs:
            array = np.empty(slot.shape, slot.dtype)
            binding.bind_output(slot.name, cpu, slot.onnx_type, slot.shape, array.__array_interface__["data"][0])
            results.append(array)
        self.session._sess.run_with_iobinding(binding, self._arena_shrinkage() if self.is_first_run else None)
        for update in updates:
            update()
        del given
        return results

    def _arena_shrinkage(self) -> Any:
        """Return options for the first run: shrink the arena if executables were dropped before."""
        import onnxruntime

        self.is_first_run = False
        if not Cache.drops:
            return None
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        return options

    def _find_update_variables(self) -> None:
        for update in self.updates:
            update.find(self.storage_of)

    def _bind(self, kept: Reading) -> Bound:
        binding = self.session.io_binding()._iobinding
        updates = [update.bind(binding) for update in self.updates]
        arrays = self._arrays(kept)  # after the updates have made their variables contiguous
        for name, array, (_, x) in zip(self.read_names, arrays, self.reads):
            _bind(binding.bind_input, name, x.type, array)
        for name, state, (_, x) in zip(self.write_names, self.write_states, self.writes):
            _bind(binding.bind_output, name, x.type, state.next)
        return binding, updates, arrays


class BoundUpdate:
    """An update, and the memory of its variables.

    Args:
        update: Update; the update.
        results: outputs of the session for it: factors, then the given arrays (gradients) of each part.
        threads: int; the largest number of threads.
    """

    def __init__(self, update: Update, results: list[tuple[str, Any]], threads: int):
        self.update, self.results, self.threads = update, results, threads
        self.given = len(update.parts[0].given)
        self.parts: list[list[BufferedStorage]] = []

    @property
    def variables(self) -> list[Variable]:
        """The variables that it writes or reads."""
        return [variable for part in self.update.parts for variable in part.variables]

    def find(self, storage_of: Callable[[Variable], BufferedStorage]) -> None:
        """Look up the storage of the variables. A variable that receives a gradient gets a second buffer."""
        self.parts = [[storage_of(variable) for variable in part.variables] for part in self.update.parts]
        double_buffer(self._holders())

    def _holders(self) -> list[BufferedStorage]:
        return [state for part in self.parts for state in part[: self.given]]

    def bind(self, binding: Any) -> BoundProgram:
        """Bind the session's outputs to the memory of gradients and factors; return the program on this memory."""
        lines = self._contiguous_parts()
        program = self.update.program
        factors = [np.empty((), program.dtype) for _ in self.update.factors]
        arrays = [*factors, *(state.next for state in self._holders())]
        for (name, x), array in zip(self.results, arrays):
            _bind(binding.bind_output, name, x.type, array)
        parts = [[*map(_values, columns), *map(_next_values, columns[: self.given])] for columns in lines]
        return BoundProgram(program, parts, factors, self.threads)

    def _contiguous_parts(self) -> list[list[list[BufferedStorage]]]:
        """Return the parts, with a list of storages per variable.

        Small parts are made contiguous and merged into one.
        """
        small = [part for part in self.parts if part[0].array.size <= MAX_CONTIGUOUS_ELEMENTS]
        columns = [list(states) for states in zip(*small)]
        for states in columns:
            make_contiguous(states)
        large = [[[state] for state in part] for part in self.parts if part[0].array.size > MAX_CONTIGUOUS_ELEMENTS]
        return [columns, *large] if small else large


def _values(states: Sequence[BufferedStorage]) -> np.ndarray:
    return flat_view([state.array for state in states])


def _next_values(states: Sequence[BufferedStorage]) -> np.ndarray:
    return flat_view([state.next for state in states])


def _bind(bind: Any, name: str, type: Type, array: np.ndarray) -> None:
    bind(name, _CPU(), ONNX_TYPES[type.dtype], list(type.shape), array.ctypes.data)


def _CPU() -> Any:
    global _device
    if _device is None:
        from onnxruntime import OrtDevice

        _device = OrtDevice.make("cpu", 0)._get_c_device()
    return _device


_device: Any = None


class _Slot:
    """An input or output whose memory changes at each call."""

    __slots__ = ("dtype", "name", "onnx_type", "shape")

    def __init__(self, name: str, type: Type):
        self.name = name
        self.dtype = dtypes.to_numpy(type.dtype)
        self.onnx_type = ONNX_TYPES[type.dtype]
        self.shape: list[Any] = list(type.shape)
