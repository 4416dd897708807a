"""Functions of elements (or of vectors, matrices ...) as functions of whole tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from amalthea.engine import shapes
from amalthea.engine.primitives import movement as m
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import shape_of, tensor


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Collection[int | str] | None = None, signature: str | None = None
) -> Callable[..., Any]:
    """Turns a function of elements into a function of tensors, whose axes broadcast.

    The function runs once for each element, one after the other; :func:`map` does the same along one axis.

    Args:
        pyfunc: callable; takes elements, computes with ops, and returns a tensor or a tuple of them.
        excluded: set of ints and strs; positions and names of arguments that are passed on as they are. Defaults to
            None, which excludes keyword arguments only.
        signature: str such as ``"(n),(n)->()"``; the axes of each argument and result that belong to one call, the last
            ones. Defaults to None: an argument is one element, whatever is returned is a result.

    Returns:
        A function that takes tensors with further axes in front, which broadcast and are the first axes of the results.

    Raises:
        ArgumentError: the signature is not of this form, or does not name each argument.
        ShapeError: an argument lacks axes of the signature, or the sizes of one name differ.

    Example:
        >>> from amalthea import ops
        >>> distance = ops.vectorize(lambda a, b: ops.sum(ops.abs(a - b)), signature="(n),(n)->()")
        >>> ops.convert_to_numpy(distance([[1.0, 2.0], [5.0, 5.0]], [1.0, 1.0])).tolist()
        [1.0, 8.0]
    """
    left_out = frozenset(excluded or ())
    names = None if signature is None else _parsed(signature)

    def vectorized(*args: Any, **kwargs: Any) -> Any:
        mapped = [n for n in range(len(args)) if n not in left_out]
        named = [key for key in kwargs if key not in left_out and excluded is not None]
        values = [tensor(v) for v in (*(args[n] for n in mapped), *(kwargs[key] for key in named))]
        return _over_elements(_with_fixed(pyfunc, args, kwargs, mapped, named), values, names)

    return vectorized


def _with_fixed(function: Any, args: Any, kwargs: Any, mapped: list[int], named: list[str]) -> Callable[..., Any]:
    """The function of those arguments alone that have elements."""

    def call(*elements: Any) -> Any:
        given, words = list(args), dict(kwargs)
        for n, value in zip(mapped, elements):
            given[n] = value
        words.update(zip(named, elements[len(mapped) :]))
        return function(*given, **words)

    return call


def _parsed(signature: str) -> list[tuple[str, ...]]:
    """The names of the axes of each argument."""
    group = r"\((\w+(,\w+)*)?\)"
    text = signature.replace(" ", "")
    if not re.fullmatch(rf"({group}(,{group})*)?->{group}(,{group})*", text):
        raise ArgumentError("This is not a signature of a function of arrays.", expected="'(n),(n)->()'", got=signature)
    return [tuple(filter(None, found[0].split(","))) for found in re.findall(group, text.partition("->")[0])]


def _over_elements(function: Callable[..., Any], values: list[Any], names: Any) -> Any:
    from amalthea.ops.control import map as map_elements

    if not values:
        return function()
    names = [()] * len(values) if names is None else names
    if len(names) != len(values):
        raise ArgumentError("The signature does not name each argument.", expected=len(names), got=len(values))
    _check_sizes(values, names)
    lead = shapes.broadcast(*(tuple(shape_of(v))[: len(v.shape) - len(own)] for v, own in zip(values, names)))
    if not lead:
        return function(*values)
    count = shapes.size(lead)
    rows = tuple(_as_rows(v, lead, count, len(own)) for v, own in zip(values, names))
    made = map_elements(lambda elements: function(*elements), rows)
    return _unflattened(made, lead)


def _unflattened(made: Any, lead: Any) -> Any:
    if isinstance(made, (tuple, list)):
        return type(made)(_unflattened(part, lead) for part in made)
    return m.reshape(made, shape=(*lead, *shape_of(made)[1:]))


def _as_rows(x: Any, lead: Any, count: Any, depth: int) -> Any:
    own = tuple(shape_of(x))[len(x.shape) - depth :]
    return m.reshape(m.broadcast_to(x, shape=(*lead, *own)), shape=(count, *own))


def _check_sizes(values: Iterable[Any], names: Iterable[tuple[str, ...]]) -> None:
    sizes: dict[str, Any] = {}
    for value, own in zip(values, names):
        shape = tuple(shape_of(value))
        if len(shape) < len(own):
            raise ShapeError("An argument lacks axes of the signature.", expected=own, got=shapes.show(shape))
        for name, size in zip(own, shape[len(shape) - len(own) :]):
            if not shapes.agree(sizes.setdefault(name, size), size):
                raise ShapeError(f"Axes of the name {name!r} differ in size.", expected=sizes[name], got=size)
