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
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "instances_in",
    "is_nested",
    "layout",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "packer",
    "traverse",
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
    return _rebuilt(structure, [_pack(child, leaves) for child in _children(structure)])


@overload
def map_structure(func: Callable[[Any], Any], structure: Any, /, *, none_is_leaf: bool = True) -> Any: ...
@overload
def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any: ...
def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Applies a function to the leaves at the same position of one or more structures.

    Args:
        func: function of as many leaves as there are structures.
        *structures: nested lists, tuples and dicts, all nested alike.
        none_is_leaf: bool; False leaves each None of the first structure as it is. Defaults to True: the function is
            called with it.

    Returns:
        A structure of the results, nested as the first one.

    Raises:
        ArgumentError: the structures are not nested alike, or there are none.

    Example:
        >>> from amalthea import tree
        >>> tree.map_structure(lambda a, b: a + b, [1, {"k": 2}], [10, {"k": 20}])
        [11, {'k': 22}]
        >>> tree.map_structure(lambda a: a + 1, [1, None], none_is_leaf=False)
        [2, None]
    """
    if not structures:
        raise ArgumentError("Mapping needs a structure.", cure="tree.map_structure(func, structure)")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    rows = zip(*map(flatten, structures))
    if not none_is_leaf:
        return pack_sequence_as(structures[0], (None if row[0] is None else func(*row) for row in rows))
    return pack_sequence_as(structures[0], (func(*row) for row in rows))


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Raises an error unless two structures are nested alike: lists with lists, tuples with tuples, equal keys.

    Args:
        a, b: nested lists, tuples and dicts.
        check_types: accepted for compatibility with Keras and ignored: types are always compared.

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
    if not _alike(a, b):
        raise ArgumentError("The structures are not nested alike.", expected=repr(a), got=repr(b))


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if not is_nested(a) or not is_nested(b):
        return is_nested(a) == is_nested(b)
    return type(a) is type(b) and len(a) == len(b) and all(map(_alike, a, b))


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns the leaves with their paths, the keys and indices that lead to each, in the order of :func:`flatten`.

    Args:
        structure: nested lists, tuples and dicts, or a single leaf.

    Example:
        >>> from amalthea import tree
        >>> tree.flatten_with_path({"b": [1, 2], "a": 3})
        [(('a',), 3), (('b', 0), 1), (('b', 1), 2)]
    """
    if not is_nested(structure):
        return [((), structure)]
    keys = sorted(structure) if isinstance(structure, dict) else range(len(structure))
    return [((key, *path), leaf) for key in keys for path, leaf in flatten_with_path(structure[key])]


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises an error unless the leaves of two structures have the same paths; types of lists and tuples may differ.

    Args:
        a, b: nested lists, tuples and dicts.

    Raises:
        ArgumentError: a path occurs in one structure only.

    Example:
        >>> from amalthea import tree
        >>> tree.assert_same_paths([1, {"k": 2}], (3, {"k": 4}))
        >>> try:
        ...     tree.assert_same_paths([1], [1, 2])
        ... except ValueError as error:
        ...     print(str(error).splitlines()[0])
        The structures have different paths.
    """
    paths = [{path for path, _ in flatten_with_path(structure)} for structure in (a, b)]
    if paths[0] != paths[1]:
        raise ArgumentError(
            "The structures have different paths.",
            expected=f"in both: {sorted(paths[0] - paths[1], key=repr)}",
            got=f"in the second only: {sorted(paths[1] - paths[0], key=repr)}",
        )


class MAP_TO_NONE:
    """Mark that a function of :func:`traverse` returns, the class itself, to put None where it was called.

    Example:
        >>> from amalthea import tree
        >>> tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, 2])
        [None, 2]
    """


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Applies a function to a structure, to the structures within it, and to the leaves.

    A result other than None replaces what the function was given; :class:`MAP_TO_NONE` replaces it by None.

    Args:
        func: function of one structure or leaf.
        structure: nested lists, tuples and dicts, or a single leaf.
        top_down: bool; True begins with the whole structure, and does not look into what was replaced. False begins
            with the leaves, so structures are given with their parts replaced. Defaults to True.

    Returns:
        A structure with the replacements.

    Example:
        >>> from amalthea import tree
        >>> tree.traverse(lambda x: x * 10 if isinstance(x, int) else None, [1, (2, "a")])
        [10, (20, 'a')]
    """
    if top_down:
        found = func(structure)
        if found is None:
            return _over_children(lambda child: traverse(func, child, top_down), structure)
        return None if found is MAP_TO_NONE else found
    inner = _over_children(lambda child: traverse(func, child, top_down), structure)
    found = func(inner)
    return inner if found is None else None if found is MAP_TO_NONE else found


