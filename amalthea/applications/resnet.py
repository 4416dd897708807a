"""ResNet: stages of blocks of three convolutions, each around a shortcut.

Source: He et al. 2015, "Deep Residual Learning for Image Recognition".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan, published, variant
from amalthea.applications.imagenet_utils import BGR, decode_predictions, preprocessing
from amalthea.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D
from amalthea.models import Model

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

EPSILON = 1.001e-5
FILTERS = (64, 128, 256, 512)


class Stages(NamedTuple):
    """Blocks in each stage, and the weights of ImageNet."""

    blocks: tuple[int, int, int, int]
    files: Files


def stem(plan: Plan, activated: bool) -> Any:
    """The first convolution and pooling, with normalization and activation between them or not."""
    x = ZeroPadding2D(3, name="conv1_pad")(plan.inputs)
    x = Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if activated:
        x = BatchNormalization(axis=plan.axis, epsilon=EPSILON, name="conv1_bn")(x)
        x = Activation("relu", name="conv1_relu")(x)
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    return MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _block(x: Any, plan: Plan, filters: int, stride: int, project: bool, name: str) -> Any:
    def convolved(x: Any, part: int, filters: int, kernel: int, **options: Any) -> Any:
        x = Conv2D(filters, kernel, name=f"{name}_{part}_conv", **options)(x)
        return BatchNormalization(axis=plan.axis, epsilon=EPSILON, name=f"{name}_{part}_bn")(x)

    shortcut = convolved(x, 0, 4 * filters, 1, strides=stride) if project else x
    x = Activation("relu", name=f"{name}_1_relu")(convolved(x, 1, filters, 1, strides=stride))
    x = Activation("relu", name=f"{name}_2_relu")(convolved(x, 2, filters, 3, padding="same"))
    x = Add(name=f"{name}_add")([shortcut, convolved(x, 3, 4 * filters, 1)])
    return Activation("relu", name=f"{name}_out")(x)


def _resnet(
    table: Stages,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet",
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

    Source: He et al. 2015, "Deep Residual Learning for Image Recognition", table 1. The stride is in the first
    convolution of a block, as there.
    """
    plan = Plan(locals(), table.files, default_size=224)
    x = stem(plan, activated=True)
    for stage, (filters, count) in enumerate(zip(FILTERS, table.blocks), start=2):
        for i in range(1, count + 1):
            stride = 2 if i == 1 and stage > 2 else 1
            x = _block(x, plan, filters, stride, i == 1, f"conv{stage}_block{i}")
    return plan.model(plan.head(x))


def stages(name: str, blocks: tuple[int, int, int, int], *hashes: str) -> Stages:
    """Returns the table of a network, whose files of weights are named alike."""
    return Stages(blocks, published(f"resnet/{name}_weights_tf_dim_ordering_tf_kernels{{}}.h5", *hashes))


ResNet50 = variant(
    _resnet,
    "ResNet50",
    "resnet50",
    "Builds ResNet of 50 layers.",
    stages("resnet50", (3, 4, 6, 3), "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
)
ResNet101 = variant(
    _resnet,
    "ResNet101",
    "resnet101",
    "Builds ResNet of 101 layers.",
    stages("resnet101", (3, 4, 23, 3), "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
)
ResNet152 = variant(
    _resnet,
    "ResNet152",
    "resnet152",
    "Builds ResNet of 152 layers.",
    stages("resnet152", (3, 8, 36, 3), "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
)
preprocess_input = preprocessing(BGR, __name__)
