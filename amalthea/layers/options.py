"""Constructor arguments that many layers share, kept and used in one way.

An argument's kind is the last word of its name: ``kernel_initializer`` is an initializer, ``bias_regularizer`` a
regularizer. A weight takes those that begin with its stem.
"""

from __future__ import annotations

from typing import Any

from amalthea import activations, constraints, initializers, regularizers
from amalthea.errors import ArgumentError

_READERS = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
    "activation": activations.get,
}


def keep(layer: Any, **options: Any) -> None:
    """Set attributes of the layer; what a name or config dict stands for is looked up by the argument's last word."""
    for name, value in options.items():
        read = _READERS.get(name.rsplit("_", 1)[-1])
        setattr(layer, name, read(value) if read else value)


def refuse_adapters(*given: Any) -> None:
    """:class:`ArgumentError` for arguments of low-rank adapters and quantization that are not None."""
    if any(value is not None for value in given):
        raise ArgumentError("Low-rank adapters and quantization do not exist yet.", cure="leave the argument out")


def weight(layer: Any, name: str, shape: Any, stem: str | None = None, **more: Any) -> Any:
    """A weight with the initializer, regularizer and constraint that the layer keeps for it."""
    stem = stem or name
    return layer.add_weight(
        shape,
        getattr(layer, f"{stem}_initializer"),
        regularizer=getattr(layer, f"{stem}_regularizer", None),
        constraint=getattr(layer, f"{stem}_constraint", None),
        name=name,
        **more,
    )
