"""Labels as one-hot rows, and vectors of unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import config
from amalthea.data.convert import to_array
from amalthea.errors import ArgumentError


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Returns class numbers as one-hot vectors.

    Args:
        x: array of ints, or nested lists; class numbers from 0.
        num_classes: int; length of the vectors. Defaults to None, which takes one more than the largest class.

    Shapes: (batch,) or (batch, 1) -> (batch, num_classes), in ``floatx``.

    Raises:
        ArgumentError: a class is negative, or not below ``num_classes``.

    Example:
        >>> from amalthea import utils
        >>> utils.to_categorical([0, 2, 1]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]

    Source: Keras 3 gives float64.
    """
    classes = np.asarray(x).astype("int64")
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    largest = int(classes.max()) if classes.size else -1
    count = largest + 1 if num_classes is None else num_classes
    if classes.size and (classes.min() < 0 or largest >= count):
        raise ArgumentError(
            "A class number is out of range.",
            expected=f"0 to {count - 1}",
            got=f"{classes.min()} to {largest}",
            cure="labels counted from 0, and num_classes large enough",
        )
    return (classes[..., None] == np.arange(count)).astype(config.floatx())


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divides vectors by their length; a vector of length 0 stays as it is.

    Args:
        x: array.
        axis: int; the axis of the vectors. Defaults to -1, the last one.
        order: int above 0; order of the norm. Defaults to 2, the Euclidean length; 1 is the sum of absolute values.

    Shapes: any shape -> the same shape.

    Raises:
        ArgumentError: ``order`` is not positive.

    Example:
        >>> from amalthea import utils
        >>> utils.normalize([[3.0, 4.0], [0.0, 0.0]]).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    if not order > 0:
        raise ArgumentError("The order of a norm is positive.", got=order)
    array = to_array(x)
    array = array if array.dtype.kind == "f" else array.astype(config.floatx())
    length = np.linalg.norm(array[None] if array.ndim == 0 else array, ord=order, axis=axis, keepdims=True)
    return array / np.where(length == 0, 1, length).astype(array.dtype)
