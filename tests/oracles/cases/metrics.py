"""Every metric: several updates, some with weights, so that what it keeps is seen to add up."""

from ..draws import binary, given, integers, normal, one_hot, positive, probabilities, signs, unit
from . import MetricCase, check_unique


def update(*arguments, weight=None):
    return {"arguments": arguments, "sample_weight": weight}


def row(class_name, label, updates, **config):
    return MetricCase(f"{class_name}/{label}", class_name, config, tuple(updates))


def three(labels, predictions, *shape, label_shape=None):
    """Plain, then weighted by example, then plain with another batch size."""
    tail = shape[1:]
    label_tail = tail if label_shape is None else label_shape
    return [
        update(labels(4, *label_tail), predictions(4, *tail)),
        update(labels(4, *label_tail), predictions(4, *tail), weight=given([1.0, 0.0, 2.5, 0.5])),
        update(labels(3, *label_tail), predictions(3, *tail)),
    ]


PAIRS = {
    "MeanSquaredError": (normal, normal),
    "RootMeanSquaredError": (normal, normal),
    "MeanAbsoluteError": (normal, normal),
    "MeanAbsolutePercentageError": (positive, normal),
    "MeanSquaredLogarithmicError": (positive, unit),
    "LogCoshError": (normal, normal),
    "CosineSimilarity": (normal, normal),
    "Hinge": (signs, normal),
    "SquaredHinge": (signs, normal),
    "CategoricalHinge": (one_hot, normal),
    "KLDivergence": (probabilities, probabilities),
    "Poisson": (positive, unit),
    "BinaryCrossentropy": (binary, unit),
    "CategoricalCrossentropy": (one_hot, probabilities),
    "BinaryAccuracy": (binary, unit),
    "CategoricalAccuracy": (one_hot, probabilities),
    "Precision": (binary, unit),
    "Recall": (binary, unit),
    "TruePositives": (binary, unit),
    "TrueNegatives": (binary, unit),
    "FalsePositives": (binary, unit),
    "FalseNegatives": (binary, unit),
    "AUC": (binary, unit),
    "F1Score": (one_hot, probabilities),
    "FBetaScore": (one_hot, probabilities),
    "R2Score": (normal, normal),
    "PearsonCorrelation": (normal, normal),
    "ConcordanceCorrelation": (normal, normal),
}


def classes(high):
    return lambda *shape: integers(high, *shape)


def whole_weights(labels, predictions, *shape):
    """As `three`, with whole numbers for weights: an IoU counts in integers."""
    first, second, third = three(labels, predictions, *shape)
    return [first, {**second, "sample_weight": given([1, 0, 3, 2], "int32")}, third]


BINARY = three(binary, unit, 4, 3)
VECTOR = three(binary, unit, 4)
LABELLED = three(one_hot, probabilities, 4, 3)
SPARSE = three(classes(3), probabilities, 4, 3, label_shape=())
NUMBERS = three(normal, normal, 4, 3)
BY_CLASS = three(classes(3), classes(3), 4)
COUNTED = whole_weights(classes(3), classes(3), 4)
HOT = whole_weights(one_hot, probabilities, 4, 3)
AT = ("SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision")
AT_KEYS = {name: name.split("At")[1].lower() for name in AT}

