"""Whole training runs: three epochs from given weights, without shuffling, with batches that don't divide the data."""

from ..draws import binary, given, integers, normal, one_hot, unit
from . import TrainingCase, check_unique

FIT = {"epochs": 3, "batch_size": 5, "shuffle": False}


def described(class_name, **config):
    return {"class_name": class_name, "config": config}


def node(class_name, *inputs, **config):
    return {"class_name": class_name, "config": config, "inputs": inputs}


def again(layer, name, *inputs):
    return {"again": layer, "name": name, "inputs": inputs}


def sequential(name, shape, layers, compile, draw_x, draw_y, dtype="float32", **facts):
    """A model with one input; the data are drawn for 22 examples, the validation data for 7."""
    data, validation = ({"x": draw_x(size), "y": draw_y(size), "sample_weight": None} for size in (22, 7))
    fit = {**FIT, **facts.pop("fit", {})}
    for part, key in ((data, "sample_weight"), (validation, "validation_weight")):
        part["sample_weight"] = facts.pop(key, None)
    return TrainingCase(
        name, {"x": {"shape": shape, "dtype": dtype}}, tuple(layers), (), compile, data, validation, fit
    )


def vectors(*shape):
    return lambda size: normal(size, *shape)


def ids(high, *shape):
    return lambda size: integers(high, size, *shape)


L2 = described("L2", l2=0.05)
WORDS = {"dtype": "int32", "draw_x": ids(8, 6)}
DENSE = (node("Dense", units=8, activation="relu"), node("Dense", units=3, activation="softmax"))

