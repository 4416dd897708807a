"""Convolutions and pools of TensorFlow, whose kernels on a CPU have neither groups nor dilated volumes."""

from __future__ import annotations

from typing import Any

from amalthea.engine.primitives import movement
from amalthea.export.lowering import Value
from amalthea.export.tensorflow_graph.nodes import Nodes as Builder
from amalthea.export.windows import Kernels, by_group, static, windows


def _conv_2d(
    b: Builder, x: Value, kernel: Value, *, shape: Any, mode: str, strides: Any, dilation: Any, groups: int
) -> Value:
    options = {"mode": mode, "strides": strides, "dilation": dilation, "groups": 1}
    channels, filters = static(kernel.shape[-2:])
    steps = {"strides": [1, *strides, 1], "padding": mode}
    if channels == 1 and groups > 1 and strides[0] == strides[1]:
        wide = b.table[movement.dilate](b, kernel, steps=(*dilation, 1, 1))
        depthwise = b.reshape(wide, (*wide.shape[:2], groups, filters // groups))
        return b.DepthwiseConv2dNative(x, depthwise, shape=shape, dilations=[1] * 4, **steps)
    if groups > 1:
        part = (*shape[:-1], filters // groups)
        return by_group(b, lambda x, k: _conv_2d(b, x, k, shape=part, **options), x, kernel, groups)
    return b.Conv2D(x, kernel, shape=shape, dilations=[1, *dilation, 1], **steps)


def _conv_3d(b: Builder, x: Value, kernel: Value, *, shape: Any, strides: Any, dilation: Any) -> Value:
    wide = b.table[movement.dilate](b, kernel, steps=(*dilation, 1, 1))
    options = {"padding": "VALID", "dilations": [1] * 5, "data_format": "NDHWC"}
    return b.Conv3D(x, wide, shape=shape, strides=[1, *strides, 1], **options)


def _pool_2d(b: Builder, kind: str, x: Value, *, shape: Any, mode: str, window: Any, strides: Any) -> Value:
    operator = {"max": "MaxPool", "mean": "AvgPool"}[kind]
    return b.emit(operator, [x], shape=shape, ksize=[1, *window, 1], strides=[1, *strides, 1], padding=mode)


WINDOWS = windows(Kernels(_conv_2d, _conv_3d, _pool_2d))
