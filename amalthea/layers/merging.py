"""Layers that make one tensor of several."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from functools import reduce
from typing import Any

from amalthea import ops
from amalthea.checks import axes_within
from amalthea.engine import shapes
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.layer import Layer


class _Merge(Layer):
    """Combines inputs two by two. Ranks may differ: a lower one is given axes of size 1 behind the batch."""

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or not input_shape or not isinstance(input_shape[0], (tuple, list)):
            raise ArgumentError(
                f"{type(self).__name__} takes a list of inputs.", expected="[a, b, ...]", got=input_shape
            )

    def merge(self, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        rank = max(len(x.shape) for x in inputs)
        return self.finish(reduce(self.merge, [_with_rank(x, rank) for x in inputs]), len(inputs))

    def finish(self, merged: Any, count: int) -> Any:
        return merged

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """True where all inputs count: an element depends on each."""
        masks = [m for m in mask if m is not None] if isinstance(mask, (list, tuple)) else []
        return reduce(ops.logical_and, masks) if masks else None


def _with_rank(x: Any, rank: int) -> Any:
    shape = ops.shape(x)
    if len(shape) == rank or not shape:
        return x
    return ops.reshape(x, (shape[0], *(1,) * (rank - len(shape)), *shape[1:]))


class Add(_Merge):
    """The sum of the inputs.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> layers.Add()([np.float32([[1, 2]]), np.float32([[3, 4]])])
        array([[4., 6.]], dtype=float32)
    """

    def merge(self, a: Any, b: Any) -> Any:
        return ops.add(a, b)


class Subtract(_Merge):
    """The first input minus the second."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ArgumentError("Subtract takes two inputs.", got=len(input_shape))

    def merge(self, a: Any, b: Any) -> Any:
        return ops.subtract(a, b)


class Multiply(_Merge):
    """The product of the inputs, element by element."""

    def merge(self, a: Any, b: Any) -> Any:
        return ops.multiply(a, b)


class Average(_Merge):
    """The mean of the inputs, element by element."""

    computes_in_floats = True

    def merge(self, a: Any, b: Any) -> Any:
        return ops.add(a, b)

    def finish(self, merged: Any, count: int) -> Any:
        return ops.divide(merged, count)


class Maximum(_Merge):
    """The largest of the inputs, element by element."""

    def merge(self, a: Any, b: Any) -> Any:
        return ops.maximum(a, b)


class Minimum(_Merge):
    """The smallest of the inputs, element by element."""

    def merge(self, a: Any, b: Any) -> Any:
        return ops.minimum(a, b)


class Concatenate(_Merge):
    """The inputs one after the other along an axis.

    Args:
        axis: the axis; every other one has the same size in all inputs.
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        axes_within(self.axis, len(input_shape[0]), f"'{self.name}'")
        axis = self.axis % len(input_shape[0])
        rests = {tuple(d for i, d in enumerate(shape) if i != axis and d is not None) for shape in input_shape}
        if len({len(shape) for shape in input_shape}) > 1 or (len(rests) > 1 and len(set(map(len, rests))) == 1):
            raise ShapeError(
                f"The inputs of '{self.name}' differ on more than axis {self.axis}.",
                expected="equal sizes on all other axes",
                got=" and ".join(shapes.show(shape) for shape in input_shape),
            )

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Joined too along an axis that masks have; else True where all inputs count."""
        masks = mask if isinstance(mask, (list, tuple)) else []
        given = [m for m in masks if m is not None]
        if not given:
            return None
        rank: int = max(len(m.shape) for m in given)
        if self.axis % len(inputs[0].shape) >= rank:
            return reduce(ops.logical_and, given)
        whole = [_full_mask(m, x, rank) for m, x in zip(masks, inputs)]
        return ops.concatenate(whole, axis=self.axis % len(inputs[0].shape))


def _full_mask(mask: Any, x: Any, rank: int) -> Any:
    """A mask over the first axes of an input, True where there is none."""
    shape: Any = ops.shape(x)[:rank]
    if mask is None:
        return ops.ones(shape, dtype="bool")
    return ops.broadcast_to(ops.reshape(mask, (*ops.shape(mask), *(1,) * (rank - len(mask.shape)))), shape)


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of the inputs."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first input minus the second."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of the inputs."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of the inputs."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of the inputs."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of the inputs."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The inputs one after the other."""
    return Concatenate(axis=axis, **kwargs)(inputs)
