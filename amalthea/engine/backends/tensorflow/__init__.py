"""TensorFlow: a graph is one ``tf.function`` that reads and assigns its ``tf.Variable``s.

Eager primitives are TensorFlow's functions on its tensors, so ``tf.GradientTape`` works through them, with respect to
our variables (``interop.py``):

    with tf.GradientTape() as tape:
        loss = ops.sum(layer(x))
    gradients = tape.gradient(loss, layer.trainable_variables)

`README.md` in this folder shows the passes.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from amalthea.engine.backends.base import Backend, Executable
from amalthea.engine.backends.forks import DoesNotFork
from amalthea.engine.backends.plan import Plan
from amalthea.engine.backends.tensorflow import interop, normalization
from amalthea.engine.backends.tensorflow.arrays import tf, to_numpy, to_tensor
from amalthea.engine.backends.tensorflow.lowerings import LOWERINGS, run
from amalthea.engine.backends.variable_groups import (
    Gated,
    Member,
    VariableGroup,
    reading_of,
    wait_until_quiet,
    wait_until_readable,
    written_together,
)
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.variable import Storage, Variable
from amalthea.engine.ir.versions import LOCK, Reading, leave
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import Primitive, collectives, control, random
from amalthea.engine.primitives import windows as w


class TensorflowGroup(VariableGroup):
    """Variables that are assigned together. Copies for readers are tensors, which assignments do not change."""

    members: list[Any]  # TensorflowStorage

    def take(self, members: list[Any]) -> None:
        pass

    def keep(self, indices: Iterable[int]) -> None:
        for index in indices:
            self.kept[index] = self.members[index].variable.value()


class TensorflowStorage(Member):
    """Storage in a ``tf.Variable``. A tape watches it if it is a float, trainable or not."""

    __slots__ = ("variable",)

    def __init__(self, value: np.ndarray):
        tensor = to_tensor(value)
        self.variable = tf.Variable(tensor, trainable=tensor.dtype.is_floating)
        self.group = None
        TensorflowGroup([self])

    def read(self) -> Any:
        with LOCK:
            wait_until_readable([self])
            kept = self.group.kept.get(self.index) if self.group.writer else None
            return self.variable.value() if kept is None else kept

    peek = read

    def write(self, value: Any) -> None:
        with LOCK:
            wait_until_quiet([self])
            self.group.kept.pop(self.index, None)
            self.variable.assign(value, read_value=False)

    def numpy(self) -> np.ndarray:
        return to_numpy(self.read())


class TensorflowBackend(DoesNotFork, Backend):
    """TensorFlow, on any of its devices."""

    name = "tensorflow"
    has_eager_gradients = True
    lowerings = LOWERINGS
    storage = TensorflowStorage

    def has_begun(self) -> bool:
        from tensorflow.python.eager import context

        return getattr(getattr(context, "_context", None), "_context_handle", None) is not None

    def new_storage(self, value: np.ndarray) -> Storage:
        return TensorflowStorage(value)

    def seed(self, seed: int) -> None:
        tf.random.set_seed(seed)

    def array(self, value: Any, dtype: str) -> Any:
        return to_tensor(value, dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        return to_numpy(array)

    def native_gradient(self, function: Any, inputs: Any, cotangents: Any, wanted: Any) -> Sequence[Any]:
        by = {i: tf.identity(to_tensor(inputs[i])) for i in wanted}
        with tf.GradientTape() as tape:
            tape.watch([*by.values()])
            outputs = [to_tensor(y) for y in function(*(by.get(i, x) for i, x in enumerate(inputs)))]
        pairs = [(y, to_tensor(g)) for y, g in zip(outputs, cotangents) if y.dtype.is_floating]
        zero = tf.UnconnectedGradients.ZERO
        gradients = tape.gradient([y for y, _ in pairs], [*by.values()], [g for _, g in pairs], zero)
        return [tf.convert_to_tensor(g) for g in gradients]

    def devices(self) -> list[str]:
        found = [tuple(d.name.lower().split(":")[-2:]) for d in tf.config.list_logical_devices()]
        return [f"{kind}:{number}" for kind, number in sorted(found, key=lambda device: device[0] == "cpu")]

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        if primitive not in LOWERINGS:
            return self.run_decomposed(primitive, [to_tensor(x) for x in inputs], attrs)
        return run(primitive, inputs, attrs)

    def compile(self, graph: Graph) -> Executable:
        return Compiled(simplify(expand(simplify(graph), LOWERINGS)), self.storage_of)


# Use of XLA, by milliseconds on two cores (plain, XLA). XLA saves TensorFlow's overhead per call and per operator:
#   training step of dense layers 2.8, 1.9; prediction of one row 0.20, 0.11; with convolutions 0.42, 0.28; with an LSTM
#   over 200 steps 9.4, 1.5.
# It is slow for large convolutions and loops:
#   training step with convolutions 10, 70; prediction of 128 rows 2.6, 3.5; with that LSTM 49, 99.
# Compiling takes one second per thousand nodes; larger graphs gain nothing (four transformer blocks 128, 133; 300 dense
# layers 9, 19). A prediction is compiled by XLA after several calls only: tracing and running it for a new shape takes
# 14 ms plain and 107 with XLA, which never frees the memory of compiled code.
CALLS_BEFORE_XLA = 8
MOST_NODES = 1000
MOST_ELEMENTS = 3_000_000  # computed by a prediction with convolutions or loops; ResNet-20: one million per row
_SLOW = {primitive for primitive in LOWERINGS if primitive.__module__ == w.__name__} | {
    control.scan,
    control.while_loop,
}
_SLOW |= {control.barrier, collectives.exchange}  # XLA on a CPU ignores control dependencies, and calls no Python
_FORWARD = {w.conv, w.max_pool, w.avg_pool, control.scan}
_RANDOM = {random.random_uniform, random.random_normal}  # XLA's random numbers differ from the eager ones


def _uses_xla(graph: Graph) -> bool:
    """True if XLA compiles a graph: always on a GPU; on a CPU if it is faster by the measurements above."""
    if tf.config.list_physical_devices("GPU"):
        return True
    nodes = [node.primitive for node in all_nodes(graph)]
    rows, slow = set(nodes), _SLOW.intersection(nodes)
    if len(nodes) > MOST_NODES:
        return False
    if graph.writes:
        return not slow
    return not rows & _RANDOM and slow <= _FORWARD and (not slow or _element_count(graph) <= MOST_ELEMENTS)


def _element_count(graph: Graph) -> int:
    """Return the number of elements that a graph without while loops computes."""
    scans = [node.attrs for node in graph.nodes if node.primitive is control.scan]
    inside = sum(attrs["length"] * _element_count(attrs["body"]) for attrs in scans)
    shapes: list[Any] = [x.type.shape for node in graph.nodes for x in node.outputs]
    return inside + sum(map(prod, shapes))


class Compiled(Gated):
    """A graph as a concrete function. It is traced again if a variable was on another backend meanwhile."""

    def __init__(self, graph: Graph, storage_of: Callable[[Variable], Any]):
        self.graph = graph
        self.storage_of = storage_of
        self.variables = list(dict.fromkeys(v for v, _ in (*graph.reads, *graph.writes)))
        self.written = {v for v, _ in graph.writes}
        self.kept = [v for v in self.variables if v not in self.written]
        self.bound: list[Storage] | None = None
        self.tracing = threading.RLock()  # one thread at a time traces
        self.functions = _Functions(None)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        inputs = [to_tensor(x) for x in values]
        with LOCK:
            reading, writing, kept = self._enter()
            functions = self.functions
            given = self._kept_values(kept) if kept else None
        try:
            return self._run(functions, inputs, given)
        finally:
            with LOCK:
                leave(reading, writing, kept)

    def _find_variables(self) -> None:
        """Look up the variables after some variable moved; trace again if one of ours did."""
        storages = [self.storage_of(v) for v in self.variables]
        written = [s for s, v in zip(storages, self.variables) if v in self.written]
        self.writing = written_together(written)
        self.reading = reading_of([s for s in storages if s not in written], but=self.writing)
        if storages != self.bound:
            self.bound = storages
            self.functions = _Functions(storages)
        self.version = VariableGroup.version

    def _kept_values(self, kept: Reading) -> list[Any]:
        """Return a snapshot of the variables that are only read."""
        apart = [gate for gate, _ in kept]
        storages: list[Any] = [v.storage for v in self.kept]
        return [s.group.kept[s.index] if s.group in apart else s.variable.value() for s in storages]

    def _run(self, functions: _Functions, inputs: Sequence[Any], given: Sequence[Any] | None) -> list[Any]:
        if given is not None:
            if functions.of_values is None:
                with self.tracing:
                    functions.of_values = functions.of_values or self._traced(functions, of_values=True)
            return functions.of_values(*inputs, *given)
        if not functions.plain or functions.calls_before_xla:
            with self.tracing:
                results = self._prepare(functions, inputs)
            if results is not None:
                return results
        return functions.plain(*inputs)

    def _prepare(self, functions: _Functions, inputs: Sequence[Any]) -> list[Any] | None:
        """Trace for the current storages; or compile by XLA, which also runs the function and returns its results."""
        if functions.plain is None:
            by_xla = _uses_xla(self.graph)
            functions.calls_before_xla = CALLS_BEFORE_XLA if by_xla and not self.graph.writes else 0
            if by_xla and not functions.calls_before_xla:
                return self._run_by_xla(functions, inputs)
            functions.plain = self._traced(functions)
        elif functions.calls_before_xla:
            functions.calls_before_xla -= 1
            if not functions.calls_before_xla:
                return self._run_by_xla(functions, inputs)
        return None

    def _run_by_xla(self, functions: _Functions, inputs: Sequence[Any]) -> list[Any]:
        """Compile by XLA and run. If XLA has no kernel (mostly for small integers), it fails before anything runs."""
        try:
            made = self._traced(functions, jit_compile=True)
            results = made(*inputs)
            functions.plain = made
            return results
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            functions.plain = functions.plain or self._traced(functions)
            return functions.plain(*inputs)

    def _traced(self, functions: _Functions, jit_compile: bool = False, of_values: bool = False) -> Any:
        inputs: list[Any] = self.graph.inputs
        signature = [tf.TensorSpec(x.type.shape, x.dtype) for x in inputs]
        if of_values:
            signature += [tf.TensorSpec(v.shape, v.dtype) for v in self.kept]
        options = {"input_signature": signature, "autograph": False, "jit_compile": jit_compile}
        compute = functools.partial(self._compute, dict(zip(self.variables, functions.storages)))
        return tf.function(compute, **options).get_concrete_function()

    def _compute(self, storages: dict[Variable, Any], *inputs: Any) -> list[Any]:
        """Run the graph in TensorFlow; variables are read and assigned, or their values are given."""
        plan = Plan(self.graph, to_tensor)
        count = len(self.graph.inputs)
        given = dict(zip(self.kept, inputs[count:]))
        read = (given[v] if v in given else storages[v].variable.value() for v in plan.reads)
        outputs, written = plan.run([*inputs[:count], *read], run)
        for variable, value in zip(plan.writes, written):
            storages[variable].variable.assign(value, read_value=False)
        return outputs


class _Functions:
    """The tf.functions of a graph, for one set of storages of its variables."""

    def __init__(self, storages: Any):
        self.storages = storages
        self.plain: Any = None  # reads the tf.Variables
        self.of_values: Any = None  # takes the values of variables that are only read as arguments
        self.calls_before_xla = 0  # calls until XLA compiles it


BACKEND = TensorflowBackend()
interop.install(BACKEND.storage_of)
LOWERINGS.update(normalization.lowerings(BACKEND.run_decomposed))
