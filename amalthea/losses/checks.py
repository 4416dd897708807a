"""Checks of labels against predictions, made before anything is computed.

A loss function is marked with its check:

    @checked(alike)
    def mean_squared_error(y_true, y_pred): ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.checks import are_indices
from amalthea.engine import shapes
from amalthea.engine.ir.tensor import Type
from amalthea.errors import DataError

Check = Callable[[Type, Type], None]
ValueCheck = Callable[[np.ndarray, int, Any], None]


def checked(check: Check, values: ValueCheck | None = None) -> Callable[[Any], Any]:
    """Mark a loss function with its check of the labels' type, and one of their values."""

    def mark(function: Any) -> Any:
        function.check, function.check_values = check, values
        return docstrings.fill(function)

    return mark


def _without_last_one(shape: shapes.Shape) -> shapes.Shape:
    return shape[:-1] if shape and shape[-1] == 1 else shape


def _agree(a: shapes.Shape, b: shapes.Shape) -> bool:
    return len(a) == len(b) and all(shapes.agree(m, n) for m, n in zip(a, b))


def _same(y_true: Type, y_pred: Type) -> bool:
    """Equal shapes, a last axis of size 1 aside."""
    a, b = y_true.shape, y_pred.shape
    if len(a) == len(b):
        return _agree(a, b)
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return _agree(_without_last_one(longer), shorter)  # not both: a batch may have one row


def _are_class_numbers(y_true: Type, y_pred: Type) -> bool:
    """One whole number for each prediction of several classes."""
    shape = y_pred.shape[:-1]
    fits = _agree(y_true.shape, shape) or _agree(y_true.shape, (*shape, 1))
    return bool(y_pred.shape) and y_pred.shape[-1] != 1 and fits


def alike(y_true: Type, y_pred: Type) -> None:
    """Labels of the predictions' shape."""
    if not _same(y_true, y_pred) and y_true.shape and y_pred.shape:
        raise DataError(
            "The labels do not have the shape of the predictions.",
            expected=f"labels of shape {shapes.show(y_pred.shape)}",
            got=y_true,
            cure=_cure_for_shapes(y_true, y_pred),
        )


def _cure_for_shapes(y_true: Type, y_pred: Type) -> str:
    if _are_class_numbers(y_true, y_pred):
        return f"loss='sparse_categorical_crossentropy', or one-hot labels: ops.one_hot(y, {y_pred.shape[-1]})"
    if len(y_true.shape) == len(y_pred.shape):
        return f"a last layer with {y_true.shape[-1]} units"
    return "labels with one entry for each prediction"


def binary(y_true: Type, y_pred: Type) -> None:
    """Labels 0 or 1, one for each unit."""
    has_one_unit = len(y_pred.shape) > 1 and y_pred.shape[-1] == 1
    if has_one_unit and len(y_true.shape) == len(y_pred.shape) and isinstance(y_true.shape[-1], int):
        _check_classes(y_true, y_pred, y_true.shape[-1])
    alike(y_true, y_pred)


def _check_classes(y_true: Type, y_pred: Type, classes: int) -> None:
    if classes == 1:
        return
    raise DataError(
        f"The last layer has 1 unit, and the labels have {classes} classes.",
        expected=f"predictions of shape {shapes.show((*y_pred.shape[:-1], classes))}",
        got=y_pred,
        cure=f"Dense({classes}, activation='softmax') with loss='categorical_crossentropy'",
    )


def one_hot(y_true: Type, y_pred: Type) -> None:
    """Labels with one number for each class."""
    if _are_class_numbers(y_true, y_pred) and not _agree(y_true.shape, y_pred.shape):
        raise DataError(
            "categorical_crossentropy needs one-hot labels, and these are class numbers.",
            expected=f"labels of shape {shapes.show(y_pred.shape)}",
            got=y_true,
            cure=f"loss='sparse_categorical_crossentropy', or ops.one_hot(y, {y_pred.shape[-1]})",
        )
    binary(y_true, y_pred)


