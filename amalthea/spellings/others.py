"""Optimizers, losses, metrics, initializers, regularizers, constraints and activations of Keras 1 and 2."""

from __future__ import annotations

from typing import Any

from amalthea.spellings.rows import Config, Spelling

# ------------------------------------------------------------------------------------------- optimizers


def _nadam(name: str, config: Config) -> tuple[str, Config]:
    config.pop("schedule_decay", None)
    return name, config


def _clips(name: str, config: Config) -> tuple[str, Config]:
    """A clip of 0 meant none; so did a decay of 0, which today's optimizers do not list."""
    return name, {k: v for k, v in config.items() if not (k in ("clipnorm", "clipvalue", "decay") and not v)}


_OPTIMIZER = Spelling(
    arguments={"lr": "learning_rate", "jit_compile": "", "is_legacy_optimizer": ""},
)
_EPSILON = {"epsilon": lambda value: 1e-7 if value is None else value}
OPTIMIZERS = {
    **{
        name: Spelling(values=_EPSILON, rest=_clips)
        for name in ("Adam", "AdamW", "Adamax", "Adagrad", "Adadelta", "RMSprop")
    },
    "Adagrad": Spelling(values=_EPSILON, defaults={"initial_accumulator_value": 0.0}, rest=_clips),
    "SGD": Spelling(rest=_clips),
    "Nadam": Spelling(values=_EPSILON, rest=lambda name, config: _nadam(*_clips(name, config))),
    "Ftrl": Spelling(rest=_clips),
}

# --------------------------------------------------------------------------------- losses and metrics

# The class or function of an older Keras, in small letters without underscores, and today's.
LOSSES = {
    "cosine": "cosine_similarity",
    "cosine_proximity": "cosine_similarity",
    "logcosh": "log_cosh",
    "kullback_leibler_divergence": "kl_divergence",
    "huber_loss": "huber",
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "MAE": "mean_absolute_error",
    "MSE": "mean_squared_error",
    "MAPE": "mean_absolute_percentage_error",
    "MSLE": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
}
_REDUCTIONS = {"auto": "sum_over_batch_size", "sum_over_batch_size": "sum_over_batch_size"}
_LOSS = Spelling(arguments={"fn": ""}, values={"reduction": _REDUCTIONS})


def _mean_metric(name: str, config: Config) -> tuple[str, Config]:
    """A metric that Keras 2 made of a function is that function again, under its own name."""
    function = config.get("fn")
    return (function, {}) if isinstance(function, str) else (name, config)


METRICS = {
    "MeanMetricWrapper": Spelling(rest=_mean_metric),
    "SumOverBatchSizeMetricWrapper": Spelling(rest=_mean_metric),
    "CosineProximity": Spelling("CosineSimilarity"),
}
_METRIC = Spelling(arguments={"fn": ""})

# -------------------------------------------------------------- initializers, regularizers, constraints


def _made(name: str, **config: Any) -> Spelling:
    return Spelling(name, defaults=config)


def _of_one(name: str) -> Spelling:
    """``l1`` and ``l2`` of Keras 1, whose argument was ``l``."""
    return Spelling(name, arguments={"l": name.lower()}, defaults={name.lower(): 0.01})


_UNIFORM = {"minval": -0.05, "maxval": 0.05, "seed": None}
INITIALIZERS_1 = {
    "uniform": _made("RandomUniform", **_UNIFORM),
    "normal": _made("RandomNormal", mean=0.0, stddev=0.05, seed=None),
    "zero": _made("Zeros"),
    "one": _made("Ones"),
    "identity": _made("Identity"),
    "orthogonal": _made("Orthogonal", gain=1.1),
    "he_normal": _made("VarianceScaling", scale=2.0, mode="fan_in", distribution="untruncated_normal"),
    "glorot_normal": _made("VarianceScaling", scale=1.0, mode="fan_avg", distribution="untruncated_normal"),
}
_NO_DTYPE = {"dtype": "", "partition_info": ""}
INITIALIZERS_2 = {
    **{name: INITIALIZERS_1[name] for name in ("uniform", "normal", "zero", "one", "identity")},
    "VarianceScaling": Spelling(arguments=_NO_DTYPE, values={"distribution": {"normal": "truncated_normal"}}),
    "init_ops.VarianceScaling": Spelling("VarianceScaling"),
}
for _name in ("GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"):
    for _ending in ("V2", "V1"):
        INITIALIZERS_2[_name + _ending] = Spelling(_name, arguments=_NO_DTYPE)
for _name in (
    "Zeros",
    "Ones",
    "Constant",
    "RandomUniform",
    "RandomNormal",
    "TruncatedNormal",
    "Orthogonal",
    "Identity",
):
    for _ending in ("V2", "V1"):
        INITIALIZERS_2[_name + _ending] = Spelling(_name, arguments=_NO_DTYPE)
    INITIALIZERS_2.setdefault(_name, Spelling(arguments=_NO_DTYPE))
_INITIALIZER = Spelling(arguments=_NO_DTYPE)

_L1L2 = Spelling("L1L2", values={"l1": float, "l2": float})
REGULARIZERS = {
    "WeightRegularizer": _L1L2,
    "ActivityRegularizer": _L1L2,
    "L1L2Regularizer": _L1L2,
    "L1L2": _L1L2,
    "L1": Spelling(values={"l1": float}),
    "L2": Spelling(values={"l2": float}),
    "l1": _of_one("L1"),
    "l2": _of_one("L2"),
    "l1l2": _made("L1L2", l1=0.01, l2=0.01),
    "l1_l2": _made("L1L2", l1=0.01, l2=0.01),
    "activity_l1": _of_one("L1"),
    "activity_l2": _of_one("L2"),
    "activity_l1l2": _made("L1L2", l1=0.01, l2=0.01),
}
CONSTRAINTS = {
    "MaxNorm": Spelling(arguments={"m": "max_value"}),
    "maxnorm": Spelling("MaxNorm", arguments={"m": "max_value"}),
    "NonNeg": Spelling(),
    "nonneg": _made("NonNeg"),
    "UnitNorm": Spelling(),
    "unitnorm": _made("UnitNorm"),
    "MinMaxNorm": Spelling(),
}
ACTIVATIONS = {"hard_sigmoid": "keras2_hard_sigmoid", "swish": "silu"}

TABLES: dict[str, tuple[dict[str, Spelling], dict[str, Spelling], Spelling]] = {
    "optimizer": (OPTIMIZERS, OPTIMIZERS, _OPTIMIZER),
    "loss": ({}, {}, _LOSS),
    "metric": (METRICS, METRICS, _METRIC),
    "initializer": (INITIALIZERS_1, INITIALIZERS_2, _INITIALIZER),
    "regularizer": (REGULARIZERS, REGULARIZERS, Spelling()),
    "constraint": (CONSTRAINTS, CONSTRAINTS, Spelling()),
}
