"""Sequences of unequal lengths, made equal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, ShapeError


def pad_sequences(
    sequences: Iterable[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Puts sequences of different lengths into one array: short ones are padded, long ones are cut.

    Args:
        sequences: list of lists or arrays, each a sequence.
        maxlen: int; number of steps. Defaults to None, which takes the length of the longest sequence.
        dtype: DTypeLike; dtype of the result; ``object`` holds strings. Defaults to ``"int32"``.
        padding: str; ``"pre"`` pads before the sequence, ``"post"`` after it. Defaults to ``"pre"``.
        truncating: str; ``"pre"`` cuts the beginning, ``"post"`` the end. Defaults to ``"pre"``.
        value: number or str; the padding. Defaults to 0.

    Shapes: n sequences of (length, ...) -> (n, maxlen, ...).

    Raises:
        ArgumentError: a sequence has no length, ``padding`` or ``truncating`` is unknown, or ``value`` does not fit.
        ShapeError: the steps of two sequences have different shapes.

    Example:
        >>> from amalthea import utils
        >>> utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
        [[0, 1], [2, 3], [5, 6]]
    """
    for name, place in (("padding", padding), ("truncating", truncating)):
        if place not in ("pre", "post"):
            raise ArgumentError(f"{name} cannot be this.", expected="'pre' or 'post'", got=repr(place))
    rows = list(sequences)
    step = _step_shape(rows)
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    padded = np.full((len(rows), length, *step), _checked(value, dtype), dtype=dtype)
    for target, row in zip(padded, rows, strict=True):
        kept = row[-length:] if truncating == "pre" and length else row[:length]
        if len(kept):
            place = slice(length - len(kept), None) if padding == "pre" else slice(len(kept))
            target[place] = np.asarray(kept, dtype=dtype)
    return padded


def _step_shape(rows: list[Any]) -> tuple[int, ...]:
    shapes: set[tuple[int, ...]] = set()
    for i, row in enumerate(rows):
        if not hasattr(row, "__len__"):
            raise ArgumentError(
                "Every sequence is a list or an array.", got=f"{row!r} at position {i}", cure="[[...], [...]]"
            )
        if len(row):
            shapes.add(np.shape(row)[1:])
    if len(shapes) > 1:
        raise ShapeError("The steps of the sequences have different shapes.", got=sorted(shapes))
    return shapes.pop() if shapes else ()


def _checked(value: Any, dtype: Any) -> Any:
    if isinstance(value, str) and np.dtype(dtype).kind not in "OU":
        raise ArgumentError(
            "A text cannot fill up numbers.", got=f"value={value!r}, dtype={dtype}", cure="dtype=object"
        )
    return value
