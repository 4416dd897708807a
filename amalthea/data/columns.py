"""Columns of Arrow's tables as the arrays of a batch: Parquet files and Spark's data frames have them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from amalthea.errors import DataError, UnknownNameError

Names = str | Sequence[str] | Mapping[str, Any] | None
"""A column; several, which are joined on the last axis; a dict from names of inputs to columns; or None."""


class Columns(NamedTuple):
    """The columns of inputs, labels and weights.

    Args:
        features, label, sample_weight: str, list of str, or dict from str to these; the last two may be None.
    """

    features: Names
    label: Names = None
    sample_weight: str | None = None

    @property
    def names(self) -> list[str]:
        """All columns, each once."""
        return list(dict.fromkeys(name for part in self for name in _listed(part)))

    def check(self, found: Sequence[str]) -> None:
        """Raise an error if a column is not among those found.

        Raises:
            UnknownNameError: there is no such column.
        """
        for name in self.names:
            if name not in found:
                raise UnknownNameError(
                    f"There is no column {name!r}.", expected="one of " + ", ".join(found), got=repr(name)
                )

    def renamed(self, new: Mapping[str, str]) -> Columns:
        """Return these with other names of columns."""
        return Columns(*(_renamed(part, new) for part in self))

    def batch(self, table: Any) -> tuple[Any, Any, Any]:
        """Return ``(x, y, sample_weight)`` of a table of Arrow, or of a dict from columns to arrays."""
        x, y, weight = (_arrays(part, table) for part in self)
        return x, y, weight


def _listed(names: Names) -> list[str]:
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    parts = names.values() if isinstance(names, Mapping) else names
    return [name for part in parts for name in _listed(part)]


def _renamed(names: Any, new: Mapping[str, str]) -> Any:
    if isinstance(names, str):
        return new.get(names, names)
    if isinstance(names, Mapping):
        return {key: _renamed(part, new) for key, part in names.items()}
    return names and [_renamed(part, new) for part in names]


def _arrays(names: Names, table: Any) -> Any:
    if names is None:
        return None
    if isinstance(names, str):
        return table[names] if isinstance(table, Mapping) else as_array(table.column(names), names)
    if isinstance(names, Mapping):
        return {key: _arrays(part, table) for key, part in names.items()}
    parts = [_arrays(name, table) for name in names]
    return np.concatenate([x.reshape(len(x), 1) if x.ndim == 1 else x for x in parts], axis=-1)


def as_array(column: Any, name: str) -> np.ndarray:
    """Return a column of numbers, text, or lists of them as an array; an axis for each level of lists.

    Raises:
        DataError: a value is missing, or lists have different lengths.
    """
    shape: list[int] = []
    while True:
        if column.null_count:
            raise DataError(
                f"Values are missing in the column {name!r}.",
                got=f"{column.null_count} of {len(column)}",
                cure="drop these rows, or fill the values in, before",
            )
        kind = str(column.type)
        if "list" not in kind.split("<")[0]:
            break
        shape.append(_length(column, name))
        column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        column = column.flatten()
    values = column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
    return values.reshape(-1, *shape) if 0 not in shape else values.reshape(0, *shape)


def _length(column: Any, name: str) -> int:
    compute = importlib.import_module("pyarrow.compute")
    size = getattr(column.type, "list_size", None)
    if size:
        return size
    ends = compute.min_max(compute.list_value_length(column)).as_py()
    if ends["min"] != ends["max"]:
        raise DataError(
            f"The lists of the column {name!r} have different lengths.",
            expected="one length",
            got=f"{ends['min']} to {ends['max']}",
            cure="lists that are padded to one length",
        )
    return ends["min"] or 0
