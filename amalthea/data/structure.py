"""Nests of data as a person passes them, where a list of numbers is one array and not a nest.

Once :mod:`amalthea.data.convert` has made arrays of them, :mod:`amalthea.tree` is what walks them.
"""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def is_nested(value: Any) -> bool:
    """Whether ``value`` is a list, tuple or dict that holds arrays, rather than the numbers of one array.

    >>> is_nested([[1, 2], [3, 4]]), is_nested([np.ones(2), np.ones(2)]), is_nested({"a": [1, 2]})
    (False, True, True)
    """
    return isinstance(value, dict) or (isinstance(value, (list, tuple)) and not _holds_numbers(value))


def _holds_numbers(value: list[Any] | tuple[Any, ...]) -> bool:
    first = value[0] if value else 0  # an empty list is an array without rows
    if isinstance(first, (list, tuple)):
        return _holds_numbers(first)
    return isinstance(first, (numbers.Number, str, bytes, np.generic))


def map_named_leaves(function: Callable[[Any, str], Any], structure: Any, name: str) -> Any:
    """The same nest with ``function`` of every array and its name, such as ``x['image']``; None stays None.

    >>> map_named_leaves(lambda array, name: (name, len(array)), {"a": [1, 2], "b": None}, "x")
    {'a': ("x['a']", 2), 'b': None}
    """
    if structure is None:
        return None
    if not is_nested(structure):
        return function(structure, name)
    if isinstance(structure, dict):
        return {key: map_named_leaves(function, value, f"{name}[{key!r}]") for key, value in structure.items()}
    return _like(structure, [map_named_leaves(function, value, f"{name}[{i}]") for i, value in enumerate(structure)])


def _like(structure: Any, values: list[Any]) -> Any:
    if hasattr(structure, "_fields"):  # a named tuple takes its fields one by one
        return type(structure)(*values)
    return tuple(values) if isinstance(structure, tuple) else values


def named_leaves(structure: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every array with its name, in order.

    >>> [name for name, _ in named_leaves({"a": np.ones(2), "b": [np.ones(3), np.ones(4)]}, "x")]
    ["x['a']", "x['b'][0]", "x['b'][1]"]
    """
    found: list[tuple[str, Any]] = []
    map_named_leaves(lambda leaf, leaf_name: found.append((leaf_name, leaf)), structure, name)
    return iter(found)
