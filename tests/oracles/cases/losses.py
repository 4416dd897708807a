"""Every loss but CTC: ranks, weights, options. Each row is measured with every reduction, with weights and without."""

from ..draws import binary, given, integers, normal, one_hot, positive, probabilities, sequence, signs, unit
from . import LossCase, check_unique

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")
WEIGHTS = given([1.0, 0.0, 2.5, 0.5])
# Keras doesn't spread one weight an example over steps: it takes the weights' last axis for the steps.
COLUMN = given([[1.0], [0.0], [2.5], [0.5]])


def row(class_name, label, y_true, y_pred, weight=WEIGHTS, function=None, keywords=None, **config):
    """`keywords` are the plain function's own; without them it takes what the class takes."""
    keywords = config if keywords is None else keywords
    return LossCase(f"{class_name}/{label}", class_name, config, y_true, y_pred, weight, function, keywords)


# class -> function, labels and predictions; each is measured as a matrix and with three axes.
PAIRS = {
    "MeanSquaredError": ("mean_squared_error", normal, normal),
    "MeanAbsoluteError": ("mean_absolute_error", normal, normal),
    "MeanAbsolutePercentageError": ("mean_absolute_percentage_error", positive, normal),
    "MeanSquaredLogarithmicError": ("mean_squared_logarithmic_error", positive, unit),
    "LogCosh": ("log_cosh", normal, normal),
    "Huber": ("huber", normal, normal),
    "CosineSimilarity": ("cosine_similarity", normal, normal),
    "Hinge": ("hinge", signs, normal),
    "SquaredHinge": ("squared_hinge", signs, normal),
    "CategoricalHinge": ("categorical_hinge", one_hot, normal),
    "KLDivergence": ("kl_divergence", probabilities, probabilities),
    "Poisson": ("poisson", positive, unit),
    "BinaryCrossentropy": ("binary_crossentropy", binary, unit),
    "BinaryFocalCrossentropy": ("binary_focal_crossentropy", binary, unit),
    "CategoricalCrossentropy": ("categorical_crossentropy", one_hot, probabilities),
    "CategoricalFocalCrossentropy": ("categorical_focal_crossentropy", one_hot, probabilities),
    "Dice": ("dice", binary, unit),
    "Tversky": ("tversky", binary, unit),
}


def pairs():
    for name, (function, labels, predictions) in PAIRS.items():
        # Dice and Tversky make one number of everything, which only one weight can multiply.
        weights = [given(2.0)] * 2 if name in ("Dice", "Tversky") else [WEIGHTS, COLUMN]
        yield row(name, "matrix", labels(4, 3), predictions(4, 3), weights[0], function)
        yield row(name, "three_axes", labels(4, 2, 3), predictions(4, 2, 3), weights[1], function)


SPARSE = ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy")
GENERAL = ("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy")


def sparse(label, y_true, y_pred, weight=WEIGHTS, **config):
    return row(SPARSE[0], label, y_true, y_pred, weight, SPARSE[1], **config)


