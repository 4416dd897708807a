"""The arguments of ``fit``, ``evaluate`` and ``predict``, held against their kinds before anything changes."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

from amalthea.checks import Check, either, non_negative_int, optional, positive_int, share_below_one


def _is_frequency(value: Any) -> bool:
    is_collection = isinstance(value, (list, tuple, set, frozenset, range))
    return all(map(positive_int.accepts, value)) if is_collection else positive_int.accepts(value)


_SIZES = "batch_size steps_per_epoch steps validation_steps validation_batch_size pad_to_multiple"

CHECKS = {
    **dict.fromkeys(("epochs", "initial_epoch"), non_negative_int),
    **dict.fromkeys(_SIZES.split(), optional(positive_int)),
    "verbose": either(non_negative_int, "auto", True, False),
    "validation_split": share_below_one,
    "validation_freq": Check(
        "a number of epochs, or the numbers of those to validate after", "1, 2, ..., or a list", _is_frequency, "1"
    ),
}


def check(verb: str, **values: Any) -> None:
    """:class:`ArgumentError` for a value that an argument of ``model.fit`` (or another verb) cannot mean."""
    for name, value in values.items():
        CHECKS[name](value, name, verb)
