"""Metrics of Keras 1 that are computed on each batch alone, and averaged."""

from __future__ import annotations

from typing import Any

from amalthea import ops

_SMALL = 1e-7


def _counts(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """True positives, predicted positives and positives."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    rounded = ops.round(ops.clip(y_pred, 0, 1))
    both = ops.sum(ops.round(ops.clip(y_true * y_pred, 0, 1)))
    return both, ops.sum(rounded), ops.sum(ops.round(ops.clip(y_true, 0, 1)))


def precision(y_true: Any, y_pred: Any) -> Any:
    """The share of predicted positives that are positive.

    Args:
        y_true: tensor of 0 and 1.
        y_pred: tensor of probabilities.

    Shapes: (batch, ...), (batch, ...) -> ()
    """
    both, predicted, _ = _counts(y_true, y_pred)
    return both / (predicted + _SMALL)


def recall(y_true: Any, y_pred: Any) -> Any:
    """The share of positives that are predicted.

    Args:
        y_true: tensor of 0 and 1.
        y_pred: tensor of probabilities.

    Shapes: (batch, ...), (batch, ...) -> ()
    """
    both, _, positive = _counts(y_true, y_pred)
    return both / (positive + _SMALL)


def fbeta_score(y_true: Any, y_pred: Any, beta: float = 1) -> Any:
    """The weighted harmonic mean of precision and recall.

    Args:
        y_true: tensor of 0 and 1.
        y_pred: tensor of probabilities.
        beta: float; weight of the recall. Defaults to 1.

    Shapes: (batch, ...), (batch, ...) -> ()
    """
    p, r, square = precision(y_true, y_pred), recall(y_true, y_pred), beta**2
    return (1 + square) * (p * r) / (square * p + r + _SMALL)


def fmeasure(y_true: Any, y_pred: Any) -> Any:
    """The harmonic mean of precision and recall.

    Args:
        y_true: tensor of 0 and 1.
        y_pred: tensor of probabilities.

    Shapes: (batch, ...), (batch, ...) -> ()
    """
    return fbeta_score(y_true, y_pred)


def matthews_correlation(y_true: Any, y_pred: Any) -> Any:
    """The correlation of labels and predictions, from -1 to 1.

    Args:
        y_true: tensor of 0 and 1.
        y_pred: tensor of probabilities.

    Shapes: (batch, ...), (batch, ...) -> ()
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.round(ops.clip(ops.cast(y_true, y_pred.dtype), 0, 1))
    y_pred = ops.round(ops.clip(y_pred, 0, 1))
    tp, tn = ops.sum(y_true * y_pred), ops.sum((1 - y_true) * (1 - y_pred))
    fp, fn = ops.sum((1 - y_true) * y_pred), ops.sum(y_true * (1 - y_pred))
    return (tp * tn - fp * fn) / (ops.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) + _SMALL)


f1score = fscore = fmeasure
NAMED = {f.__name__: f for f in (precision, recall, fbeta_score, fmeasure, matthews_correlation)}
NAMED.update(f1score=f1score, fscore=fscore)
