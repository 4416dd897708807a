"""What a process remembers of models, forgotten; and the inputs that a symbolic tensor comes from."""

from __future__ import annotations

import gc
from typing import Any

from amalthea import configurable, tree
from amalthea.errors import ArgumentError, brief
from amalthea.operation import remembers


def clear_session(free_memory: bool = True) -> None:
    """Begins automatic names anew, and frees what models that are gone still hold.

    Models, layers and optimizers that exist stay as they are.

    Args:
        free_memory: bool; whether Python's garbage collector runs. Defaults to True.

    Example:
        >>> from amalthea import layers, utils
        >>> utils.clear_session()
        >>> layers.Dense(1).name, layers.Dense(1).name
        ('dense', 'dense_1')
    """
    configurable.forget_names()
    if free_memory:
        gc.collect()


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
