"""Loops, branches and products of ``K``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from amalthea import ops, tree
from amalthea.compat.backend.symbols import recorded
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.transforms import custom_gradient
from amalthea.errors import ArgumentError, ShapeError


@recorded
def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Returns one value where a condition holds, and another elsewhere.

    Args:
        condition: bool or number, or tensor with the first axes of the values.
        then_expression: tensor, or function that returns one.
        else_expression: tensor, or function that returns one.

    Shapes: () or the first axes of the values, and two values of one shape -> that shape.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.switch(K.variable([1.0, 0.0]), K.ones((2, 2)), K.zeros((2, 2)))).tolist()
        [[1.0, 1.0], [0.0, 0.0]]
    """
    first, second = _branch(then_expression), _branch(else_expression)
    chosen = ops.cast(condition, "bool")
    missing = max(len(first.shape), len(second.shape)) - len(chosen.shape)
    if len(chosen.shape) and missing > 0:
        chosen = ops.reshape(chosen, (*ops.shape(chosen), *(1,) * missing))
    return ops.where(chosen, first, second)


def _branch(x: Any) -> Any:
    value: Any = x() if callable(x) and not hasattr(x, "shape") else x
    return ops.convert_to_tensor(value)


@recorded
def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Applies a function to each element along the first axis.

    Args:
        fn: callable.
        elems: tensor, or list of tensors, whose elements ``fn`` takes as a list.
        name: str; accepted as in Keras and not used.
        dtype: DTypeLike; dtype of the result. Defaults to None, what ``fn`` returns.

    Shapes: (n, ...) -> (n, ...), for ``fn`` from (...) to (...)

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.map_fn(lambda row: K.sum(row), K.ones((2, 3)))).tolist()
        [3.0, 3.0]
    """
    several = isinstance(elems, (list, tuple))
    found = ops.map(fn, tuple(map(ops.convert_to_tensor, elems)) if several else ops.convert_to_tensor(elems))
    return found if dtype is None else tree.map_structure(lambda x: ops.cast(x, dtype), found)


def _folded(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, backwards: bool) -> Any:
    elems = ops.convert_to_tensor(elems)
    if initializer is None:
        initializer, elems = (elems[-1], elems[:-1]) if backwards else (elems[0], elems[1:])
    start = tree.map_structure(ops.convert_to_tensor, initializer)
    return ops.scan(lambda held, x: (fn(held, x), None), start, elems, reverse=backwards)[0]


@recorded
def foldl(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """Combines the elements along the first axis, from the first to the last.

    Args:
        fn: callable; takes what has been combined so far, and one element.
        elems: tensor.
        initializer: tensor; the start. Defaults to None, the first element.
        name: str; accepted as in Keras and not used.

    Shapes: (n, ...) -> the shape of the start.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.foldl(lambda a, x: a * 10 + x, K.variable([1.0, 2.0, 3.0]))).tolist()
        123.0
    """
    return _folded(fn, elems, initializer, backwards=False)


@recorded
def foldr(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """Combines the elements along the first axis, from the last to the first.

    Args:
        fn: callable; takes what has been combined so far, and one element.
        elems: tensor.
        initializer: tensor; the start. Defaults to None, the last element.
        name: str; accepted as in Keras and not used.

    Shapes: (n, ...) -> the shape of the start.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.foldr(lambda a, x: a * 10 + x, K.variable([1.0, 2.0, 3.0]))).tolist()
        321.0
    """
    return _folded(fn, elems, initializer, backwards=True)


# ------------------------------------------------------------------------------------------------- steps


@recorded
def rnn(
    step_function: Callable[..., Any],
    inputs: Any,
    initial_states: Sequence[Any],
    go_backwards: bool = False,
    mask: Any = None,
    constants: Sequence[Any] | None = None,
    unroll: bool = False,
    input_length: int | None = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> Any:
    """Calls a function for each time step, with the states that it returned for the one before.

    Args:
        step_function: callable; takes the inputs of a step and the list of states, followed by the constants; returns
            the output and the list of new states.
        inputs: tensor.
        initial_states: list of tensors.
        go_backwards: bool; whether the last step comes first. Defaults to False.
        mask: tensor; 0 for steps that repeat the last output and leave the states. Defaults to None.
        constants: list of tensors that are passed to each step. Defaults to None.
        unroll: bool; whether the graph holds each step. Defaults to False.
        input_length: int; accepted as in Keras and not used: the shape tells.
        time_major: bool; whether time is the first axis of inputs and outputs. Defaults to False.
        zero_output_for_mask: bool; whether the output of a masked step is zero. Defaults to False.
        return_all_outputs: bool; False returns the last output alone, as the only step. Defaults to True.

    Shapes: (batch, time, ...), states (batch, ...) -> (batch, ...), (batch, time, ...), states

    Returns: a tuple of the last output, all outputs, and the list of the last states.

    Example:
        >>> from amalthea.compat import backend as K
        >>> step = lambda x, states: (x + states[0], [x + states[0]])
        >>> last, every, states = K.rnn(step, K.ones((1, 3, 1)), [K.zeros((1, 1))])
        >>> K.eval(every).ravel().tolist()
        [1.0, 2.0, 3.0]
    """
    if len(inputs.shape) < 3:
        raise ShapeError("Time steps are the second of three axes.", expected="(batch, time, ...)", got=inputs.shape)
    x = ops.convert_to_tensor(inputs) if time_major else ops.swapaxes(inputs, 0, 1)
    fixed = list(constants or [])
    states = [ops.convert_to_tensor(s) for s in initial_states]
    steps: Any = (x,) if mask is None else (x, _step_mask(mask, x, time_major))
    previous = ()
    if mask is not None:
        previous = (ops.zeros_like(step_function(x[0], [*states, *fixed])[0]),)

    def one(held: Any, step: Any) -> Any:
        before, states = held
        output, new = step_function(step[0], [*states, *fixed])
        new = list(new)
        if mask is None:
            return (before, new), output
        shown = ops.zeros_like(output) if zero_output_for_mask else before[0]
        output = _chosen(step[1], output, shown)
        return ((output,), [_chosen(step[1], a, b) for a, b in zip(new, states)]), output

    (_, states), outputs = ops.scan(one, (previous, states), steps, reverse=go_backwards, unroll=unroll or 1)
    outputs = ops.flip(outputs, axis=0) if go_backwards else outputs
    last = outputs[-1]
    outputs = outputs if return_all_outputs else outputs[-1:]
    return last, outputs if time_major else ops.swapaxes(outputs, 0, 1), list(states)


def _step_mask(mask: Any, x: Any, time_major: bool) -> Any:
    mask = ops.cast(mask, "bool")
    if len(mask.shape) == 3:
        mask = ops.squeeze(mask, -1)
    return mask if time_major else ops.swapaxes(mask, 0, 1)


def _chosen(mask: Any, new: Any, old: Any) -> Any:
    wide = ops.reshape(mask, (*ops.shape(mask), *(1,) * (len(new.shape) - len(mask.shape))))
    return ops.where(wide, new, old)


# ---------------------------------------------------------------------------------------------- products


@recorded
def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Contracts one axis of each of two batches, row by row.

    ``out[b] = sum over i of x[b, ..., i, ...] * y[b, ..., i, ...]``, the other axes of ``x`` before those of ``y``.

    Args:
        x: tensor.
        y: tensor with the same batch.
        axes: int, or a pair; the axes that are contracted, the batch counted. Defaults to None, the last of ``x`` and
            the one before the last of ``y`` (the last one if there are two).

    Shapes: (batch, a, i), (batch, i, b) -> (batch, a, b); (batch, i), (batch, i) -> (batch, 1)

    Raises:
        ShapeError: a tensor has fewer than two axes, or the contracted axes differ.
        ArgumentError: the batch is contracted.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.eval(K.batch_dot(K.ones((2, 3)), K.ones((2, 3)), axes=1)).tolist()
        [[3.0], [3.0]]
    """
    n, m = len(x.shape), len(y.shape)
    if min(n, m) < 2:
        raise ShapeError("A product of batches needs two axes or more.", got=f"{tuple(x.shape)}, {tuple(y.shape)}")
    if axes is None:
        axes = (n - 1, m - 1 if m == 2 else m - 2)
    pair = (axes, axes) if isinstance(axes, (int, np.integer)) else tuple(axes)
    if len(pair) != 2 or not all(isinstance(a, (int, np.integer)) for a in pair):
        raise ArgumentError("One axis of each is contracted.", expected="int or pair of int", got=repr(axes))
    if not (-n <= pair[0] < n and -m <= pair[1] < m):
        raise ArgumentError("An axis to contract does not exist.", expected=f"below {n} and {m}", got=repr(axes))
    a, b = int(pair[0] % n), int(pair[1] % m)
    if 0 in (a, b):
        raise ArgumentError("The batch cannot be contracted.", expected="axes from 1", got=repr(axes))
    left, right = _letters("bcdefghijk", n, a), _letters("blmnopqrst", m, b)
    rest = [c for c in left + right if c not in "bz"]
    made = ops.einsum(f"{left},{right}->b{''.join(rest)}", x, y)
    return made if rest else ops.expand_dims(made, 1)


