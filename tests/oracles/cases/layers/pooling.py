"""Pooling: windows, global, and adaptive."""

from ...draws import given, normal
from .. import layer

FIRST = {"data_format": "channels_first"}

# label -> config and the shape of the input; each row is pooled by maximum and by average.
WINDOWS_1D = {
    "default": ({"pool_size": 2}, (2, 6, 2)),
    "odd": ({"pool_size": 2}, (1, 7, 2)),
    "odd_same": ({"pool_size": 2, "padding": "same"}, (1, 7, 2)),
    "overlapping": ({"pool_size": 3, "strides": 1}, (1, 6, 2)),
    "overlapping_same": ({"pool_size": 3, "strides": 1, "padding": "same"}, (1, 6, 2)),
    "strides": ({"pool_size": 3, "strides": 2, "padding": "same"}, (1, 8, 2)),
    "gaps": ({"pool_size": 2, "strides": 3}, (1, 8, 2)),
    "channels_first": ({"pool_size": 2, **FIRST}, (1, 2, 6)),
}
WINDOWS_2D = {
    "default": ({"pool_size": 2}, (2, 4, 6, 2)),
    "odd": ({"pool_size": (2, 3)}, (1, 5, 7, 2)),
    "odd_same": ({"pool_size": 2, "padding": "same"}, (1, 5, 5, 2)),
    "overlapping": ({"pool_size": 3, "strides": 1}, (1, 5, 4, 2)),
    "overlapping_same": ({"pool_size": 3, "strides": 2, "padding": "same"}, (1, 6, 5, 2)),
    "strides": ({"pool_size": (3, 2), "strides": (2, 1)}, (1, 6, 4, 2)),
    "channels_first": ({"pool_size": 2, **FIRST}, (1, 2, 4, 5)),
    "channels_first_same": ({"pool_size": 3, "strides": 2, "padding": "same", **FIRST}, (1, 2, 4, 5)),
}
WINDOWS_3D = {
    "default": ({"pool_size": 2}, (1, 4, 2, 4, 2)),
    "same": ({"pool_size": 2, "padding": "same"}, (1, 3, 2, 3, 2)),
    "strides": ({"pool_size": (2, 3, 2), "strides": (1, 2, 1)}, (1, 3, 5, 3, 1)),
    "channels_first": ({"pool_size": 2, **FIRST}, (1, 2, 4, 2, 2)),
}
WHOLE = {"1D": (2, 4, 3), "2D": (2, 3, 4, 2), "3D": (1, 2, 3, 2, 2)}
ADAPTIVE = {"1D": ((2, 7, 2), 3), "2D": ((1, 5, 7, 2), (2, 3)), "3D": ((1, 3, 4, 5, 1), (2, 2, 3))}


def windows(rank, table):
    for name in ("MaxPooling", "AveragePooling"):
        for label, (config, shape) in table.items():
            yield layer(name + rank, label, config, normal(*shape))


def whole():
    for name in ("GlobalMaxPooling", "GlobalAveragePooling"):
        for rank, shape in WHOLE.items():
            yield layer(name + rank, "plain", {}, normal(*shape))
            yield layer(name + rank, "keepdims", {"keepdims": True}, normal(*shape))
            yield layer(name + rank, "channels_first", FIRST, normal(*shape))


def adaptive():
    for name in ("AdaptiveMaxPooling", "AdaptiveAveragePooling"):
        for rank, (shape, size) in ADAPTIVE.items():
            yield layer(name + rank, "plain", {"output_size": size}, normal(*shape))


CASES = [
    *windows("1D", WINDOWS_1D),
    *windows("2D", WINDOWS_2D),
    *windows("3D", WINDOWS_3D),
    *whole(),
    layer(
        "GlobalAveragePooling1D",
        "mask",
        {},
        normal(2, 4, 3),
        arguments={"mask": given([[1, 1, 0, 0], [1, 0, 1, 1]], "bool")},
    ),
    layer(
        "GlobalAveragePooling1D",
        "mask_of_nothing",
        {},
        normal(2, 3, 2),
        arguments={"mask": given([[1, 1, 0], [0, 0, 0]], "bool")},
    ),
    *adaptive(),
]
