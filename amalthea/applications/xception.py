"""Xception: an Inception network in which each module is a depthwise separable convolution.

Source: Chollet 2016, "Xception: Deep Learning with Depthwise Separable Convolutions".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import Files, Plan, published, variant
from amalthea.applications.imagenet_utils import SIGNED, decode_predictions, preprocessing
from amalthea.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D
from amalthea.models import Model

__all__ = ["Xception", "decode_predictions", "preprocess_input"]


class Flow(NamedTuple):
    """Filters of the blocks that halve the maps, blocks of the middle flow, and the weights of ImageNet."""

    entry: tuple[int, ...]
    middle: int
    filters: int
    exit: tuple[int, ...]
    files: Files


def _separable(x: Any, plan: Plan, filters: int, name: str) -> Any:
    x = SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return BatchNormalization(axis=plan.axis, name=f"{name}_bn")(x)


def _halving(x: Any, plan: Plan, filters: tuple[int, int], name: str, activate: bool = True) -> Any:
    """Two separable convolutions and a pooling, around a convolution of stride 2."""
    shortcut = Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = BatchNormalization(axis=plan.axis)(shortcut)
    for i, count in enumerate(filters, start=1):
        if activate or i > 1:
            x = Activation("relu", name=f"{name}_sepconv{i}_act")(x)
        x = _separable(x, plan, count, f"{name}_sepconv{i}")
    x = MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return Add()([x, shortcut])


def _xception(
    table: Flow,
    /,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "xception",
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
        >>> model = applications.PUBLIC(include_top=False, weights=None, input_shape=(71, 71, 3))
        >>> model.output_shape
        (None, 3, 3, 2048)

    Source: Chollet 2016, "Xception: Deep Learning with Depthwise Separable Convolutions", figure 5.
    """
    plan = Plan(locals(), table.files, default_size=299, min_size=71, last_axis=-1)
    x = plan.inputs
    for i, (filters, stride) in enumerate(((32, 2), (64, 1)), start=1):
        x = Conv2D(filters, 3, strides=stride, use_bias=False, name=f"block1_conv{i}")(x)
        x = BatchNormalization(axis=plan.axis, name=f"block1_conv{i}_bn")(x)
        x = Activation("relu", name=f"block1_conv{i}_act")(x)
    for block, filters in enumerate(table.entry, start=2):
        x = _halving(x, plan, (filters, filters), f"block{block}", activate=block > 2)
    first = 2 + len(table.entry)
    for block in range(first, first + table.middle):
        before = x
        for i in (1, 2, 3):
            x = Activation("relu", name=f"block{block}_sepconv{i}_act")(x)
            x = _separable(x, plan, table.filters, f"block{block}_sepconv{i}")
        x = Add()([x, before])
    last = first + table.middle
    x = _halving(x, plan, (table.filters, table.exit[0]), f"block{last}")
    for i, filters in enumerate(table.exit[1:], start=1):
        x = _separable(x, plan, filters, f"block{last + 1}_sepconv{i}")
        x = Activation("relu", name=f"block{last + 1}_sepconv{i}_act")(x)
    return plan.model(plan.head(x, named=False))


Xception = variant(
    _xception,
    "Xception",
    "xception",
    "Builds Xception: 36 convolutions, most of them separable.",
    Flow(
        entry=(128, 256, 728),
        middle=8,
        filters=728,
        exit=(1024, 1536, 2048),
        files=published(
            "xception/xception_weights_tf_dim_ordering_tf_kernels{}.h5",
            "0a58e3b7378bc2990ea3b43d5981f1f6",
            "b0042744bf5b25fce3cb969f33bebb97",
        ),
    ),
)
preprocess_input = preprocessing(SIGNED, __name__)
