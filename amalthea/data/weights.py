"""``class_weight`` turned into sample weights."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from amalthea import config, tree
from amalthea.checks import as_number, non_negative_number
from amalthea.errors import ArgumentError, DataError, ShapeError


def weigh(y: Any, sample_weight: Any, class_weight: dict[int, float] | None) -> Any:
    """``sample_weight``, multiplied by the weight of each example's class where ``class_weight`` is given.

    Difference from Keras: both may be given at once, and a class that occurs must have a weight.

    Shapes: y (n,), (n, 1) or one-hot (n, classes); the result (n,). With one label for each step, y (n, time, 1),
        one-hot (n, time, classes), or (n, time) where :class:`ClassWeights` tells class numbers from one-hot labels;
        the result (n, time). ``sample_weight`` may have fewer axes or more.

    Raises:
        DataError: y is missing, there are several outputs, labels are not classes, or a class in y is not a key.

    >>> weigh(np.array([0, 1, 1]), None, {0: 1.0, 1: 5.0}).tolist()
    [1.0, 5.0, 5.0]
    """
    if class_weight is None:
        return sample_weight
    if y is None or tree.is_nested(y):
        got = "no y" if y is None else f"a {type(y).__name__} of {len(y)} outputs"
        raise DataError("class_weight needs the labels of one output.", got=got, cure="pass sample_weight instead")
    weights = _weight_of_each(_classes(y, class_weight), class_weight)
    if sample_weight is None:
        return weights
    if tree.is_nested(sample_weight):
        raise ShapeError(
            "class_weight fits one array of sample weights, not several.", got=type(sample_weight).__name__
        )
    rank = max(sample_weight.ndim, weights.ndim)
    first, second = (a.reshape(*a.shape, *[1] * (rank - a.ndim)) for a in (sample_weight, weights))
    return first * second


class ClassWeights(dict[int, float]):
    """Weights of classes, with the number of axes of labels that are class numbers.

    Args:
        class_weight: dict from class to weight.
        rank: int; axes of labels that are class numbers, without a last axis of size 1. Defaults to None: all labels
            are class numbers.

    Example:
        >>> import numpy as np
        >>> from amalthea import data
        >>> weights = data.ClassWeights({0: 1.0, 1: 5.0}, rank=1)
        >>> weights.are_numbers(np.zeros(3)), weights.are_numbers(np.zeros((3, 2)))
        (True, False)
    """

    def __init__(self, class_weight: dict[int, float], rank: int | None = None):
        super().__init__(class_weight)
        self.rank = rank

    def are_numbers(self, y: np.ndarray) -> bool:
        """Whether such labels are class numbers."""
        return self.rank is None or y.ndim == self.rank


def check_class_weight(class_weight: Any) -> None:
    """Refuse what is not a dictionary from class to weight, before anything runs."""
    if class_weight is None:
        return
    if not isinstance(class_weight, dict):
        raise ArgumentError(
            "class_weight is a dictionary from class to weight.",
            expected="such as {0: 1.0, 1: 5.0}",
            got=repr(class_weight),
            cure="dict(enumerate(weights))",
        )
    weights = cast("dict[Any, Any]", class_weight)
    for label, weight in weights.items():
        if as_number(label) is None or as_number(label) != int(label):
            raise ArgumentError(
                "class_weight has a key that is not a class.", expected="whole numbers", got=repr(label)
            )
        non_negative_number(weight, f"class_weight[{label}]", "fit")


def _classes(y: np.ndarray, class_weight: dict[int, float]) -> np.ndarray:
    """The class number of each example, or of each of its steps."""
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
        is_number = True
    else:
        is_number = y.ndim == 1 or (isinstance(class_weight, ClassWeights) and class_weight.are_numbers(y))
    if not is_number:
        if not np.allclose(y.sum(axis=-1), 1, atol=1e-3) or y.min() < 0:
            raise DataError(
                "class_weight needs one class for each example or step, and these labels are not one-hot.",
                expected="class numbers, or one-hot labels along the last axis",
                got=f"labels of shape {y.shape}, the first {y.reshape(-1, y.shape[-1])[0].tolist()}",
                cure="y[..., None] for class numbers, or sample_weight in place of class_weight",
            )
        y = y.argmax(axis=-1)
    return np.rint(y).astype("int64")


def _weight_of_each(classes: np.ndarray, class_weight: dict[int, float]) -> np.ndarray:
    present, inverse = np.unique(classes, return_inverse=True)
    missing = [int(c) for c in present if int(c) not in class_weight]
    if missing:
        raise DataError(
            "class_weight lacks a class that occurs in y.",
            expected=f"a weight for each of {present.tolist()}",
            got=f"weights for {sorted(class_weight)}",
            cure=f"class_weight={{**class_weight, {missing[0]}: 1.0}}",
        )
    table = np.array([class_weight[int(c)] for c in present], dtype=config.floatx())
    return table[inverse.reshape(classes.shape)]
