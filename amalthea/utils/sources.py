"""The inputs that a symbolic tensor comes from."""

from __future__ import annotations

from typing import Any

from amalthea import tree
from amalthea.errors import ArgumentError, brief
from amalthea.operation import remembers


def get_source_inputs(tensor: Any) -> list[Any]:
    """Returns the symbolic inputs from which a symbolic tensor is computed.

    Args:
        tensor: symbolic tensor of a model.

    Raises:
        ArgumentError: it does not come from an ``Input``.

    Example:
        >>> from amalthea import Input, layers, utils
        >>> x = Input((3,), name="x")
        >>> [t.name for t in utils.get_source_inputs(layers.Dense(1)(x))]
        ['x']
    """
    if not remembers(tensor):
        raise ArgumentError("This does not come from an Input.", expected="a symbolic tensor", got=brief(tensor))
    found: dict[Any, None] = {}
    seen: set[Any] = set()
    stack = [tensor]
    while stack:
        call = stack.pop().history.call
        if call in seen:
            continue
        seen.add(call)
        if not call.inputs:
            found.update(dict.fromkeys(tree.flatten(call.outputs)))
        stack += reversed(call.inputs)
    return list(found)
