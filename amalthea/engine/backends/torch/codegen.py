"""Code generation: a graph as straight-line Python code, one statement per primitive.

Each value is deleted after its last use (liveness). An operation whose operand is not used again runs in place, in the
operand's memory; variables are updated in place too, as optimizers do. Patterns for which PyTorch has one kernel
(``addmm``, ``addcmul``, Adam) become one statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from amalthea.engine.backends.torch.arrays import to_tensor
from amalthea.engine.backends.torch.fusions import fuse_statements
from amalthea.engine.backends.torch.saved_for_backward import share_saved_values
from amalthea.engine.backends.torch.statements import Statement, statement_of
from amalthea.engine.backends.torch.weight_cache import WeightCache, split_weight_only
from amalthea.engine.backends.value_lists import state_of
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.passes.liveness import last_uses


def step_function(graph: Graph) -> Any:
    """Compile ``function(written, kept, inputs)``, which returns the outputs and the new values of variables."""
    written, kept = state_of(graph)
    reads = dict(graph.reads)
    unread = [Tensor(variable.type) for variable in written]
    donated = [reads.get(variable, other) for variable, other in zip(written, unread)]
    arguments = [donated, [reads[variable] for variable in kept], graph.inputs]
    return Writer(graph, arguments, donated=donated).function


def prediction_function(graph: Graph) -> Any:
    """Compile ``function(token, kept, inputs)`` of a graph that writes nothing.

    Values that depend on weights only are computed once for all calls with the same ``token`` (``weight_cache.py``).
    """
    weight_only, rest = split_weight_only(graph)
    prepare = Writer(weight_only, [[x for _, x in graph.reads]], parameters=["kept"], may_alias=True).function
    count = len(graph.inputs)
    arguments = [rest.inputs[:count], rest.inputs[count:]]
    function = Writer(rest, arguments, parameters=["inputs", "weight_only"]).function
    kept = WeightCache(weight_only, lambda values: prepare(values)[0])
    return lambda token, values, inputs: function(inputs, kept(token, values))


def subgraph_function(graph: Graph) -> Any:
    """Compile ``function(values)`` of a loop body or branch, which does not change its inputs."""
    function = Writer(graph, [graph.inputs], parameters=["values"]).function
    return lambda values: function(values)[0]


class Writer:
    """Writes the code of a graph; ``source`` is the text, ``function`` the compiled function.

    Args:
        graph: Graph; the graph to compile.
        arguments: lists of tensors that are given, one list per name of ``parameters``.
        donated: tensors among them whose memory may be reused.
        parameters: names of the function's parameters.
        may_alias: bool; True if results may share memory with arguments and with each other.
    """

    def __init__(
        self,
        graph: Graph,
        arguments: Sequence[Sequence[Tensor]],
        donated: Sequence[Tensor] = (),
        parameters: Sequence[str] = ("written", "kept", "inputs"),
        may_alias: bool = False,
    ):
        self.results, self.parameters, self.may_alias = graph.results, parameters, may_alias
        self.given = [x for group in arguments for x in group]
        self.names: dict[Tensor, str] = {x: f"a{i}" for i, x in enumerate(self.given)}
        self.known: dict[str, Any] = {}
        uses = Counter(x for node in graph.nodes for x in node.inputs)
        uses.update(self.results)
        self.statements = fuse_statements(
            share_saved_values([statement_of(node, subgraph_function) for node in graph.nodes]), uses
        )
        self.owner = _owners(self.statements, self.given)
        self.fresh = {*donated, *(x for statement in self.statements if not statement.views for x in statement.outputs)}
        self.ends, self.group_ends = self._last_uses()
        self.source = self._write(arguments, len(graph.outputs))
        exec(compile(self.source, "<a graph>", "exec"), self.known)  # noqa: S102  # the text is our own
        self.function = self.known["step"]

    def _last_uses(self) -> tuple[dict[Tensor, int], dict[Tensor, int]]:
        """Return the last statement that uses each tensor, and the last one that uses any tensor in the same memory."""
        ends = last_uses([(statement.inputs, statement.outputs) for statement in self.statements], self.results)
        groups: dict[Tensor, int] = {}
        for x, end in ends.items():
            owner = self.owner.get(x, x)
            groups[owner] = max(groups.get(owner, -1), end)
        return ends, groups

    def _write(self, arguments: Sequence[Sequence[Tensor]], count: int) -> str:
        parameters = [*zip(self.parameters, arguments)]
        rows = [f"def step({', '.join(parameter for parameter, _ in parameters)}):"]
        for parameter, group in parameters:
            if group:
                rows.append(f"    {', '.join(self.names[x] for x in group)}, = {parameter}")
        for number, statement in enumerate(self.statements):
            rows.append("    " + self._render_statement(number, statement))
        outputs, writes = (", ".join(self._result(x)) for x in (self.results[:count], self.results[count:]))
        return "\n".join([*rows, f"    return [{outputs}], [{writes}]"])

    def _render_statement(self, number: int, statement: Statement) -> str:
        operands = [self._name(x) for x in statement.inputs]
        position = self._operand_to_reuse(number, statement)
        text = (
            statement.render(operands, self._global)
            if position is None
            else statement.render_in_place(position, operands, self._global)
        )
        for x in statement.outputs:
            self.names[x] = f"v{len(self.names)}"
        names = ", ".join(self.names[x] for x in statement.outputs)
        dead = [
            x
            for x in dict.fromkeys((*statement.inputs, *statement.outputs))
            if x.value is None and self.ends[x] == number
        ]
        gone = f"; del {', '.join(self.names[x] for x in dead)}" if dead else ""
        return f"{names}{',' if not statement.single else ''} = {text}{gone}"

    def _operand_to_reuse(self, number: int, statement: Statement) -> int | None:
        """Return the position of the operand whose memory takes the result, or None."""
        if statement.all_reusable:
            pairs = zip(statement.reusable, statement.outputs)
            return statement.reusable[0] if all(self._is_free(number, statement, i, out) for i, out in pairs) else None
        return next((i for i in statement.reusable if self._is_free(number, statement, i, statement.outputs[0])), None)

    def _is_free(self, number: int, statement: Statement, position: int, out: Tensor) -> bool:
        """True if an operand's memory can take an output: same type, not shared, and not used afterwards.

        A transposed view of it must not be another operand, which would be overwritten while it is read.
        """
        x = statement.inputs[position]
        ours = x in self.fresh and self.owner.get(x, x) is x
        viewed = any(y is not x and self.owner.get(y, y) is x for y in statement.inputs)
        free = self.group_ends[x] == number and self.ends[x] == number if ours else False
        return free and not viewed and x.type == out.type

    def _name(self, x: Tensor) -> str:
        if x.value is not None:
            return self._global("c", to_tensor(x.value))
        return self.names[x]

    def _global(self, name: str, value: Any) -> str:
        """Put a value into the code's globals and return its name; the same value has the same name."""
        if self.known.get(name) is value:
            return name
        unique = name if name not in self.known else f"{name}_{len(self.known)}"
        self.known[unique] = value
        return unique

    def _result(self, tensors: Sequence[Tensor]) -> list[str]:
        """Return the names of results; those that alias an argument or another result are copied."""
        if self.may_alias:
            return [self._name(x) for x in tensors]
        seen: Counter[Tensor] = Counter(self.owner.get(x, x) for x in self.results)
        own = [x in self.fresh and self.owner.get(x, x) is x and seen[x] == 1 for x in tensors]
        rows = self._global("rows", torch.contiguous_format) if not all(own) else ""
        copy = f".clone(memory_format={rows})"
        return [self._name(x) if ok else f"{self._name(x)}{copy}" for x, ok in zip(tensors, own)]


def _owners(statements: Sequence[Statement], given: Sequence[Tensor]) -> dict[Tensor, Tensor]:
    """Return, for each tensor, the representative of all tensors that may share its memory (union-find)."""
    parent: dict[Tensor, Tensor] = {x: x for x in (*given, *(x for statement in statements for x in statement.outputs))}

    def root(x: Tensor) -> Tensor:
        while parent[x] is not x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for statement in statements:
        shared = [root(x) for x in statement.inputs if x.value is None] if statement.views else []
        for x in (*shared[1:], *statement.outputs) if shared else ():
            parent[root(x)] = shared[0]
    return {x: root(x) for x in parent}
