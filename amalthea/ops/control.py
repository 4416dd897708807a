"""Branches and loops that become part of a compiled graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine import control_flow, dtypes, shapes
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.primitives import elementwise, movement
from amalthea.engine.types import Nested, TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import cast as to_dtype
from amalthea.ops.base import one_axis, shape_of, tensor, value_of
from amalthea.ops.numpy.creation import array


def cond(pred: TensorLike, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Runs one of two functions, depending on a condition. In a compiled function the condition may be computed.

    Args:
        pred: TensorLike with one element; other than 0 counts as True.
        true_fn: callable without arguments; runs if the condition is true.
        false_fn: callable without arguments; runs otherwise. In a compiled function, both return tensors of the same
            shapes and dtypes, in the same nested structure.

    Shapes:
        () -> the shapes of what the functions return

    Returns:
        The result of the function that ran.

    Example:
        >>> import numpy as np
        >>> from amalthea import jit, ops
        >>> halve_or_triple = jit(lambda n: ops.cond(n % 2 == 0, lambda: n // 2, lambda: 3 * n + 1))
        >>> int(halve_or_triple(np.int32(10))), int(halve_or_triple(np.int32(7)))
        (5, 22)
    """
    condition = to_dtype(movement.reshape(tensor(pred), shape=()), "bool")
    if not isinstance(condition, Tensor):
        return true_fn() if bool(condition) else false_fn()
    nests: list[Any] = []

    def flat(function: Callable[[], Any]) -> Callable[[], list[Any]]:
        def branch() -> list[Any]:
            result = function()
            nests.append(result)
            return [tensor(x) for x in tree.flatten(result) if x is not None]

        return branch

    outputs = iter(control_flow.cond(condition, flat(true_fn), flat(false_fn)))
    return tree.map_structure(lambda x: None if x is None else next(outputs), nests[0])


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Nested[TensorLike],
    maximum_iterations: int | None = None,
) -> Any:
    """Repeats a function while a condition holds. The loop does not have a gradient; :func:`fori_loop` does.

    Args:
        cond: callable; takes the loop variables and returns one bool.
        body: callable; takes the loop variables and returns their new values, in the same order and of the same shapes.
            Their dtypes are converted back to those of ``loop_vars``.
        loop_vars: TensorLike, or a nested structure of them; the values before the first step.
        maximum_iterations: int from 0; the loop stops after so many steps. Defaults to None, which sets no limit.

    Shapes:
        any shape -> the same shape, for each loop variable

    Returns:
        The loop variables after the last step, in the structure of ``loop_vars``.

    Example:
        >>> from amalthea import ops
        >>> n, power = ops.while_loop(lambda n, x: x < 1000, lambda n, x: (n + 1, x * 2), (0, 1))
        >>> int(n), int(power)
        (10, 1024)
    """
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
        carry = list(control_flow.while_loop(test, step, carry))
    result = unpack(carry)
    return result if tree.is_nested(loop_vars) else result[0]


def _like(new: Any, old: Any) -> Any:
    return to_dtype(value_of(new), dtypes.name_of(old))


def fori_loop(
    lower: TensorLike, upper: TensorLike, body_fun: Callable[[Any, Any], Any], init_val: Nested[TensorLike]
) -> Any:
    """Computes ``value = body_fun(i, value)`` for ``i`` from ``lower`` to ``upper - 1``.

    Args:
        lower: int or TensorLike with one whole number; the first index.
        upper: int or TensorLike with one whole number; the end, not included. The loop has a gradient if both bounds
            are Python ints.
        body_fun: callable; takes the index (int32) and the value, and returns the next value, of the same shapes.
        init_val: TensorLike, or a nested structure of them; the value before the first step.

    Shapes:
        any shape -> the same shape

    Returns:
        The value after the last step.

    Example:
        >>> from amalthea import grad, ops
        >>> cube = lambda x: ops.fori_loop(0, 3, lambda i, value: value * x, 1.0)
        >>> float(cube(2.0)), float(grad(cube)(2.0))
        (8.0, 12.0)
    """
    if not (isinstance(lower, int) and isinstance(upper, int)):
        test = lambda i, value: elementwise.less(i, tensor(upper))  # noqa: E731
        step = lambda i, value: (elementwise.add(i, 1), body_fun(i, value))  # noqa: E731
        return while_loop(test, step, (array(lower, "int32"), init_val))[1]
    count = array(np.arange(lower, upper), "int32")
    return scan(lambda value, i: (body_fun(i, value), None), init_val, count)[0]


