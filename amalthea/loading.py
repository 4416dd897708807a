"""What a file may do while it is read: whether it may hold code, and which table may stand in which place.

A configuration names objects: layers, initializers, functions. Each place (*slot*) takes objects of certain tables
alone, by the name of the constructor's parameter; every other parameter takes plain data. A class may say so itself, in
its attribute ``config_slots``.
"""

from __future__ import annotations

from contextvars import ContextVar

safe: ContextVar[bool] = ContextVar("safe_mode", default=True)  # whether code in a file is refused

PLAIN: tuple[str, ...] = ()  # a slot that takes numbers, text, lists, dicts and arrays, and no object
OWN = "classes and functions of yours"  # stands for a table: it holds nothing of ours
_FUNCTIONS = ("activations",)

SLOTS: dict[str, tuple[str, ...]] = {
    "activation": ("activations", "activation layers"),
    "recurrent_activation": ("activations", "activation layers"),
    "backward_layer": ("layers",),
    "call_fn": _FUNCTIONS,
    "cell": ("layers",),
    "cells": ("layers",),
    "default_policy": ("dtype_policies",),
    "dtype": ("dtype_policies",),
    "fn": ("losses",),
    "function": _FUNCTIONS,
    "init_fn": _FUNCTIONS,
    "inner_optimizer": ("optimizers",),
    "layer": ("layers",),
    "layers": ("layers",),
    "learning_rate": ("optimizers.schedules",),
    "loss": ("losses",),
    "mask": _FUNCTIONS,
    "metrics": ("metrics", "losses"),
    "optimizer": ("optimizers",),
    "policy_map": ("dtype_policies",),
    "seed": ("random",),
    "weighted_metrics": ("metrics", "losses"),
}
_ENDINGS = {
    "_constraint": ("constraints",),
    "_dtype": ("dtype_policies",),
    "_initializer": ("initializers",),
    "_regularizer": ("regularizers",),
}
# Tables in whose place a function of the user's may stand; of our own, functions are in the first two alone.
CALLED = (
    OWN,
    "activations",
    "losses",
    "metrics",
    "initializers",
    "regularizers",
    "constraints",
    "optimizers.schedules",
)


def slot_of(parameter: str) -> tuple[str, ...]:
    """The tables whose objects the parameter takes.

    >>> slot_of("kernel_initializer"), slot_of("units")
    (('initializers',), ())
    """
    if parameter in SLOTS:
        return SLOTS[parameter]
    return next((tables for ending, tables in _ENDINGS.items() if parameter.endswith(ending)), PLAIN)
