"""Conversion of images to and from the blocked layout NCHWc, ``(batch, channels / block, *space, block)``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import helper

from amalthea.engine.backends.onnx.builder import ONNX_TYPES, OPSET, Builder, Value

DOMAIN = "com.microsoft.nchwc"


@lru_cache(maxsize=1)
def block_size() -> int:
    """Return the number of channels per block on this machine (from reordering a test image).

    0 without NCHWc operators.
    """
    import onnxruntime

    x = np.arange(32, dtype="float32").reshape(1, 16, 1, 2)
    ends = [helper.make_tensor_value_info(name, ONNX_TYPES["float32"], x.shape) for name in ("x", "y")]
    node = helper.make_node("ReorderInput", ["x"], ["y"], domain=DOMAIN)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    graph = helper.make_graph([node], "block", ends[:1], ends[1:])
    model = onnx.ModelProto(ir_version=9, graph=graph, opset_import=opsets)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        made: Any = session.run(None, {"x": x})[0]
    except Exception:  # a build without these operators; the errors have no common base class
        return 0
    return next((n for n in (16, 8) if np.array_equal(made.ravel(), _to_blocks_numpy(x, n).ravel())), 0)


def _to_blocks_numpy(x: np.ndarray, n: int) -> np.ndarray:
    return x.reshape(1, 16 // n, n, 1, 2).transpose(0, 1, 3, 4, 2)


def blocked_value(b: Builder, x: Value) -> Value | None:
    """Return the blocked version of an image, if there is one already; else None."""
    return b.memo.get(("in blocks", x.name))


def to_blocks(b: Builder, x: Value) -> Value:
    """Return an image in blocks, reordered if needed."""
    key = ("in blocks", x.name)
    if key not in b.memo:
        b.memo[key] = b.ReorderInput(x, domain=DOMAIN)
    return b.memo[key]


def from_blocks(b: Builder, x: Value, channels: int) -> Value:
    """Reorder a blocked image to channels first, and remember its blocked version."""
    out = b.ReorderOutput(x, domain=DOMAIN, channels=channels)
    b.memo["in blocks", out.name] = x
    return out


def affine(
    b: Builder, x: Value, channels: int, factors: Value | None = None, offsets: Value | None = None, **attrs: Any
) -> Value:
    """``x * factor + offset`` of a blocked image, factor and offset per channel: a depthwise 1x1 convolution."""
    kernel = b.constant(np.ones((channels, 1, 1, 1)), "float32")
    if factors is not None:
        kernel = b.reshape(factors, [channels, 1, 1, 1])
    given = [x, kernel] if offsets is None else [x, kernel, offsets]
    window = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0] * 4, "dilations": [1, 1], **attrs}
    out = b.Conv(*given, domain=DOMAIN, group=channels, **window)
    if not attrs:
        b.memo["affine", out.name] = x, factors, offsets
    return out


def gather_rows(b: Builder, x: Value, order: np.ndarray) -> Value:
    """Reorder the rows of a matrix; Transpose would run in one thread."""
    key = ("lines", order.shape, order.tobytes())
    if key not in b.memo:
        b.memo[key] = b.constant(order.ravel())
    return b.Gather(x, b.memo[key], axis=0)