def scan(
    f: Callable[[Any, Any], Any],
    init: Nested[TensorLike],
    xs: Nested[TensorLike] | None = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    """Computes ``carry, y = f(carry, x)`` for each element ``x`` along the first axis. It has a gradient.

    Args:
        f: callable; takes the carry and one element, and returns the next carry, of the same shapes, and an output,
            which may be None.
        init: TensorLike, or a nested structure of them; the carry before the first step.
        xs: TensorLike, or a nested structure of them; the sequences, of one length. A list is a structure of several
            sequences, not one sequence. Defaults to None: ``f`` gets None as its element, and ``length`` is needed.
        length: int; number of steps if there are no sequences. Defaults to None, which reads it from ``xs``.
        reverse: bool; True runs from the last element to the first. The outputs keep the order of the elements.
            Defaults to False.
        unroll: int or bool; accepted for compatibility with Keras and ignored.

    Shapes:
        (time, features) -> (time, units), for ``f`` on (features,) that returns outputs (units,)

    Returns:
        A tuple of the last carry, and of the outputs stacked along a new first axis.

    Raises:
        ArgumentError: neither ``xs`` nor ``length`` is given.

    Example:
        >>> from amalthea import ops
        >>> total, sums = ops.scan(lambda carry, x: (carry + x, carry + x), 0, ops.arange(1, 5))
        >>> int(total), ops.convert_to_numpy(sums).tolist()
        (10, [1, 3, 6, 10])
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

    results = control_flow.scan(body, carry, sequences, steps, reverse)
    outs = list(results[len(carry) :])
    final = tree.pack_sequence_as(init, results[: len(carry)])
    return final, None if nests[0] is None else tree.pack_sequence_as(nests[0], outs)


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Nested[TensorLike], reverse: bool = False, axis: int = 0
) -> Any:
    """Computes running results of an associative function along an axis: ``y[i] = f(y[i - 1], x[i])``, in parallel.

    All elements are combined with those at distance 1, 2, 4, ..., so the function is called log2(n) times, on many
    elements at once.

    Args:
        f: callable; takes two structures like ``elems`` and combines their elements along the axis, each with its
            partner. It is associative, ``f(f(a, b), c) = f(a, f(b, c))``.
        elems: TensorLike, or a nested structure of them, all of one known size along the axis.
        reverse: bool; True runs from the last element to the first. Defaults to False.
        axis: int; the axis to run along. Defaults to 0, the first.

    Shapes:
        any shape -> the same shape

    Returns:
        The results, in the structure of ``elems``.

    Raises:
        ArgumentError: the axis does not exist.
        ShapeError: the sizes along the axis differ, or are not known.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.associative_scan(lambda a, b: a + b, ops.arange(1, 6))).tolist()
        [1, 3, 6, 10, 15]

    Source: Hillis and Steele, "Data parallel algorithms", 1986.
    """
    xs = [tensor(x) for x in tree.flatten(elems)]
    axes = [one_axis(axis, len(x.shape)) for x in xs]
    sizes: Any = {shape_of(x)[n] for x, n in zip(xs, axes)}
    if len(sizes) > 1 or not all(isinstance(n, int) for n in sizes):
        raise ShapeError("Sequences of a scan have one known size.", expected="one int", got=shapes.show(tuple(sizes)))
    size, step = max(sizes, default=0), 1
    turned = lambda x, n: movement.flip(x, axes=(n,)) if reverse else x  # noqa: E731
    ys = [turned(x, n) for x, n in zip(xs, axes)]
    while step < size:
        before = [movement.part(y, n, 0, size - step) for y, n in zip(ys, axes)]
        after = [movement.part(y, n, step, size) for y, n in zip(ys, axes)]
        joined = tree.flatten(f(tree.pack_sequence_as(elems, before), tree.pack_sequence_as(elems, after)))
        heads = [movement.part(y, n, 0, step) for y, n in zip(ys, axes)]
        ys = [movement.concatenate(h, _like(j, h), axis=n) for h, j, n in zip(heads, joined, axes)]
        step *= 2
    return tree.pack_sequence_as(elems, [turned(y, n) for y, n in zip(ys, axes)])


def map(f: Callable[[Any], Any], xs: Nested[TensorLike]) -> Any:
    """Computes a function of each element along the first axis, one after the other, and stacks the results.

    Args:
        f: callable; takes one element and returns a tensor, or a nested structure of them.
        xs: TensorLike, or a nested structure of them with first axes of one size. A list is a structure of several
            tensors, not one tensor.

    Shapes:
        (n, features) -> (n, units), for ``f`` on (features,) that returns (units,)

    Example:
        >>> from amalthea import ops
        >>> x = ops.array([[1, 2], [3, 4]])
        >>> ops.convert_to_numpy(ops.map(lambda row: ops.sum(row) * 10, x)).tolist()
        [30, 70]
    """
    return scan(lambda carry, x: (carry, f(x)), np.int32(0), xs)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Nested[TensorLike]) -> Any:
    """Computes a function of each element along the first axis; the same as :func:`map`.

    Args:
        function: callable; takes one element and returns a tensor, or a nested structure of them.
        elements: TensorLike, or a nested structure of them with first axes of one size. A list is a structure of
            several tensors, not one tensor.

    Shapes:
        (n, features) -> (n, units), for ``function`` on (features,) that returns (units,)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.vectorized_map(lambda x: x * x, ops.arange(4))).tolist()
        [0, 1, 4, 9]

    Source: differs from Keras 3, which computes all elements at once; here they run one after the other.
    """
    return map(function, elements)


def switch(index: TensorLike, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Calls the function with the given number; only that one runs.

    Args:
        index: TensorLike with one whole number; a number below 0 means the first function, one beyond the end the last.
        branches: sequence of callables; take the operands. In a compiled function, all of them return tensors of the
            same shapes and dtypes, in the same nested structure.
        *operands: any objects; the arguments of the function.

    Shapes:
        () -> the shapes of what the functions return

    Returns:
        The result of the function that ran.

    Example:
        >>> from amalthea import ops
        >>> branches = [ops.sin, ops.square, ops.negative]
        >>> float(ops.switch(1, branches, 3.0)), float(ops.switch(7, branches, 3.0))
        (9.0, -3.0)
    """
    number = tensor(index)
    if len(branches) == 1:
        return branches[0](*operands)
    first, rest = branches[0], branches[1:]
    below = elementwise.less_equal(number, to_dtype(0, dtypes.name_of(number)))
    later = elementwise.subtract(number, 1)
    return cond(below, lambda: first(*operands), lambda: switch(later, rest, *operands))
