"""Convolutions and pools of LiteRT."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.export.litert.builder import Builder
from amalthea.export.lowering import Value
from amalthea.export.windows import Kernels, static, windows

_MODES = {"SAME": 0, "VALID": 1}


def _conv_2d(
    b: Builder, x: Value, kernel: Value, *, shape: Any, mode: str, strides: Any, dilation: Any, groups: int
) -> Value:
    *window, channels, filters = static(kernel.shape)
    options = {
        "strideH": strides[0], "strideW": strides[1], "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
        "padding": _MODES[mode],
    }  # fmt: skip
    bias = b.constant(np.zeros(filters), x.dtype)
    if channels == 1 and groups == x.shape[-1] and groups > 1:
        # The filters of a channel are neighbours in both layouts.
        flat = b.reshape(kernel, (1, *window, filters))
        return b.DEPTHWISE_CONV_2D(x, flat, bias, shape=shape, depthMultiplier=filters // groups, **options)
    return b.CONV_2D(x, b.transpose(kernel, [3, 0, 1, 2]), bias, shape=shape, **options)


def _conv_3d(b: Builder, x: Value, kernel: Value, *, shape: Any, strides: Any, dilation: Any) -> Value:
    names = ("D", "H", "W")
    options = {f"stride{n}": s for n, s in zip(names, strides)}
    options |= {f"dilation{n}Factor": d for n, d in zip(names, dilation)}
    return b.CONV_3D(x, kernel, shape=shape, padding=_MODES["VALID"], **options)


def _pool_2d(b: Builder, kind: str, x: Value, *, shape: Any, mode: str, window: Any, strides: Any) -> Value:
    operator = {"max": "MAX_POOL_2D", "mean": "AVERAGE_POOL_2D"}[kind]
    return b.emit(
        operator, [x], shape=shape, padding=_MODES[mode],
        strideH=strides[0], strideW=strides[1], filterHeight=window[0], filterWidth=window[1],
    )  # fmt: skip


WINDOWS = windows(Kernels(_conv_2d, _conv_3d, _pool_2d))
