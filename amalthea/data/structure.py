"""Nests of data as a person passes them: a list of numbers is one array, a list of arrays is a nest.

:class:`Nest` decides this once, before the data are converted. Afterwards every leaf is an array, and
:mod:`amalthea.tree` walks them.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Fill = Callable[[Iterator[Any]], Any]


class Nest:
    """The leaves of some data, their names, and the nesting around them.

    Args:
        value: an array, a list of numbers, or lists, tuples and dicts of them; None has no leaf.
        name: str; the name of the argument, from which the names of leaves are made, such as ``x['image']``.
        convert: function of a leaf and its name that gives the leaf to keep. Defaults to None, which keeps it as it is.

    >>> nest = Nest({"a": [1, 2], "b": (np.ones(3), None)}, "x")
    >>> nest.names, nest.packed(["first", "second"])
    (["x['a']", "x['b'][0]"], {'a': 'first', 'b': ('second', None)})
    """

    def __init__(self, value: Any, name: str, convert: Callable[[Any, str], Any] | None = None):
        self.name = name
        self._convert = convert
        self.names: list[str] = []
        self.leaves: list[Any] = []
        self._shape = self._taken(value, name)

    def _taken(self, value: Any, name: str) -> Fill:
        """Keep the leaves, and return a function from an iterator over new leaves to the nest of them."""
        if value is None:
            return lambda leaves: None
        if isinstance(value, dict) and not hasattr(value, "toarray"):  # a sparse matrix may be a dict
            parts: dict[Any, Fill] = {key: self._taken(part, f"{name}[{key!r}]") for key, part in value.items()}
            return lambda leaves: {key: part(leaves) for key, part in parts.items()}
        if isinstance(value, (list, tuple)) and not _holds_numbers(value):
            items = [self._taken(item, f"{name}[{i}]") for i, item in enumerate(value)]
            return lambda leaves: _like(value, [item(leaves) for item in items])
        self.names.append(name)
        self.leaves.append(value if self._convert is None else self._convert(value, name))
        return next

    def packed(self, leaves: Sequence[Any] | None = None) -> Any:
        """Put leaves (its own for None) into the nesting."""
        return self._shape(iter(self.leaves if leaves is None else leaves))

    def each(self, function: Callable[[Any, str], Any]) -> Nest:
        """Make a nest of ``function(leaf, name)`` for every leaf."""
        made = Nest.__new__(Nest)
        made.name, made.names, made._shape = self.name, self.names, self._shape
        made.leaves = [function(leaf, name) for name, leaf in zip(self.names, self.leaves)]
        return made

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return zip(self.names, self.leaves)


def _holds_numbers(value: list[Any] | tuple[Any, ...]) -> bool:
    first = value[0] if value else 0  # an empty list is an array without rows
    if isinstance(first, (list, tuple)):
        return _holds_numbers(first)
    return isinstance(first, (numbers.Number, str, bytes, np.generic))


def _like(structure: Any, values: list[Any]) -> Any:
    if hasattr(structure, "_fields"):  # a named tuple takes its fields one by one
        return type(structure)(*values)
    return tuple(values) if isinstance(structure, tuple) else values
