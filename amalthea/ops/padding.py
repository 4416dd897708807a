"""Padding and sizes of windows that slide over space, in Keras's words."""

from __future__ import annotations

from typing import Any

from amalthea.checks import positive_int
from amalthea.engine import shapes
from amalthea.errors import ArgumentError

Pairs = tuple[tuple[Any, Any], ...]


def per_axis(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """Return one int for each spatial axis, or raise an error that names the argument."""
    values = value if isinstance(value, (list, tuple)) else (value,) * rank
    result = tuple(int(v) for v in values if positive_int.accepts(v))
    if len(result) != rank or len(values) != rank:
        raise ArgumentError(f"`{name}` is a positive int, or one for each of {rank} axes.", got=repr(value))
    return result


def same_padding(size: Any, window: int, stride: int) -> tuple[Any, Any]:
    """Compute the padding before and after an axis that gives one output for each stride; an odd one goes after."""
    if stride == 1:
        total: Any = window - 1
    else:
        total = ((size + stride - 1) // stride - 1) * stride + window - size
        total = max(total, 0) if isinstance(total, int) else total
    return total // 2, total - total // 2


def pads(padding: Any, space: shapes.Shape, window: Any, strides: Any, dilation: Any) -> Pairs:
    """Translate ``valid``, ``same`` or ``causal`` into widths before and after each spatial axis."""
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same", "causal"):
        raise ArgumentError("This padding does not exist.", expected="'valid', 'same' or 'causal'", got=repr(padding))
    kind, reach = padding.lower(), [(k - 1) * d + 1 for k, d in zip(window, dilation)]
    if kind == "valid":
        return ((0, 0),) * len(reach)
    if kind == "causal":
        return tuple((r - 1, 0) for r in reach)
    return tuple(same_padding(n, r, s) for n, r, s in zip(space, reach, strides))


def one_each(value: Any, rank: int) -> list[int]:
    """Repeat a single number for each spatial axis."""
    return list(value) if isinstance(value, (list, tuple)) else [value] * rank


def transposed(n: Any, reach: int, stride: int, padding: str, more: int | None) -> tuple[Any, tuple[int, int], int]:
    """Compute size and padding of a transposed convolution along one axis, as Keras does, and the zeros to append."""
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise ArgumentError("This padding does not exist.", expected="'valid' or 'same'", got=repr(padding))
    covered = (n - 1) * stride + reach
    if padding.lower() == "valid":
        return covered, (0, 0), max(stride - reach, 0) if more is None else more
    size = n * stride if more is None else covered - 2 * (reach // 2) + more
    total = covered - size
    low = max(total // 2, 0)
    high = total - low
    return (size, (low, high), 0) if high >= 0 else (size + high, (low, 0), -high)
