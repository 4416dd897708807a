"""Functions of one tensor that layers take by name: ``Dense(64, activation="relu")``.

Most are the ops of the same name; what is written here differs from its op in a default or an option.
"""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.configurable import Registry
from amalthea.configurable import deserialize as _deserialize
from amalthea.configurable import serialize as _serialize
from amalthea.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)

registry = Registry("activations", "activation")


def linear(x: Any) -> Any:
    """The input itself."""
    return x


def exponential(x: Any) -> Any:
    """``exp(x)``."""
    return ops.exp(x)


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``. Source: Misra, arXiv:1908.08681."""
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


def gelu(x: Any, approximate: bool = False) -> Any:
    """``x`` times the normal distribution function of ``x``. Source: Hendrycks and Gimpel, arXiv:1606.08415."""
    return ops.gelu(x, approximate=approximate)


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``max(x, 0)``, with options.

    Args:
        negative_slope: the slope below the threshold.
        max_value: above it the output stays.
        threshold: below it the input counts as small.

    >>> import numpy as np
    >>> from amalthea import activations
    >>> activations.relu(np.array([-2.0, 1.0, 9.0], "float32"), negative_slope=0.5, max_value=6)
    array([-1.,  1.,  6.], dtype=float32)
    """
    if not negative_slope and max_value is None and not threshold:
        return ops.relu(x)
    x = ops.convert_to_tensor(x)
    kept = ops.where(ops.greater(x, threshold), x, ops.zeros_like(x))
    kept = kept if max_value is None else ops.clip(kept, 0.0, max_value)
    return ops.add(kept, ops.multiply(ops.minimum(ops.subtract(x, threshold), 0.0), negative_slope))


swish, hard_swish = silu, hard_silu

registry.add(silu, "swish")
registry.add(hard_silu, "hard_swish")
_PLAIN = (
    celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_tanh, leaky_relu, linear, log_sigmoid,
    log_softmax, mish, relu, relu6, selu, sigmoid, soft_shrink, softmax, softplus, softsign, sparse_plus,
    sparse_sigmoid, sparsemax, squareplus, tanh, tanh_shrink, threshold,
)  # fmt: skip
for _function in _PLAIN:
    registry.add(_function)


def get(identifier: Any) -> Any:
    """The activation that a name, config dict, callable or layer means; None means ``linear``.

    >>> from amalthea import activations
    >>> activations.get("relu").__name__, activations.get(None).__name__
    ('relu', 'linear')
    """
    if identifier is None:
        return linear
    if isinstance(identifier, dict) and str(identifier.get("module")).startswith("keras.layers"):
        return _deserialize(identifier)
    return registry.get(identifier)


def serialize(activation: Any) -> Any:
    """The name of one of our activations, or a config dict of anything else."""
    return _serialize(activation)


deserialize = registry.deserialize