def class_numbers(y_true: Type, y_pred: Type) -> None:
    """Labels that are whole numbers below the size of the last axis."""
    if _are_class_numbers(y_true, y_pred):
        return
    if _agree(y_true.shape, y_pred.shape) and y_pred.shape[-1:] not in ((), (1,)):
        sentence = "sparse_categorical_crossentropy needs class numbers, and these labels look one-hot."
        cure = "loss='categorical_crossentropy', or ops.argmax(y, axis=-1)"
    elif len(y_pred.shape) > 0 and y_pred.shape[-1] == 1:
        sentence = "The last layer has 1 unit, and sparse_categorical_crossentropy needs one for each class."
        cure = "Dense(classes, activation='softmax'), or loss='binary_crossentropy' for two classes"
    else:
        sentence, cure = "The labels do not have the shape of the predictions.", "one class number for each prediction"
    raise DataError(sentence, expected=f"labels of shape {shapes.show(y_pred.shape[:-1])}", got=y_true, cure=cure)


def bits(labels: np.ndarray, classes: int, ignored: Any = None) -> None:
    """Labels from 0 to 1; soft ones too."""
    low, high = _range(labels)
    if low >= 0 and high <= 1:
        return
    if low >= 1:
        cure = "labels that begin at 0: y - 1"
    elif low >= -1 and high <= 1:
        cure = "labels 0 and 1: (y + 1) / 2; or loss='hinge', which takes -1 and 1"
    else:
        cure = "loss='sparse_categorical_crossentropy' with a unit for each class, or loss='mse' for numbers"
    raise DataError(
        "The labels of a binary loss are 0 or 1.",
        expected="labels from 0 to 1",
        got=f"labels {_said(low, high)}",
        cure=cure,
    )


def signs(labels: np.ndarray, classes: int, ignored: Any = None) -> None:
    """Labels -1 and 1, or 0 and 1."""
    low, high = _range(labels)
    if low < -1 or high > 1:
        raise DataError(
            "The labels of a hinge loss are -1 and 1, or 0 and 1.",
            got=f"labels {_said(low, high)}",
            cure="y - 1" if low >= 1 else "y / abs(y)",
        )


def finite(labels: np.ndarray) -> None:
    """Labels without NaN or infinity."""
    if labels.dtype.kind == "f" and not is_finite(labels):
        bad = ~np.isfinite(labels)
        raise DataError(
            f"The labels hold {'NaN' if np.isnan(labels).any() else 'infinity'}, which no training recovers from.",
            expected="finite numbers",
            got=f"{int(bad.sum())} of {labels.size} that are not, the first in row {int(np.argwhere(bad)[0][0])}",
            cure="leave these rows out, or replace the labels: numpy.nan_to_num(y)",
        )


def is_finite(array: np.ndarray) -> bool:
    """Whether all elements are finite, at the cost of one sum."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def _range(labels: np.ndarray) -> tuple[float, float]:
    return (float(labels.min()), float(labels.max())) if labels.size else (0.0, 0.0)


def _said(low: float, high: float) -> str:
    return f"from {low:g} to {high:g}"


def known_classes(labels: np.ndarray, classes: int, ignored: Any = None) -> None:
    """Class numbers from 0 to below the number of classes, or the one that is ignored."""
    if ignored is None and labels.dtype.kind == "i" and are_indices(labels, classes):
        return
    counted = labels if ignored is None else labels[labels != ignored]
    if counted.dtype.kind == "f" and not np.array_equal(counted, np.trunc(counted)):
        raise DataError("Class numbers are whole numbers, and these labels are not.", got=counted[counted % 1 != 0][0])
    low, high = (int(counted.min()), int(counted.max())) if counted.size else (0, 0)
    if low < 0 or high >= classes:
        raise DataError(
            f"A label stands for no class: the last layer has {classes} units.",
            expected=f"class numbers from 0 to {classes - 1}",
            got=f"labels from {low} to {high}",
            cure=f"a last layer with {high + 1} units" if low >= 0 else "labels that begin at 0, or ignore_class=-1",
        )
