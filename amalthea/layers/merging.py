"""Layers that combine several tensors into one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from amalthea import docstrings, ops
from amalthea.checks import axes_within
from amalthea.engine import shapes
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers.layer import Layer

docstrings.share(
    "merged inputs",
    """
    inputs: list of tensors.
    |layer options|
    """,
)
docstrings.share(
    "merged",
    """
    Shapes: list of ``(batch, ...)`` tensors that broadcast ``-> (batch, ...)``. One with fewer axes gets axes of size 1
        after the batch.

    Raises:
        ArgumentError: the input is not a list, or not of two where two are needed.
    """,
)


class _Merge(Layer):
    """Combines inputs two by two; an input of lower rank gets axes of size 1 after the batch."""

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or not input_shape or not isinstance(input_shape[0], (tuple, list)):
            raise ArgumentError(
                f"{type(self).__name__} takes a list of inputs.", expected="[a, b, ...]", got=input_shape
            )

    def _merge(self, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        rank = max(len(x.shape) for x in inputs)
        return self._finish(reduce(self._merge, [_with_rank(x, rank) for x in inputs]), len(inputs))

    def _finish(self, merged: Any, count: int) -> Any:
        return merged

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns True where all inputs count, because an element depends on each of them."""
        masks = [m for m in mask if m is not None] if isinstance(mask, (list, tuple)) else []
        return reduce(ops.logical_and, masks) if masks else None


def _with_rank(x: Any, rank: int) -> Any:
    shape = ops.shape(x)
    if len(shape) == rank or not shape:
        return x
    return ops.reshape(x, (shape[0], *(1,) * (rank - len(shape)), *shape[1:]))


class Add(_Merge):
    """Adds several inputs, element by element.

    Args:
        |all layer options|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Add()([np.array([[1, 2]]), np.array([[3, 4]])])).tolist()
        [[4, 6]]
    """

    def _merge(self, a: Any, b: Any) -> Any:
        return ops.add(a, b)


class Subtract(_Merge):
    """Subtracts the second of two inputs from the first.

    Args:
        |all layer options|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Subtract()([np.array([[1, 2]]), np.array([[3, 1]])])).tolist()
        [[-2, 1]]
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ArgumentError("Subtract takes two inputs.", got=len(input_shape))

    def _merge(self, a: Any, b: Any) -> Any:
        return ops.subtract(a, b)


class Multiply(_Merge):
    """Multiplies several inputs, element by element.

    Args:
        |all layer options|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Multiply()([np.array([[1, 2]]), np.array([[3, 4]])])).tolist()
        [[3, 8]]
    """

    def _merge(self, a: Any, b: Any) -> Any:
        return ops.multiply(a, b)


class Average(_Merge):
    """Takes the mean of several inputs, element by element.

    Args:
        |all layer options|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Average()([np.array([[1, 2]]), np.array([[4, 4]])])).tolist()
        [[2.5, 3.0]]
    """

    _computes_in_floats = True

    def _merge(self, a: Any, b: Any) -> Any:
        return ops.add(a, b)

    def _finish(self, merged: Any, count: int) -> Any:
        return ops.divide(merged, count)


class Maximum(_Merge):
    """Takes the largest of several inputs, element by element.

    Args:
        |all layer options|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Maximum()([np.array([[1, 5]]), np.array([[3, 4]])])).tolist()
        [[3, 5]]
    """

    def _merge(self, a: Any, b: Any) -> Any:
        return ops.maximum(a, b)


class Minimum(_Merge):
    """Takes the smallest of several inputs, element by element.

    Args:
        |all layer options|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Minimum()([np.array([[1, 5]]), np.array([[3, 4]])])).tolist()
        [[1, 4]]
    """

    def _merge(self, a: Any, b: Any) -> Any:
        return ops.minimum(a, b)


class Concatenate(_Merge):
    """Joins several inputs along one axis.

    Args:
        axis: int; axis along which the inputs are joined. Defaults to -1.
        |layer options|

    Shapes: list of ``(batch, ..., a)``, ``(batch, ..., b) -> (batch, ..., a + b)``; the other sizes are equal.

    Raises:
        ArgumentError: the input is not a list, or ``axis`` is not an axis of it.
        ShapeError: the inputs differ on another axis.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Concatenate()([np.array([[1, 2]]), np.array([[3]])])).tolist()
        [[1, 2, 3]]
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
        """Joins the masks along an axis that masks have; otherwise True where all inputs count."""
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
    """Returns a mask over the first axes of an input, True everywhere if it has none."""
    shape: Any = ops.shape(x)[:rank]
    if mask is None:
        return ops.ones(shape, dtype="bool")
    return ops.broadcast_to(ops.reshape(mask, (*ops.shape(mask), *(1,) * (rank - len(mask.shape)))), shape)