CASES = check_unique(
    [
        *(row(name, "plain", three(*pair, 4, 3)) for name, pair in PAIRS.items()),
        *(row(name, "half", VECTOR, **{AT_KEYS[name]: 0.5}) for name in AT),
        *(row(name, "few_thresholds", VECTOR, **{AT_KEYS[name]: 0.8, "num_thresholds": 5}) for name in AT),
        *(row(name, "class_id", BINARY, **{AT_KEYS[name]: 0.6, "class_id": 1}) for name in AT),
        row(
            "Mean",
            "numbers",
            [update(given(2.0)), update(given([1.0, 3.0]), weight=given([0.5, 2.0])), update(normal(2, 3))],
        ),
        row("Mean", "weights_by_row", [update(normal(2, 3), weight=given([1.0, 3.0]))]),
        row("Mean", "nothing_yet", []),
        row(
            "Sum",
            "numbers",
            [update(given(2.0)), update(given([1.0, 3.0]), weight=given([0.5, 2.0])), update(normal(2, 3))],
        ),
        row("Accuracy", "plain", BY_CLASS),
        row("Accuracy", "matrix", three(classes(3), classes(3), 4, 2)),
        row("BinaryAccuracy", "threshold", BINARY, threshold=0.7),
        row("BinaryAccuracy", "vector", VECTOR),
        row("CategoricalAccuracy", "three_axes", three(one_hot, probabilities, 4, 2, 3)),
        row("SparseCategoricalAccuracy", "plain", SPARSE),
        row("SparseCategoricalAccuracy", "column_labels", three(classes(3), probabilities, 4, 3, label_shape=(1,))),
        row("SparseCategoricalAccuracy", "three_axes", three(classes(3), probabilities, 4, 2, 3, label_shape=(2,))),
        row("TopKCategoricalAccuracy", "two", three(one_hot, probabilities, 4, 5), k=2),
        row("TopKCategoricalAccuracy", "default", three(one_hot, probabilities, 4, 7)),
        row("SparseTopKCategoricalAccuracy", "two", three(classes(5), probabilities, 4, 5, label_shape=()), k=2),
        row(
            "SparseTopKCategoricalAccuracy",
            "sorted_ids",
            [update(given([0, 3, 2], "int32"), given([[0, 1, 2], [1, 2, 3], [4, 2, 1]]))],
            k=2,
            from_sorted_ids=True,
        ),
        row("BinaryCrossentropy", "options", three(binary, normal, 4, 3), from_logits=True, label_smoothing=0.1),
        row("CategoricalCrossentropy", "options", three(one_hot, normal, 4, 3), from_logits=True, label_smoothing=0.1),
        row("SparseCategoricalCrossentropy", "plain", SPARSE),
        row(
            "SparseCategoricalCrossentropy",
            "options",
            three(classes(3), normal, 4, 3, label_shape=()),
            from_logits=True,
            ignore_class=1,
        ),
        row(
            "CosineSimilarity",
            "axis_0",
            [update(normal(4, 3), normal(4, 3)), update(normal(4, 3), normal(4, 3))],
            axis=0,
        ),
        *(
            row(name, "thresholds", BINARY, thresholds=[0.25, 0.5, 0.75])
            for name in ("Precision", "Recall", "TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")
        ),
        *(row(name, "class_id", BINARY, class_id=1) for name in ("Precision", "Recall")),
        *(row(name, "top_k", LABELLED, top_k=2) for name in ("Precision", "Recall")),
        *(row(name, "top_k_class_id", LABELLED, top_k=2, class_id=0) for name in ("Precision", "Recall")),
        *(
            row(name, "no_positives", [update(given([0.0, 0.0]), given([0.1, 0.2]))])
            for name in ("Precision", "Recall", "AUC")
        ),
        *(
            row("AUC", f"{curve}_{way}", VECTOR, curve=curve, summation_method=way, num_thresholds=7)
            for curve in ("ROC", "PR")
            for way in ("interpolation", "minoring", "majoring")
        ),
        row("AUC", "prgain", VECTOR, curve="PRGAIN"),
        row("AUC", "given_thresholds", VECTOR, thresholds=[0.1, 0.4, 0.6]),
        row("AUC", "multi_label", BINARY, multi_label=True, num_thresholds=9),
        row("AUC", "label_weights", BINARY, multi_label=True, num_thresholds=9, label_weights=[0.2, 0.3, 0.5]),
        row("AUC", "from_logits", three(binary, normal, 4), from_logits=True),
        *(row("F1Score", str(average), LABELLED, average=average) for average in ("micro", "macro", "weighted")),
        row("F1Score", "threshold", BINARY, average="macro", threshold=0.4),
        row("FBetaScore", "beta", LABELLED, average="weighted", beta=2.0),
        row("IoU", "plain", COUNTED, num_classes=3, target_class_ids=[0, 2]),
        row("IoU", "ignore_class", COUNTED, num_classes=3, target_class_ids=[0], ignore_class=1),
        row("MeanIoU", "plain", COUNTED, num_classes=3),
        row("MeanIoU", "images", whole_weights(classes(3), classes(3), 4, 2)[::2], num_classes=3),
        row("MeanIoU", "missing_class", [update(given([0, 1], "int32"), given([0, 0], "int32"))], num_classes=4),
        row("BinaryIoU", "plain", whole_weights(binary, unit, 4)),
        row("BinaryIoU", "threshold", whole_weights(binary, unit, 4), target_class_ids=[1], threshold=0.3),
        row("OneHotIoU", "plain", HOT, num_classes=3, target_class_ids=[0, 1]),
        row("OneHotMeanIoU", "plain", HOT, num_classes=3),
        *(row("R2Score", str(way), NUMBERS, class_aggregation=way) for way in (None, "variance_weighted_average")),
        row("R2Score", "adjusted", NUMBERS, num_regressors=2),
        *(
            row(name, "axis_0", [update(normal(4, 3), normal(4, 3)), update(normal(5, 3), normal(5, 3))], axis=0)
            for name in ("PearsonCorrelation", "ConcordanceCorrelation")
        ),
        row("MeanMetricWrapper", "squared_error", NUMBERS, fn="mean_squared_error"),
    ]
)
