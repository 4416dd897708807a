"""DenseNet: each layer of a block takes the maps of all layers before it.

Source: Huang et al. 2016, "Densely Connected Convolutional Networks".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan, published, variant
from amalthea.applications.imagenet_utils import STANDARD, decode_predictions, preprocessing
from amalthea.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from amalthea.models import Model

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

EPSILON = 1.001e-5
GROWTH = 32  # maps that a layer adds


class Blocks(NamedTuple):
    """Layers in each block, and the weights of ImageNet."""

    layers: tuple[int, int, int, int]
    files: Files


def _activated(x: Any, plan: Plan, name: str) -> Any:
    x = BatchNormalization(axis=plan.axis, epsilon=EPSILON, name=f"{name}bn")(x)
    return Activation("relu", name=f"{name}relu")(x)


def _layer(x: Any, plan: Plan, name: str) -> Any:
    new = _activated(x, plan, f"{name}_0_")
    new = Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = _activated(new, plan, f"{name}_1_")
    new = Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return Concatenate(axis=plan.axis, name=f"{name}_concat")([x, new])


def _transition(x: Any, plan: Plan, name: str) -> Any:
    """Halves the maps, and their height and width."""
    x = _activated(x, plan, f"{name}_")
    x = Conv2D(plan.channels(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _densenet(
    table: Blocks,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "densenet",
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
        >>> model = applications.PUBLIC(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
        >>> model.output_shape[:1], model.layers[-1].name
        ((None,), 'avg_pool')

    Source: Huang et al. 2016, "Densely Connected Convolutional Networks", table 1.
    """
    plan = Plan(locals(), table.files, default_size=224)
    x = ZeroPadding2D(3)(plan.inputs)
    x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = _activated(x, plan, "conv1_")
    x = ZeroPadding2D(1)(x)
    x = MaxPooling2D(3, strides=2, name="pool1")(x)
    for block, count in enumerate(table.layers, start=2):
        for i in range(1, count + 1):
            x = _layer(x, plan, f"conv{block}_block{i}")
        x = _transition(x, plan, f"pool{block}") if block < 5 else _activated(x, plan, "")
    return plan.model(plan.head(x))


def _blocks(name: str, layers: tuple[int, int, int, int], *hashes: str) -> Blocks:
    return Blocks(layers, published(f"densenet/{name}_weights_tf_dim_ordering_tf_kernels{{}}.h5", *hashes))


DenseNet121 = variant(
    _densenet,
    "DenseNet121",
    "densenet121",
    "Builds DenseNet of 121 layers.",
    _blocks("densenet121", (6, 12, 24, 16), "9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
)
DenseNet169 = variant(
    _densenet,
    "DenseNet169",
    "densenet169",
    "Builds DenseNet of 169 layers.",
    _blocks("densenet169", (6, 12, 32, 32), "d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
)
DenseNet201 = variant(
    _densenet,
    "DenseNet201",
    "densenet201",
    "Builds DenseNet of 201 layers.",
    _blocks("densenet201", (6, 12, 48, 32), "1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
)
preprocess_input = preprocessing(STANDARD, __name__)