CASES = check_unique(
    [
        *pairs(),
        row("MeanSquaredError", "vector", normal(4), normal(4), WEIGHTS, "mean_squared_error"),
        row("MeanSquaredError", "column_labels", normal(4), normal(4, 1), WEIGHTS, "mean_squared_error"),
        row("MeanSquaredError", "weights_by_step", normal(2, 3, 2), normal(2, 3, 2), unit(2, 3), "mean_squared_error"),
        row("MeanSquaredError", "column_weights", normal(4, 3), normal(4, 3), COLUMN, "mean_squared_error"),
        row(
            "MeanAbsolutePercentageError",
            "zero_label",
            given([[0.0, 1.0], [2.0, -3.0]]),
            normal(2, 2),
            given([1.0, 2.0]),
            "mean_absolute_percentage_error",
        ),
        row(
            "MeanSquaredLogarithmicError",
            "negative",
            given([[-1.0, 1.0], [0.5, 3.0]]),
            normal(2, 2),
            given([1.0, 2.0]),
            "mean_squared_logarithmic_error",
        ),
        row("Huber", "delta", normal(4, 3), normal(4, 3), WEIGHTS, "huber", delta=0.3),
        row("LogCosh", "far", given([[0.0, 0.0, 0.0]]), given([[50.0, -300.0, 1e-3]]), given([2.0]), "log_cosh"),
        row("CosineSimilarity", "axis_1", normal(4, 2, 3), normal(4, 2, 3), COLUMN, "cosine_similarity", axis=1),
        row(
            "CosineSimilarity",
            "zero_vector",
            given([[0.0, 0.0], [1.0, 2.0]]),
            normal(2, 2),
            given([1.0, 2.0]),
            "cosine_similarity",
        ),
        row("Hinge", "zero_one_labels", binary(4, 3), normal(4, 3), WEIGHTS, "hinge"),
        row("SquaredHinge", "zero_one_labels", binary(4, 3), normal(4, 3), WEIGHTS, "squared_hinge"),
        row(
            "BinaryCrossentropy",
            "from_logits",
            binary(4, 3),
            normal(4, 3),
            WEIGHTS,
            "binary_crossentropy",
            from_logits=True,
        ),
        row(
            "BinaryCrossentropy",
            "label_smoothing",
            binary(4, 3),
            unit(4, 3),
            WEIGHTS,
            "binary_crossentropy",
            label_smoothing=0.2,
        ),
        row(
            "BinaryCrossentropy",
            "both",
            binary(4, 3),
            normal(4, 3),
            WEIGHTS,
            "binary_crossentropy",
            from_logits=True,
            label_smoothing=0.1,
        ),
        row(
            "BinaryCrossentropy",
            "certain",
            given([[0.0, 1.0], [1.0, 0.0]]),
            given([[0.0, 1.0], [0.0, 1.0]]),
            given([1.0, 2.0]),
            "binary_crossentropy",
        ),
        row(
            "BinaryCrossentropy",
            "far_logits",
            given([[0.0, 1.0], [1.0, 0.0]]),
            given([[-99.0, 99.0], [-99.0, 99.0]]),
            given([1.0, 2.0]),
            "binary_crossentropy",
            from_logits=True,
        ),
        row("BinaryCrossentropy", "axis_1", binary(4, 2, 3), unit(4, 2, 3), COLUMN, "binary_crossentropy", axis=1),
        row(
            "BinaryFocalCrossentropy",
            "balanced",
            binary(4, 3),
            unit(4, 3),
            WEIGHTS,
            "binary_focal_crossentropy",
            apply_class_balancing=True,
            alpha=0.3,
            gamma=1.5,
        ),
        row(
            "BinaryFocalCrossentropy",
            "from_logits",
            binary(4, 3),
            normal(4, 3),
            WEIGHTS,
            "binary_focal_crossentropy",
            from_logits=True,
            label_smoothing=0.1,
        ),
        row(
            "CategoricalCrossentropy",
            "from_logits",
            one_hot(4, 3),
            normal(4, 3),
            WEIGHTS,
            "categorical_crossentropy",
            from_logits=True,
        ),
        row(
            "CategoricalCrossentropy",
            "label_smoothing",
            one_hot(4, 3),
            probabilities(4, 3),
            WEIGHTS,
            "categorical_crossentropy",
            label_smoothing=0.2,
        ),
        row(
            "CategoricalCrossentropy",
            "not_normalized",
            one_hot(4, 3),
            positive(4, 3),
            WEIGHTS,
            "categorical_crossentropy",
        ),
        row(
            "CategoricalCrossentropy",
            "axis_1",
            one_hot(4, 3, 2),
            positive(4, 3, 2),
            COLUMN,
            "categorical_crossentropy",
            axis=1,
        ),
        row(
            "CategoricalCrossentropy",
            "certain",
            given([[0.0, 1.0], [1.0, 0.0]]),
            given([[0.0, 1.0], [0.0, 1.0]]),
            given([1.0, 2.0]),
            "categorical_crossentropy",
        ),
        row(
            "CategoricalFocalCrossentropy",
            "from_logits",
            one_hot(4, 3),
            normal(4, 3),
            WEIGHTS,
            "categorical_focal_crossentropy",
            from_logits=True,
            gamma=1.5,
            label_smoothing=0.1,
        ),
        row(
            "CategoricalFocalCrossentropy",
            "alpha_by_class",
            one_hot(4, 3),
            probabilities(4, 3),
            WEIGHTS,
            "categorical_focal_crossentropy",
            alpha=[0.2, 0.3, 0.5],
        ),
        sparse("matrix", integers(3, 4), probabilities(4, 3)),
        sparse("column_labels", integers(3, 4, 1), probabilities(4, 3)),
        sparse("from_logits", integers(3, 4), normal(4, 3), from_logits=True),
        sparse("three_axes", integers(3, 4, 2), probabilities(4, 2, 3), COLUMN),
        sparse("weights_by_step", integers(3, 2, 4), normal(2, 4, 3), unit(2, 4), from_logits=True),
        sparse("ignore_class", given([0, 2, 1, 2], "int32"), probabilities(4, 3), ignore_class=2),
        sparse(
            "ignore_negative",
            given([[0, -1], [2, 1]], "int32"),
            normal(2, 2, 3),
            given([1.0, 2.0]),
            ignore_class=-1,
            from_logits=True,
        ),
        sparse("float_labels", given([0.0, 2.0, 1.0, 1.0]), probabilities(4, 3)),
        row(GENERAL[0], "matrix", integers(3, 4), probabilities(4, 3), WEIGHTS, GENERAL[1], {"q": 0.5}),
        row(GENERAL[0], "q", integers(3, 4), probabilities(4, 3), WEIGHTS, GENERAL[1], q=0.8),
        row("Dice", "axes", binary(2, 3, 4), unit(2, 3, 4), given([1.0, 2.0]), "dice", axis=(1, 2)),
        row(
            "Tversky",
            "weights",
            binary(2, 3, 4),
            unit(2, 3, 4),
            given([1.0, 2.0]),
            "tversky",
            axis=(1, 2),
            alpha=0.3,
            beta=0.7,
        ),
        row("Circle", "plain", given([0, 1, 0, 1], "int32"), normal(4, 3), WEIGHTS, "circle", {}, gamma=2.0),
        row(
            "Circle",
            "keep_diagonal",
            given([0, 1, 1, 2], "int32"),
            unit(4, 3),
            WEIGHTS,
            "circle",
            {"gamma": 3.0, "margin": 0.2, "remove_diagonal": False},
            gamma=3.0,
            margin=0.2,
            remove_diagonal=False,
        ),
        row("Circle", "no_positive", sequence(4), unit(4, 3), WEIGHTS, "circle", {"gamma": 2.0}, gamma=2.0),
    ]
)
