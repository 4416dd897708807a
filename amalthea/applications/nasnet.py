"""NASNet: two kinds of cell that a search found on small images, repeated for large ones.

Source: Zoph et al. 2017, "Learning Transferable Architectures for Scalable Image Recognition".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalthea.applications.building import ROOT, File, Files, Plan, halving_pad, variant
from amalthea.applications.imagenet_utils import SIGNED, decode_predictions, preprocessing
from amalthea.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Cropping2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
)
from amalthea.models import Model

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

MOMENTUM = 0.9997
GROWTH = 2  # of the filters, where a cell halves the map


class Cells(NamedTuple):
    """Normal cells between two reductions, filters of the last cell's output and of the first convolution, the size of
    images, whether a cell after a reduction skips it for its second input, and the weights of ImageNet."""

    count: int
    filters: int
    stem: int
    size: int
    skip_reduction: bool
    files: Files


class Map(NamedTuple):
    """A map of features, and how often a cell has halved it."""

    tensor: Any
    halvings: int


class Builder:
    """Makes the layers of one cell, whose names end alike."""

    def __init__(self, plan: Plan, filters: int, cell: str):
        self.plan, self.filters, self.cell = plan, filters, cell

    def normalized(self, x: Any, name: str) -> Any:
        return BatchNormalization(axis=self.plan.axis, momentum=MOMENTUM, name=f"{name}_{self.cell}")(x)

    def mixed(self, x: Any, name: str, filters: int | None = None) -> Any:
        """A convolution of 1 x 1."""
        return Conv2D(
            filters or self.filters,
            1,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_{self.cell}",
        )(x)

    def separable(self, x: Any, kernel: int, name: str, stride: int = 1) -> Any:
        """Two separable convolutions, each after ReLU; the first may halve the map."""
        for part in (1, 2):
            x = Activation("relu")(x)
            halves = stride == 2 and part == 1
            if halves:
                pad = halving_pad(x, kernel, self.plan.axis)
                x = ZeroPadding2D(pad, name=f"separable_conv_1_pad_{name}_{self.cell}")(x)
            x = SeparableConv2D(
                self.filters,
                kernel,
                strides=2 if halves else 1,
                padding="valid" if halves else "same",
                use_bias=False,
                name=f"separable_conv_{part}_{name}_{self.cell}",
            )(x)
            x = self.normalized(x, f"separable_conv_{part}_bn_{name}")
        return x

    def added(self, x: Any, y: Any, name: str | None) -> Any:
        return Add(name=f"{name}_{self.cell}" if name else None)([x, y])

    def mean(self, x: Any, name: str) -> Any:
        return AveragePooling2D(3, strides=1, padding="same", name=f"{name}_{self.cell}")(x)

    def halved(self, x: Any, pooling: type[MaxPooling2D] | type[AveragePooling2D], name: str) -> Any:
        return pooling(3, strides=2, name=f"{name}_{self.cell}")(x)

    def joined(self, parts: list[Any], name: str | None) -> Any:
        return Concatenate(axis=self.plan.axis, name=f"{name}_{self.cell}" if name else None)(parts)

    def adjusted(self, before: Map | None, x: Map) -> Any:
        """The output of the cell before the last, with the size and the filters of this cell."""
        if before is None:
            return x.tensor
        if before.halvings != x.halvings:
            return self._shrunk(before.tensor)
        if self.plan.channels(before.tensor) == self.filters:
            return before.tensor
        adjusted = self.mixed(Activation("relu")(before.tensor), "adjust_conv_projection")
        return self.normalized(adjusted, "adjust_bn")

    def _shrunk(self, before: Any) -> Any:
        """Every second pixel, and every second one beside them, so that nothing is lost without trace."""
        before = Activation("relu", name=f"adjust_relu_1_{self.cell}")(before)
        beside = ZeroPadding2D(((0, 1), (0, 1)))(before)
        beside = Cropping2D(((1, 0), (1, 0)))(beside)
        halves = []
        for part, pixels in enumerate((before, beside), start=1):
            x = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{part}_{self.cell}")(pixels)
            halves.append(self.mixed(x, f"adjust_conv_{part}", self.filters // 2))
        return self.normalized(self.joined(halves, None), "adjust_bn")


def _normal_cell(builder: Builder, x: Map, before: Map | None) -> Map:
    """Figure 4, on the left: the sums of five pairs, and the cell's second input."""
    p = builder.adjusted(before, x)
    h = builder.normalized(builder.mixed(Activation("relu")(x.tensor), "normal_conv_1"), "normal_bn_1")
    first = builder.added(
        builder.separable(h, 5, "normal_left1"), builder.separable(p, 3, "normal_right1"), "normal_add_1"
    )
    second = builder.added(
        builder.separable(p, 5, "normal_left2"), builder.separable(p, 3, "normal_right2"), "normal_add_2"
    )
    third = builder.added(builder.mean(h, "normal_left3"), p, "normal_add_3")
    fourth = builder.added(builder.mean(p, "normal_left4"), builder.mean(p, "normal_right4"), "normal_add_4")
    fifth = builder.added(builder.separable(h, 3, "normal_left5"), h, "normal_add_5")
    return Map(builder.joined([p, first, second, third, fourth, fifth], "normal_concat"), x.halvings)


