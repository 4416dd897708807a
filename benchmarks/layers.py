"""Layers as facts, which each library's file reads: what comes out of one, and what weights it has.

Shapes are of one row, channels last; weights are those of Keras.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One that keeps the shape and has no weights."""

    def out(self, shape: Shape) -> Shape:
        return shape

    def weights(self, shape: Shape) -> dict[str, Shape]:
        """Their shapes, for an input of this shape."""
        return {}


@dataclass(frozen=True)
class Relu(Layer):
    pass


@dataclass(frozen=True)
class Dropout(Layer):
    rate: float


@dataclass(frozen=True)
class Flatten(Layer):
    def out(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


@dataclass(frozen=True)
class Average(Layer):
    """The mean over all places: global average pooling."""

    def out(self, shape: Shape) -> Shape:
        return shape[-1:]


@dataclass(frozen=True)
class MaxPool(Layer):
    """Two by two."""

    def out(self, shape: Shape) -> Shape:
        return (shape[0] // 2, shape[1] // 2, shape[2])


@dataclass(frozen=True)
class Dense(Layer):
    units: int

    def out(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def weights(self, shape: Shape) -> dict[str, Shape]:
        return {"kernel": (shape[-1], self.units), "bias": (self.units,)}


@dataclass(frozen=True)
class Conv(Layer):
    """With a bias where it is not padded, as in Keras's example; without one before a normalization."""

    filters: int
    size: int = 3
    stride: int = 1
    padded: bool = False

    def out(self, shape: Shape) -> Shape:
        sides = [-(-n // self.stride) if self.padded else (n - self.size) // self.stride + 1 for n in shape[:2]]
        return (*sides, self.filters)

    def weights(self, shape: Shape) -> dict[str, Shape]:
        kernel = {"kernel": (self.size, self.size, shape[-1], self.filters)}
        return kernel if self.padded else {**kernel, "bias": (self.filters,)}


@dataclass(frozen=True)
class BatchNorm(Layer):
    momentum: float = 0.99
    epsilon: float = 1e-3

    def weights(self, shape: Shape) -> dict[str, Shape]:
        return {"gamma": shape[-1:], "beta": shape[-1:]}


@dataclass(frozen=True)
class LayerNorm(Layer):
    epsilon: float = 1e-3

    def weights(self, shape: Shape) -> dict[str, Shape]:
        return {"gamma": shape[-1:], "beta": shape[-1:]}


@dataclass(frozen=True)
class Embedding(Layer):
    words: int
    width: int

    def out(self, shape: Shape) -> Shape:
        return (*shape, self.width)

    def weights(self, shape: Shape) -> dict[str, Shape]:
        return {"table": (self.words, self.width)}


@dataclass(frozen=True)
class BothWays(Layer):
    """A bidirectional LSTM; every step's output, or that of the last step of each direction. Gates: i, f, c, o."""

    units: int
    sequences: bool

    def out(self, shape: Shape) -> Shape:
        return (shape[0], 2 * self.units) if self.sequences else (2 * self.units,)

    def weights(self, shape: Shape) -> dict[str, Shape]:
        gates = 4 * self.units
        one = {"kernel": (shape[-1], gates), "recurrent_kernel": (self.units, gates), "bias": (gates,)}
        return {f"{direction}_{name}": s for direction in ("forward", "backward") for name, s in one.items()}


@dataclass(frozen=True)
class Attention(Layer):
    """Of a sequence to itself, with several heads that share the width."""

    heads: int

    def weights(self, shape: Shape) -> dict[str, Shape]:
        width = shape[-1]
        parts = ("query", "key", "value", "output")
        return {**{f"{p}_kernel": (width, width) for p in parts}, **{f"{p}_bias": (width,) for p in parts}}


@dataclass(frozen=True)
class Residual(Layer):
    """What the body gives, added to what the shortcut gives, or to the input itself."""

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    def out(self, shape: Shape) -> Shape:
        return out(self.body, shape)


def out(layers: Sequence[Layer], shape: Shape) -> Shape:
    """The shape after all of these."""
    for layer in layers:
        shape = layer.out(shape)
    return shape


def draw(layers: Sequence[Layer], shape: Shape, generator: np.random.Generator) -> list[Any]:
    """First weights: for each layer a dictionary, for a residual two lists, of its body and of its shortcut."""
    found: list[Any] = []
    for layer in layers:
        if isinstance(layer, Residual):
            found.append([draw(part, shape, generator) for part in (layer.body, layer.shortcut)])
        else:
            found.append({name: _first(name, s, generator) for name, s in layer.weights(shape).items()})
        shape = layer.out(shape)
    return found


def _first(name: str, shape: Shape, generator: np.random.Generator) -> np.ndarray:
    if len(shape) == 1:
        return np.full(shape, name == "gamma", "float32")
    window = math.prod(shape[:-2])
    limit = 0.05 if name == "table" else (6 / (window * (shape[-2] + shape[-1]))) ** 0.5
    return generator.uniform(-limit, limit, shape).astype("float32")


def moving(layers: Sequence[Layer], shape: Shape) -> list[tuple[np.ndarray, np.ndarray]]:
    """First moving means and variances, in the order in which a call meets the normalizations."""
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for layer in layers:
        if isinstance(layer, Residual):
            found += moving(layer.body, shape) + moving(layer.shortcut, shape)
        elif isinstance(layer, BatchNorm):
            found.append((np.zeros(shape[-1], "float32"), np.ones(shape[-1], "float32")))
        shape = layer.out(shape)
    return found
