"""Convolutions that keep or shrink: plain, depthwise and separable."""

from ...draws import normal
from .. import layer


def conv(class_name, label, filters, kernel_size, *shape, **config):
    return layer(class_name, label, {"filters": filters, "kernel_size": kernel_size, **config}, normal(*shape))


def depthwise(class_name, label, kernel_size, *shape, **config):
    return layer(class_name, label, {"kernel_size": kernel_size, **config}, normal(*shape))


FIRST = {"data_format": "channels_first"}

CASES = [
    conv("Conv1D", "valid", 3, 3, 2, 6, 2),
    conv("Conv1D", "same", 3, 3, 2, 6, 2, padding="same"),
    conv("Conv1D", "same_even_kernel", 2, 4, 2, 7, 2, padding="same"),
    conv("Conv1D", "same_strides", 2, 3, 2, 7, 2, padding="same", strides=2),
    conv("Conv1D", "strides", 2, 3, 2, 8, 2, strides=2),
    conv("Conv1D", "causal", 3, 3, 2, 6, 2, padding="causal"),
    conv("Conv1D", "causal_dilated", 2, 2, 2, 7, 2, padding="causal", dilation_rate=2),
    conv("Conv1D", "causal_strides", 2, 3, 2, 7, 2, padding="causal", strides=2),
    conv("Conv1D", "dilated_same", 2, 3, 2, 8, 2, padding="same", dilation_rate=2),
    conv("Conv1D", "groups", 4, 3, 2, 6, 4, groups=2),
    conv("Conv1D", "no_bias_relu", 2, 1, 2, 5, 3, use_bias=False, activation="relu"),
    conv("Conv1D", "channels_first", 3, 3, 2, 2, 6, padding="same", **FIRST),
    conv("Conv2D", "valid", 3, 3, 2, 5, 6, 2),
    conv("Conv2D", "same", 3, (3, 2), 1, 4, 5, 2, padding="same"),
    conv("Conv2D", "same_strides", 2, 3, 1, 5, 6, 2, padding="same", strides=2),
    conv("Conv2D", "same_strides_two", 2, (2, 3), 1, 6, 7, 2, padding="same", strides=(2, 3)),
    conv("Conv2D", "strides", 2, (2, 3), 1, 6, 7, 2, strides=(2, 1)),
    conv("Conv2D", "one_by_one", 3, 1, 2, 3, 3, 4),
    conv("Conv2D", "one_by_one_strides", 3, 1, 1, 5, 4, 2, strides=2),
    conv("Conv2D", "dilated", 2, (2, 3), 1, 6, 7, 2, dilation_rate=2),
    conv("Conv2D", "dilated_same", 2, 3, 1, 5, 6, 2, dilation_rate=(2, 1), padding="same"),
    conv("Conv2D", "groups", 4, 3, 1, 5, 4, 4, groups=2),
    conv("Conv2D", "groups_as_depthwise", 6, 2, 1, 4, 4, 3, groups=3, padding="same"),
    conv("Conv2D", "no_bias", 2, 3, 1, 5, 5, 2, use_bias=False),
    conv("Conv2D", "relu", 3, 3, 1, 5, 5, 2, activation="relu"),
    conv("Conv2D", "channels_first", 3, 3, 1, 2, 5, 6, **FIRST),
    conv("Conv2D", "channels_first_same_strides", 2, 3, 1, 2, 5, 6, padding="same", strides=2, **FIRST),
    conv("Conv2D", "channels_first_groups", 4, 3, 1, 4, 5, 4, groups=2, **FIRST),
    conv("Conv3D", "valid", 2, 2, 1, 3, 4, 3, 2),
    conv("Conv3D", "same_strides", 2, (2, 3, 2), 1, 3, 4, 5, 2, padding="same", strides=2),
    conv("Conv3D", "dilated", 2, 2, 1, 4, 4, 4, 1, dilation_rate=2),
    conv("Conv3D", "groups", 2, 2, 1, 3, 3, 3, 2, groups=2, use_bias=False),
    conv("Conv3D", "channels_first", 2, 2, 1, 2, 3, 4, 3, **FIRST),
    depthwise("DepthwiseConv1D", "valid", 3, 2, 6, 2),
    depthwise("DepthwiseConv1D", "multiplier_same", 3, 1, 6, 2, depth_multiplier=2, padding="same", strides=2),
    depthwise("DepthwiseConv2D", "valid", 3, 1, 5, 6, 3),
    depthwise("DepthwiseConv2D", "same_strides", 3, 1, 5, 6, 2, padding="same", strides=2),
    depthwise("DepthwiseConv2D", "multiplier", (2, 3), 1, 4, 5, 2, depth_multiplier=2, activation="tanh"),
    depthwise("DepthwiseConv2D", "dilated_no_bias", 2, 1, 5, 5, 2, dilation_rate=2, use_bias=False),
    depthwise("DepthwiseConv2D", "channels_first", 3, 1, 2, 5, 5, depth_multiplier=2, **FIRST),
    conv("SeparableConv1D", "valid", 3, 3, 2, 6, 2),
    conv("SeparableConv1D", "multiplier_same", 3, 3, 1, 7, 2, depth_multiplier=2, padding="same", strides=2),
    conv("SeparableConv2D", "valid", 3, 3, 1, 5, 5, 2),
    conv(
        "SeparableConv2D",
        "same_multiplier",
        2,
        (3, 2),
        1,
        5,
        4,
        2,
        depth_multiplier=2,
        padding="same",
        activation="relu",
    ),
    conv("SeparableConv2D", "strides_no_bias", 2, 3, 1, 6, 6, 2, strides=2, use_bias=False),
    conv("SeparableConv2D", "channels_first", 3, 3, 1, 2, 5, 5, **FIRST),
]
