"""Running a function that assigns variables as a pure function of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from amalthea.engine.ir import versions
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.trace import Trace, as_tensor, runtime_array
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError


def call_stateless(
    function: Callable[[], Any], variables: Sequence[Variable], values: Sequence[Any]
) -> tuple[Any, list[Any]]:
    """Call ``function()`` with variables set to the given values; return its result and the variables' new values.

    The variables themselves do not change, inside a trace or outside.

    Raises:
        ArgumentError: the numbers of variables and values differ.
    """
    if len(variables) != len(values):
        raise ArgumentError("Each variable needs a value.", expected=len(variables), got=len(values))
    trace = current_trace()
    known = _in_trace(_root(trace), variables, values) if trace else versions.apart(_arrays(variables, values))
    with known:
        result = function()
        return result, [v.value for v in variables]


def _root(trace: Trace) -> Trace:
    return _root(trace.parent) if trace.parent else trace


def _arrays(variables: Sequence[Variable], values: Sequence[Any]) -> dict[Variable, Any]:
    return {v: runtime_array(value, v.dtype) for v, value in zip(variables, values)}


@contextmanager
def _in_trace(trace: Trace, variables: Sequence[Variable], values: Sequence[Any]) -> Iterator[None]:
    before = {v: trace.values[v] for v in variables if v in trace.values}
    trace.values.update((v, as_tensor(value)) for v, value in zip(variables, values))
    try:
        yield
    finally:
        for variable in variables:
            del trace.values[variable]
        trace.values.update(before)
