"""Helpers of every public op: promotion of dtypes, normalized axes, and the record of symbolic calls.

Descriptions of arguments that many ops share stand here too; see :mod:`amalthea.docstrings`.
"""

from __future__ import annotations

import functools
import inspect
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from amalthea import config, docstrings, tree
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.masks import mask_of
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import native
from amalthea.engine.ir.variable import Variable
from amalthea.engine.primitives import elementwise, movement, reductions
from amalthea.errors import ArgumentError, DtypeError, ShapeError
from amalthea.operation import FunctionOperation, any_remembers, record
from amalthea.text import is_text

F = TypeVar("F", bound=Callable[..., Any])

docstrings.share(
    "elementwise",
    """
x: TensorLike of any shape. Floats keep their dtype; bools and whole numbers are computed in ``floatx``, which
    is float32 unless ``config.set_floatx`` changed it.
""",
)
docstrings.share(
    "elementwise pair",
    """
x1, x2: TensorLike, of shapes that broadcast against each other. Both are promoted to one dtype; a Python number
    takes the dtype of the array beside it.
""",
)
docstrings.share(
    "float pair",
    """
x1, x2: TensorLike, of shapes that broadcast against each other. Both are promoted to one float dtype; whole
    numbers are computed in ``floatx``.
""",
)
docstrings.share(
    "truth pair",
    "x1, x2: TensorLike, of shapes that broadcast against each other. Elements other than 0 count as True.",
)
docstrings.share(
    "bits pair", "x, y: TensorLike of whole numbers or bools, of shapes that broadcast against each other."
)
docstrings.share(
    "shifted pair",
    """
x: TensorLike of whole numbers; the numbers to shift. Bools count as int32.
y: TensorLike of whole numbers from 0; the number of bits. Its shape broadcasts against that of ``x``.
""",
)
docstrings.share("any tensor", "x: TensorLike of any shape and dtype.")
docstrings.share(
    "reduced axes",
    """
axis: int or sequence of ints; the axes to reduce. Negative ones count from the end. Defaults to None, which
    reduces all axes.
keepdims: bool; True keeps each reduced axis with size 1. Defaults to False, which removes them.
""",
)
docstrings.share(
    "new dtype", "dtype: DTypeLike; dtype of the output. Defaults to None, which means ``floatx`` (float32)."
)
docstrings.share("like dtype", "dtype: DTypeLike; dtype of the output. Defaults to None, the dtype of ``x``.")
docstrings.share(
    "tolerance",
    """
rtol: float from 0; relative tolerance, a share of ``|x2|``. Defaults to 1e-5.
atol: float from 0; absolute tolerance. Defaults to 1e-8.
equal_nan: bool; True counts two NaN as close. Defaults to False.
""",
)
docstrings.share(
    "data format of an op",
    """
data_format: str; ``"channels_last"`` (channels are the last axis) or ``"channels_first"`` (channels are the
    axis after the batch). Defaults to None, which means ``config.image_data_format()``.
""",
)


def op(function: F) -> F:
    """Make a function public: called on a model's symbolic inputs, it is recorded as one step of the model."""

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        if any_remembers(args, kwargs):
            outputs = record(FunctionOperation(public), function, args, kwargs)
            _warn_of_lost_mask(function.__name__, args, kwargs, outputs)
            return outputs
        return function(*args, **kwargs)

    docstrings.fill(public)
    return public  # type: ignore[return-value]


def _warn_of_lost_mask(name: str, args: Any, kwargs: Any, outputs: Any) -> None:
    """Warn if an op of a functional model drops the mask of its input."""
    made = [x for x in tree.flatten(outputs) if isinstance(x, Tensor)]
    if not made or any(mask_of(x) is not None for x in made):
        return
    if any(mask_of(x) is not None for x in tree.flatten([list(args), kwargs])):
        warnings.warn(
            f"ops.{name} drops the mask of its input: padded steps count like all others from here on. "
            "Use a layer that takes masks, or ops.where(mask, x, 0) before it.",
            stacklevel=3,
        )


def is_array(x: Any) -> bool:
    """Returns whether a leaf is a tensor, a Variable or an array of some library."""
    return hasattr(x, "shape") and hasattr(x, "dtype")