def _letters(names: str, rank: int, contracted: int) -> str:
    return "".join("z" if i == contracted else names[i] for i in range(rank))


# ------------------------------------------------------------------------------------------- other things


@recorded
def stop_gradient(variables: Any) -> Any:
    """Returns the same values, through which no gradient passes.

    Args:
        variables: tensor, or list of tensors.

    Shapes: any shape -> the same.

    Example:
        >>> from amalthea.compat import backend as K
        >>> x = K.placeholder(ndim=1)
        >>> K.function([x], K.gradients(K.sum(x * K.stop_gradient(x)), [x]))([[3.0]])[0].tolist()
        [3.0]
    """
    return tree.map_structure(lambda x: ops.stop_gradient(ops.convert_to_tensor(x)), variables)


@recorded
def print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """Prints a tensor whenever it is computed, and returns it.

    Args:
        x: tensor.
        message: str; text before the value. Defaults to none.
        summarize: int; number of elements at each end of an axis that are printed; -1 prints all. Defaults to 3.

    Shapes: any shape -> the same.

    Example:
        >>> from amalthea.compat import backend as K
        >>> x = K.print_tensor(K.constant([1.0]), "x =")
        x = [1.]
    """
    edge = int(1e9) if summarize == -1 else summarize

    def shown(value: Any) -> Any:
        text = np.array2string(np.asarray(value), edgeitems=edge, threshold=edge * 2)
        print(message, text, flush=True)
        return value

    def printed(value: Any) -> Any:
        return ops.native_call(shown, value, outputs=value), lambda g: g

    x = ops.convert_to_tensor(x)
    if not isinstance(x, Tensor):
        return shown(x)
    return custom_gradient(printed)(x)


def to_sparse_refused(*_: Any, **__: Any) -> Any:
    """Refuses ``K.ctc_label_dense_to_sparse``: there are no sparse tensors.

    Raises:
        ArgumentError: always.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.ctc_label_dense_to_sparse(None, None)
        Traceback (most recent call last):
        amalthea.errors.ArgumentError: There are no sparse tensors.
          got: K.ctc_label_dense_to_sparse
          try: K.ctc_batch_cost, which takes dense labels
    """
    raise ArgumentError(
        "There are no sparse tensors.",
        got="K.ctc_label_dense_to_sparse",
        cure="K.ctc_batch_cost, which takes dense labels",
    )
