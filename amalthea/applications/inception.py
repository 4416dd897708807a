"""Branches of the Inception networks, as data, and the first layers that they share."""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import Plan
from amalthea.layers import Activation, AveragePooling2D, BatchNormalization, Concatenate, Conv2D, MaxPooling2D


class Conv(NamedTuple):
    """A convolution of a branch, with normalization and ReLU."""

    filters: int
    kernel: int | tuple[int, int] = 1
    strides: int = 1
    padding: str = "same"


MAX = "max pooling of stride 2"
MEAN = "mean pooling"
Branch = tuple[Any, ...]  # of Conv, MAX, MEAN, and last perhaps a tuple of Conv, which stand side by side

STEM: Branch = (
    Conv(32, 3, 2, "valid"),
    Conv(32, 3, 1, "valid"),
    Conv(64, 3),
    MAX,
    Conv(80, 1, 1, "valid"),
    Conv(192, 3, 1, "valid"),
    MAX,
)


def _step(x: Any, step: Any, plan: Plan, split_name: str | None) -> Any:
    if step is MAX:
        return MaxPooling2D(3, strides=2)(x)
    if step is MEAN:
        return AveragePooling2D(3, strides=1, padding="same")(x)
    if isinstance(step, Conv):
        x = Conv2D(step.filters, step.kernel, strides=step.strides, padding=step.padding, use_bias=False)(x)
        x = BatchNormalization(axis=plan.axis, scale=False)(x)
        return Activation("relu")(x)
    return Concatenate(axis=plan.axis, name=split_name)([_step(x, side, plan, None) for side in step])


def branched(x: Any, branch: Branch, plan: Plan, split_name: str | None = None) -> Any:
    """Returns what the steps of a branch make of a map of features.

    Args:
        x: map of features.
        branch: steps.
        plan: plan of the network.
        split_name: str or None; name of the layer that joins convolutions side by side.
    """
    for step in branch:
        x = _step(x, step, plan, split_name)
    return x
