"""Dropout: elements or channels that are set to 0 at random in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings, ops, random
from amalthea.layers.input_spec import InputSpec
from amalthea.layers.layer import Layer
from amalthea.layers.options import seed_generator
from amalthea.random import SeedGenerator

docstrings.share(
    "noise shape",
    """
    noise_shape: sequence of int and None; shape of the random choice, which broadcasts to the input: an axis of size 1
        drops or keeps all its elements together, None takes the size of the input. Defaults to None, which chooses for
        each element.
    """,
)
docstrings.share(
    "spatial dropout",
    """
    rate: float from 0 to 1; fraction of the channels that is dropped.
    |seed|
    name: str; name of the layer. Defaults to None, which makes one from the class name.
    dtype: str or DTypePolicy; dtype policy of the layer. Defaults to None, which takes the global policy.
    """,
)


class Dropout(Layer):
    """Sets a random fraction of the elements to 0 in training, and scales the others by ``1 / (1 - rate)``.

    Outside training the input passes unchanged.

    Args:
        rate: float from 0 to 1; fraction of the elements that is dropped.
        |noise shape|
        |seed|
        |layer options|

    Call args:
        training: bool; whether elements are dropped. Defaults to False.

    Shapes: any shape; the output has the same.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.ones((1, 1000), "float32")
        >>> y = np.asarray(layers.Dropout(0.75, seed=1)(x, training=True))
        >>> np.unique(y).tolist(), bool(200 < np.sum(y > 0) < 300)
        ([0.0, 4.0], True)

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """

    supports_masking = True
    _computes_in_floats = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = tuple(noise_shape) if noise_shape is not None else None
        self.seed = seed
        if rate > 0:
            self.seed_generator = seed_generator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, self._noise(inputs), seed=self.seed_generator)

    def _noise(self, inputs: Any) -> Any:
        """Returns the shape of the random choice; None is the shape of the inputs."""
        if self.noise_shape is None:
            return None
        return tuple(d if n is None else n for n, d in zip(self.noise_shape, ops.shape(inputs)))


class SpatialDropout1D(Dropout):
    """Drops whole channels of sequences in training, and scales the others by ``1 / (1 - rate)``.

    Args:
        |spatial dropout|

    Call args:
        training: bool; whether channels are dropped. Defaults to False.

    Shapes: ``(batch, steps, channels) -> (batch, steps, channels)``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> y = np.asarray(layers.SpatialDropout1D(0.5, seed=1)(np.ones((2, 5, 8), "float32"), training=True))
        >>> bool((y == y[:, :1]).all())
        True

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """

    def __init__(
        self, rate: float, seed: int | SeedGenerator | None = None, name: str | None = None, dtype: Any = None
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=3)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}

    def _noise(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        return (shape[0], 1, shape[2])
