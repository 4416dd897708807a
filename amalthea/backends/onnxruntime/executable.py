"""A graph as an ONNX Runtime session, bound to the memory of its variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import helper

from amalthea import dtypes
from amalthea.backends.groups import Group, groups_of
from amalthea.backends.onnxruntime.builder import ONNX_TYPES, Builder
from amalthea.backends.onnxruntime.stacks import is_in_line, put_in_line, variables_of
from amalthea.backends.onnxruntime.state import doubled
from amalthea.graph.graph import Graph
from amalthea.tensor import Type, Variable


def to_model(graph: Graph, lowerings: Any) -> Any:
    """The ONNX model of a graph: inputs, then variables read; outputs, then variables written."""
    builder = Builder(lowerings)
    inputs = [builder.input(x, "in") for x in graph.inputs]
    inputs += [builder.input(x, "state") for _, x in graph.reads]
    values = builder.add_graph(graph)
    outputs = [builder.output(v, t.type, "out") for v, t in zip(values, graph.results)]
    nodes = needed(builder.nodes, {x.name for x in outputs})
    return builder.model(helper.make_graph(nodes, "amalthea", inputs, outputs))


def needed(nodes: Sequence[Any], names: set[str]) -> list[Any]:
    """The nodes that some names come from: the runtime would run the others too."""
    kept = []
    for node in reversed(nodes):
        if not names.isdisjoint(node.output):
            kept.append(node)
            names |= _read(node)
    return kept[::-1]


def _read(node: Any) -> set[str]:
    """What a node reads, graphs that it holds included."""
    inside = [x for a in node.attribute if a.HasField("g") for x in a.g.node]
    outputs = {x.name for a in node.attribute if a.HasField("g") for x in a.g.output}
    return set(node.input).union(outputs, *map(_read, inside))


class Executable:
    """Run a session. Per call, Python binds inputs and outputs only: variables were bound before."""

    def __init__(self, graph: Graph, session: Any, place: Callable[[Variable], Any]):
        self.session = session
        self.place = place
        self.reads, self.writes = list(graph.reads), list(graph.writes)  # variables and stacks, each with its tensor
        input_names = [x.name for x in session.get_inputs()]
        output_names = [x.name for x in session.get_outputs()]
        n, k = len(graph.inputs), len(graph.outputs)
        self.inputs = [_Slot(name, x.type) for name, x in zip(input_names, graph.inputs)]
        self.outputs = [_Slot(name, x.type) for name, x in zip(output_names, graph.outputs)]
        self.read_names, self.write_names = input_names[n:], output_names[k:]
        self.version = -1
        self.bindings: dict[tuple[int, ...], Any] = {}

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        if self.version != Group.version:
            self._regroup()
        which = tuple([group.now for group in self.groups])
        binding = self.bindings.get(which)
        if binding is None:
            binding = self.bindings[which] = self._bind()
        cpu = _CPU()
        kept, results = [], []
        for slot, value in zip(self.inputs, values):
            array = np.ascontiguousarray(value, slot.dtype)
            binding.bind_input(slot.name, cpu, slot.onnx_type, slot.shape, array.__array_interface__["data"][0])
            kept.append(array)
        for slot in self.outputs:
            array = np.empty(slot.shape, slot.dtype)
            binding.bind_output(slot.name, cpu, slot.onnx_type, slot.shape, array.__array_interface__["data"][0])
            results.append(array)
        self.session._sess.run_with_iobinding(binding, None)
        for group in self.written:
            group.now ^= 1
        del kept
        return results

    def _regroup(self) -> None:
        """Find the groups of this executable's variables, after some variable moved."""
        reads, writes = ([self._states(item) for item, _ in items] for items in (self.reads, self.writes))
        self.written = doubled(state for states in writes for state in states)
        self.groups = groups_of(state for states in (*reads, *writes) for state in states)
        self.read_states, self.write_states = reads, writes
        self.bindings.clear()
        self.version = Group.version

    def _states(self, item: Any) -> list[Any]:
        return [self.place(variable) for variable in variables_of(item)]

    def _align(self) -> None:
        """Put stacks in line that are not: they are new, or somebody has written some of their variables only."""
        for states in self.write_states:
            if not (is_in_line([s.array for s in states]) and is_in_line([s.next for s in states])):
                put_in_line(states)
                Group.changed()

    def _bind(self) -> Any:
        self._align()
        binding = self.session.io_binding()._iobinding
        for name, states, (_, x) in zip(self.read_names, self.read_states, self.reads):
            _bind(binding.bind_input, name, x.type, [state.array for state in states])
        for name, states, (_, x) in zip(self.write_names, self.write_states, self.writes):
            _bind(binding.bind_output, name, x.type, [state.next for state in states])
        return binding


def _bind(bind: Any, name: str, type: Type, arrays: list[np.ndarray]) -> None:
    """Bind to the memory of one array, or of several in line."""
    assert is_in_line(arrays), f"The variables of {name} are not in line."
    bind(name, _CPU(), ONNX_TYPES[type.dtype], list(type.shape), arrays[0].ctypes.data)


def _CPU() -> Any:
    global _device
    if _device is None:
        from onnxruntime import OrtDevice

        _device = OrtDevice.make("cpu", 0)._get_c_device()
    return _device


_device: Any = None


class _Slot:
    """An input or output that changes its memory at each call."""

    __slots__ = ("dtype", "name", "onnx_type", "shape")

    def __init__(self, name: str, type: Type):
        self.name = name
        self.dtype = dtypes.to_numpy(type.dtype)
        self.onnx_type = ONNX_TYPES[type.dtype]
        self.shape: list[Any] = list(type.shape)
