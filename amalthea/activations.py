"""Functions of one tensor that layers take by name: ``Dense(64, activation="relu")``.

Most of them are the ops of the same name. The functions defined here differ from their op in a default or an option.
"""

from __future__ import annotations

from typing import Any

from amalthea import docstrings, ops
from amalthea.configurable import Registry
from amalthea.configurable import deserialize as _deserialize
from amalthea.configurable import serialize as _serialize
from amalthea.engine import dtypes
from amalthea.engine.types import TensorLike
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


@docstrings.fill
def linear(x: TensorLike) -> Any:
    """Returns the input unchanged; the activation of a layer with ``activation=None``.

    Args:
        |any tensor|

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea import activations
        >>> activations.linear(np.float32([-2.0, 3.0])).tolist()
        [-2.0, 3.0]
    """
    return x


@docstrings.fill
def exponential(x: TensorLike) -> Any:
    """Computes ``exp(x)``, element by element.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import activations, ops
        >>> ops.convert_to_numpy(activations.exponential([0.0, 1.0])).tolist()
        [1.0, 2.7183]
    """
    return ops.exp(x)


@docstrings.fill
def mish(x: TensorLike) -> Any:
    """Computes ``x * tanh(softplus(x))``, element by element.

    Args:
        |elementwise|

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import activations, ops
        >>> ops.convert_to_numpy(activations.mish([-1.0, 0.0, 1.0])).tolist()
        [-0.3034, 0.0, 0.8651]

    Source: Misra, arXiv:1908.08681.
    """
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


@docstrings.fill
def gelu(x: TensorLike, approximate: bool = False) -> Any:
    """Computes the Gaussian error linear unit: ``x * P(X <= x)``, where X has the standard normal distribution.

    The exact form is ``x * (1 + erf(x / sqrt(2))) / 2``, the approximation is
    ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) / 2``.

    Args:
        |elementwise|
        approximate: bool; True computes the approximation. Defaults to False; :func:`amalthea.ops.gelu` has the other
            default, as in Keras.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import activations
        >>> float(activations.gelu(1.0)), float(activations.gelu(1.0, approximate=True))
        (0.84134, 0.84119)

    Source: Hendrycks and Gimpel, arXiv:1606.08415.
    """
    return ops.gelu(x, approximate=approximate)


@docstrings.fill
def relu(x: TensorLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Computes the rectified linear unit with options: ``max(x, 0)`` by default.

    The result is ``min(x, max_value)`` where ``x > threshold``, and ``negative_slope * (x - threshold)`` elsewhere.

    Args:
        x: TensorLike of any shape and dtype.
        negative_slope: float; the slope below the threshold. Defaults to 0.
        max_value: float from 0; upper bound of the output. Defaults to None, which sets no bound.
        threshold: float; elements up to it count as small. Defaults to 0.

    Shapes:
        any shape -> the same shape

    Example:
        >>> from amalthea import activations, ops
        >>> ops.convert_to_numpy(activations.relu([-2.0, 1.0, 9.0], negative_slope=0.5, max_value=6.0)).tolist()
        [-1.0, 1.0, 6.0]
    """
    if not negative_slope and max_value is None and not threshold:
        return ops.relu(x)
    a = ops.convert_to_tensor(x)
    if max_value is not None and not negative_slope and not threshold and dtypes.is_float(dtypes.name_of(a)):
        return ops.clip(a, 0.0, max_value)
    kept = ops.where(ops.greater(a, threshold), a, ops.zeros_like(a))
    kept = kept if max_value is None else ops.clip(kept, 0.0, max_value)
    return ops.add(kept, ops.multiply(ops.minimum(ops.subtract(a, threshold), 0.0), negative_slope))


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
    """Returns the activation for a name, a config dict, a callable or a layer.

    Args:
        identifier: str such as ``"relu"``; dict made by :func:`serialize`; callable, returned unchanged; or None, which
            means :func:`linear`.

    Returns:
        A callable that takes a tensor.

    Raises:
        UnknownNameError: no activation has this name.
        ArgumentError: the identifier is none of these.

    Example:
        >>> from amalthea import activations
        >>> activations.get("relu") is activations.relu, activations.get(None) is activations.linear
        (True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, dict) and str(identifier.get("module")).startswith("keras.layers"):
        return _deserialize(identifier)
    return registry.get(identifier)


def serialize(activation: Any) -> Any:
    """Turns an activation into plain data for a config.

    Args:
        activation: callable; one of these functions, a registered function of your own, or a layer.

    Returns:
        The name of a built-in activation; a config dict for anything else.

    Raises:
        ArgumentError: the object does not have a config.

    Example:
        >>> from amalthea import activations
        >>> activations.serialize(activations.relu)
        'relu'
    """
    return _serialize(activation)


deserialize = registry.deserialize
