"""Nested lists, tuples and dicts of values: taken apart into leaves, and put together again.

Dicts are walked in the order of their sorted keys. ``None`` is a leaf.
"""

from __future__ import annotations

import collections
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

from amalthea.errors import ArgumentError

__all__ = [
    "assert_same_structure",
    "flatten",
    "instances_in",
    "is_nested",
    "layout",
    "map_structure",
    "pack_sequence_as",
    "packer",
]

CONTAINERS = (list, tuple, dict, collections.deque)


def is_nested(structure: Any) -> bool:
    """Returns whether a value is a list, tuple or dict.

    Args:
        structure: any value.

    Example:
        >>> from amalthea import tree
        >>> tree.is_nested([1, 2]), tree.is_nested("ab")
        (True, False)
    """
    return isinstance(structure, (list, tuple, dict))


def _children(structure: Any) -> Iterable[Any]:
    if isinstance(structure, dict):
        return (structure[key] for key in sorted(structure))
    return structure


def _walk(structure: Any) -> Iterator[Any]:
    for child in _children(structure):
        if isinstance(child, (list, tuple, dict)):
            yield from _walk(child)
        else:
            yield child


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves in order; those of a dict in the order of its sorted keys.

    Args:
        structure: nested lists, tuples and dicts, or a single leaf.

    Example:
        >>> from amalthea import tree
        >>> tree.flatten({"b": [1, 2], "a": 3})
        [3, 1, 2]
    """
    return list(_walk(structure)) if is_nested(structure) else [structure]


def instances_in(value: Any, kinds: type | tuple[type, ...]) -> Iterator[Any]:
    """Yields the objects of some types in a value: itself, or in lists, tuples and dicts at any depth.

    Args:
        value: any value; an object of these types is not searched further.
        kinds: type, or tuple of types.

    Example:
        >>> from amalthea import tree
        >>> list(tree.instances_in({"b": [1.0, ("x", 2)], "a": 3}, int))
        [2, 3]
    """
    if isinstance(value, kinds):
        yield value
    elif isinstance(value, CONTAINERS):
        stack: list[Iterator[Any]] = [iter([value])]
        seen = set[int]()
        while stack:
            x: Any = next(stack[-1], stack)
            if x is stack:
                stack.pop()
            elif isinstance(x, kinds):
                yield x
            elif isinstance(x, CONTAINERS) and id(x) not in seen:
                seen.add(id(x))
                stack.append(iter([*(x.values() if isinstance(x, dict) else x)]))


def layout(structure: Any) -> Any:
    """Returns a hashable description of the nesting alone; structures that differ only in their leaves have one layout.

    Args:
        structure: nested lists, tuples and dicts, or a single leaf.

    Example:
        >>> from amalthea import tree
        >>> tree.layout([1, (2,)]) == tree.layout(["a", ("b",)]), tree.layout([1]) == tree.layout((1,))
        (True, False)
    """
    if not is_nested(structure):
        return None
    keys = tuple(sorted(structure)) if isinstance(structure, dict) else None
    return (type(structure), keys, tuple(layout(child) for child in _children(structure)))


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """Puts leaves into the nesting of a structure.

    Args:
        structure: nested lists, tuples and dicts; its leaves are ignored.
        flat_sequence: iterable of leaves, in the order of :func:`flatten`.

    Raises:
        ArgumentError: there are more or fewer leaves than the structure has.

    Example:
        >>> from amalthea import tree
        >>> tree.pack_sequence_as([0, (0, 0)], "abc")
        ['a', ('b', 'c')]
    """
    leaves = iter(flat_sequence)
    packed = _pack(structure, leaves)
    if next(leaves, leaves) is not leaves:
        raise ArgumentError("There are more leaves than the structure holds.", got=structure)
    return packed


def packer(structure: Any) -> Callable[[Sequence[Any]], Any]:
    """Returns a function that does :func:`pack_sequence_as` for one structure and many lists of leaves.

    Args:
        structure: nested lists, tuples and dicts. A flat one is packed faster.

    Example:
        >>> from amalthea import tree
        >>> tree.packer({"b": 0, "a": 0})([1, 2])
        {'b': 2, 'a': 1}
    """
    if not is_nested(structure):
        return operator.itemgetter(0)
    if len(structure) < 2 or any(is_nested(child) for child in _children(structure)):
        return lambda leaves: pack_sequence_as(structure, leaves)
    if type(structure) is dict:
        keys, names = sorted(structure), list(structure)
        pick = operator.itemgetter(*(keys.index(name) for name in names))
        return lambda leaves: dict(zip(names, pick(leaves)))
    return type(structure) if type(structure) in (list, tuple) else lambda leaves: pack_sequence_as(structure, leaves)


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        try:
            return next(leaves)
        except StopIteration:
            raise ArgumentError("There are fewer leaves than the structure holds.") from None
    if isinstance(structure, dict):
        packed = {key: _pack(structure[key], leaves) for key in sorted(structure)}
        return type(structure)((key, packed[key]) for key in structure)
    children = [_pack(child, leaves) for child in structure]
    if hasattr(structure, "_fields"):
        return type(structure)(*children)
    return type(structure)(children)


@overload
def map_structure(function: Callable[[Any], Any], structure: Any, /) -> Any: ...
@overload
def map_structure(function: Callable[..., Any], *structures: Any) -> Any: ...
def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """Applies a function to the leaves at the same position of one or more structures.

    Args:
        function: function of as many leaves as there are structures.
        *structures: nested lists, tuples and dicts, all nested alike.

    Returns:
        A structure of the results, nested as the first one.

    Raises:
        ArgumentError: the structures are not nested alike.

    Example:
        >>> from amalthea import tree
        >>> tree.map_structure(lambda a, b: a + b, [1, {"k": 2}], [10, {"k": 20}])
        [11, {'k': 22}]
    """
    assert_same_structure(*structures)
    return pack_sequence_as(structures[0], map(function, *map(flatten, structures)))


def assert_same_structure(*structures: Any) -> None:
    """Raises an error unless all structures are nested alike.

    Args:
        *structures: nested lists, tuples and dicts.

    Raises:
        ArgumentError: the structures are not nested alike.

    Example:
        >>> from amalthea import tree
        >>> tree.assert_same_structure([1, (2,)], ["a", ("b",)])
        >>> try:
        ...     tree.assert_same_structure([1], (1,))
        ... except ValueError as error:
        ...     print(str(error).splitlines()[0])
        The structures are not nested alike.
    """
    first = layout(structures[0])
    for other in structures[1:]:
        if layout(other) != first:
            raise ArgumentError("The structures are not nested alike.", expected=repr(structures[0]), got=repr(other))
