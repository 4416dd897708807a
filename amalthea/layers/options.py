"""Constructor arguments that many layers share, kept and used in one way.

An argument's kind is the last word of its name: ``kernel_initializer`` is an initializer, ``bias_regularizer`` a
regularizer. A weight takes those that begin with its stem.
"""

from __future__ import annotations

from typing import Any

from amalthea import activations, constraints, docstrings, initializers, regularizers
from amalthea.errors import ArgumentError

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
    "adapters",
    """
    lora_rank, lora_alpha, quantization_config: must be None; low-rank adapters and quantization are not implemented.
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
