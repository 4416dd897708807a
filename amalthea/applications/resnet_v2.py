"""ResNetV2: blocks that normalize and activate before each convolution, so that shortcuts are identities.

Source: He et al. 2016, "Identity Mappings in Deep Residual Networks".
"""

from __future__ import annotations

from typing import Any

from amalthea.applications.building import Plan, variant
from amalthea.applications.imagenet_utils import SIGNED, decode_predictions, preprocessing
from amalthea.applications.resnet import EPSILON, FILTERS, Stages, stages, stem
from amalthea.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D
from amalthea.models import Model

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]


def _activated(x: Any, plan: Plan, name: str) -> Any:
    x = BatchNormalization(axis=plan.axis, epsilon=EPSILON, name=f"{name}_bn")(x)
    return Activation("relu", name=f"{name}_relu")(x)


def _block(x: Any, plan: Plan, filters: int, stride: int, project: bool, name: str) -> Any:
    before = _activated(x, plan, f"{name}_preact")
    if project:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(before)
    else:
        shortcut = MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(before)
    x = _activated(x, plan, f"{name}_1")
    x = ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = _activated(x, plan, f"{name}_2")
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return Add(name=f"{name}_out")([shortcut, x])


def _resnet_v2(
    table: Stages,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet_v2",
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
        (None, 1, 1, 2048)

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", figure 1 (b). The stride is in the last block
    of a stage.
    """
    plan = Plan(locals(), table.files, default_size=224)
    x = stem(plan, activated=False)
    for stage, (filters, count) in enumerate(zip(FILTERS, table.blocks), start=2):
        for i in range(1, count + 1):
            stride = 2 if i == count and stage < 5 else 1
            x = _block(x, plan, filters, stride, i == 1, f"conv{stage}_block{i}")
    return plan.model(plan.head(_activated(x, plan, "post")))


ResNet50V2 = variant(
    _resnet_v2,
    "ResNet50V2",
    "resnet50v2",
    "Builds ResNetV2 of 50 layers.",
    stages("resnet50v2", (3, 4, 6, 3), "3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
)
ResNet101V2 = variant(
    _resnet_v2,
    "ResNet101V2",
    "resnet101v2",
    "Builds ResNetV2 of 101 layers.",
    stages("resnet101v2", (3, 4, 23, 3), "6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
)
ResNet152V2 = variant(
    _resnet_v2,
    "ResNet152V2",
    "resnet152v2",
    "Builds ResNetV2 of 152 layers.",
    stages("resnet152v2", (3, 8, 36, 3), "a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
)
preprocess_input = preprocessing(SIGNED, __name__)
