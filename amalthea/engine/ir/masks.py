"""Masks: a bool array ``(batch, time)`` that is True at real time steps and False at padding.

A mask is attached to the value that it describes. Layers that support masking pass it on; elementwise primitives
combine the masks of their inputs with ``and``. A tensor stores its mask as an attribute. Arrays have no attributes, so
their masks are in a table of weak references.
"""

from __future__ import annotations

import weakref
from typing import Any

from amalthea.engine.ir.tensor import Tensor

_table: dict[int, tuple[Any, Any]] = {}


def mask_of(x: Any) -> Any:
    """Return the mask attached to a value (bool, ``(batch, time)``), or None."""
    if isinstance(x, Tensor):
        return x._keras_mask
    found = _table.get(id(x))
    return found[1] if found is not None and found[0]() is x else getattr(x, "_keras_mask", None)


def set_mask(x: Any, mask: Any) -> None:
    """Attach a mask to a value."""
    if isinstance(x, Tensor):
        x._keras_mask = mask
        return
    try:
        key = id(x)
        _table[key] = (weakref.ref(x, lambda _: _table.pop(key, None)), mask)
    except TypeError:  # values without weak references (such as NumPy scalars) do not carry masks
        pass
