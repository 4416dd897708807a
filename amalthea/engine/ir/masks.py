"""Masks: which time steps of a batch are real. A mask travels with the value that it belongs to.

Layers that support masking pass it on, and so does whatever works element by element: a step counts where it counts in
every input.

A tensor holds its mask itself; for arrays, which take no attributes, it stands in a table that forgets both together.
"""

from __future__ import annotations

import weakref
from typing import Any

from amalthea.engine.ir.tensor import Tensor

_table: dict[int, tuple[Any, Any]] = {}


def mask_of(x: Any) -> Any:
    """The mask that a value carries (bool, ``(batch, time)``), or None."""
    if isinstance(x, Tensor):
        return x._keras_mask
    found = _table.get(id(x))
    return found[1] if found is not None and found[0]() is x else getattr(x, "_keras_mask", None)


def set_mask(x: Any, mask: Any) -> None:
    """Let a value carry a mask."""
    if isinstance(x, Tensor):
        x._keras_mask = mask
        return
    try:
        key = id(x)
        _table[key] = (weakref.ref(x, lambda _: _table.pop(key, None)), mask)
    except TypeError:  # what cannot be referred to weakly carries no mask
        pass
