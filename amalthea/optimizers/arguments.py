"""The kinds of the numbers that optimizers and schedules take, by name; a class with another meaning says so itself."""

from __future__ import annotations

from amalthea.checks import (
    finite_number,
    non_negative_int,
    non_negative_number,
    non_positive_number,
    optional,
    positive_int,
    positive_number,
    positive_or_infinite,
    several,
    share,
    share_below_one,
    two_or_more,
)

_SHARES = "momentum rho ema_momentum"
_SHARES_OF_MOMENTS = "beta_1 beta_2 adam_beta_1 adam_beta_2"  # with 1 a moment stays 0, and is divided by 0
_NOT_NEGATIVE = (
    "epsilon epsilon_1 epsilon_2 initial_accumulator_value beta decay "
    "l1_regularization_strength l2_regularization_strength l2_shrinkage_regularization_strength adam_lr_ratio"
)

OF_OPTIMIZERS = {
    **dict.fromkeys(_SHARES.split(), share),
    **dict.fromkeys(_SHARES_OF_MOMENTS.split(), share_below_one),
    **dict.fromkeys(_NOT_NEGATIVE.split(), non_negative_number),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm", "clip_threshold"), positive_or_infinite),
    **dict.fromkeys(("loss_scale_factor", "initial_scale"), positive_number),
    **dict.fromkeys(("ema_overwrite_frequency", "dynamic_growth_steps", "ns_steps"), positive_int),
    **dict.fromkeys(("muon_a", "muon_b", "muon_c"), finite_number),
    **dict.fromkeys(("beta_2_decay", "learning_rate_power"), non_positive_number),
    **dict.fromkeys(("weight_decay", "adam_weight_decay", "rms_rate"), optional(non_negative_number)),
    "gradient_accumulation_steps": two_or_more,
    "warmup_steps": non_negative_int,
}

_RATES = "initial_learning_rate end_learning_rate warmup_target alpha decay_rate power m_mul warmup_steps"

OF_SCHEDULES = {
    **dict.fromkeys(_RATES.split(), non_negative_number),
    **dict.fromkeys(("decay_steps", "first_decay_steps", "t_mul"), positive_number),
    "boundaries": several(finite_number),
    "values": several(non_negative_number),
}
