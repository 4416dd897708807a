"""Ops on tensors as such: conversion, shapes, scatter and slices, branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine import control_flow as held
from amalthea.engine import dtypes, shapes, transforms
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import native
from amalthea.engine.ir.variable import Variable
from amalthea.engine.primitives import control, elementwise, indexing, movement
from amalthea.errors import ArgumentError
from amalthea.ops import scattering
from amalthea.ops.base import cast as to_dtype
from amalthea.ops.base import op, shape_of, static, tensor, value_of
from amalthea.ops.numpy.creation import array
from amalthea.ops.numpy.movement import unstack


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function its own gradient; see :func:`amalthea.custom_gradient`."""
    return transforms.custom_gradient(f)


@op
def cast(x: Any, dtype: Any) -> Any:
    """x in another dtype."""
    return native(to_dtype(value_of(x), dtypes.standardize(dtype)))


@op
def saturate_cast(x: Any, dtype: Any) -> Any:
    """x in another dtype, held to what that can say: 300 is 255 in uint8, 1e6 is 65504 in float16, -3 is False.

    NaN is 0 among whole numbers.
    """
    x, dtype = tensor(x), dtypes.standardize(dtype)
    name = dtypes.name_of(x)
    (low, high), (low_to, high_to) = _range(name), _range(dtype)
    if name == "bool" or (low_to <= low and high <= high_to):
        return to_dtype(x, dtype)
    low, high = max(low, low_to), min(high, high_to)
    if dtypes.is_float(name) and dtypes.is_integer(dtype):
        return _saturated(x, low, high, dtype)
    return to_dtype(elementwise.clip(x, low=low, high=high), dtype)