@docstrings.fill
def add(inputs: Sequence[TensorLike], **kwargs: Any) -> Any:
    """Adds several tensors, element by element; the function of :class:`Add`.

    Args:
        |merged inputs|

    |merged|

    Example:
        >>> from amalthea import Input, layers
        >>> layers.add([Input((4,)), Input((4,))]).shape
        (None, 4)
    """
    return Add(**kwargs)(inputs)


@docstrings.fill
def subtract(inputs: Sequence[TensorLike], **kwargs: Any) -> Any:
    """Subtracts the second of two tensors from the first; the function of :class:`Subtract`.

    Args:
        |merged inputs|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.subtract([np.array([[5, 2]]), np.array([[3, 4]])])).tolist()
        [[2, -2]]
    """
    return Subtract(**kwargs)(inputs)


@docstrings.fill
def multiply(inputs: Sequence[TensorLike], **kwargs: Any) -> Any:
    """Multiplies several tensors, element by element; the function of :class:`Multiply`.

    Args:
        |merged inputs|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.multiply([np.array([[5, 2]]), np.array([[3, 4]])])).tolist()
        [[15, 8]]
    """
    return Multiply(**kwargs)(inputs)


@docstrings.fill
def average(inputs: Sequence[TensorLike], **kwargs: Any) -> Any:
    """Takes the mean of several tensors, element by element; the function of :class:`Average`.

    Args:
        |merged inputs|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.average([np.array([[5, 2]]), np.array([[3, 4]])])).tolist()
        [[4.0, 3.0]]
    """
    return Average(**kwargs)(inputs)


@docstrings.fill
def maximum(inputs: Sequence[TensorLike], **kwargs: Any) -> Any:
    """Takes the largest of several tensors, element by element; the function of :class:`Maximum`.

    Args:
        |merged inputs|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.maximum([np.array([[5, 2]]), np.array([[3, 4]])])).tolist()
        [[5, 4]]
    """
    return Maximum(**kwargs)(inputs)


@docstrings.fill
def minimum(inputs: Sequence[TensorLike], **kwargs: Any) -> Any:
    """Takes the smallest of several tensors, element by element; the function of :class:`Minimum`.

    Args:
        |merged inputs|

    |merged|

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.minimum([np.array([[5, 2]]), np.array([[3, 4]])])).tolist()
        [[3, 2]]
    """
    return Minimum(**kwargs)(inputs)


@docstrings.fill
def concatenate(inputs: Sequence[TensorLike], axis: int = -1, **kwargs: Any) -> Any:
    """Joins several tensors along one axis; the function of :class:`Concatenate`.

    Args:
        inputs: list of tensors.
        axis: int; axis along which they are joined. Defaults to -1.
        |layer options|

    Shapes: list of ``(batch, ..., a)``, ``(batch, ..., b) -> (batch, ..., a + b)``; the other sizes are equal.

    Raises:
        ArgumentError: the input is not a list, or ``axis`` is not an axis of it.
        ShapeError: the inputs differ on another axis.

    Example:
        >>> from amalthea import Input, layers
        >>> layers.concatenate([Input((4,)), Input((3,))]).shape
        (None, 7)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
