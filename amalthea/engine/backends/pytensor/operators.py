"""Operators of our own: what PyTensor lacks, or runs element by element where there is no compiler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.scalar import BinaryScalarOp, upcast_out

from amalthea.engine.ir.tensor import Type


class AsType(Op):
    """Another dtype. PyTensor's own goes element by element, a thousand times as slowly."""

    __props__ = ("dtype",)

    def __init__(self, dtype: str):
        self.dtype = dtype

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [pt.TensorType(self.dtype, x.type.shape)()])

    def perform(self, node: Any, inputs: Sequence[Any], output_storage: Any) -> None:
        output_storage[0][0] = np.asarray(inputs[0]).astype(self.dtype)


class Shift(BinaryScalarOp):
    """A shift of bits, by a function of NumPy."""

    __props__ = ("impl",)

    def __init__(self, function: np.ufunc):
        super().__init__(upcast_out)
        self.impl = function
        self.nfunc_spec = (function.__name__, 2, 1)


class SubgraphCall(Op):
    """A primitive that holds graphs: a Python function that calls compiled ones."""

    def __init__(self, run: Callable[..., Sequence[Any]], types: Sequence[Type]):
        self.run = run
        self.types = types

    def make_node(self, *inputs: Any) -> Apply:
        return Apply(self, list(inputs), [pt.TensorType(t.dtype, t.shape)() for t in self.types])

    def perform(self, node: Any, inputs: Sequence[Any], output_storage: Any) -> None:
        for cell, value in zip(output_storage, self.run(*inputs)):
            cell[0] = np.asarray(value)


def cast(x: Any, *, dtype: str) -> Any:
    return x if x.dtype == dtype else AsType(dtype)(x)


def like(number: Any, x: Any) -> Any:
    """A constant of the same dtype."""
    return pt.constant(np.asarray(number, x.dtype))
