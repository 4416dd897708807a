"""A wrapper that keeps the largest singular value of a kernel at 1."""

from __future__ import annotations

from typing import Any

from amalthea import initializers, ops
from amalthea.errors import ArgumentError
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.wrapper import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value, at each call in training.

    The singular value is estimated by power iteration, from a vector that is kept between calls:
    ``v = unit(u @ transpose(W))``, ``u = unit(v @ W)``, ``s = v @ W @ transpose(u)``, ``W = W / s``.

    Args:
        layer: Layer with a ``kernel`` or ``embeddings``.
        power_iterations: int, at least 1; improvements of the estimate at each call. Defaults to 1.
        |layer options|

    Call args:
        training: bool; whether the kernel is divided. Defaults to False.

    Shapes: those of the wrapped layer, such as ``(batch, features) -> (batch, units)``.

    Raises:
        ArgumentError: the layer has neither a ``kernel`` nor ``embeddings``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer = layers.SpectralNormalization(layers.Dense(1, kernel_initializer="ones", use_bias=False))
        >>> y = layer(np.ones((1, 4), "float32"), training=True)
        >>> layer.layer.kernel.numpy().ravel().tolist()
        [0.5, 0.5, 0.5, 0.5]

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018. The gradient is that of
        the loss of ``W / s(W)`` at the undivided kernel; Keras on JAX forgets the divided kernel after each step.
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.power_iterations = power_iterations

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))
        name = next((n for n in ("kernel", "embeddings") if hasattr(self.layer, n)), None)
        if name is None:
            raise ArgumentError(
                f"Layer '{self.layer.name}' has nothing to normalise.",
                expected="a `kernel` or `embeddings`",
                got=self.layer,
            )
        self.kernel = getattr(self.layer, name)
        start = initializers.TruncatedNormal(stddev=0.02)
        self.vector_u = self.add_weight((1, self.kernel.shape[-1]), start, trainable=False, name="vector_u")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self._normalize_weights()
        return self.layer(inputs)

    def _normalize_weights(self) -> None:
        """Divides the kernel by the estimate of its largest singular value, and improves the estimate."""
        matrix = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        across, u = ops.transpose(matrix), self.vector_u.value
        v: Any = None
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, across))
            u = _unit(ops.matmul(v, matrix))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        stretch = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
        stretch = ops.where(ops.equal(stretch, 0.0), ops.ones_like(stretch), stretch)  # a kernel of zeros stays
        self.vector_u.assign(u)
        self.kernel.assign(ops.reshape(ops.divide(matrix, stretch), self.kernel.shape))


def _unit(x: Any) -> Any:
    return ops.normalize(x, axis=None, epsilon=1e-12)
