"""Operators and methods of arrays on tensors and variables: ``x + y``, ``x[0]``, ``x.T``, ``x.sum(axis=0)``."""

from __future__ import annotations

from typing import Any

from amalthea.engine.types import DTypeLike
from amalthea.ops import core, numpy

PAIRS = {
    "add": numpy.add, "sub": numpy.subtract, "mul": numpy.multiply, "truediv": numpy.divide,
    "floordiv": numpy.floor_divide, "mod": numpy.mod, "pow": numpy.power, "matmul": numpy.matmul,
    "and": numpy.logical_and, "or": numpy.logical_or, "xor": numpy.logical_xor,
}  # fmt: skip
COMPARISONS = {
    "lt": numpy.less, "le": numpy.less_equal, "gt": numpy.greater, "ge": numpy.greater_equal,
    "eq": numpy.equal, "ne": numpy.not_equal,
}  # fmt: skip
METHODS = {
    function.__name__: function
    for function in (
        numpy.reshape, numpy.squeeze, numpy.transpose, numpy.sum, numpy.mean, numpy.max, numpy.min, numpy.prod,
        numpy.any, numpy.all, numpy.std, numpy.var, numpy.argmax, numpy.argmin, numpy.cumsum, numpy.clip, numpy.round,
        numpy.repeat, numpy.take, numpy.swapaxes,
    )
} | {"flatten": numpy.ravel}  # fmt: skip


def _swapped(function: Any) -> Any:
    return lambda x, y: function(y, x)


def _method(name: str, function: Any) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    call.__name__, call.__doc__ = name, f"The same as ``ops.{function.__name__}`` of the tensor."
    return call


def _transposed(self: Any) -> Any:
    """The tensor with its axes in the opposite order."""
    return numpy.transpose(self)


def _astype(self: Any, dtype: DTypeLike) -> Any:
    """The tensor in another dtype."""
    return core.cast(self, dtype)


def install(cls: type) -> None:
    """Give a class of tensors Python's operators and the methods of NumPy's arrays."""
    for name, function in PAIRS.items():
        setattr(cls, f"__{name}__", function)
        setattr(cls, f"__r{name}__", _swapped(function))
    for name, function in COMPARISONS.items():
        setattr(cls, f"__{name}__", function)
    cls.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]
    cls.__neg__, cls.__abs__, cls.__invert__ = numpy.negative, numpy.absolute, numpy.logical_not
    cls.__getitem__ = numpy.get_item
    for name, function in METHODS.items():
        setattr(cls, name, _method(name, function))
    cls.T, cls.astype = property(_transposed), _astype
