"""Constructor arguments that many layers share: their descriptions, and how they are kept and used.

The last word of an argument's name is its kind: ``kernel_initializer`` is an initializer, ``bias_regularizer`` a
regularizer. A weight takes the arguments that begin with its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amalthea import activations, constraints, docstrings, initializers, regularizers
from amalthea.engine.ir.variable import Variable
from amalthea.random import SeedGenerator

docstrings.share(
    "activation and bias",
    """
    activation: str, function or layer without weights; applied to the output. Defaults to None, which applies none.
    use_bias: bool; whether a bias is added. Defaults to True.
    """,
)
docstrings.share(
    "kernel and bias",
    """
    kernel_initializer: str, Initializer or function; starting values of the kernel. Defaults to ``"glorot_uniform"``.
    bias_initializer: str, Initializer or function; starting values of the bias. Defaults to ``"zeros"``.
    kernel_regularizer, bias_regularizer: str, Regularizer or function; penalty on the kernel or bias, which training
        adds to the loss. Defaults to None, which adds no penalty.
    kernel_constraint, bias_constraint: str, Constraint or function; projects the kernel or bias after each update by
        the optimizer. Defaults to None, which leaves it as it is.
    """,
)
docstrings.share(
    "activity regularizer",
    """
    activity_regularizer: str, Regularizer or function; penalty on the output, divided by the batch size and added to
        the loss. Defaults to None, which adds no penalty.
    """,
)
docstrings.share(
    "valid or same",
    """
    padding: str; ``"valid"`` uses only windows inside the input, which gives ``(n - reach) // stride + 1`` of them,
        with ``reach = (kernel_size - 1) * dilation_rate + 1``. ``"same"`` adds zeros at both ends and gives
        ``ceil(n / stride)``. Defaults to ``"valid"``.
    """,
)
docstrings.share(
    "gamma and beta",
    """
    center: bool; whether an offset ``beta`` is learned for each feature. Defaults to True.
    scale: bool; whether a factor ``gamma`` is learned for each feature. Defaults to True.
    beta_initializer: str, Initializer or function; starting values of the offset. Defaults to ``"zeros"``.
    gamma_initializer: str, Initializer or function; starting values of the factor. Defaults to ``"ones"``.
    beta_regularizer, gamma_regularizer: str, Regularizer or function; penalty on the offset or factor, which training
        adds to the loss. Defaults to None, which adds no penalty.
    beta_constraint, gamma_constraint: str, Constraint or function; projects the offset or factor after each update by
        the optimizer. Defaults to None, which leaves it as it is.
    """,
)

_READERS = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
    "activation": activations.get,
}


_OF_THE_BASE = {
    "self", "__class__", "kwargs", "activity_regularizer", "autocast", "dtype", "name", "trainable", "weights",
}  # fmt: skip


def keep(layer: Any, arguments: Mapping[str, Any], *, but: Sequence[str] = ()) -> None:
    """Sets an attribute of the layer for each argument of its constructor; names and configs become objects.

    Args:
        layer: the layer.
        arguments: ``locals()`` at the beginning of ``__init__``. Arguments of ``Layer.__init__`` are left out.
        but: arguments that are left out too.
    """
    for name, value in arguments.items():
        if name not in _OF_THE_BASE and name not in but:
            read = _READERS.get(name.rsplit("_", 1)[-1])
            setattr(layer, name, read(value) if read else value)


def seed_generator(seed: Any) -> SeedGenerator:
    """Returns a generator for the argument ``seed``: an int, a generator, or None."""
    return seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)


def weight(
    layer: Any, name: str, shape: Any, stem: str | None = None, initializer: Any = None, **more: Any
) -> Variable:
    """Creates a weight with the initializer, regularizer and constraint that the layer keeps for it.

    Args:
        layer: the layer.
        name: name of the weight.
        shape: its shape.
        stem: beginning of the arguments' names. Defaults to None, which takes ``name``.
        initializer: used in place of the layer's.
        **more: further arguments of ``Layer.add_weight``.
    """
    stem = stem or name
    return layer.add_weight(
        shape,
        initializer or getattr(layer, f"{stem}_initializer"),
        regularizer=getattr(layer, f"{stem}_regularizer", None),
        constraint=getattr(layer, f"{stem}_constraint", None),
        name=name,
        **more,
    )