CASES = [
    sequential(
        "mlp",
        (6,),
        DENSE,
        {
            "optimizer": described("Adam", learning_rate=0.02),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        vectors(6),
        ids(3),
    ),
    sequential(
        "convnet",
        (6, 6, 2),
        (
            node("Conv2D", filters=4, kernel_size=3, padding="same"),
            node("BatchNormalization", momentum=0.8),
            node("Activation", activation="relu"),
            node("MaxPooling2D", pool_size=2),
            node("Flatten"),
            node("Dense", units=1, activation="sigmoid"),
        ),
        {
            "optimizer": described("SGD", learning_rate=0.05, momentum=0.9, nesterov=True),
            "loss": "binary_crossentropy",
            "metrics": ["accuracy", described("AUC", num_thresholds=20, name="auc")],
        },
        vectors(6, 6, 2),
        lambda size: binary(size, 1),
    ),
    sequential(
        "lstm",
        (6,),
        (
            node("Embedding", input_dim=8, output_dim=4, mask_zero=True),
            node("LSTM", units=5),
            node("Dense", units=2, activation="softmax"),
        ),
        {
            "optimizer": described("RMSprop", learning_rate=0.02),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        draw_y=ids(2),
        **WORDS,
    ),
    sequential(
        "masked_labels",
        (6,),
        (
            node("Embedding", input_dim=8, output_dim=3, mask_zero=True),
            node("Bidirectional", layer=described("GRU", units=3, return_sequences=True)),
            node("TimeDistributed", layer=described("Dense", units=3, activation="softmax")),
        ),
        {
            "optimizer": described("Adam", learning_rate=0.05),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        draw_y=ids(3, 6),
        **WORDS,
    ),
    sequential(
        "class_weight",
        (6,),
        (
            node(
                "Dense",
                units=5,
                activation="tanh",
                kernel_regularizer=L2,
                activity_regularizer=described("L1", l1=0.01),
            ),
            node("Dense", units=3, activation="softmax", kernel_constraint=described("MaxNorm", max_value=1.0)),
        ),
        {
            "optimizer": described("SGD", learning_rate=0.1),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
            "weighted_metrics": [described("SparseCategoricalAccuracy", name="weighted")],
        },
        vectors(6),
        ids(3),
        fit={"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    ),
    sequential(
        "sample_weight",
        (4,),
        (node("Dense", units=4, activation="softplus"), node("Dense", units=2)),
        {
            "optimizer": described(
                "AdamW", learning_rate=0.05, weight_decay=0.1, clipnorm=1.0, use_ema=True, ema_momentum=0.8
            ),
            "loss": "mean_squared_error",
            "metrics": ["mean_absolute_error"],
            "weighted_metrics": ["mean_squared_error"],
        },
        vectors(4),
        vectors(2),
        sample_weight=unit(22),
        validation_weight=unit(7),
    ),
    sequential(
        "logits",
        (4,),
        (node("Dense", units=6, activation="gelu"), node("LayerNormalization"), node("Dense", units=3)),
        {
            "optimizer": described(
                "Adam", learning_rate=described("CosineDecay", initial_learning_rate=0.1, decay_steps=10)
            ),
            "loss": described("CategoricalCrossentropy", from_logits=True, label_smoothing=0.1),
            "metrics": [described("CategoricalAccuracy"), described("TopKCategoricalAccuracy", k=2, name="top_two")],
        },
        vectors(4),
        lambda size: one_hot(size, 3),
    ),
    sequential(
        "autoencoder",
        (4, 4, 2),
        (
            node("SeparableConv2D", filters=3, kernel_size=3, strides=2, padding="same", activation="relu"),
            node("Conv2DTranspose", filters=2, kernel_size=3, strides=2, padding="same"),
            node("DepthwiseConv2D", kernel_size=2, padding="same"),
            node("GlobalAveragePooling2D"),
        ),
        {"optimizer": described("Nadam", learning_rate=0.05), "loss": "mse", "metrics": ["mae", "cosine_similarity"]},
        vectors(4, 4, 2),
        vectors(2),
    ),
    TrainingCase(
        "two_outputs",
        {"left": {"shape": (4,), "dtype": "float32"}, "right": {"shape": (4,), "dtype": "float32"}},
        (
            node("Dense", "left", name="shared", units=5, activation="relu", kernel_regularizer=L2),
            again("shared", "shared_right", "right"),
            node("Concatenate", "shared", "shared_right", name="joined"),
            node("Dense", "joined", name="hidden", units=5, activation="tanh"),
            node("Add", "hidden", "shared", name="residual"),
            node("Dense", "residual", name="kind", units=3, activation="softmax"),
            node("Dense", "residual", name="amount", units=1, bias_regularizer=described("L1", l1=0.1)),
        ),
        ("kind", "amount"),
        {
            "optimizer": described("Adagrad", learning_rate=0.1),
            "loss": {"kind": "sparse_categorical_crossentropy", "amount": "huber"},
            "loss_weights": {"kind": 0.7, "amount": 2.0},
            "metrics": {"kind": ["accuracy"], "amount": ["mae", described("RootMeanSquaredError")]},
        },
        {
            "x": {"left": normal(22, 4), "right": normal(22, 4)},
            "y": {"kind": integers(3, 22), "amount": normal(22, 1)},
            "sample_weight": {"kind": unit(22), "amount": unit(22)},
        },
        {
            "x": {"left": normal(7, 4), "right": normal(7, 4)},
            "y": {"kind": integers(3, 7), "amount": normal(7, 1)},
            "sample_weight": None,
        },
        FIT,
    ),
    TrainingCase(
        "attention",
        {"words": {"shape": (6,), "dtype": "int32"}},
        (
            node("Embedding", "words", name="embedding", input_dim=8, output_dim=4),
            node("Dense", "embedding", name="query", units=4),
            node("Attention", "query", "embedding", name="attention", use_scale=True),
            node("Add", "attention", "embedding", name="residual"),
            node("LayerNormalization", "residual", name="normalized"),
            node("GlobalAveragePooling1D", "normalized", name="mean"),
            node("Dense", "mean", name="label", units=1, activation="sigmoid"),
        ),
        ("label",),
        {"optimizer": described("Lamb", learning_rate=0.05), "loss": "binary_crossentropy", "metrics": ["accuracy"]},
        {"x": integers(8, 22, 6), "y": binary(22, 1), "sample_weight": None},
        {"x": integers(8, 7, 6), "y": binary(7, 1), "sample_weight": None},
        FIT,
    ),
    TrainingCase(
        "lists",
        {"first": {"shape": (3,), "dtype": "float32"}, "second": {"shape": (4, 2), "dtype": "float32"}},
        (
            node("SimpleRNN", "second", name="summary", units=3),
            node("Multiply", "first", "summary", name="product"),
            node("BatchNormalization", "product", name="normalized"),
            node("Dense", "normalized", name="yes", units=1, activation="sigmoid"),
            node("Dense", "product", name="size", units=2),
        ),
        ("yes", "size"),
        {
            "optimizer": described("Adamax", learning_rate=0.05, weight_decay=0.02),
            "loss": ["binary_crossentropy", "mean_absolute_error"],
            "loss_weights": [1.0, 0.5],
            "metrics": [["accuracy"], ["mse"]],
        },
        {"x": [normal(22, 3), normal(22, 4, 2)], "y": [binary(22, 1), normal(22, 2)], "sample_weight": None},
        {"x": [normal(7, 3), normal(7, 4, 2)], "y": [binary(7, 1), normal(7, 2)], "sample_weight": None},
        FIT,
        gather="list",
    ),
]
CASES.append(
    sequential(
        "accumulated",
        (3,),
        (node("Dense", units=4, activation="relu"), node("Dense", units=1)),
        {
            "optimizer": described("SGD", learning_rate=0.1, momentum=0.5, gradient_accumulation_steps=2),
            "loss": "mse",
            "metrics": ["mse"],
        },
        vectors(3),
        vectors(1),
        validation_weight=given([1.0, 0.0, 1.0, 2.0, 0.5, 1.0, 1.0]),
    )
)
CASES = check_unique(CASES)
