"""MobileNetV3: blocks of MobileNetV2 with gates on their maps, arranged by a search for the time on a phone.

Source: Howard et al. 2019, "Searching for MobileNetV3".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import ROOT, File, Files, Plan, halving_pad, rounded, variant
from amalthea.applications.imagenet_utils import decode_predictions, preprocessing
from amalthea.checks import positive_number, share
from amalthea.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from amalthea.models import Model

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

MOMENTUM = 0.999


class Block(NamedTuple):
    """A block; ``hard`` ones use hard SiLU in place of ReLU, ``gated`` ones weigh their maps."""

    expand: float
    filters: int
    kernel: int
    stride: int
    gated: bool
    hard: bool


class Table(NamedTuple):
    """Blocks, filters of the last convolution, and hashes of the weights of ImageNet by factor of filters."""

    size: str
    blocks: tuple[Block, ...]
    last: int
    hashes: dict[str, tuple[str, str]]


# Tables 1 and 2 of the paper.
LARGE = (
    Block(1, 16, 3, 1, False, False),
    Block(4, 24, 3, 2, False, False),
    Block(3, 24, 3, 1, False, False),
    Block(3, 40, 5, 2, True, False),
    Block(3, 40, 5, 1, True, False),
    Block(3, 40, 5, 1, True, False),
    Block(6, 80, 3, 2, False, True),
    Block(2.5, 80, 3, 1, False, True),
    Block(2.3, 80, 3, 1, False, True),
    Block(2.3, 80, 3, 1, False, True),
    Block(6, 112, 3, 1, True, True),
    Block(6, 112, 3, 1, True, True),
    Block(6, 160, 5, 2, True, True),
    Block(6, 160, 5, 1, True, True),
    Block(6, 160, 5, 1, True, True),
)
SMALL = (
    Block(1, 16, 3, 2, True, False),
    Block(72 / 16, 24, 3, 2, False, False),
    Block(88 / 24, 24, 3, 1, False, False),
    Block(4, 40, 5, 2, True, True),
    Block(6, 40, 5, 1, True, True),
    Block(6, 40, 5, 1, True, True),
    Block(3, 48, 5, 1, True, True),
    Block(3, 48, 5, 1, True, True),
    Block(6, 96, 5, 2, True, True),
    Block(6, 96, 5, 1, True, True),
    Block(6, 96, 5, 1, True, True),
)


def _activated(x: Any, hard: bool) -> Any:
    return Activation("hard_silu")(x) if hard else ReLU()(x)


def _normalized(x: Any, plan: Plan, name: str) -> Any:
    return BatchNormalization(axis=plan.axis, momentum=MOMENTUM, name=name)(x)


def _gated(x: Any, filters: int, name: str) -> Any:
    """The map, each channel weighed by a hard sigmoid of the means of all."""
    channels = filters
    gate = GlobalAveragePooling2D(keepdims=True, name=f"{name}squeeze_excite_avg_pool")(x)
    gate = Conv2D(rounded(channels * 0.25), 1, padding="same", name=f"{name}squeeze_excite_conv")(gate)
    gate = ReLU(name=f"{name}squeeze_excite_relu")(gate)
    gate = Conv2D(channels, 1, padding="same", name=f"{name}squeeze_excite_conv_1")(gate)
    gate = ReLU(6.0)(gate + 3.0) * (1.0 / 6.0)
    return Multiply(name=f"{name}squeeze_excite_mul")([x, gate])


def _block(x: Any, plan: Plan, block: Block, number: int) -> Any:
    name = f"expanded_conv_{number}_" if number else "expanded_conv_"
    before, narrow = x, plan.channels(x)
    wide = rounded(narrow * block.expand) if number else narrow
    if number:
        x = Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = _activated(_normalized(x, plan, f"{name}expand_bn"), block.hard)
    if block.stride == 2:
        x = ZeroPadding2D(halving_pad(x, block.kernel, plan.axis), name=f"{name}depthwise_pad")(x)
    padding = "same" if block.stride == 1 else "valid"
    x = DepthwiseConv2D(block.kernel, strides=block.stride, padding=padding, use_bias=False, name=f"{name}depthwise")(x)
    x = _activated(_normalized(x, plan, f"{name}depthwise_bn"), block.hard)
    if block.gated:
        x = _gated(x, wide, name)
    x = Conv2D(block.filters, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, plan, f"{name}project_bn")
    return Add(name=f"{name}add")([before, x]) if block.stride == 1 and narrow == block.filters else x


def _blocks(blocks: tuple[Block, ...], alpha: float, minimalistic: bool) -> list[Block]:
    """The blocks with ``alpha`` times the filters; minimalistic ones are plain."""
    scaled = [block._replace(filters=rounded(block.filters * alpha)) for block in blocks]
    return [block._replace(kernel=3, gated=False, hard=False) for block in scaled] if minimalistic else scaled


def _head(x: Any, plan: Plan, last: int, dropout: float, hard: bool) -> Any:
    if not plan.include_top:
        return plan.pooled(x, named=True)
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = _activated(Conv2D(last, 1, padding="same", name="conv_2")(x), hard)
    if dropout > 0:
        x = Dropout(dropout)(x)
    x = Conv2D(plan.classes, 1, padding="same", name="logits")(x)
    return Activation(plan.activation, name="predictions")(Flatten()(x))


def _files(table: Table, alpha: float, minimalistic: bool) -> Files | None:
    kind = f"{table.size}{'_minimalistic' if minimalistic else ''}_224_{float(alpha)}_float"
    if kind not in table.hashes:
        return None
    whole, without_top = table.hashes[kind]
    address = f"{ROOT}mobilenet_v3/weights_mobilenet_v3_{kind}"
    return Files(File(f"{address}.h5", whole), File(f"{address}_no_top_v2.h5", without_top))


def _mobilenet_v3(
    table: Table,
    /,
    input_shape: Any = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "mobilenet_v3",
) -> Model:
    """SUMMARY

    Args:
        |architecture options|
        alpha: float; factor of the number of filters. Weights of ImageNet exist for 0.75 and 1.0, the default.
        minimalistic: bool; whether blocks are plain: kernels of 3 x 3, ReLU, no gates. Defaults to False.
        dropout_rate: float; share of features dropped before the classifier in training. Defaults to 0.2.
        include_preprocessing: bool; whether the model scales its images itself, from values of 0 to 255. Defaults to
            True.

    Shapes:
        |architecture shapes|

    Raises:
        |architecture errors|

    Example:
        >>> from amalthea import applications
        >>> model = applications.PUBLIC((32, 32, 3), weights=None, classes=10)
        >>> model.output_shape
        (None, 10)

    Source: Howard et al. 2019, "Searching for MobileNetV3", tables 1 and 2. Images may have any size, with the
    classifier too.
    """
    positive_number(alpha, "alpha", name)
    share(dropout_rate, "dropout_rate", name)
    hard = not minimalistic
    plan = Plan(locals(), _files(table, alpha, minimalistic), default_size=224, last_axis=-1, any_size=True)
    x = Rescaling(scale=1.0 / 127.5, offset=-1.0)(plan.inputs) if include_preprocessing else plan.inputs
    x = Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = _activated(_normalized(x, plan, "conv_bn"), hard)
    for number, block in enumerate(_blocks(table.blocks, alpha, minimalistic)):
        x = _block(x, plan, block, number)
    x = Conv2D(rounded(plan.channels(x) * 6), 1, padding="same", use_bias=False, name="conv_1")(x)
    x = _activated(_normalized(x, plan, "conv_1_bn"), hard)
    last = rounded(table.last * alpha) if alpha > 1.0 else table.last
    return plan.model(_head(x, plan, last, dropout_rate, hard))


MobileNetV3Small = variant(
    _mobilenet_v3,
    "MobileNetV3Small",
    "MobileNetV3Small",
    "Builds MobileNetV3-Small: eleven blocks.",
    Table(
        "small",
        SMALL,
        1024,
        {
            "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
            "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
            "small_minimalistic_224_1.0_float": (
                "99cd97fb2fcdad2bf028eb838de69e37",
                "cde8136e733e811080d9fcd8a252f7e4",
            ),
        },
    ),
)
MobileNetV3Large = variant(
    _mobilenet_v3,
    "MobileNetV3Large",
    "MobileNetV3Large",
    "Builds MobileNetV3-Large: fifteen blocks.",
    Table(
        "large",
        LARGE,
        1280,
        {
            "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
            "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
            "large_minimalistic_224_1.0_float": (
                "675e7b876c45c57e9e63e6d90a36599c",
                "ec5221f64a2f6d1ef965a614bdae7973",
            ),
        },
    ),
)
preprocess_input = preprocessing(None, __name__)