def _range(dtype: str) -> tuple[Any, Any]:
    """The least and the largest number of a dtype."""
    if dtypes.is_float(dtype):
        return -dtypes.largest(dtype), dtypes.largest(dtype)
    return (0, 1) if dtype == "bool" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def _saturated(x: Any, low: Any, high: Any, dtype: str) -> Any:
    """Floats as whole numbers from ``low`` to ``high``. The float next to ``high`` may be beyond it."""
    small, large = elementwise.less_equal(x, float(low)), elementwise.greater_equal(x, float(high))
    inside = elementwise.logical_not(elementwise.logical_or(elementwise.logical_or(small, large), elementwise.isnan(x)))
    whole = to_dtype(elementwise.select(inside, x, 0.0), dtype)
    ends = [np.asarray(end, dtypes.to_numpy(dtype)) for end in (low, high)]
    return elementwise.select(large, ends[1], elementwise.select(small, ends[0], whole))


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """Anything array-like as an array of the backend; a symbolic tensor stays one."""
    return array(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """A copy of a concrete value as a NumPy array."""
    return x.numpy() if isinstance(x, Variable) else runtime.to_numpy(tensor(x))


def is_tensor(x: Any) -> bool:
    """True for a symbolic tensor or a concrete array; not for a Variable or a list."""
    return isinstance(x, (Tensor, np.ndarray)) or (hasattr(x, "__dlpack__") and not isinstance(x, Variable))


def shape(x: Any) -> Any:
    """The shape; a dimension that is not known is a symbol that can be calculated with."""
    return shape_of(tensor(x))


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(tensor(x).shape)


def size(x: Any) -> Any:
    """The number of elements."""
    return shapes.size(shape_of(tensor(x)))


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return dtypes.name_of(tensor(x))


@op
def copy(x: Any) -> Any:
    """The same value."""
    return control.identity(tensor(x))


@op
def stop_gradient(variable: Any) -> Any:
    """The same value, through which no gradient passes."""
    return control.stop_gradient(tensor(variable))


@op
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A block of that shape from start indices, which may be computed. A size of -1 goes to the end."""
    x, starts = tensor(inputs), _starts(start_indices)
    sizes = [d if n == -1 else n for n, d in zip(static(shape), shape_of(x))]
    return movement.dynamic_slice(x, *starts, sizes=tuple(sizes))


@op
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """The inputs with a block replaced, from start indices, which may be computed."""
    x = tensor(inputs)
    return movement.dynamic_update_slice(x, to_dtype(tensor(updates), dtypes.name_of(x)), *_starts(start_indices))


def _starts(start_indices: Any) -> list[Any]:
    if isinstance(start_indices, (list, tuple)):
        return [to_dtype(value_of(s), "int32") for s in start_indices]
    return unstack(to_dtype(tensor(start_indices), "int32"))


@op
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of that shape with the values added at the points that the last axis of the indices names."""
    values = tensor(values)
    zeros = movement.broadcast_to(to_dtype(0, dtypes.name_of(values)), shape=static(shape))
    return indexing.scatter_add_points(zeros, to_dtype(tensor(indices), "int32"), values)


@op
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """The inputs with updates put at points, or reduced with what stands there.

    Args:
        inputs: any array or tensor.
        indices: ``(..., depth)`` of whole numbers: coordinates on the first axes of the inputs.
        updates: ``(..., *rest)``, one for each point.
        reduction: ``"add"``, ``"max"``, ``"min"`` or ``"mul"``; None puts them. Of several updates of one point each is
            reduced in; or the last one stays.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops
        >>> ops.scatter_update(np.zeros(3, "float32"), [[1], [1]], np.float32([5, 7])).tolist()
        [0.0, 7.0, 0.0]
    """
    return scattering.update(tensor(inputs), tensor(indices), tensor(updates), reduction)


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one function gives or the other; only one of them runs. Both return the same types."""
    pred = to_dtype(movement.reshape(tensor(pred), shape=()), "bool")
    if not isinstance(pred, Tensor):
        return true_fn() if bool(pred) else false_fn()
    nests: list[Any] = []

    def flat(function: Callable[[], Any]) -> Callable[[], list[Any]]:
        def branch() -> list[Any]:
            result = function()
            nests.append(result)
            return [tensor(x) for x in tree.flatten(result) if x is not None]

        return branch

    outputs = iter(held.cond(pred, flat(true_fn), flat(false_fn)))
    return tree.map_structure(lambda x: None if x is None else next(outputs), nests[0])


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """``body`` run on the loop variables while ``cond`` holds. It has no gradient; :func:`fori_loop` has."""
    nest = loop_vars if tree.is_nested(loop_vars) else (loop_vars,)
    carry = [array(x) for x in tree.flatten(nest)]
    if maximum_iterations is not None:
        carry.append(np.int32(0))

    def unpack(xs: Sequence[Any]) -> Any:
        return tree.pack_sequence_as(nest, xs[: len(tree.flatten(nest))])

    def test(*xs: Any) -> Any:
        go = to_dtype(value_of(cond(*unpack(xs))), "bool")
        return (
            go
            if maximum_iterations is None
            else elementwise.logical_and(go, elementwise.less(xs[-1], maximum_iterations))
        )

    def step(*xs: Any) -> list[Any]:
        result = body(*unpack(xs))
        flat = [_like(new, old) for new, old in zip(tree.flatten(result), xs)]
        return flat if maximum_iterations is None else [*flat, elementwise.add(xs[-1], 1)]

    if current_trace() is None and not any(isinstance(x, Tensor) for x in carry):
        while bool(test(*carry)):
            carry = step(*carry)
    else:
        carry = list(held.while_loop(test, step, carry))
    result = unpack(carry)
    return result if tree.is_nested(loop_vars) else result[0]


def _like(new: Any, old: Any) -> Any:
    return to_dtype(value_of(new), dtypes.name_of(old))


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """``body_fun(i, value)`` for i from ``lower`` up to ``upper``; differentiable if both are Python ints."""
    if not (isinstance(lower, int) and isinstance(upper, int)):
        test = lambda i, value: elementwise.less(i, tensor(upper))  # noqa: E731
        step = lambda i, value: (elementwise.add(i, 1), body_fun(i, value))  # noqa: E731
        return while_loop(test, step, (array(lower, "int32"), init_val))[1]
    count = array(np.arange(lower, upper), "int32")
    return scan(lambda value, i: (body_fun(i, value), None), init_val, count)[0]


def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> Any:
    """``carry, y = f(carry, x)`` for each element of ``xs`` along its first axis; gives the last carry and all y.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops
        >>> total, sums = ops.scan(lambda c, x: (c + x, c + x), np.int32(0), np.arange(4, dtype="int32"))
        >>> int(total), sums.tolist()
        (6, [0, 1, 3, 6])
    """
    carry = [array(x) for x in tree.flatten(init)]
    empty = xs is None
    sequences = [] if empty else [array(x) for x in tree.flatten(xs)]
    if empty and length is None:
        raise ArgumentError("A scan without sequences needs a length.", cure="ops.scan(f, init, length=n)")
    steps: Any = shape_of(sequences[0])[0] if sequences else length
    nests: list[Any] = []

    def body(*flat: Any) -> list[Any]:
        state = tree.pack_sequence_as(init, flat[: len(carry)])
        element = None if empty else tree.pack_sequence_as(xs, flat[len(carry) :])
        new, out = f(state, element)
        nests.append(out)
        outputs = [] if out is None else [tensor(y) for y in tree.flatten(out)]
        return [*(_like(n, c) for n, c in zip(tree.flatten(new), carry)), *outputs]

    results = held.scan(body, carry, sequences, steps, reverse)
    outs = list(results[len(carry) :])
    final = tree.pack_sequence_as(init, results[: len(carry)])
    return final, None if nests[0] is None else tree.pack_sequence_as(nests[0], outs)


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """``f`` of each element along the first axis, stacked."""
    return scan(lambda carry, x: (carry, f(x)), np.int32(0), xs)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """``function`` of each element along the first axis, stacked."""
    return map(function, elements)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """The branch of that number, called with the operands; a number outside takes the first or last."""
    index = tensor(index)
    if len(branches) == 1:
        return branches[0](*operands)
    first, rest = branches[0], branches[1:]
    below = elementwise.less_equal(index, to_dtype(0, dtypes.name_of(index)))
    later = elementwise.subtract(index, 1)
    return cond(below, lambda: first(*operands), lambda: switch(later, rest, *operands))
