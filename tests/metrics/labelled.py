"""Metrics with the labels and predictions that they take."""

from __future__ import annotations

import inspect

import numpy as np

from amalthea import losses, metrics
from amalthea.engine import dtypes
from tests.arrays import numbers

ROWS = 24
EVERY = [name for name in metrics.__all__ if inspect.isclass(getattr(metrics, name))]
BINARY = (
    "BinaryAccuracy BinaryCrossentropy AUC Precision Recall TruePositives TrueNegatives FalsePositives FalseNegatives"
)
ONE_HOT = "CategoricalAccuracy CategoricalCrossentropy TopKCategoricalAccuracy CategoricalHinge F1Score FBetaScore"
NUMBERS = "SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy"
LABELS = {
    **dict.fromkeys(BINARY.split(), "binary"),
    **dict.fromkeys((n for n in EVERY if n.endswith("Specificity") or n.endswith("Sensitivity")), "binary"),
    **dict.fromkeys(("PrecisionAtRecall", "RecallAtPrecision", "Hinge", "SquaredHinge"), "binary"),
    **dict.fromkeys([*ONE_HOT.split(), "OneHotIoU", "OneHotMeanIoU"], "one hot"),
    **dict.fromkeys(NUMBERS.split(), "class numbers"),
    **dict.fromkeys(("IoU", "MeanIoU", "Accuracy"), "predicted numbers"),
    "BinaryIoU": "one number",
    **dict.fromkeys(("KLDivergence", "Poisson"), "positive"),
    **dict.fromkeys(("Mean", "Sum"), "values"),
}
ARGUMENTS = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "TopKCategoricalAccuracy": {"k": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2},
    "MeanMetricWrapper": {"fn": losses.mean_absolute_error},
    "F1Score": {"average": "macro"},
    "FBetaScore": {"average": "weighted", "beta": 2.0},
}
MADE = [name for name in EVERY if name != "Metric"]
LABELLED = [name for name in MADE if LABELS.get(name) != "values"]


def make(name, **more):
    return getattr(metrics, name)(**{**ARGUMENTS.get(name, {}), **more})


def shares(*shape, seed=0):
    """Between 0 and 1, no two the same."""
    return (np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) + 1) / (np.prod(shape) + 2)


def data(name, rows=ROWS, seed=0):
    """Labels and predictions, in float64 where they are floats."""
    kind, draw = LABELS.get(name, "floats"), np.random.default_rng(seed)
    classes, chosen = draw.integers(0, 3, rows), draw.integers(0, 3, rows)
    probabilities = shares(rows, 3, seed=seed)
    return {
        "binary": (draw.integers(0, 2, (rows, 3)), probabilities),
        "one number": (draw.integers(0, 2, rows), shares(rows, seed=seed)),
        "one hot": (np.eye(3, dtype="int64")[classes], probabilities),
        "class numbers": (classes, probabilities),
        "predicted numbers": (classes, chosen),
        "positive": (draw.integers(1, 5, (rows, 3)), draw.integers(1, 5, (rows, 3)) + 0.5),
        "values": (draw.integers(0, 9, rows) / 4,),
        "floats": (draw.integers(-8, 8, (rows, 3)) / 4, draw.integers(-8, 8, (rows, 3)) / 4),
    }[kind]


def close(found, wanted, **more):
    np.testing.assert_allclose(found, wanted, **{"rtol": 1e-5, "atol": 1e-6, **more})


WEIGHTS = np.abs(numbers(ROWS, seed=3)).astype("float64") + 0.01


def fits(array, dtype):
    """Whether the dtype holds every element."""
    return np.array_equal(array.astype(dtypes.to_numpy(dtype)).astype("float64"), array)