def _reduction_cell(builder: Builder, x: Map, before: Map | None) -> Map:
    """Figure 4, on the right: the sums of five pairs, at half the size."""
    p = builder.adjusted(before, x)
    h = builder.normalized(builder.mixed(Activation("relu")(x.tensor), "reduction_conv_1"), "reduction_bn_1")
    padded = ZeroPadding2D(halving_pad(h, 3, builder.plan.axis), name=f"reduction_pad_1_{builder.cell}")(h)
    first = builder.added(
        builder.separable(h, 5, "reduction_left1", 2), builder.separable(p, 7, "reduction_right1", 2), "reduction_add_1"
    )
    second = builder.added(
        builder.halved(padded, MaxPooling2D, "reduction_left2"),
        builder.separable(p, 7, "reduction_right2", 2),
        "reduction_add_2",
    )
    third = builder.added(
        builder.halved(padded, AveragePooling2D, "reduction_left3"),
        builder.separable(p, 5, "reduction_right3", 2),
        "reduction_add3",
    )
    fourth = builder.added(second, builder.mean(first, "reduction_left4"), None)
    fifth = builder.added(
        builder.separable(first, 3, "reduction_left4"),
        builder.halved(padded, MaxPooling2D, "reduction_right5"),
        "reduction_add4",
    )
    return Map(builder.joined([second, third, fourth, fifth], "reduction_concat"), x.halvings + 1)


def _features(plan: Plan, table: Cells) -> Any:
    """The map after all cells."""
    x = Conv2D(table.stem, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1")(plan.inputs)
    x = Map(BatchNormalization(axis=plan.axis, momentum=MOMENTUM, name="stem_bn1")(x), 0)
    filters = table.filters // 24
    before: Map | None = None
    for cell, narrower in (("stem_1", GROWTH**2), ("stem_2", GROWTH)):
        x, before = _reduction_cell(Builder(plan, filters // narrower, cell), x, before), x
    for group in range(3):
        first = group * table.count + min(group, 1)
        if group:
            filters *= GROWTH
            cell = f"reduce_{group * table.count}"
            x, skipped = _reduction_cell(Builder(plan, filters, cell), x, before), x
            before = before if table.skip_reduction else skipped
        for i in range(table.count):
            x, before = _normal_cell(Builder(plan, filters, f"{first + i}"), x, before), x
    return Activation("relu")(x.tensor)


def _nasnet(
    table: Cells,
    /,
    input_shape: Any = None,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "nasnet",
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
        >>> model = applications.PUBLIC((32, 32, 3), include_top=False, weights=None, pooling="avg")
        >>> model.output_shape == (None, model.layers[-1].output.shape[-1])
        True

    Source: Zoph et al. 2017, "Learning Transferable Architectures for Scalable Image Recognition", figures 2 and 4.
    Images have one size without the classifier too, because the zeros around a map depend on whether its size is even.
    """
    plan = Plan(locals(), table.files, default_size=table.size, last_axis=-1, any_size=False)
    return plan.model(plan.head(_features(plan, table), named=False, average=None))


def _files(kind: str, whole: str, without_top: str) -> Files:
    return Files(
        File(f"{ROOT}nasnet/NASNet-{kind}.h5", whole, f"nasnet_{kind}.h5"),
        File(f"{ROOT}nasnet/NASNet-{kind}-no-top.h5", without_top, f"nasnet_{kind}_no_top.h5"),
    )


MOBILE = _files("mobile", "020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63")
LARGE = _files("large", "11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5")


NASNetMobile = variant(
    _nasnet,
    "NASNetMobile",
    "nasnet_mobile",
    "Builds NASNet-A (4 @ 1056), for images of 224 x 224.",
    Cells(
        4,
        1056,
        32,
        224,
        False,
        _files("mobile", "020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
    ),
)
NASNetLarge = variant(
    _nasnet,
    "NASNetLarge",
    "nasnet_large",
    "Builds NASNet-A (6 @ 4032), for images of 331 x 331.",
    Cells(6, 4032, 96, 331, True, LARGE),
)
preprocess_input = preprocessing(SIGNED, __name__)
