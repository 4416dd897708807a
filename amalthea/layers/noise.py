"""Layers that add or multiply noise in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops, random
from amalthea.checks import share_below_one
from amalthea.layers.layer import Layer
from amalthea.layers.options import seed_generator
from amalthea.random import SeedGenerator


class _Noise(Layer):
    """The base of noise layers: seed and strength (0 changes nothing). A subclass implements :meth:`_disturbed`."""

    supports_masking = True
    _computes_in_floats = True

    def _set(self, name: str, value: float, seed: Any) -> None:
        setattr(self, name, value)
        self._strength, self.seed = value, seed
        if value > 0:
            self.seed_generator = seed_generator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self._disturbed(inputs) if training and self._strength > 0 else inputs

    def _disturbed(self, inputs: Any) -> Any:
        raise NotImplementedError

    def _normal(self, inputs: Any, mean: float, stddev: float) -> Any:
        return random.normal(ops.shape(inputs), mean, stddev, dtype=self.compute_dtype, seed=self.seed_generator)


class GaussianNoise(_Noise):
    """Adds normally distributed noise in training: ``inputs + normal(0, stddev)``.

    Args:
        stddev: float, at least 0; standard deviation of the noise.
        |seed|
        |layer options|

    Call args:
        training: bool; whether noise is added. Defaults to False.

    Shapes: any shape; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layer, x = layers.GaussianNoise(0.5, seed=1), np.zeros((1, 1000), "float32")
        >>> round(float(np.std(np.asarray(layer(x, training=True)))), 1), float(np.std(np.asarray(layer(x))))
        (0.5, 0.0)
    """

    def __init__(self, stddev: float, seed: int | SeedGenerator | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set("stddev", stddev, seed)

    def _disturbed(self, inputs: Any) -> Any:
        return ops.add(inputs, self._normal(inputs, 0.0, self.stddev))


class GaussianDropout(_Noise):
    """Multiplies by normally distributed noise around 1 in training: ``inputs * normal(1, sqrt(rate / (1 - rate)))``.

    The noise has the mean and variance of a :class:`Dropout` of the same rate.

    Args:
        rate: float, at least 0 and below 1; rate of the dropout that the noise corresponds to.
        |seed|
        |layer options|

    Call args:
        training: bool; whether noise is used. Defaults to False.

    Shapes: any shape; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> y = np.asarray(layers.GaussianDropout(0.2, seed=1)(np.ones((1, 1000), "float32"), training=True))
        >>> round(float(y.mean()), 1), round(float(y.std()), 1)
        (1.0, 0.5)

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014, section 10.
    """

    _argument_checks = {"rate": share_below_one}

    def __init__(self, rate: float, seed: int | SeedGenerator | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set("rate", rate, seed)

    def _disturbed(self, inputs: Any) -> Any:
        return ops.multiply(inputs, self._normal(inputs, 1.0, (self.rate / (1.0 - self.rate)) ** 0.5))


class AlphaDropout(_Noise):
    """Drops elements in training so that mean and variance stay, for networks with the activation ``selu``.

    Dropped elements become the limit of ``selu`` at minus infinity, ``-1.758``; then all are scaled and shifted:
    ``a * where(kept, inputs, limit) + b`` with ``a = ((1 - rate) * (1 + rate * limit ** 2)) ** -0.5`` and
    ``b = -a * limit * rate``.

    Args:
        rate: float, at least 0 and below 1; fraction of the elements that is dropped.
        |noise shape|
        |seed|
        |layer options|

    Call args:
        training: bool; whether elements are dropped. Defaults to False.

    Shapes: any shape; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.random.default_rng(0).normal(size=(1, 10000)).astype("float32")
        >>> y = np.asarray(layers.AlphaDropout(0.5, seed=1)(x, training=True))
        >>> abs(round(float(y.mean()), 1)), round(float(y.std()), 1)
        (0.0, 1.0)

    Source: Klambauer et al., "Self-normalizing neural networks", 2017.
    """

    _argument_checks = {"rate": share_below_one}

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.noise_shape = tuple(noise_shape) if noise_shape is not None else None
        self._set("rate", rate, seed)

    def _disturbed(self, inputs: Any) -> Any:
        limit = -1.6732632423543772 * 1.0507009873554805
        shape = ops.shape(inputs)
        if self.noise_shape is not None:
            shape = tuple(d if n is None else n for n, d in zip(self.noise_shape, shape))
        kept = ops.greater_equal(random.uniform(shape, seed=self.seed_generator), self.rate)
        mixed = ops.where(kept, inputs, ops.cast(limit, ops.dtype(inputs)))
        scale = ((1.0 - self.rate) * (1.0 + self.rate * limit**2)) ** -0.5
        return ops.add(ops.multiply(mixed, scale), -scale * limit * self.rate)
