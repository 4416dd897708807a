"""The modes 1 and 2 of Keras 1's BatchNormalization."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.layers.layer import Layer
from amalthea.layers.normalization import BatchNormalization
from amalthea.layers.options import keep, weight


class BatchStatisticsNormalization(BatchNormalization):
    """Batch normalization by the moments of the batch at hand, in prediction too; mode 2 of Keras 1.

    Args:
        **kwargs: arguments of :class:`BatchNormalization`.

    Shapes: ``(batch, ..., features) -> (batch, ..., features)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import BatchStatisticsNormalization
        >>> np.asarray(BatchStatisticsNormalization()(np.float32([[1], [3]]))).round(2).tolist()
        [[-1.0], [1.0]]
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        if training:
            return super().call(inputs, True, mask)
        rank = len(inputs.shape)
        mean, variance = ops.moments(inputs, [axis for axis in range(rank) if axis != self.axis % rank])
        return ops.batch_normalization(inputs, mean, variance, self.axis, self.beta, self.gamma, self.epsilon)


class SampleNormalization(Layer):
    """Normalizes each example along its last axis; mode 1 of Keras 1's BatchNormalization.

    ``output = gamma * (x - mean) / (sqrt(variance + epsilon) + epsilon) + beta``

    Args:
        axis: -1, the only value.
        epsilon: float, at least 0. Defaults to 0.001.
        |gamma and beta|
        moving_variance_initializer: accepted for Keras 1, and not used.
        |layer options|

    Shapes: ``(batch, ..., features) -> (batch, ..., features)``.

    Example:
        >>> import numpy as np
        >>> from amalthea.layers.legacy import SampleNormalization
        >>> np.asarray(SampleNormalization()(np.float32([[1, 3]]))).round(2).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 0.001,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        moving_variance_initializer: Any = "ones",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        keep(self, locals())

    def build(self, input_shape: Any) -> None:
        self.gamma = weight(self, "gamma", (input_shape[-1],))
        self.beta = weight(self, "beta", (input_shape[-1],))
        for name, start in (("moving_mean", "zeros"), ("moving_variance", self.moving_variance_initializer)):
            setattr(self, f"_{name}", self.add_weight((input_shape[-1],), start, trainable=False, name=name))

    def call(self, inputs: Any) -> Any:
        mean, variance = ops.moments(inputs, -1, keepdims=True)
        deviation = ops.add(ops.sqrt(ops.add(variance, self.epsilon)), self.epsilon)
        normal = ops.divide(ops.subtract(inputs, mean), deviation)
        return ops.add(ops.multiply(normal, self.gamma), self.beta)
