"""The kinds of the numbers that constructors of callbacks take, by name."""

from __future__ import annotations

from amalthea.checks import (
    any_number,
    either,
    finite_number,
    non_negative_int,
    non_negative_number,
    one_of,
    positive_int,
    share_below_one,
)

CHECKS = {
    **dict.fromkeys(("patience", "cooldown", "start_from_epoch"), non_negative_int),
    **dict.fromkeys(("baseline", "initial_value_threshold"), any_number),
    "verbose": either(non_negative_int, True, False),
    "min_delta": finite_number,
    "epsilon": finite_number,
    "min_lr": non_negative_number,
    "factor": share_below_one,
    "mode": one_of("auto", "min", "max"),
    "save_freq": either(positive_int, "epoch"),
}
