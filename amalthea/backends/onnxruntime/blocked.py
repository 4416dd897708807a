"""Lowerings of convolutions to operators that ONNX Runtime keeps for its optimizer.

Those over blocks of channels, ``(batch, channels / block, *space, block)``, take 0.6 of the time of those
over channels first. The optimizer uses them for kernels that never change; ours do, so kernels and images move here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import helper

from amalthea.backends.onnxruntime.builder import ONNX_TYPES, OPSET, Builder, Value
from amalthea.backends.onnxruntime.windows import WINDOWS
from amalthea.primitives import windows as w

DOMAIN = "com.microsoft.nchwc"


@lru_cache(maxsize=1)
def block() -> int:
    """How many channels this machine has in a block: what 16 of them look like in that layout; 0 if it has none."""
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
    except Exception:  # a build without them: their errors have no class of their own
        return 0
    return next((n for n in (16, 8) if np.array_equal(made.ravel(), _in_blocks(x, n).ravel())), 0)


def _in_blocks(x: np.ndarray, n: int) -> np.ndarray:
    return x.reshape(1, 16 // n, n, 1, 2).transpose(0, 1, 3, 4, 2)


def _suits(x: Value, window, channels: int, filters: int, groups: int) -> bool:
    """A window of one element is a matrix product, for which moving does not pay."""
    n = block() if x.dtype == "float32" and len(window) == 2 and groups == 1 and window != (1, 1) else 0
    return n > 0 and (channels % n == 0 or channels < n) and filters % n == 0


def _blocked_conv(b: Builder, x: Value, kernel: Value, filters: int, window, **attrs) -> Value:
    """A convolution by a kernel that is in blocks already; an image of less than one block stays as it is."""
    if x.shape[1] >= block():
        x = _moved(b, x)
    return _whole(b, b.Conv(x, kernel, domain=DOMAIN, kernel_shape=list(window), **attrs), filters)


def _moved(b: Builder, x: Value) -> Value:
    """An image in blocks; if it came from blocks or was moved before, that one."""
    key = ("in blocks", x.name)
    if key not in b.notes:
        b.notes[key] = b.ReorderInput(x, domain=DOMAIN)
    return b.notes[key]


def _whole(b: Builder, x: Value, channels: int) -> Value:
    out = b.ReorderOutput(x, domain=DOMAIN, channels=channels)
    b.notes["in blocks", out.name] = x
    return out


def _kernel(b: Builder, kernel: Value, order) -> Value:
    """``(*window, in, out)``, both apart into blocks, in another order, and whole again."""
    n, (*window, channels, filters) = block(), kernel.shape
    if channels < n:
        apart = b.reshape(kernel, [*window, channels, filters // n, n])
        return b.reshape(b.Transpose(apart, perm=[3, 2, 0, 1, 4]), [filters, channels, *window])
    apart = b.reshape(kernel, [*window, channels // n, n, filters // n, n])
    whole = [channels, filters] if order[0] == 2 else [filters, channels]
    return b.reshape(b.Transpose(apart, perm=list(order)), [*whole, *window])


def _conv(b: Builder, x: Value, kernel: Value, *, strides, padding, dilation, groups, data_format) -> Value:
    *window, channels, filters = kernel.shape
    if not _suits(x, tuple(window), channels, filters, groups):
        attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
        return WINDOWS[w.conv](b, x, kernel, data_format=data_format, **attrs)
    pads = [end for ends in zip(*padding) for end in ends]
    kernel = _kernel(b, kernel, (4, 2, 0, 1, 3, 5))
    return _blocked_conv(b, x, kernel, filters, window, strides=list(strides), pads=pads, dilations=list(dilation))


def _conv_input(
    b: Builder, g: Value, kernel: Value, *, shape, strides, padding, dilation, groups, data_format
) -> Value:
    """Without strides it is a convolution too, by the kernel turned round."""
    *window, channels, filters = kernel.shape
    reach = [(k - 1) * d for k, d in zip(window, dilation)]
    ends = [[r - p for r, p in zip(reach, side)] for side in zip(*padding)]
    plain = max(strides) > 1 or min(map(min, ends)) < 0 or min(channels, filters) < block()
    if plain or not _suits(g, tuple(window), filters, channels, groups):
        attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
        return WINDOWS[w.conv_input_gradient](b, g, kernel, shape=shape, data_format=data_format, **attrs)
    minus = b.ints([-1, -1])
    turned = b.Slice(kernel, minus, b.ints([-(2**31)] * 2), b.ints([0, 1]), minus)
    turned.shape = kernel.shape
    turned = _kernel(b, turned, (2, 4, 0, 1, 5, 3))
    return _blocked_conv(b, g, turned, channels, window, strides=[1, 1], pads=sum(ends, []), dilations=list(dilation))


def _max_pool(b: Builder, x: Value, *, window, strides, padding, data_format) -> Value:
    """What came from blocks is pooled in them; the runtime's optimizer would move it there and back."""
    if ("in blocks", x.name) not in b.notes:
        return WINDOWS[w.max_pool](b, x, window=window, strides=strides, padding=padding, data_format=data_format)
    pads = [end for ends in zip(*padding) for end in ends]
    attrs = {"kernel_shape": list(window), "strides": list(strides), "pads": pads}
    return _whole(b, b.MaxPool(_moved(b, x), domain=DOMAIN, **attrs), x.shape[1])


BLOCKED = {w.conv: _conv, w.conv_input_gradient: _conv_input, w.max_pool: _max_pool}
