"""Custom operators: missing in PyTensor, or run element by element there without a compiler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.scalar import BinaryScalarOp, upcast_out

from amalthea.engine.ir.tensor import Type

pt: Any = pytensor.tensor  # to its own types a result is any Variable, without the operators of a tensor


class AsType(Op):
    """Cast to another dtype. PyTensor's own cast runs element by element, a thousand times as slowly."""

    __props__ = ("dtype",)

    def __init__(self, dtype: str):
        self.dtype = dtype

    def make_node(self, x: Any) -> Apply[Any]:
        return Apply(self, [x], [pt.TensorType(self.dtype, x.type.shape)()])

    def perform(self, node: Any, inputs: Sequence[Any], output_storage: Any) -> None:
        output_storage[0][0] = np.asarray(inputs[0]).astype(self.dtype)


class Shift(BinaryScalarOp):
    """A bit shift, by a NumPy ufunc."""

    __props__ = ("impl",)

    def __init__(self, function: np.ufunc):
        super().__init__(upcast_out)
        self.impl = function
        self.nfunc_spec = (function.__name__, 2, 1)


class SubgraphCall(Op):
    """A Python function that calls compiled subgraphs, as one operator."""

    def __init__(self, run: Callable[..., Sequence[Any]], types: Sequence[Type]):
        self.run = run
        self.types = types

    def make_node(self, *inputs: Any) -> Apply[Any]:
        return Apply(self, list(inputs), [pt.TensorType(t.dtype, t.shape)() for t in self.types])

    def perform(self, node: Any, inputs: Sequence[Any], output_storage: Any) -> None:
        for cell, value in zip(output_storage, self.run(*inputs)):
            cell[0] = np.asarray(value)


def shift(function: np.ufunc) -> Any:
    return Shift(function)  # pyright: ignore[reportAbstractUsage]  # the abstract method writes C, which is not used


def cast(x: Any, *, dtype: str) -> Any:
    return x if x.dtype == dtype else AsType(dtype)(x)


def like(number: Any, x: Any) -> Any:
    """Return a constant of the dtype of ``x``."""
    return pt.constant(np.asarray(number, x.dtype))
