"""Limits on a model file while it is read: code, kinds of objects in each place, and sizes.

A configuration names objects: layers, initializers, functions. Each place (*slot*) takes objects of certain tables
alone, by the name of the constructor's parameter; every other parameter takes plain data. A class may say so itself, in
its attribute ``_config_slots``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from amalthea.errors import ModelFileError, brief

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
    "quantization_config": ("quantizers",),
    "seed": ("random",),
    "weighted_metrics": ("metrics", "losses"),
}
_ENDINGS = {
    "_constraint": ("constraints",),
    "_dtype": ("dtype_policies",),
    "_initializer": ("initializers",),
    "_quantizer": ("quantizers",),
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


# ------------------------------------------------------------------------------------------------ limits


class Limits:
    """Upper limits of sizes in a file. They are far above ordinary files, and keep a small hostile file from taking all
    memory or hours. Raise them for a larger file: ``saving.limits.config_bytes = 1 << 28``.

    Attributes:
        config_bytes: the configuration (32 MiB; a thousand layers take one). Python needs 25 times as much to read it.
        ratio: how many times its packed size a member of an archive, or a value in HDF5, may unpack to.
        unpacked_bytes: what all values of a file may unpack to beyond ``unpacked_ratio`` times their packed size.
        unpacked_ratio: the ratio for files larger than that; weights hardly shrink when they are packed.
        objects: groups and values in a file of weights.
        copies: how many variables of their size (slots of the optimizer) the elements in a file may stand for.
        elements: variables that no file holds, such as those of metrics, in all (64 MiB as float32).
        text_elements: elements that a text without weights is read as if it held.
        size: an int in a configuration, unless the file holds as many elements.
        sizes: the same for ints that something is computed from at once, by the parameter's name.
        op_size: an int among the arguments of an op.
        unrolled: steps of a recurrent layer with ``unroll=True``.
        row: elements that one row of a layer's or an op's output may have.
        archive_bytes: what an archive that ``get_file`` unpacks may unpack to beyond ``archive_ratio`` times its size.
        archive_ratio: the ratio for larger ones.
        archive_members: files and folders in it.
    """

    config_bytes = 1 << 25
    ratio = 1000
    unpacked_bytes = 1 << 28
    unpacked_ratio = 32
    objects = 1 << 20
    copies = 6
    elements = 1 << 24
    text_elements = 1 << 27
    size = 1 << 24
    op_size = 1 << 20
    unrolled = 1 << 12
    row = 1 << 31
    archive_bytes = 1 << 30
    archive_ratio = 200
    archive_members = 1 << 22

    def __init__(self) -> None:
        self.sizes = {
            **dict.fromkeys(("num_thresholds", "num_bins", "n"), 1 << 20),
            **dict.fromkeys(("frame_length", "pool_size", "num_classes"), 1 << 16),
            **dict.fromkeys(("fft_length", "sequence_length"), 1 << 13),
            **dict.fromkeys(("height", "width", "output_size", "size", "padding", "cropping"), 1 << 14),
            **dict.fromkeys(("power_iterations", "ns_steps", "num_mel_bins"), 1 << 10),
        }


limits = Limits()

# Ints that are no sizes.
_FREE = frozenset(
    "seed mask_value min_value max_value minval maxval value ignore_class sampling_rate scale offset threshold "
    "thresholds values boundaries bin_boundaries value_range fill_value mean variance max_freq min_freq label_weights "
    "gain".split()
)
# Arguments of ops that are sizes; with a limit of their own, those that are counted through.
_OP_SIZES = {
    **dict.fromkeys(
        "M N num_classes repeats shape newshape pad_width pool_size dilation_rate strides lower upper".split()
    ),
    **{"n": 64, "num": 1 << 12, "indices_or_sections": 1 << 12, "length": 1 << 16},
}


def check_sizes(kind: str, config: Mapping[str, Any]) -> None:
    """:class:`ModelFileError` if an object in a file is asked for with a size beyond the limits."""
    plan = reading.get()
    if plan is None:
        return
    for name, value in config.items():
        if name not in limits.sizes and (name in _FREE or name.endswith("_steps")):
            continue
        limit = limits.sizes.get(name, max(limits.size, plan.in_file))
        largest = _largest(value)
        if largest > limit:
            raise ModelFileError(
                f"The file asks for a {brief(kind)} of a size that it cannot mean.",
                expected=f"{brief(name)} of at most {limit:,}",
                got=f"{largest:,}",
                cure="saving.limits, if the file is yours",
            )


def check_shapes(kind: str, shapes: Any) -> None:
    """The same for the shapes that a layer is to be built for, in lists and dicts."""
    if isinstance(shapes, dict):
        for value in shapes.values():
            check_shapes(kind, value)
    else:
        check_sizes(kind, {"shape": shapes})


def check_op(name: str, config: Mapping[str, Any], shapes: Sequence[Sequence[Any]]) -> None:
    """The same for an op and the shapes of what it is called on."""
    dims = [d for shape in shapes for d in shape if isinstance(d, int)]
    for key, value in config.items():
        if key not in _OP_SIZES:
            continue
        largest, limit = _largest(value), _OP_SIZES[key] or limits.op_size
        grows = 1 if key in ("shape", "newshape", "indices_or_sections") else max(dims, default=1)
        if largest > limit or largest * grows > limits.row:
            raise ModelFileError(
                f"The file calls op {brief(name)} with a size that it cannot mean.",
                expected=f"{brief(key)} of at most {min(limit, limits.row // grows):,}",
                got=f"{largest:,}",
            )


def check_rows(name: str, shape: Sequence[Any]) -> None:
    """:class:`ModelFileError` if the output of a layer or op in a file is too large for any device."""
    count = 1
    for d in shape:
        count *= d if isinstance(d, int) else 1
    if count > limits.row and reading.get() is not None:
        raise ModelFileError(
            f"The output of {brief(name)} in the file is larger than any memory.",
            expected=f"at most {limits.row:,} elements a row",
            got=f"{count:,}",
        )


def check_unrolled(name: str, steps: int) -> None:
    """:class:`ModelFileError` if a layer in a file would be traced for very many steps one by one."""
    if steps > limits.unrolled and reading.get() is not None:
        raise ModelFileError(
            f"Layer {brief(name)} in the file is unrolled for very many steps.",
            expected=f"at most {limits.unrolled:,}",
            got=f"{steps:,}",
        )


def _largest(value: Any) -> int:
    if isinstance(value, int):
        return abs(value)
    return max(map(_largest, value), default=0) if isinstance(value, (list, tuple)) else 0


# ----------------------------------------------------------------------------------- variables, not yet read


class Plan:
    """Variables that are made to be read into: they are checked against the file, and begin as zeros, not drawn.

    Args:
        in_file: int; the elements in the file.
    """

    def __init__(self, in_file: int):
        self.in_file = in_file
        self.left = in_file * limits.copies + limits.elements
        self.waiting: list[tuple[Any, Callable[[], Any]]] = []

    def start(
        self, variable: Any, initializer: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str | None
    ) -> np.ndarray | None:
        """The first value of a variable; None for a small one, which is drawn, for others may need it."""
        count = 1
        for d in shape:
            count *= int(d)
        if count > self.left:
            raise ModelFileError(
                f"The configuration asks for a variable that the file does not hold: {brief(name)}.",
                expected=f"at most {self.left:,} elements more",
                got=f"{count:,}, {brief(shape)}",
                cure="saving.limits, if the file is yours",
            )
        self.left -= count
        if count <= 1024:
            return None
        if type(initializer).__name__ != "Zeros":
            self.waiting.append((variable, lambda: initializer(shape, dtype=dtype.name)))
        return np.zeros(shape, dtype)

    def finish(self, read: set[int]) -> None:
        """Draw the variables that the file had no values for (``read`` has the ids of those that it had)."""
        for variable, draw in self.waiting:
            if id(variable) not in read:
                variable.assign(draw())


reading: ContextVar[Plan | None] = ContextVar("reading", default=None)


def start(
    variable: Any, initializer: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str | None
) -> np.ndarray | None:
    """The zeros that a variable begins with while a file is read; None where its initializer is to be asked."""
    plan = reading.get()
    return None if plan is None else plan.start(variable, initializer, shape, dtype, name)
