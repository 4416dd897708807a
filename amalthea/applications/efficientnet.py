"""EfficientNet: one small network, and seven larger ones that are wider, deeper and of larger images in one proportion.

Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks".
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan, halving_pad, published, rounded, squeeze_and_excite, variant
from amalthea.applications.imagenet_utils import STANDARD, decode_predictions, preprocessing
from amalthea.initializers import VarianceScaling
from amalthea.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Normalization,
    Rescaling,
    ZeroPadding2D,
)
from amalthea.models import Model

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]

KERNEL = VarianceScaling(2.0, "fan_out", "truncated_normal")
CLASSIFIER = VarianceScaling(1 / 3, "fan_out", "uniform")
SKIPPED = 0.2  # share of images for which the last block is left out in training


class Stage(NamedTuple):
    """Blocks of one kind; ``expand`` is the ratio of the filters within a block to those before it."""

    kernel: int
    blocks: int
    filters: int
    expand: int
    stride: int


# Table 1 of the paper, without the first and last convolution.
STAGES = (
    Stage(3, 1, 16, 1, 1),
    Stage(3, 2, 24, 6, 2),
    Stage(5, 2, 40, 6, 2),
    Stage(3, 3, 80, 6, 2),
    Stage(5, 3, 112, 6, 1),
    Stage(5, 4, 192, 6, 2),
    Stage(3, 1, 320, 6, 1),
)


class Scale(NamedTuple):
    """Factors of B0's filters and blocks, the size of images, the dropout, and the weights of ImageNet."""

    width: float
    depth: float
    size: int
    dropout: float
    files: Files


class Block(NamedTuple):
    """One block; ``skipped`` is the share of images for which it is left out in training."""

    kernel: int
    filters: int
    expand: int
    stride: int
    skipped: float
    name: str


def _activated(x: Any, plan: Plan, normalization: str, activation: str) -> Any:
    x = BatchNormalization(axis=plan.axis, name=normalization)(x)
    return Activation("silu", name=activation)(x)


def _padded_for(x: Any, plan: Plan, kernel: int, stride: int, name: str) -> tuple[Any, str]:
    """The map with zeros around it if the stride is 2, and the padding of the convolution that follows."""
    if stride == 1:
        return x, "same"
    return ZeroPadding2D(halving_pad(x, kernel, plan.axis), name=name)(x), "valid"


def _inverted(x: Any, plan: Plan, block: Block) -> Any:
    """The block: expand, convolve each map, weigh the maps, project."""
    before, filters, name = x, plan.channels(x), block.name
    if block.expand != 1:
        wide = filters * block.expand
        x = Conv2D(wide, 1, padding="same", use_bias=False, kernel_initializer=KERNEL, name=f"{name}expand_conv")(x)
        x = _activated(x, plan, f"{name}expand_bn", f"{name}expand_activation")
    x, padding = _padded_for(x, plan, block.kernel, block.stride, f"{name}dwconv_pad")
    x = DepthwiseConv2D(
        block.kernel,
        strides=block.stride,
        padding=padding,
        use_bias=False,
        depthwise_initializer=KERNEL,
        name=f"{name}dwconv",
    )(x)
    x = _activated(x, plan, f"{name}bn", f"{name}activation")
    x = squeeze_and_excite(x, plan, max(1, filters // 4), KERNEL, name)
    x = Conv2D(block.filters, 1, padding="same", use_bias=False, kernel_initializer=KERNEL, name=f"{name}project_conv")(
        x
    )
    x = BatchNormalization(axis=plan.axis, name=f"{name}project_bn")(x)
    if block.stride > 1 or filters != block.filters:
        return x
    if block.skipped > 0:
        x = Dropout(block.skipped, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return Add(name=f"{name}add")([x, before])


def _blocks(width: float, depth: float) -> list[Block]:
    """All blocks of a network, scaled."""
    counts = [math.ceil(depth * stage.blocks) for stage in STAGES]
    blocks: list[Block] = []
    for number, (stage, count) in enumerate(zip(STAGES, counts), start=1):
        for i in range(count):
            blocks.append(
                Block(
                    kernel=stage.kernel,
                    filters=rounded(stage.filters * width),
                    expand=stage.expand,
                    stride=stage.stride if i == 0 else 1,
                    skipped=SKIPPED * len(blocks) / sum(counts),
                    name=f"block{number}{chr(97 + i)}_",
                )
            )
    return blocks


def _efficientnet(
    table: Scale,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnet",
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
        >>> model.layers[1].name.startswith("rescaling"), model.layers[-1].name
        (True, 'avg_pool')

    Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks". Images keep
    values from 0 to 255: the model scales them.
    """
    plan = Plan(locals(), table.files, default_size=table.size)
    x = Rescaling(1 / 255)(plan.inputs)
    x = Normalization(axis=plan.axis)(x)
    if plan.weights == "imagenet":
        # The published files divide by variances where the deviations belong.
        x = Rescaling([1 / math.sqrt(deviation) for deviation in STANDARD.deviation])(x)
    x, padding = _padded_for(x, plan, 3, 2, "stem_conv_pad")
    stem = rounded(32 * table.width)
    x = Conv2D(stem, 3, strides=2, padding=padding, use_bias=False, kernel_initializer=KERNEL, name="stem_conv")(x)
    x = _activated(x, plan, "stem_bn", "stem_activation")
    for block in _blocks(table.width, table.depth):
        x = _inverted(x, plan, block)
    x = Conv2D(
        rounded(1280 * table.width), 1, padding="same", use_bias=False, kernel_initializer=KERNEL, name="top_conv"
    )(x)
    x = _activated(x, plan, "top_bn", "top_activation")
    return plan.model(plan.head(x, dropout=table.dropout, kernel_initializer=CLASSIFIER))


# MD5 of the weights with and without the classifier.
HASHES = {
    0: ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    1: ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    2: ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    3: ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    4: ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    5: ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    6: ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    7: ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}


def _variant(number: int, width: float, depth: float, size: int, dropout: float):
    """The function of one network."""
    name = f"efficientnetb{number}"
    files = published(f"https://storage.googleapis.com/keras-applications/{name}{{}}.h5", *HASHES[number])
    summary = (
        f"Builds EfficientNetB{number}: {width} times as wide and {depth} times as deep as B0, for {size} x {size}."
    )
    table = Scale(width, depth, size, dropout, files)
    return variant(_efficientnet, f"EfficientNetB{number}", name, summary, table)


EfficientNetB0 = _variant(0, 1.0, 1.0, 224, 0.2)
EfficientNetB1 = _variant(1, 1.0, 1.1, 240, 0.2)
EfficientNetB2 = _variant(2, 1.1, 1.2, 260, 0.3)
EfficientNetB3 = _variant(3, 1.2, 1.4, 300, 0.3)
EfficientNetB4 = _variant(4, 1.4, 1.8, 380, 0.4)
EfficientNetB5 = _variant(5, 1.6, 2.2, 456, 0.4)
EfficientNetB6 = _variant(6, 1.8, 2.6, 528, 0.5)
EfficientNetB7 = _variant(7, 2.0, 3.1, 600, 0.5)
preprocess_input = preprocessing(None, __name__)
