"""Activations of Keras 1 and 2 that today's Keras has no more, or has with other numbers."""

from __future__ import annotations

from typing import Any

from amalthea import activations, ops
from amalthea.engine.types import TensorLike
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight


@activations.registry.add
def keras2_hard_sigmoid(x: TensorLike) -> Any:
    """Returns ``clip(0.2 * x + 0.5, 0, 1)``: the hard sigmoid of Keras 1 and 2. Keras 3's is ``relu6(x + 3) / 6``.

    Args:
        x: tensor of any shape.

    Shapes:
        any shape -> the same shape

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import keras2_hard_sigmoid
        >>> keras2_hard_sigmoid(np.float32([-3.0, 0.0, 1.0])).round(2).tolist()
        [0.0, 0.5, 0.699999988079071]
    """
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


class ParametricSoftplus(Layer):
    """Computes ``alpha * log(1 + exp(beta * x))``, with ``alpha`` and ``beta`` learned for each feature.

    Args:
        alpha: float; first value of ``alpha``. Defaults to 0.2.
        beta: float; first value of ``beta``. Defaults to 5.0.
        shared_axes: list of int; axes along which one value is learned, counted from 1. Defaults to None, no axes.
        |layer options|

    Shapes: ``(batch, ...) -> (batch, ...)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import ParametricSoftplus
        >>> np.asarray(ParametricSoftplus(1.0, 1.0)(np.zeros((1, 1), "float32"))).round(3).tolist()
        [[0.6930000185966492]]
    """

    supports_masking = True

    def __init__(self, alpha: float = 0.2, beta: float = 5.0, shared_axes: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha, self.beta, self.shared_axes = alpha, beta, shared_axes

    def build(self, input_shape: Any) -> None:
        shape = _one_along(input_shape, self.shared_axes)
        self._alphas = self.add_weight(shape, lambda s, dtype=None: ops.full(s, self.alpha, dtype), name="alpha")
        self._betas = self.add_weight(shape, lambda s, dtype=None: ops.full(s, self.beta, dtype), name="beta")

    def call(self, inputs: Any) -> Any:
        return ops.multiply(self._alphas, ops.softplus(ops.multiply(self._betas, inputs)))


class SReLU(Layer):
    """Computes an S-shaped function of three straight pieces, which is learned for each feature.

    ``tr + ar * (x - tr)`` above ``tr = t_left + abs(t_right)``, ``x`` between, ``tl + al * (x - tl)`` below
    ``tl = t_left``.

    Args:
        t_left_initializer, a_left_initializer, t_right_initializer, a_right_initializer: str, Initializer or function;
            first values. Default to ``"zeros"``, ``"glorot_uniform"``, ``"glorot_uniform"`` and ``"ones"``.
        shared_axes: list of int; axes along which one value is learned, counted from 1. Defaults to None, no axes.
        |layer options|

    Shapes: ``(batch, ...) -> (batch, ...)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import SReLU
        >>> layer = SReLU(a_left_initializer="zeros", t_right_initializer="ones")
        >>> np.asarray(layer(np.float32([[-2.0, 0.5, 3.0]]))).tolist()
        [[0.0, 0.5, 3.0]]

    Source: Jin et al., "Deep learning with S-shaped rectified linear activation units", 2015.
    """

    supports_masking = True

    def __init__(
        self,
        t_left_initializer: Any = "zeros",
        a_left_initializer: Any = "glorot_uniform",
        t_right_initializer: Any = "glorot_uniform",
        a_right_initializer: Any = "ones",
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())

    def build(self, input_shape: Any) -> None:
        shape = _one_along(input_shape, self.shared_axes)
        for name in ("t_left", "a_left", "t_right", "a_right"):
            setattr(self, f"_{name}", weight(self, name, shape))

    def call(self, inputs: Any) -> Any:
        low = self._t_left.value
        high = ops.add(low, ops.abs(self._t_right))
        below = ops.minimum(ops.subtract(inputs, low), 0.0)
        above = ops.maximum(ops.subtract(inputs, high), 0.0)
        between = ops.clip(inputs, low, high)
        return ops.add(between, ops.add(ops.multiply(self._a_left, below), ops.multiply(self._a_right, above)))


def _one_along(input_shape: Any, shared_axes: Any) -> tuple[int, ...]:
    """The shape of a parameter: that of an example, with 1 along shared axes."""
    shared = shared_axes if isinstance(shared_axes, (list, tuple)) else [] if shared_axes is None else [shared_axes]
    return tuple(1 if i in shared else size for i, size in enumerate(input_shape[1:], 1))
