"""Layers that drop something in training, and nothing otherwise."""

from __future__ import annotations

from typing import Any

from amalthea import ops, random
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer


class Dropout(Layer):
    """Sets a fraction of the elements to 0 in training, and scales the rest by ``1 / (1 - rate)``.

    Args:
        rate: the fraction, from 0 up to (not including) 1.
        noise_shape: the shape in which the choice is made; it broadcasts. None stands for the input's own size.
        seed: an int or a SeedGenerator.
    """

    supports_masking = True
    computes_in_floats = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = tuple(noise_shape) if noise_shape is not None else None
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed) if not isinstance(seed, random.SeedGenerator) else seed

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, self.noise(inputs), seed=self.seed_generator)

    def noise(self, inputs: Any) -> Any:
        """The shape in which the choice is made."""
        if self.noise_shape is None:
            return None
        return tuple(d if n is None else n for n, d in zip(self.noise_shape, ops.shape(inputs)))


class SpatialDropout1D(Dropout):
    """Dropout of whole features along time.

    Args:
        rate: the fraction.
        seed: an int or a SeedGenerator.
    """

    def __init__(self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=3)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}

    def noise(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        return (shape[0], 1, shape[2])
