"""Lowerings of branches and loops. Their subgraphs are compiled to :class:`Function` before these are called."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine.backends.pytensor.function import Function
from amalthea.engine.backends.pytensor.operators import SubgraphCall
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import control


def _cond(predicate: Any, *operands: Any, true_graph: Function, false_graph: Function) -> list[Any]:
    def run(chosen: Any, *values: Any) -> Any:
        return (true_graph if chosen else false_graph)(*values)

    return SubgraphCall(run, true_graph.types).make_node(predicate, *operands).outputs


def _while_loop(*operands: Any, condition: Function, body: Function, captures: int) -> list[Any]:
    def run(*values: Any) -> Any:
        fixed, carry = values[:captures], values[captures:]
        while condition(*fixed, *carry)[0]:
            carry = body(*fixed, *carry)
        return carry

    return SubgraphCall(run, body.types).make_node(*operands).outputs


def _scan(*operands: Any, body: Function, captures: int, carries: int, length: int, reverse: bool) -> list[Any]:
    last, each = body.types[:carries], body.types[carries:]

    def run(*values: Any) -> Any:
        fixed, carry = values[:captures], values[captures : captures + carries]
        sequences = values[captures + carries :]
        kept: list[Any] = [None] * length
        for i in range(length)[::-1] if reverse else range(length):
            outputs = body(*fixed, *carry, *(np.asarray(x[i]) for x in sequences))
            carry, kept[i] = outputs[:carries], outputs[carries:]
        return (*carry, *control.stack_steps(kept, each))

    stacked = [Type((length, *t.shape), t.dtype) for t in each]
    return SubgraphCall(run, [*last, *stacked]).make_node(*operands).outputs


def _native_call(*operands: Any, function: Any, types: Any) -> list[Any]:
    """Call a function of NumPy arrays."""
    return SubgraphCall(lambda *values: tuple(function(*values)), types).make_node(*operands).outputs


CONTROL_LOWERINGS = {
    control.native_call: _native_call,
    control.cond: _cond,
    control.while_loop: _while_loop,
    control.scan: _scan,
}
