"""Functions of users that call a library's own functions, tried on tensors first and as one native call then."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import tree
from amalthea.engine.backends import foreign
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.engine.stateless import call_stateless
from amalthea.errors import AmaltheaError, NoArrayError
from amalthea.ops.base import is_array
from amalthea.ops.native import native_call


def call_on_arrays(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Makes a native call whose inputs are the tensors among the arguments; other leaves are passed as they are."""
    structure = (list(args), kwargs)
    leaves = tree.flatten(structure)
    indices = [i for i, x in enumerate(leaves) if isinstance(x, (Tensor, Variable)) or is_array(x)]

    def on_leaves(arrays: Sequence[Any]) -> Any:
        full = dict(zip(indices, arrays))
        args, kwargs = tree.pack_sequence_as(structure, [full.get(i, x) for i, x in enumerate(leaves)])
        return function(*args, **kwargs)

    return native_call(on_leaves, [leaves[i] for i in indices])


def attempt(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Any, otherwise: Callable[[Exception], Any]
) -> Any:
    """Calls a function; if it fails, takes back what it assigned in the trace, and returns ``otherwise(error)``."""
    trace = current_trace()
    mark = trace.mark() if trace is not None else 0
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if trace is not None:
            trace.undo(mark)
        return otherwise(error)


def call_or_native(
    function: Callable[..., Any], *args: Any, variables: Callable[[], Sequence[Variable]] = tuple, **kwargs: Any
) -> Any:
    """Calls a function of a user's on tensors; if that fails in a function of a library, as one native call.

    ``variables`` returns those that the function may read or assign.
    """
    return attempt(function, args, kwargs, lambda e: tried_natively(e, function, args, kwargs, variables()))


def tried_natively(
    error: Exception, function: Callable[..., Any], args: Sequence[Any], kwargs: Any, variables: Sequence[Variable] = ()
) -> Any:
    """Makes one native call of a function that raised ``error`` when it was called on tensors.

    Functions of the backend's library (``torch.exp``, ``jnp.exp``) take that library's arrays, and not tensors. Errors
    of ours, such as those about shapes, are raised again at once.

    Args:
        error: the exception, from an ``except`` block.
        function: callable; may read and assign ``variables``.
        args: list or tuple of arguments, with tensors in any nesting.
        kwargs: dict of arguments by name.
        variables: list of the variables that the function may use. Defaults to none.

    Raises:
        Exception: ``error``, if the function fails as a native call too.
    """
    if not _in_library(error, args, kwargs):
        raise error
    try:
        return _with_state(function, args, kwargs, variables)
    except Exception as again:
        error._tried_natively = True  # type: ignore[attr-defined]
        raise error from again


def _in_library(error: Exception, args: Any, kwargs: Any) -> bool:
    """Returns whether an error may come from a library's function that was given a tensor."""
    if isinstance(error, AmaltheaError) and not isinstance(error, NoArrayError):
        return False
    if getattr(error, "_tried_natively", False) or "native_call" in runtime.gaps:
        return False
    return current_trace() is not None or any(isinstance(x, Tensor) for x in tree.flatten((args, kwargs)))


def _with_state(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], variables: Sequence[Variable]
) -> Any:
    """Makes a native call of a function with its variables as further inputs, and assigns what it assigned."""

    def pure(values: Sequence[Any], args: Any, kwargs: Any) -> Any:
        outputs, after = call_stateless(lambda: function(*args, **kwargs), variables, values)
        return outputs, {i: v for i, (old, v) in enumerate(zip(values, after)) if v is not old}

    outputs, assigned = call_on_arrays(pure, ([v.value for v in variables], list(args), kwargs), {})
    for i, value in assigned.items():
        variables[i].assign(value)
    return outputs


foreign.install(call_on_arrays, lambda name: getattr(importlib.import_module("amalthea.ops"), name, None))
