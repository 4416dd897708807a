"""Layout conversion from channels last to channels first, around chains of primitives instead of at every primitive.

For libraries whose convolutions support ``(batch, channels, *space)`` only. Convolutions and pools are converted, and
elementwise primitives after them are computed in the new layout too. A transposition remains only where another
primitive (a reshape) or an output needs the old layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.passes.rewrite import apply_rules
from amalthea.engine.primitives import movement, normalization, reductions
from amalthea.engine.primitives import windows as w
from amalthea.engine.primitives.movement import reshape, transpose

# For each windowed primitive: the positions of inputs with a channel axis; True if the output has one too.
_WINDOWED = {
    w.conv: ((0,), True),
    w.conv_input_gradient: ((0,), True),
    w.conv_kernel_gradient: ((0, 1), False),
    w.max_pool: ((0,), True),
    w.avg_pool: ((0,), True),
    w.max_pool_gradient: ((0, 1, 2), True),
    w.avg_pool_gradient: ((0,), True),
}
# For each normalization: the positions of inputs as large as its output; the last of them is normalized.
_NORMALIZED = {normalization.batch_normalize: (0,), normalization.batch_normalize_gradient: (0, 1)}
_BY_AXIS = {
    movement.pad: ("low", "high"),
    movement.slice: ("starts", "limits", "strides"),
    movement.dilate: ("steps",),
}


def channels_first(graph: Graph) -> Graph:
    """Return the graph with convolutions and pools over channels-first arrays."""
    return apply_rules(graph, _ToChannelsFirst)


def _first_axes(rank: int) -> tuple[int, ...]:
    return (0, rank - 1, *range(1, rank - 1))


def _last_axes(rank: int) -> tuple[int, ...]:
    return (0, *range(2, rank), 1)


def permute_to_first(values: Sequence[Any]) -> tuple[Any, ...]:
    """Permute one value per axis into channels-first order."""
    return tuple(values[axis] for axis in _first_axes(len(values)))


class _ToChannelsFirst:
    """The rewrite rule; ``first`` maps a channels-last tensor to its channels-first version."""

    def __init__(self) -> None:
        self.first: dict[Tensor, Tensor] = {}

    def __call__(self, node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
        primitive = node.primitive
        if primitive in _WINDOWED and node.attrs["data_format"] == "channels_last":
            return self._window(node, inputs)
        if not any(x in self.first for x in inputs):
            return None
        rank = len(node.outputs[0].type.shape)
        if primitive in _NORMALIZED and inputs[_NORMALIZED[primitive][-1]] in self.first:
            return self._normalized(node, inputs)
        if primitive.family.elementwise and all(len(x.type.shape) == rank for x in inputs if x in self.first):
            return [self._to_last_layout(primitive(*(self._aligned(x, rank) for x in inputs), **node.attrs))]
        if primitive in _BY_AXIS:
            attrs = {k: permute_to_first(v) if k in _BY_AXIS[primitive] else v for k, v in node.attrs.items()}
            return [self._to_last_layout(primitive(self.first[inputs[0]], **attrs))]
        if primitive is movement.concatenate and all(x in self.first for x in inputs):
            axis = _first_axes(rank).index(node.attrs["axis"])
            return [self._to_last_layout(primitive(*(self.first[x] for x in inputs), axis=axis))]
        if primitive in (reductions.reduce_sum, reductions.reduce_max, reductions.reduce_min):
            return self._reduction(node, inputs[0])
        return None

    def _window(self, node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
        indices, channelled = _WINDOWED[node.primitive]
        inputs = [self._to_first_layout(x) if i in indices else x for i, x in enumerate(inputs)]
        attrs = {**node.attrs, "data_format": "channels_first"}
        if "shape" in attrs:
            attrs["shape"] = permute_to_first(attrs["shape"])
        out = node.primitive(*inputs, **attrs)
        return [self._to_last_layout(out) if channelled else out]

    def _normalized(self, node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Convert a batch normalization; its vectors (scale, moments) stay unchanged."""
        inputs = [self._to_first_layout(x) if i in _NORMALIZED[node.primitive] else x for i, x in enumerate(inputs)]
        axis = _first_axes(len(inputs[0].type.shape)).index(node.attrs["axis"])
        y, *vectors = node.primitive(*inputs, **{**node.attrs, "axis": axis})
        return [self._to_last_layout(y), *vectors]

    def _reduction(self, node: Node, x: Tensor) -> list[Tensor] | None:
        """Convert a reduction, if the axes that remain have the same order in both layouts."""
        rank, axes = len(x.type.shape), node.attrs["axes"]
        first_axes = tuple(sorted(_first_axes(rank).index(axis) for axis in axes))
        if node.attrs["keepdims"]:
            return [self._to_last_layout(node.primitive(self.first[x], axes=first_axes, keepdims=True))]
        left = [axis for axis in _first_axes(rank) if axis not in axes]
        if left != sorted(left):
            return None
        return [node.primitive(self.first[x], axes=first_axes)]

    def _to_first_layout(self, x: Tensor) -> Tensor:
        """Return the channels-first version of a channels-last tensor."""
        if x not in self.first:
            shape = permute_to_first(x.type.shape)
            free = shape[1] == 1 or all(d == 1 for d in shape[2:])
            self.first[x] = reshape(x, shape=shape) if free else transpose(x, axes=_first_axes(len(shape)))
        return self.first[x]

    def _to_last_layout(self, y: Tensor) -> Tensor:
        """Return a channels-last tensor whose channels-first version is ``y``; it is dead code unless it is used."""
        shape = y.type.shape
        last = (shape[0], *shape[2:], shape[1])
        free = shape[1] == 1 or all(d == 1 for d in shape[2:])
        x = reshape(y, shape=last) if free else transpose(y, axes=_last_axes(len(shape)))
        self.first[x] = y
        return x

    def _aligned(self, x: Tensor, rank: int) -> Tensor:
        """Return an input of an elementwise primitive in a shape that broadcasts in the new layout."""
        if x in self.first:
            return self.first[x]
        shape = x.type.shape
        if not shape:
            return x
        if len(shape) < rank:
            x = reshape(x, shape=(1,) * (rank - len(shape)) + shape)
        return self._to_first_layout(x)
