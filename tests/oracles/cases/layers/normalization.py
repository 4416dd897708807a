"""Normalizations, in training and out of it."""

from ...draws import given, normal
from .. import layer

TRAINING = {"call": {"training": True}}
PREDICTING = {"call": {"training": False}}
MASK = {"mask": given([[1, 1, 0], [1, 0, 0], [1, 1, 1]], "bool")}


def batch_normalizations():
    for word, call in (("training", TRAINING), ("predicting", PREDICTING)):
        yield layer("BatchNormalization", f"{word}_plain", {}, normal(5, 3), **call)
        yield layer(
            "BatchNormalization", f"{word}_image", {"momentum": 0.9, "epsilon": 0.01}, normal(2, 3, 2, 3), **call
        )
        yield layer("BatchNormalization", f"{word}_axis_1", {"axis": 1}, normal(3, 2, 4), **call)
        yield layer("BatchNormalization", f"{word}_axis_1_image", {"axis": 1}, normal(2, 2, 3, 2), **call)
        yield layer("BatchNormalization", f"{word}_no_center", {"center": False}, normal(5, 3), **call)
        yield layer("BatchNormalization", f"{word}_no_scale", {"scale": False, "momentum": 0.5}, normal(5, 3), **call)
        yield layer("BatchNormalization", f"{word}_neither", {"scale": False, "center": False}, normal(5, 3), **call)
        yield layer("BatchNormalization", f"{word}_mask", {}, normal(3, 3, 2), arguments=MASK, **call)
        yield layer("BatchNormalization", f"{word}_renorm", {"renorm": True}, normal(5, 3), **call)


CASES = [
    *batch_normalizations(),
    layer("BatchNormalization", "not_trainable", {"trainable": False}, normal(5, 3), **TRAINING),
    layer("LayerNormalization", "plain", {}, normal(4, 5)),
    layer("LayerNormalization", "three_axes", {"epsilon": 1e-5}, normal(2, 3, 4)),
    layer("LayerNormalization", "axis_1", {"axis": 1}, normal(2, 3, 4)),
    layer("LayerNormalization", "two_axes", {"axis": [1, 2]}, normal(2, 3, 4)),
    layer("LayerNormalization", "last_two_axes", {"axis": [-2, -1]}, normal(2, 2, 3, 4)),
    layer("LayerNormalization", "no_scale", {"scale": False}, normal(4, 5)),
    layer("LayerNormalization", "no_center", {"center": False}, normal(4, 5)),
    layer("LayerNormalization", "neither", {"scale": False, "center": False}, normal(4, 5)),
    layer("RMSNormalization", "plain", {}, normal(4, 5)),
    # Keras 3.15.1 gives the scale the shape of that axis alone, so that axis=1 of three axes cannot be multiplied.
    layer("RMSNormalization", "two_axes", {"axis": [-2, -1], "epsilon": 1e-3}, normal(2, 3, 4)),
    layer("UnitNormalization", "plain", {}, normal(4, 5)),
    layer("UnitNormalization", "axis_1", {"axis": 1}, normal(2, 3, 4)),
    layer("UnitNormalization", "two_axes", {"axis": [1, 2]}, normal(2, 3, 4)),
    layer("GroupNormalization", "two_groups", {"groups": 2}, normal(2, 3, 4)),
    layer("GroupNormalization", "image", {"groups": 2}, normal(2, 2, 3, 4)),
    layer("GroupNormalization", "instance", {"groups": -1}, normal(2, 3, 4)),
    layer("GroupNormalization", "axis_1", {"groups": 2, "axis": 1}, normal(2, 4, 3)),
    layer("GroupNormalization", "no_scale", {"groups": 1, "scale": False}, normal(3, 4)),
]
