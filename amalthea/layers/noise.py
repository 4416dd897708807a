"""Layers that disturb their input in training, and leave it alone otherwise."""

from __future__ import annotations

from typing import Any

from amalthea import ops, random
from amalthea.layers.layer import Layer


class _Noise(Layer):
    """Keeps the seed; a subclass says :meth:`disturbed`, and how strong (nothing happens at 0)."""

    supports_masking = True
    computes_in_floats = True

    def _set(self, name: str, value: float, seed: Any) -> None:
        setattr(self, name, value)
        self.strength, self.seed = value, seed
        if value > 0:
            self.seed_generator = seed if isinstance(seed, random.SeedGenerator) else random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.disturbed(inputs) if training and self.strength > 0 else inputs

    def disturbed(self, inputs: Any) -> Any:
        raise NotImplementedError

    def _normal(self, inputs: Any, mean: float, stddev: float) -> Any:
        return random.normal(ops.shape(inputs), mean, stddev, dtype=self.compute_dtype, seed=self.seed_generator)


class GaussianNoise(_Noise):
    """Adds noise of the normal distribution, in training.

    Args:
        stddev: its standard deviation.
        seed: an int or a SeedGenerator.
    """

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set("stddev", stddev, seed)

    def disturbed(self, inputs: Any) -> Any:
        return ops.add(inputs, self._normal(inputs, 0.0, self.stddev))


class GaussianDropout(_Noise):
    """Multiplies by noise around 1, in training.

    Args:
        rate: the noise has the standard deviation ``sqrt(rate / (1 - rate))``, that of a dropout of this rate.
        seed: an int or a SeedGenerator.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014, section 10.
    """

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set("rate", rate, seed)

    def disturbed(self, inputs: Any) -> Any:
        return ops.multiply(inputs, self._normal(inputs, 1.0, (self.rate / (1.0 - self.rate)) ** 0.5))


class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance, for networks of ``selu``.

    What is dropped becomes selu's limit at minus infinity; then all is scaled and shifted back.

    Args:
        rate: the fraction that is dropped.
        noise_shape: the shape in which the choice is made; it broadcasts. None stands for the input's own size.
        seed: an int or a SeedGenerator.

    Source: Klambauer et al., "Self-normalizing neural networks", 2017.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.noise_shape = tuple(noise_shape) if noise_shape is not None else None
        self._set("rate", rate, seed)

    def disturbed(self, inputs: Any) -> Any:
        limit = -1.6732632423543772 * 1.0507009873554805
        shape = ops.shape(inputs)
        if self.noise_shape is not None:
            shape = tuple(d if n is None else n for n, d in zip(self.noise_shape, shape))
        kept = ops.greater_equal(random.uniform(shape, seed=self.seed_generator), self.rate)
        mixed = ops.where(kept, inputs, ops.cast(limit, ops.dtype(inputs)))
        scale = ((1.0 - self.rate) * (1.0 + self.rate * limit**2)) ** -0.5
        return ops.add(ops.multiply(mixed, scale), -scale * limit * self.rate)
