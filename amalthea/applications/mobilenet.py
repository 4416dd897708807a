"""MobileNet: depthwise convolutions, each followed by one that mixes the maps.

Source: Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications".
"""

from __future__ import annotations

from typing import Any

from amalthea.applications.building import Files, Plan, building_function, published, size_of
from amalthea.applications.imagenet_utils import SIGNED, decode_predictions, preprocessing
from amalthea.checks import positive_int, positive_number, share
from amalthea.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from amalthea.models import Model

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

# Filters and stride of each block (table 1).
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)
SIZES = (128, 160, 192, 224)  # of images, for which there are weights
ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}


def _activated(x: Any, plan: Plan, name: str) -> Any:
    x = BatchNormalization(axis=plan.axis, name=f"{name}_bn")(x)
    return ReLU(6.0, name=f"{name}_relu")(x)


def _block(x: Any, plan: Plan, filters: int, stride: int, multiplier: int, number: int) -> Any:
    if stride > 1:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    x = DepthwiseConv2D(
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        depth_multiplier=multiplier,
        use_bias=False,
        name=f"conv_dw_{number}",
    )(x)
    x = _activated(x, plan, f"conv_dw_{number}")
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
    return _activated(x, plan, f"conv_pw_{number}")


def _head(x: Any, plan: Plan, dropout: float) -> Any:
    if not plan.include_top:
        return plan.pooled(x)
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = Dropout(dropout, name="dropout")(x)
    x = Conv2D(plan.classes, 1, padding="same", name="conv_preds")(x)
    x = Reshape((plan.classes,), name="reshape_2")(x)
    return Activation(plan.activation, name="predictions")(x)


def _files(alpha: float, multiplier: int, size: int) -> Files | None:
    if alpha not in ALPHAS or multiplier != 1:
        return None
    return published(f"mobilenet/mobilenet_{ALPHAS[alpha]}_{size}_tf{{}}.h5", ending="_no_top")


@building_function
def MobileNet(
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    """Builds MobileNet: thirteen pairs of a depthwise convolution and one of 1 x 1.

    Args:
        |architecture options|
        alpha: float; factor of the number of filters. Weights of ImageNet exist for 0.25, 0.5, 0.75 and 1.0, the
            default.
        depth_multiplier: int; maps that each depthwise convolution makes of one. Defaults to 1.
        dropout: float; share of features dropped before the classifier in training. Defaults to 0.001.

    Shapes:
        |architecture shapes|

    Raises:
        |architecture errors|

    Example:
        >>> from amalthea import applications
        >>> model = applications.MobileNet((32, 32, 3), alpha=0.25, weights=None, classes=10)
        >>> model.name, model.output_shape
        ('mobilenet_0.25_32', (None, 10))

    Source: Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    table 1.
    """
    positive_number(alpha, "alpha", "MobileNet")
    positive_int(depth_multiplier, "depth_multiplier", "MobileNet")
    share(dropout, "dropout", "MobileNet")
    size = size_of(input_shape, SIZES, weights)
    plan = Plan(
        {**locals(), "name": name or "MobileNet"},
        _files(alpha, depth_multiplier, size),
        default_size=size,
        last_axis=-1,
    )
    plan.name = name or f"mobilenet_{alpha:0.2f}_{plan.height if weights != 'imagenet' else size}"
    x = Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(plan.inputs)
    x = _activated(x, plan, "conv1")
    for number, (filters, stride) in enumerate(BLOCKS, start=1):
        x = _block(x, plan, int(filters * alpha), stride, depth_multiplier, number)
    return plan.model(_head(x, plan, dropout))


preprocess_input = preprocessing(SIGNED, __name__)
