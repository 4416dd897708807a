"""EfficientNetV2: EfficientNet with plain convolutions in its first stages, found by a search for training time.

Source: Tan and Le 2021, "EfficientNetV2: Smaller Models and Faster Training".
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan, published, rounded, squeeze_and_excite, variant
from amalthea.applications.imagenet_utils import STANDARD, decode_predictions, preprocessing
from amalthea.initializers import Constant, VarianceScaling
from amalthea.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Normalization,
    Rescaling,
)
from amalthea.models import Model

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]

KERNEL = VarianceScaling(2.0, "fan_out", "truncated_normal")
CLASSIFIER = VarianceScaling(1 / 3, "fan_out", "uniform")
MOMENTUM = 0.9
SKIPPED = 0.2  # share of images for which the last block is left out in training


class Stage(NamedTuple):
    """Blocks of one kind; ``plain`` blocks have one convolution in place of an expansion and a depthwise one."""

    blocks: int
    filters: int
    expand: int
    stride: int
    plain: bool = False


# Tables 4 and 7 of the paper, and the B series, whose stages EfficientNet's factors scale.
B0 = (
    Stage(1, 16, 1, 1, True),
    Stage(2, 32, 4, 2, True),
    Stage(2, 48, 4, 2, True),
    Stage(3, 96, 4, 2),
    Stage(5, 112, 6, 1),
    Stage(8, 192, 6, 2),
)
S = (
    Stage(2, 24, 1, 1, True),
    Stage(4, 48, 4, 2, True),
    Stage(4, 64, 4, 2, True),
    Stage(6, 128, 4, 2),
    Stage(9, 160, 6, 1),
    Stage(15, 256, 6, 2),
)
M = (
    Stage(3, 24, 1, 1, True),
    Stage(5, 48, 4, 2, True),
    Stage(5, 80, 4, 2, True),
    Stage(7, 160, 4, 2),
    Stage(14, 176, 6, 1),
    Stage(18, 304, 6, 2),
    Stage(5, 512, 6, 1),
)
L = (
    Stage(4, 32, 1, 1, True),
    Stage(7, 64, 4, 2, True),
    Stage(7, 96, 4, 2, True),
    Stage(10, 192, 4, 2),
    Stage(19, 224, 6, 1),
    Stage(25, 384, 6, 2),
    Stage(7, 640, 6, 1),
)


class Network(NamedTuple):
    """Stages, factors of their filters and blocks, the size of images, and the weights of ImageNet."""

    stages: tuple[Stage, ...]
    width: float
    depth: float
    size: int
    stem: int
    by_channel: bool  # whether images are scaled by the means of ImageNet, or to -1 ... 1
    files: Files


class Block(NamedTuple):
    """One block; ``skipped`` is the share of images for which it is left out in training."""

    filters: int
    expand: int
    stride: int
    plain: bool
    skipped: float
    name: str


def _convolved(
    x: Any, plan: Plan, filters: int, kernel: int, names: tuple[str, str, str | None], stride: int = 1
) -> Any:
    """A convolution, normalized, and activated if the third name is given."""
    conv, normalization, activation = names
    x = Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer=KERNEL, name=conv)(x)
    x = BatchNormalization(axis=plan.axis, momentum=MOMENTUM, name=normalization)(x)
    return x if activation is None else Activation("silu", name=activation)(x)


def _plain(x: Any, plan: Plan, block: Block) -> Any:
    """Expand by a convolution of 3 x 3, then project; one convolution alone where nothing is expanded."""
    name, stride = block.name, block.stride
    project = (f"{name}project_conv", f"{name}project_bn")
    if block.expand == 1:
        return _convolved(x, plan, block.filters, 3, (*project, f"{name}project_activation"), stride)
    wide = plan.channels(x) * block.expand
    x = _convolved(x, plan, wide, 3, (f"{name}expand_conv", f"{name}expand_bn", f"{name}expand_activation"), stride)
    return _convolved(x, plan, block.filters, 1, (*project, None))


def _inverted(x: Any, plan: Plan, block: Block) -> Any:
    """Expand, convolve each map, weigh the maps, project."""
    name, filters = block.name, plan.channels(x)
    wide = filters * block.expand
    x = _convolved(x, plan, wide, 1, (f"{name}expand_conv", f"{name}expand_bn", f"{name}expand_activation"))
    x = DepthwiseConv2D(
        3, strides=block.stride, padding="same", use_bias=False, depthwise_initializer=KERNEL, name=f"{name}dwconv2"
    )(x)
    x = BatchNormalization(axis=plan.axis, momentum=MOMENTUM, name=f"{name}bn")(x)
    x = Activation("silu", name=f"{name}activation")(x)
    x = squeeze_and_excite(x, plan, max(1, filters // 4), KERNEL, name)
    return _convolved(x, plan, block.filters, 1, (f"{name}project_conv", f"{name}project_bn", None))


def _block(x: Any, plan: Plan, block: Block) -> Any:
    before = x
    x = (_plain if block.plain else _inverted)(x, plan, block)
    if block.stride > 1 or plan.channels(before) != block.filters:
        return x
    if block.skipped > 0:
        x = Dropout(block.skipped, noise_shape=(None, 1, 1, 1), name=f"{block.name}drop")(x)
    return Add(name=f"{block.name}add")([x, before])


def _blocks(table: Network) -> list[Block]:
    """All blocks of a network, scaled."""
    counts = [math.ceil(table.depth * stage.blocks) for stage in table.stages]
    # The rate grows with the blocks passed, counted before scaling within a stage and after it between stages.
    total = sum(stage.blocks for stage in table.stages)
    blocks: list[Block] = []
    for number, (stage, count) in enumerate(zip(table.stages, counts), start=1):
        for i in range(count):
            blocks.append(
                Block(
                    filters=rounded(stage.filters * table.width, least=0.0),
                    expand=stage.expand,
                    stride=stage.stride if i == 0 else 1,
                    plain=stage.plain,
                    skipped=SKIPPED * len(blocks) / total,
                    name=f"block{number}{chr(97 + i)}_",
                )
            )
    return blocks


def _scaled(plan: Plan, by_channel: bool) -> Any:
    """The images as the network takes them, from values of 0 to 255."""
    if not by_channel:
        return Rescaling(scale=1 / 128.0, offset=-1)(plan.inputs)
    x = Rescaling(scale=1 / 255)(plan.inputs)
    _, mean, deviation, _ = STANDARD
    return Normalization(mean=mean, variance=[d**2 for d in deviation], axis=plan.axis)(x)


def _efficientnet_v2(
    table: Network,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "efficientnetv2",
) -> Model:
    """SUMMARY

    Args:
        |architecture options|
        include_preprocessing: bool; whether the model scales its images itself, from values of 0 to 255. Defaults to
            True.

    Shapes:
        |architecture shapes|

    Raises:
        |architecture errors|

    Example:
        >>> from amalthea import applications
        >>> model = applications.PUBLIC(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
        >>> model.layers[1].name.startswith("rescaling"), model.layers[-1].name
        (True, 'avg_pool')

    Source: Tan and Le 2021, "EfficientNetV2: Smaller Models and Faster Training".
    """
    plan = Plan(locals(), table.files, default_size=table.size)
    x = _scaled(plan, table.by_channel) if include_preprocessing else plan.inputs
    x = _convolved(
        x, plan, rounded(table.stem * table.width, least=0.0), 3, ("stem_conv", "stem_bn", "stem_activation"), stride=2
    )
    for block in _blocks(table):
        x = _block(x, plan, block)
    x = _convolved(x, plan, rounded(1280 * table.width, least=0.0), 1, ("top_conv", "top_bn", "top_activation"))
    return plan.model(plan.head(x, dropout=0.2, kernel_initializer=CLASSIFIER, bias_initializer=Constant(0.0)))


# MD5 of the weights with and without the classifier.
HASHES = {
    "B0": ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "B1": ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "B2": ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "B3": ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "S": ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "M": ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "L": ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}


def _variant(letters: str, stages: tuple[Stage, ...], width: float, depth: float, size: int):
    """The function of one network."""
    name = f"efficientnetv2-{letters.lower()}"
    table = Network(
        stages,
        width,
        depth,
        size,
        stem=32 if stages is B0 else stages[0].filters,
        by_channel=stages is B0,
        files=published(f"efficientnet_v2/{name}{{}}.h5", *HASHES[letters]),
    )
    summary = f"Builds EfficientNetV2{letters}, for images of {size} x {size}."
    return variant(_efficientnet_v2, f"EfficientNetV2{letters}", name, summary, table)


EfficientNetV2B0 = _variant("B0", B0, 1.0, 1.0, 224)
EfficientNetV2B1 = _variant("B1", B0, 1.0, 1.1, 240)
EfficientNetV2B2 = _variant("B2", B0, 1.1, 1.2, 260)
EfficientNetV2B3 = _variant("B3", B0, 1.2, 1.4, 300)
EfficientNetV2S = _variant("S", S, 1.0, 1.0, 384)
EfficientNetV2M = _variant("M", M, 1.0, 1.0, 480)
EfficientNetV2L = _variant("L", L, 1.0, 1.0, 480)
preprocess_input = preprocessing(None, __name__)
