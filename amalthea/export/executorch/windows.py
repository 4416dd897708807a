"""Convolutions over lines and volumes by those over planes, which are all that ExecuTorch's kernels have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial, reduce
from operator import add
from typing import Any

from amalthea.engine.primitives import movement
from amalthea.engine.primitives import windows as w


def _first(x: Any, data_format: str) -> Any:
    return x.movedim(-1, 1) if data_format == "channels_last" else x


def _back(x: Any, data_format: str) -> Any:
    return x.movedim(1, -1) if data_format == "channels_last" else x


class Windows:
    """Lowerings over those of a table of PyTorch's functions.

    Args:
        table: PyTorch's lowerings, of which those of planes are used.
    """

    def __init__(self, table: Mapping[Any, Any]):
        self.table = table

    def lowerings(self) -> dict[Any, Any]:
        """Return the lowerings by primitive."""
        pools = {primitive: partial(self.pool, primitive) for primitive in (w.max_pool, w.avg_pool)}
        return {w.conv: self.conv, w.conv_input_gradient: self.transposed, **pools}

    def planes(self, x: Any, kernel: Any, strides: Any, dilation: Any, groups: int) -> Any:
        attrs = {"strides": strides, "padding": [(0, 0)] * 2, "dilation": dilation, "groups": groups}
        return self.table[w.conv](x, kernel, data_format="channels_first", **attrs)

    def conv(
        self, x: Any, kernel: Any, *, strides: Any, padding: Any, dilation: Any, groups: int, data_format: str
    ) -> Any:
        """Over a volume: the sum, over the first axis of the kernel, of convolutions of planes."""
        attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
        if kernel.ndim != 5:
            return self.table[w.conv](x, kernel, data_format=data_format, **attrs)
        low, high = ([0, 0, *(pair[i] for pair in padding)] for i in (0, 1))
        x = self.table[movement.pad](_first(x, data_format), low=low, high=high, value=0)
        count = (x.shape[2] - (kernel.shape[0] - 1) * dilation[0] - 1) // strides[0] + 1
        parts = []
        for i in range(kernel.shape[0]):
            start = i * dilation[0]
            part = x[:, :, start : start + (count - 1) * strides[0] + 1 : strides[0]].movedim(2, 1)
            parts.append(self.planes(part.flatten(0, 1), kernel[i], strides[1:], dilation[1:], groups))
        return _back(reduce(add, parts).unflatten(0, (x.shape[0], count)).movedim(1, 2), data_format)

    def transposed(self, g: Any, kernel: Any, *, shape: Any, data_format: str, **attrs: Any) -> Any:
        """Over a line: over a plane of one row. Over a volume: the convolution of the dilated input."""
        rank, last = kernel.ndim - 2, data_format == "channels_last"
        if rank == 2:
            return self.table[w.conv_input_gradient](g, kernel, shape=shape, data_format=data_format, **attrs)
        if rank == 3:
            return _back(
                self.volume(_first(g, data_format), kernel, shape[1:-1] if last else shape[2:], **attrs), data_format
            )
        axis = 1 if last else 2
        wide = {"strides": (1, *attrs["strides"]), "padding": ((0, 0), *attrs["padding"])}
        wide |= {"dilation": (1, *attrs["dilation"]), "groups": attrs["groups"]}
        size = (*shape[:axis], 1, *shape[axis:])
        g, kernel = g.unsqueeze(axis), kernel.unsqueeze(0)
        return self.table[w.conv_input_gradient](g, kernel, shape=size, data_format=data_format, **wide).squeeze(axis)

    def volume(self, g: Any, kernel: Any, space: Any, *, strides: Any, padding: Any, dilation: Any, groups: int) -> Any:
        *window, channels, filters = kernel.shape
        reach = [(k - 1) * d for k, d in zip(window, dilation)]
        low = [r - p[0] for r, p in zip(reach, padding)]
        g = self.table[movement.dilate](g, steps=(1, 1, *strides))
        high = [n + r - lo - m for n, r, lo, m in zip(space, reach, low, g.shape[2:])]
        grouped = kernel.flip([0, 1, 2]).unflatten(-1, (groups, filters // groups)).movedim(-3, -1)
        swapped = grouped.movedim(-3, -2).flatten(-2)
        attrs = {"strides": [1] * 3, "padding": list(zip(low, high)), "dilation": dilation, "groups": groups}
        return self.conv(g, swapped, data_format="channels_first", **attrs)

    def pool(self, primitive: Any, x: Any, *, window: Any, strides: Any, padding: Any, data_format: str) -> Any:
        """Over a volume: over its planes, then along the first axis of space. Counts are products by axis."""
        plain = self.table[primitive]
        if len(window) != 3:
            return plain(x, window=window, strides=strides, padding=padding, data_format=data_format)
        x = _first(x, data_format)
        attrs = {"window": window[1:], "strides": strides[1:], "padding": padding[1:]}
        flat = plain(x.flatten(1, 2), data_format="channels_first", **attrs)
        space = flat.shape[2:]
        attrs = {"window": (window[0], 1), "strides": (strides[0], 1), "padding": (padding[0], (0, 0))}
        rows = flat.unflatten(1, x.shape[1:3]).flatten(3)
        made = plain(rows, data_format="channels_first", **attrs)
        return _back(made.unflatten(3, space), data_format)
