"""Layers that only move numbers."""

from ...draws import given, normal
from .. import layer

FIRST = {"data_format": "channels_first"}

CASES = [
    layer("Flatten", "plain", {}, normal(2, 3, 4)),
    layer("Flatten", "image", {}, normal(2, 2, 3, 2)),
    layer("Flatten", "channels_first", FIRST, normal(2, 2, 3, 2)),
    layer("Flatten", "vector", {}, normal(3)),
    layer("Flatten", "flat", {}, normal(3, 4)),
    layer("Reshape", "plain", {"target_shape": (3, 2)}, normal(2, 6)),
    layer("Reshape", "unknown", {"target_shape": (-1, 2)}, normal(2, 3, 4)),
    layer("Reshape", "unknown_last", {"target_shape": (2, -1)}, normal(2, 3, 4)),
    layer("Reshape", "flat", {"target_shape": (-1,)}, normal(2, 3, 4)),
    layer("Permute", "two", {"dims": (2, 1)}, normal(2, 3, 4)),
    layer("Permute", "three", {"dims": (3, 1, 2)}, normal(1, 2, 3, 4)),
    layer("RepeatVector", "plain", {"n": 3}, normal(2, 4)),
    layer("ZeroPadding1D", "both", {"padding": 2}, normal(1, 3, 2)),
    layer("ZeroPadding1D", "sides", {"padding": (1, 2)}, normal(1, 3, 2)),
    layer("ZeroPadding1D", "channels_first", {"padding": 1, **FIRST}, normal(1, 2, 3)),
    layer("ZeroPadding2D", "one_number", {"padding": 1}, normal(1, 2, 3, 2)),
    layer("ZeroPadding2D", "two_numbers", {"padding": (1, 2)}, normal(1, 2, 3, 2)),
    layer("ZeroPadding2D", "sides", {"padding": ((0, 1), (2, 1))}, normal(1, 2, 3, 2)),
    layer("ZeroPadding2D", "channels_first", {"padding": ((0, 1), (2, 1)), **FIRST}, normal(1, 2, 2, 3)),
    layer("ZeroPadding3D", "sides", {"padding": ((0, 1), (1, 0), (1, 1))}, normal(1, 2, 2, 2, 1)),
    layer("Cropping1D", "sides", {"cropping": (1, 2)}, normal(1, 6, 2)),
    layer("Cropping1D", "one_number", {"cropping": 1}, normal(1, 5, 2)),
    layer("Cropping2D", "sides", {"cropping": ((0, 1), (2, 1))}, normal(1, 4, 5, 2)),
    layer("Cropping2D", "one_number", {"cropping": 1}, normal(1, 4, 5, 2)),
    layer("Cropping2D", "channels_first", {"cropping": ((0, 1), (2, 1)), **FIRST}, normal(1, 2, 4, 5)),
    layer("Cropping3D", "sides", {"cropping": ((0, 1), (1, 0), (1, 1))}, normal(1, 3, 3, 4, 1)),
    layer("UpSampling1D", "plain", {"size": 3}, normal(1, 3, 2)),
    layer("UpSampling2D", "nearest", {"size": (2, 3)}, normal(1, 2, 3, 2)),
    layer("UpSampling2D", "bilinear", {"size": 2, "interpolation": "bilinear"}, normal(1, 3, 4, 2)),
    layer("UpSampling2D", "bicubic", {"size": 2, "interpolation": "bicubic"}, normal(1, 4, 4, 1)),
    layer("UpSampling2D", "channels_first", {"size": 2, **FIRST}, normal(1, 2, 2, 3)),
    layer("UpSampling3D", "plain", {"size": (2, 1, 2)}, normal(1, 2, 2, 2, 1)),
    layer("Permute", "masked_input", {"dims": (2, 1)}, normal(2, 3, 3), masks=(given([[1, 1, 0], [1, 0, 0]], "bool"),)),
]
