"""Expectations of a layer about its input, and the error for an input that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import type_of
from amalthea.engine.types import DTypeLike
from amalthea.errors import ShapeError


class InputSpec:
    """The rank, dtype and sizes that a layer expects of an input.

    A layer sets ``self.input_spec``; each call checks the input against it.

    Args:
        dtype: str; kept, and not checked. Defaults to None.
        shape: sequence of int and None; the whole shape with the batch, None for any size. Defaults to None.
        ndim: int; number of axes. Defaults to None, any.
        max_ndim: int; largest number of axes. Defaults to None.
        min_ndim: int; smallest number of axes. Defaults to None.
        axes: dict from axis to size; sizes of single axes, such as ``{-1: 4}``. Defaults to None.
        allow_last_axis_squeeze: bool; whether a last axis of size 1 may be missing or additional. Defaults to False.
        name: str; name of the input. Defaults to None.
        optional: bool; whether the input may be None. Defaults to False.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> spec = layers.InputSpec(min_ndim=2, axes={-1: 4})
        >>> spec.wanted()
        '(batch, ..., 4)'
        >>> spec.check(np.zeros((2, 4)), "dense")
    """

    def __init__(
        self,
        dtype: DTypeLike | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = dtypes.standardize(dtype) if dtype is not None else None
        self.shape = tuple(shape) if shape is not None else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as plain values, but for the name and the last two options."""
        return {k: getattr(self, k) for k in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """Makes a spec from the dict that :meth:`get_config` returns.

        Args:
            config: dict; arguments of the constructor by name.
        """
        return cls(**config)

    def wanted(self) -> str:
        """Returns the expected shape in words, for messages."""
        if self.shape is not None:
            return shapes.show([("any" if d is None else d) for d in self.shape])
        if self.axes and self.ndim is None:
            tail = sorted(self.axes.items(), key=lambda item: item[0] % 64)
            return "(batch, ..., " + ", ".join(f"{size}" for _, size in tail) + ")"
        if self.ndim is not None:
            sizes = [self.axes.get(i, self.axes.get(i - self.ndim, "any")) for i in range(self.ndim)]
            return shapes.show(["batch", *sizes[1:]] if sizes and sizes[0] == "any" else sizes)
        return f"at least {self.min_ndim} axes" if self.min_ndim is not None else f"at most {self.max_ndim} axes"

    def check(self, value: Any, layer_name: str) -> None:
        """Checks a value against the spec.

        Args:
            value: tensor or array; anything without a shape passes.
            layer_name: str; name of the layer in the message.

        Shapes: those that the spec allows, such as ``(batch, ..., 4)``.

        Raises:
            ShapeError: the value does not fit.
        """
        if value is None or not hasattr(value, "shape"):
            return
        shape = type_of(value).shape
        if self.allow_last_axis_squeeze and self.shape is not None:
            if len(shape) == len(self.shape) + 1 and shape[-1] == 1:
                shape = shape[:-1]
            elif len(shape) == len(self.shape) - 1 and self.shape[-1] == 1:
                shape = (*shape, 1)
        problem = self._problem(shape)
        if problem:
            raise ShapeError(
                f"{problem} does not fit layer '{layer_name}'.",
                expected=self.wanted(),
                got=type_of(value),
                cure=self._cure(shape, layer_name),
            )

    def _problem(self, shape: shapes.Shape) -> str:
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            return "The number of axes of the input"
        if rank < (self.min_ndim or 0) or rank > (self.max_ndim if self.max_ndim is not None else rank):
            return "The number of axes of the input"
        sizes = dict(self.axes)
        if self.shape is not None:
            sizes.update({i: d for i, d in enumerate(self.shape) if isinstance(d, int)})
        for axis, size in sizes.items():
            if not -rank <= axis < rank or not shapes.agree(shape[axis], size):
                return "The last axis of the input" if axis in (-1, rank - 1) else f"Axis {axis} of the input"
        return ""

    def _cure(self, shape: shapes.Shape, layer_name: str) -> str:
        rank, last = len(shape), self.axes.get(-1)
        flat = shapes.size(shape[1:])
        if last is not None and flat == last and rank > 2:
            return f"put Flatten() before '{layer_name}'"
        if self.ndim is not None and rank == self.ndim - 1:
            return "add an axis: x[..., None] for channels, x[None] for a batch of one"
        if last is not None and rank:
            return f"an input with {last} features, or a new layer for {shape[-1]}"
        return ""