def _over_children(function: Callable[[Any], Any], structure: Any) -> Any:
    if not is_nested(structure):
        return structure
    return _rebuilt(structure, [function(child) for child in _children(structure)])


def _rebuilt(structure: Any, children: Sequence[Any]) -> Any:
    """A structure of the same type with other children, which come in the order of :func:`flatten`."""
    if isinstance(structure, dict):
        made = dict(zip(sorted(structure), children))
        return type(structure)((key, made[key]) for key in structure)
    return type(structure)(*children) if hasattr(structure, "_fields") else type(structure)(children)


def lists_to_tuples(structure: Any) -> Any:
    """Replaces each list by a tuple.

    Args:
        structure: nested lists, tuples and dicts.

    Example:
        >>> from amalthea import tree
        >>> tree.lists_to_tuples([1, {"k": [2, [3]]}])
        (1, {'k': (2, (3,))})
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Applies a function to the parts of structures at the positions of the leaves of a shallower one.

    Args:
        shallow_structure: nested lists, tuples and dicts; its leaves are ignored.
        func: function of as many parts as there are structures.
        *structures: structures that are nested like the shallow one, and further within.

    Returns:
        A structure of the results, nested as the shallow one.

    Raises:
        ArgumentError: a structure is not nested like the shallow one, or there are none.

    Example:
        >>> from amalthea import tree
        >>> tree.map_structure_up_to([0, 0], len, [[1, 2, 3], (4,)])
        [3, 1]
    """
    if not structures:
        raise ArgumentError("Mapping needs a structure.", cure="tree.map_structure_up_to(shallow, func, structure)")
    parts = [list(_up_to(shallow_structure, structure)) for structure in structures]
    return pack_sequence_as(shallow_structure, map(func, *parts))


def _up_to(shallow: Any, structure: Any) -> Iterator[Any]:
    if not is_nested(shallow):
        yield structure
        return
    both = isinstance(shallow, dict) and isinstance(structure, dict)
    fits = shallow.keys() == structure.keys() if both else type(shallow) is type(structure)
    if not fits or len(shallow) != len(structure):
        raise ArgumentError("The structures are not nested alike.", expected=repr(shallow), got=repr(structure))
    for inner, child in zip(_children(shallow), _children(structure)):
        yield from _up_to(inner, child)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to the shapes in a structure: lists and tuples of ints and None.

    Args:
        func: function of one shape.
        structure: nested lists, tuples and dicts of shapes, or one shape.

    Returns:
        A structure of the results.

    Example:
        >>> from amalthea import tree
        >>> tree.map_shape_structure(len, {"image": (None, 32, 32, 3), "labels": [(None,), (None, 5)]})
        {'image': 4, 'labels': [1, 2]}
    """
    if isinstance(structure, (list, tuple)) and all(x is None or isinstance(x, int) for x in structure):
        return func(structure)
    if not is_nested(structure):
        raise ArgumentError("This is not a shape.", expected="a tuple or list of ints and None", got=repr(structure))
    return _over_children(lambda child: map_shape_structure(func, child), structure)
