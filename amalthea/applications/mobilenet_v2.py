"""MobileNetV2: blocks that widen, convolve each map, and narrow again; shortcuts between the narrow ends.

Source: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks".
"""

from __future__ import annotations

from typing import Any

from amalthea.applications.building import Files, Plan, building_function, halving_pad, published, rounded, size_of
from amalthea.applications.imagenet_utils import SIGNED, decode_predictions, preprocessing
from amalthea.checks import positive_number
from amalthea.layers import Add, BatchNormalization, Conv2D, DepthwiseConv2D, ReLU, ZeroPadding2D
from amalthea.models import Model

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

# Expansion, filters, blocks, stride of the first (table 2).
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
SIZES = (96, 128, 160, 192, 224)  # of images, for which there are weights
ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
MOMENTUM = 0.999


def _normalized(x: Any, plan: Plan, name: str, activation: str | None = None) -> Any:
    x = BatchNormalization(axis=plan.axis, momentum=MOMENTUM, name=name)(x)
    return x if activation is None else ReLU(6.0, name=activation)(x)


def _block(x: Any, plan: Plan, expand: int, filters: int, stride: int, number: int) -> Any:
    name = f"block_{number}_" if number else "expanded_conv_"
    before, wide = x, expand * plan.channels(x)
    if number:
        x = Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = _normalized(x, plan, f"{name}expand_BN", f"{name}expand_relu")
    if stride == 2:
        x = ZeroPadding2D(halving_pad(x, 3, plan.axis), name=f"{name}pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=f"{name}depthwise")(x)
    x = _normalized(x, plan, f"{name}depthwise_BN", f"{name}depthwise_relu")
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, plan, f"{name}project_BN")
    if stride == 1 and plan.channels(before) == filters:
        return Add(name=f"{name}add")([before, x])
    return x


def _files(alpha: float, size: int) -> Files | None:
    if alpha not in ALPHAS:
        return None
    pattern = f"mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{size}{{}}.h5"
    return published(pattern, ending="_no_top")


@building_function
def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    """Builds MobileNetV2: seventeen blocks that widen and narrow.

    Args:
        |architecture options|
        alpha: float; factor of the number of filters. Weights of ImageNet exist for 0.35, 0.5, 0.75, 1.0 (the default),
            1.3 and 1.4.

    Shapes:
        |architecture shapes|

    Raises:
        |architecture errors|

    Example:
        >>> from amalthea import applications
        >>> model = applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=10)
        >>> model.name, model.output_shape
        ('mobilenetv2_0.35_32', (None, 10))

    Source: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2.
    """
    positive_number(alpha, "alpha", "MobileNetV2")
    size = size_of(input_shape, SIZES, weights)
    arguments = {**locals(), "name": name or "MobileNetV2"}
    plan = Plan(arguments, _files(alpha, size), default_size=size, last_axis=-1)
    plan.name = name or f"mobilenetv2_{alpha:0.2f}_{plan.height if weights != 'imagenet' else size}"
    x = Conv2D(rounded(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(plan.inputs)
    x = _normalized(x, plan, "bn_Conv1", "Conv1_relu")
    number = 0
    for expand, filters, count, stride in STAGES:
        for i in range(count):
            x = _block(x, plan, expand, rounded(int(filters * alpha)), stride if i == 0 else 1, number)
            number += 1
    last = rounded(1280 * alpha) if alpha > 1.0 else 1280
    x = Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
    x = _normalized(x, plan, "Conv_1_bn", "out_relu")
    return plan.model(plan.head(x, named=False, average=None))


preprocess_input = preprocessing(SIGNED, __name__)