def value_of(x: Any) -> Any:
    """Read a Variable and turn a list into an array; tensors, arrays and Python numbers pass unchanged."""
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, (list, tuple)):
        return stacked(x)
    if x is None:
        raise ArgumentError("None stands where a tensor is needed.", expected="an array, tensor or number")
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        if is_text(x):
            raise DtypeError(
                "Text cannot be computed with.",
                expected="numbers",
                got=getattr(x, "type", x.dtype),
                cure="layers.StringLookup or layers.TextVectorization, which make numbers of it",
            )
        return x
    if isinstance(x, shapes.Dim):
        return reductions.size_of(x)
    if type(x) is complex:
        return np.asarray(x, dtypes.complex_of(config.floatx()))
    return x if dtypes.is_python_number(x) else np.asarray(x)


def stacked(values: Sequence[Any]) -> Any:
    """Turn a (nested) list of numbers into an array; a list that holds tensors is stacked."""
    if _holds_tensor(values) or any(isinstance(v, (list, tuple)) and _holds_tensor(v) for v in values):
        rows = [movement.reshape(v, shape=(1, *shape_of(v))) for v in promoted(*values)]
        return movement.concatenate(*rows, axis=0)
    array = np.asarray(values)
    if array.dtype == np.float64:
        return array.astype(dtypes.to_numpy(config.floatx()))
    if array.dtype == np.complex128:
        return array.astype(dtypes.to_numpy(dtypes.complex_of(config.floatx())))
    return array.astype("int32") if array.dtype == np.int64 else array


def _holds_tensor(values: Sequence[Any]) -> bool:
    return any(isinstance(v, (Tensor, Variable, shapes.Dim)) for v in values)


def cast(x: Any, dtype: str) -> Any:
    """Convert a number, array or tensor to a dtype."""
    if dtypes.is_python_number(x):
        with np.errstate(all="ignore"):  # as arrays are cast: what a dtype cannot hold wraps around
            return np.asarray(x).astype(dtypes.to_numpy(dtype))
    return x if dtypes.name_of(x) == dtype else elementwise.cast(x, dtype=dtype)


def tensor(x: Any) -> Any:
    """Turn any input into a tensor or array, as :func:`value_of` does, Python numbers included."""
    x = value_of(x)
    return cast(x, dtypes.result_type(type(x).__name__, floatx=config.floatx())) if dtypes.is_python_number(x) else x


def promoted(*xs: Any, least: str | None = None) -> list[Any]:
    """Convert the inputs to the one dtype that holds them all (and ``least``); Python ints count by their value."""
    values = [value_of(x) for x in xs]
    names = [dtypes.name_of(v) for v in values]
    to = dtypes.result_type(*names, *([least] if least else []), floatx=config.floatx())
    if dtypes.is_integer(to) and "int" in names:
        to = dtypes.promote(to, *(dtypes.holding(v, to) for v in values if type(v) is int))
    return [cast(v, to) for v in values]


def floating(x: Any) -> Any:
    """Convert whole numbers and bools to ``floatx``; floats and complex numbers keep their dtype."""
    x = tensor(x)
    return x if dtypes.is_differentiable(dtypes.name_of(x)) else cast(x, config.floatx())


def floats(*xs: Any) -> list[Any]:
    """Convert the inputs to one float dtype."""
    return [floating(x) for x in promoted(*xs)]


def counted(x: Any) -> Any:
    """Turn bools into 0 and 1 of int32; anything else keeps its dtype."""
    x = tensor(x)
    return cast(x, "int32") if dtypes.name_of(x) == "bool" else x


def summable(x: Any, dtype: Any = None) -> Any:
    """Bools and short whole numbers are added up as int32, as in Keras."""
    x = tensor(x)
    name = dtypes.name_of(x)
    if dtype is not None:
        return cast(x, dtypes.standardize(dtype))
    if name in ("bool", "int8", "int16"):
        return cast(x, "int32")
    return cast(x, "uint32") if name in ("uint8", "uint16") else x


def as_bool(x: Any) -> Any:
    """Turn numbers into bools: True for all but 0."""
    return cast(value_of(x), "bool")


def wide(x: Any) -> Any:
    """Convert a float to the dtype in which its elements are added up."""
    return cast(x, dtypes.accumulator(dtypes.name_of(x)))


