"""An endpoint of an export: a graph between named inputs and named outputs."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from amalthea import text, tree
from amalthea.engine import shapes
from amalthea.engine.ir.graph import Graph, graph_of_trace
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace, as_tensor
from amalthea.engine.passes.channels_first import channels_first
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import Primitive, control, elementwise
from amalthea.errors import ExportError, brief
from amalthea.export.decompositions import DECOMPOSITIONS
from amalthea.training.names import Names


@dataclass(frozen=True)
class Spec:
    """The name, shape and dtype of an input; None in the shape is a size that each call may choose."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Endpoint(NamedTuple):
    """A traced function.

    Args:
        name: str; what callers ask for, such as ``"serve"``.
        graph: the graph; it writes no variable.
        inputs: names of the graph's inputs.
        outputs: names of the graph's outputs.
        arguments: list of the function's arguments: names of inputs, nested as a caller in Python nests their values.
        results: names of outputs, nested like the function's result.
    """

    name: str
    graph: Graph
    inputs: list[str]
    outputs: list[str]
    arguments: Any = None
    results: Any = None

    def lowered(self, lowerings: Container[Primitive], target: str, first: bool = False) -> Endpoint:
        """Rewrite the graph to primitives that a target has lowerings for.

        Args:
            lowerings: primitives that the target can say.
            target: str; its name, for messages.
            first: bool; True if the target has convolutions with channels first only.

        Raises:
            ExportError: the graph has a primitive that the target cannot say.
        """
        graph = expand(simplify(self.graph), lowerings, DECOMPOSITIONS)
        graph = simplify(expand(channels_first(graph) if first else graph, lowerings, DECOMPOSITIONS))
        missing = sorted({n.primitive.name for n in all_nodes(graph) if n.primitive not in lowerings})
        if control.native_call.name in missing:
            raise ExportError(
                "A layer calls a library's own functions, which no file can hold.",
                cure="write its call with amalthea.ops",
            )
        if missing:
            raise ExportError(
                f"The format {target!r} cannot say a computation of endpoint {self.name!r}.",
                expected="primitives that the format has",
                got=", ".join(missing),
                cure="compute it before or behind the exported part of the model",
            )
        return self._replace(graph=graph)


def traced(name: str, function: Callable[..., Any], signature: Any, output_names: Sequence[str] = ()) -> Endpoint:
    """Trace a function of tensors.

    Args:
        name: str; the endpoint's name.
        function: what is called, with one argument for each entry of the signature.
        signature: list of :class:`Spec`, each in any nesting.
        output_names: names of the flat outputs; the keys of a dict and numbered names stand for missing ones.

    Raises:
        ExportError: the function returns no tensor.
    """
    specs = tree.flatten(signature)
    _refuse_text(specs)
    symbols = _Symbols()
    with Trace() as scope:
        inputs = [Tensor(symbols.type(spec), name=spec.name) for spec in specs]
        results = function(*tree.pack_sequence_as(signature, inputs))
        outputs = [_widened(as_tensor(x)) for x in tree.flatten(results)]
    if not outputs:
        raise ExportError(f"The function of endpoint {name!r} returns no tensor.", got=brief(results))
    scope.undo(0)  # values that a call assigns, such as the next seed, are not kept by a file that answers requests
    graph = graph_of_trace(inputs, outputs, scope)
    names = sorted(results) if isinstance(results, dict) else list(output_names)
    if len(names) != len(outputs):
        names = ["output" if len(outputs) == 1 else f"output_{i}" for i in range(len(outputs))]
    free = Names().free
    taken, given = [free(spec.name) for spec in specs], [free(n) for n in names]
    nested = tree.pack_sequence_as(signature, taken), tree.pack_sequence_as(results, given)
    return Endpoint(name, graph, taken, given, *nested)


def _widened(output: Tensor) -> Tensor:
    """An output of bfloat16 as float32: hardly a runtime hands out the former."""
    return elementwise.cast(output, dtype="float32") if output.dtype == "bfloat16" else output


def _refuse_text(specs: Sequence[Spec]) -> None:
    for spec in specs:
        if spec.dtype == text.DTYPE:
            raise ExportError(
                f"The input '{spec.name}' is text, which is left outside of exported files.",
                expected="inputs of numbers",
                cure="export amalthea.Model(layer.output, model.output), with the last layer that computes on text",
            )


class _Symbols:
    """Names of symbolic sizes: ``batch`` for the first axis, ``input_1`` for axis 1 of ``input``."""

    def type(self, spec: Spec) -> Type:
        dims = [d if d is not None else shapes.Dim.symbol(self._name(spec, axis)) for axis, d in enumerate(spec.shape)]
        return Type(tuple(dims), spec.dtype)

    def _name(self, spec: Spec, axis: int) -> str:
        return "batch" if axis == 0 else f"{spec.name}_{axis}"
