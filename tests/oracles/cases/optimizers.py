"""Every optimizer over a matrix and a vector, for six steps."""

from ..draws import normal
from . import OptimizerCase, check_unique

STEPS = 6
SHAPES = ((4, 3), (3,))
NAMES = ("kernel", "bias")
# The parameters and the gradients are the same for every case, but for a factor on each step's gradients.
PARAMETERS = [normal(*shape) for shape in SHAPES]
GRADIENTS = [[normal(*shape) for shape in SHAPES] for _ in range(STEPS)]
FACTORS = {
    "usual": (1.0,) * STEPS,
    "zeros": (1.0, 0.0, 1.0, 0.0, 0.0, 1.0),
    "scaled": (4.0, 4.0, 8.0, 8.0, float("inf"), 8.0),
    "large": (100.0, 1.0, 100.0, 1.0, 100.0, 1.0),
}


def row(class_name, label, special="usual", **config):
    return OptimizerCase(f"{class_name}/{label}", class_name, config, special)


def schedule(class_name, **config):
    return {"class_name": class_name, "config": config}


FALLING = schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5)
STAIRS = schedule("PiecewiseConstantDecay", boundaries=[1, 3], values=[0.1, 0.05, 0.01])

# class -> label -> config; and for each of them, with `COMMON`, what any optimizer can do.
OPTIONS = {
    "SGD": {"momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}},
    "RMSprop": {
        "momentum": {"momentum": 0.8},
        "centered": {"centered": True, "rho": 0.8},
        "both": {"centered": True, "momentum": 0.5},
    },
    "Adam": {"amsgrad": {"amsgrad": True}, "betas": {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-3}},
    "AdamW": {"amsgrad": {"amsgrad": True, "weight_decay": 0.1}},
    "Adagrad": {"accumulator": {"initial_accumulator_value": 0.5}},
    "Adadelta": {"rho": {"rho": 0.5}},
    "Adamax": {"betas": {"beta_1": 0.5, "beta_2": 0.7}},
    "Nadam": {"betas": {"beta_1": 0.5, "beta_2": 0.7}},
    "Ftrl": {
        "l1_l2": {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.1},
        "shrinkage": {"l2_shrinkage_regularization_strength": 0.1, "beta": 0.2},
        "power": {"learning_rate_power": -0.3},
    },
    "Lion": {"betas": {"beta_1": 0.5, "beta_2": 0.7}},
    "Adafactor": {
        "not_relative": {"relative_step": False},
        "clip_threshold": {"clip_threshold": 0.5, "beta_2_decay": -0.5},
    },
    "Lamb": {"betas": {"beta_1": 0.5, "beta_2": 0.7}},
    "Muon": {
        "plain_momentum": {"nesterov": False, "momentum": 0.5},
        "no_rms_rate": {"rms_rate": None, "ns_steps": 3},
        "excluded": {"exclude_layers": ["kernel"], "adam_lr_ratio": 0.5},
    },
    "ScheduleFreeAdamW": {"warmup": {"warmup_steps": 3, "beta_1": 0.8}},
}
COMMON = {
    "plain": {"learning_rate": 0.1},
    "weight_decay": {"learning_rate": 0.1, "weight_decay": 0.05},
    "schedule": {"learning_rate": FALLING},
}
# What the base class does, so that one or two optimizers show it.
BASE = {
    "clipnorm": {"clipnorm": 0.8},
    "clipvalue": {"clipvalue": 0.4},
    "global_clipnorm": {"global_clipnorm": 1.0},
    "ema": {"use_ema": True, "ema_momentum": 0.7},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    "accumulation": {"gradient_accumulation_steps": 2},
    "accumulation_three": {"gradient_accumulation_steps": 3, "clipnorm": 0.8},
    "stairs": {"learning_rate": STAIRS},
    "loss_scale_factor": {"loss_scale_factor": 4.0},
}


def rows():
    for name, options in OPTIONS.items():
        yield row(name, "default")
        for label, config in COMMON.items():
            yield row(name, label, **config)
        for label, config in options.items():
            yield row(name, label, **{"learning_rate": 0.1, **config})
        yield row(name, "zero_gradients", "zeros", learning_rate=0.1)
    for name in ("SGD", "Adam"):
        for label, config in BASE.items():
            yield row(name, label, **{"learning_rate": 0.1, **config})
    yield row(
        "Adam", "ema_accumulation", learning_rate=0.1, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2
    )
    yield row("Adam", "schedule_accumulation", learning_rate=FALLING, gradient_accumulation_steps=2)
    yield row("Adam", "clip_large", "large", learning_rate=0.1, global_clipnorm=1.0, weight_decay=0.01)


def loss_scaled(class_name, label, **config):
    inner = {"class_name": class_name, "config": {"learning_rate": 0.1}}
    return row(
        "LossScaleOptimizer",
        label,
        "scaled",
        inner_optimizer=inner,
        initial_scale=4.0,
        dynamic_growth_steps=2,
        **config,
    )


CASES = check_unique([*rows(), loss_scaled("SGD", "sgd"), loss_scaled("Adam", "adam")])
