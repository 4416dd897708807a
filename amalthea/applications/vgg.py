"""The rule of VGG16 and VGG19: five stages of convolutions, each halved by pooling, then three dense layers."""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan
from amalthea.layers import Conv2D, Dense, Flatten, MaxPooling2D
from amalthea.models import Model

FILTERS = (64, 128, 256, 512, 512)


class Stages(NamedTuple):
    """Convolutions in each stage, and the weights of ImageNet."""

    convolutions: tuple[int, ...]
    files: Files


def vgg(
    table: Stages,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "vgg",
) -> Model:
    """SUMMARY

    Args:
        |architecture options|

    Shapes:
        |architecture shapes|

    Raises:
        |architecture errors|

    Example:
        >>> from amalthea import applications
        >>> model = applications.PUBLIC(include_top=False, weights=None, input_shape=(32, 32, 3))
        >>> model.output_shape
        (None, 1, 1, 512)

    Source: Simonyan and Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition", table 1.
    """
    plan = Plan(locals(), table.files, default_size=224)
    x = plan.inputs
    for i, (filters, count) in enumerate(zip(FILTERS, table.convolutions), start=1):
        for j in range(1, count + 1):
            x = Conv2D(filters, 3, padding="same", activation="relu", name=f"block{i}_conv{j}")(x)
        x = MaxPooling2D(2, strides=2, name=f"block{i}_pool")(x)
    if not plan.include_top:
        return plan.model(plan.pooled(x))
    x = Flatten(name="flatten")(x)
    x = Dense(4096, activation="relu", name="fc1")(x)
    x = Dense(4096, activation="relu", name="fc2")(x)
    return plan.model(plan.classified(x))
