"""Layers that are called one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings
from amalthea.configurable import serialize
from amalthea.errors import ArgumentError, brief
from amalthea.layers.calling import parameters
from amalthea.layers.layer import Layer
from amalthea.layers.wrapper import as_layer


class Pipeline(Layer):
    """Calls layers one after the other, for preprocessing of data; any nested data may pass.

    Args:
        layers: list of layers.
        name: str; name of the layer. Defaults to None, which makes one from the class name.

    Call args:
        training: bool; passed to every layer that takes it. Defaults to True.

    Shapes: those of the first layer's input and the last layer's output, such as ``(batch, height, width, channels) ->
        (batch, height, width, channels)``.

    Raises:
        ArgumentError: ``layers`` is not a list of layers.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> pipeline = layers.Pipeline([layers.Rescaling(1 / 255), layers.RandomInvert((1.0, 1.0), (0, 1))])
        >>> np.asarray(pipeline(np.full((1, 1, 1, 1), 51.0, "float32"))).ravel().tolist()
        [0.8]
    """

    layers: Any = docstrings.attribute("The layers, in the order in which they are called.")
    _not_in_config = ("layers",)

    def __init__(self, layers: Sequence[Any], name: str | None = None):
        if not isinstance(layers, (list, tuple)):
            raise ArgumentError("A pipeline is made of layers.", expected="a list of layers", got=brief(layers))
        super().__init__(name=name)
        self.layers = [as_layer(layer) for layer in layers]

    def call(self, inputs: Any, training: bool = True) -> Any:
        for layer in self.layers:
            options = {"training": training} if "training" in parameters(type(layer).call) else {}
            inputs = layer(inputs, **options)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "layers": [serialize(layer) for layer in self.layers]}
