"""The layers that are one activation."""

from ...draws import given, normal
from .. import layer

# A mask says where the softmax may look.
MASK = given([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 0]], "bool")

NAMES = (
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "softplus",
    "elu",
    "selu",
    "gelu",
    "silu",
    "hard_sigmoid",
    "linear",
    "exponential",
)

CASES = [
    *(layer("Activation", name, {"activation": name}, normal(3, 4)) for name in NAMES),
    layer("ReLU", "plain", {}, normal(3, 4)),
    layer("ReLU", "all_arguments", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.3}, normal(4, 5)),
    layer("LeakyReLU", "plain", {}, normal(3, 4)),
    layer("LeakyReLU", "slope", {"negative_slope": 0.05}, normal(3, 4)),
    layer("PReLU", "plain", {}, normal(3, 4)),
    layer("PReLU", "shared_axes", {"shared_axes": [1, 2]}, normal(2, 3, 2, 4)),
    layer("PReLU", "one_shared_axis", {"shared_axes": [1]}, normal(2, 3, 4)),
    layer("ELU", "plain", {}, normal(3, 4)),
    layer("ELU", "alpha", {"alpha": 0.5}, normal(3, 4)),
    layer("Softmax", "plain", {}, normal(3, 4)),
    layer("Softmax", "axis", {"axis": 1}, normal(2, 3, 4)),
    layer("Softmax", "two_axes", {"axis": [1, 2]}, normal(2, 3, 4)),
    layer("Softmax", "mask", {}, normal(3, 4), arguments={"mask": MASK}),
    layer(
        "Softmax",
        "mask_two_axes",
        {"axis": [1, 2]},
        normal(1, 3, 4),
        arguments={"mask": given([[[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 0]]], "bool")},
    ),
]