def accumulating(function: F) -> F:
    """Compute on floats, in float32 where the first argument is narrower, and round the results once, at the end."""
    first = next(iter(inspect.signature(function).parameters))

    @functools.wraps(function)
    def rounded(*args: Any, **kwargs: Any) -> Any:
        if not args:
            args = (kwargs.pop(first),) if first in kwargs else function(**kwargs)
        x = floating(args[0])
        name = dtypes.name_of(x)
        if dtypes.accumulator(name) == name:
            return function(x, *args[1:], **kwargs)
        result = function(wide(x), *args[1:], **kwargs)
        return tuple(cast(y, name) for y in result) if isinstance(result, tuple) else cast(result, name)

    return rounded  # type: ignore[return-value]


def accumulating_pair(function: F) -> F:
    """Compute on two inputs as floats of one dtype, in float32 where it is narrower, and round the result once."""

    @functools.wraps(function)
    def rounded(x1: Any, x2: Any, *args: Any, **kwargs: Any) -> Any:
        a, b = floats(x1, x2)
        return cast(function(wide(a), wide(b), *args, **kwargs), dtypes.name_of(a))

    return rounded  # type: ignore[return-value]


def shape_of(x: Any) -> Any:
    """Return the full shape as a tuple, with symbols for sizes that are not known."""
    return x.type.shape if isinstance(x, (Tensor, Variable)) else tuple(x.shape)


def one_axis(axis: Any, rank: int) -> int:
    """Return the axis counted from 0, or raise an error that names the valid ones."""
    axis = operator.index(axis)
    if not -rank <= axis < rank:
        raise ArgumentError(f"There is no axis {axis}.", expected=f"{-rank} to {rank - 1}", got=axis)
    return axis % rank


def all_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Return the axes counted from 0: all of them for None."""
    if axis is None:
        return tuple(range(rank))
    if isinstance(axis, (list, tuple, range)) or np.ndim(axis):
        return tuple(one_axis(a, rank) for a in axis)
    return (one_axis(axis, rank),)


def static(shape: Any) -> shapes.Shape:
    """Turn a shape argument into a tuple of ints and symbols."""
    if isinstance(shape, (int, np.integer, shapes.Dim)):
        shape = (shape,)
    return tuple(d if isinstance(d, shapes.Dim) else operator.index(d) for d in shape)


def resolve(newshape: Any, old: shapes.Shape) -> shapes.Shape:
    """Replace the -1 (or None) in a shape by the size that keeps the number of elements."""
    newshape = newshape if isinstance(newshape, (list, tuple)) else (newshape,)
    shape = static([-1 if d is None else d for d in newshape])
    if shape.count(-1) > 1:
        raise ArgumentError("Only one dimension can be worked out.", expected="at most one -1", got=shapes.show(shape))
    if -1 not in shape:
        return shape
    known = shapes.size([d for d in shape if d != -1])
    total = shapes.size(old)
    if known == 0 or (isinstance(total, int) and isinstance(known, int) and total % known):
        raise ShapeError(
            "The input cannot be reshaped: the dimension that is left is not whole.",
            expected=f"a multiple of {known} elements",
            got=f"{total} elements in {shapes.show(old)}",
        )
    return tuple(total // known if d == -1 else d for d in shape)


def mean_of(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Compute the mean of floats over axes counted from 0."""
    total = reductions.reduce_sum(x, axes=axes, keepdims=keepdims)
    return elementwise.multiply(total, reductions.inverse_count(x, axes))


def is_over_nothing(x: Any, axis: Any) -> bool:
    """Tell whether some axis that is reduced is known to have no elements."""
    shape = shape_of(x)
    return 0 in [shape[a] for a in all_axes(axis, len(shape))]


def over_nothing(x: Any, axis: Any, keepdims: bool, value: Any) -> Any:
    """Fill the output of a reduction over no elements with the given value."""
    full, axes = shape_of(x), all_axes(axis, len(x.shape))
    shape = reductions.kept_shape(full, axes) if keepdims else tuple(d for a, d in enumerate(full) if a not in axes)
    return movement.broadcast_to(native(np.asarray(value)), shape=shape)


def exported(module: Any) -> dict[str, Callable[..., Any]]:
    """Return the public functions that a module of ops defines itself, by name."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if callable(thing)
        and not name.startswith("_")
        and thing.__module__ == module.__name__
        and thing.__name__ == name
    }
