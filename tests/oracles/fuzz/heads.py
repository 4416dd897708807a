"""Labels, losses, metrics and optimizers of random models."""

from __future__ import annotations

import numpy as np

from ..build import realise
from .layers import described


def _reals(rng, shape, units):
    return rng.normal(size=(*shape, units)).astype(("float32", "float64")[rng.randint(2)])


def _positive(rng, shape, units):
    return rng.uniform(0.2, 2.0, size=(*shape, units)).astype("float32")


def _binary(rng, shape, units):
    return rng.randint(0, 2, size=(*shape, units)).astype(("float32", "int32", "uint8", "bool")[rng.randint(4)])


def _classes(rng, shape, units):
    return rng.randint(0, units, size=(*shape, 1)).astype(("int32", "int64", "uint8")[rng.randint(3)])


def _one_hot(rng, shape, units):
    return np.eye(units, dtype="float32")[rng.randint(0, units, size=shape)]


def _signs(rng, shape, units):
    return (2 * rng.randint(0, 2, size=(*shape, units)) - 1).astype(("float32", "int32")[rng.randint(2)])


LOGITS = {"from_logits": True}
# Units, activations, labels, losses, metrics: strings, or a class with its configuration as text, so that sets hold it.
HEADS = (
    ((1, 2, 3), ("linear", "tanh"), _reals,
     ("mse", "mae", "mean_squared_error", "log_cosh", "huber", "Huber(delta=0.5)", "MeanSquaredError(reduction='sum')",
      "cosine_similarity"),
     ("mae", "mse", "root_mean_squared_error", "r2_score", "cosine_similarity", "MeanAbsoluteError(name='off')")),
    ((1, 2), ("softplus", "exponential"), _positive,
     ("poisson", "mape", "msle", "mean_absolute_percentage_error", "kl_divergence"),
     ("poisson", "mape", "msle", "mae")),
    ((1, 3), ("sigmoid",), _binary,
     ("binary_crossentropy", "bce", "BinaryFocalCrossentropy()", "BinaryCrossentropy(label_smoothing=0.1)", "dice"),
     ("accuracy", "binary_accuracy", "AUC(num_thresholds=20)", "precision", "recall",
      "BinaryCrossentropy(name='bc')", "false_positives", "BinaryIoU(target_class_ids=[1])", "true_positives")),
    ((3, 4), ("softmax",), _classes,
     ("sparse_categorical_crossentropy",),
     ("accuracy", "SparseTopKCategoricalAccuracy(k=2)", "sparse_categorical_accuracy", "acc")),
    ((3,), ("linear",), _classes,
     ("SparseCategoricalCrossentropy(from_logits=True)",),
     ("accuracy", "SparseCategoricalCrossentropy(from_logits=True)")),
    ((3, 4), ("softmax",), _one_hot,
     ("categorical_crossentropy", "CategoricalCrossentropy(label_smoothing=0.1)", "CategoricalFocalCrossentropy()",
      "mse"),
     ("accuracy", "TopKCategoricalAccuracy(k=2)", "OneHotMeanIoU(num_classes=3)",
      "categorical_accuracy", "kl_divergence")),
    ((1, 2), ("tanh", "linear"), _signs, ("hinge", "squared_hinge"), ("hinge", "mae")),
)  # fmt: skip
OPTIMIZERS = {
    "SGD": {"momentum": (0.9, 0.5), "nesterov": (True,), "weight_decay": (0.01,)},
    "Adam": {"amsgrad": (True,), "beta_1": (0.5,), "epsilon": (1e-3,)},
    "AdamW": {"weight_decay": (0.02,), "epsilon": (1e-3,)},
    "RMSprop": {"momentum": (0.9,), "centered": (True,), "rho": (0.5,), "epsilon": (1e-3,)},
    "Adagrad": {"initial_accumulator_value": (0.0, 0.3), "epsilon": (1e-3,)},
    "Adadelta": {"rho": (0.5,), "epsilon": (1e-3,)},
    "Nadam": {"beta_2": (0.9,), "epsilon": (1e-3,)},
    "Adamax": {"beta_1": (0.5,), "epsilon": (1e-3,)},
    "Ftrl": {"l1_regularization_strength": (0.01,), "l2_regularization_strength": (0.02,), "beta": (0.1,),
             "learning_rate_power": (-0.3, 0.0), "l2_shrinkage_regularization_strength": (0.05,)},
    "Lion": {"beta_1": (0.5,), "weight_decay": (0.01,)},
}  # fmt: skip
RATES = (
    described("ExponentialDecay", initial_learning_rate=0.02, decay_steps=2, decay_rate=0.7),
    described("CosineDecay", initial_learning_rate=0.02, decay_steps=5),
    described("PiecewiseConstantDecay", boundaries=[1, 3], values=[0.02, 0.01, 0.005]),
)


def _optimizer(d):
    name = d.one(*OPTIMIZERS)
    rate = d.one(*RATES) if d.chance(0.15) else d.one(0.01, 0.02)
    common = d.some(0.1, clipnorm=(0.3,), clipvalue=(0.05,), global_clipnorm=(0.5,))
    if len(common) > 1:
        common = {}
    common |= d.some(0.08, use_ema=(True,), ema_momentum=(0.9,))
    return described(name, learning_rate=rate, **d.some(0.3, **OPTIMIZERS[name]), **common)


def _said(library, text, module):
    """A loss or metric: a name stays one, ``Name(...)`` becomes an object."""
    if "(" not in text:
        return text
    name, _, arguments = text.partition("(")
    return getattr(getattr(library, module), name)(**eval(f"dict({arguments}"))


def compiled(library, d, heads):
    """The options of compile and of fit."""
    said = lambda values, module: [_said(library, v, module) for v in values]  # noqa: E731
    losses = said([h[2] for h in heads], "losses")
    metrics, weighted = ([said(h[i], "metrics") for h in heads] for i in (3, 4))
    options = {
        "optimizer": realise(library, _optimizer(d)),
        "loss": losses,
        "metrics": metrics,
        "weighted_metrics": weighted,
    }
    if len(heads) == 1:
        options = {"optimizer": options["optimizer"], **{k: v[0] for k, v in options.items() if k != "optimizer"}}
    elif d.chance(0.4):
        names = [f"head_{i}" for i in range(len(heads))]
        options |= {k: dict(zip(names, options[k])) for k in ("loss", "metrics", "weighted_metrics")}
    if len(heads) > 1 and d.chance(0.4):
        options["loss_weights"] = [d.one(0.5, 2.0, 1.0) for _ in heads]
        if isinstance(options["loss"], dict):
            options["loss_weights"] = dict(zip(options["loss"], options["loss_weights"]))
    fit = {}
    labels = heads[0][1]
    if d.chance(0.3):
        weights = [d.rng.randint(0, 3, size=h[1].shape[: 1 + len(h[5]) * d.one(0, 1)]) / 1.0 for h in heads]
        fit["sample_weight"] = weights if len(heads) > 1 else weights[0]
    elif (
        len(heads) == 1
        and d.chance(0.4)
        and not heads[0][5]
        and labels.dtype.kind in "iu"
        and labels.shape[-1] == 1
        and labels.min() >= 0
    ):
        fit["class_weight"] = {0: 0.5, 1: 2.0, 2: 1.5, 3: 1.0}
    return options, fit
