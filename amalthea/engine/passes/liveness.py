"""Liveness: the last step of a program that uses each value; after it, the value's memory can be reused."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Value = TypeVar("Value", bound=Hashable)
FOREVER = 1 << 60  # stands for the last use of a result


def last_uses(steps: Sequence[tuple[Sequence[Value], Sequence[Value]]], results: Iterable[Value]) -> dict[Value, int]:
    """Return the number of the last step that uses each value; :data:`FOREVER` for results.

    A value that no step reads has the number of the step that computes it.

    Args:
        steps: inputs and outputs of each step, in order.
        results: values that are needed after the last step.

    >>> last_uses([("ab", "c"), ("bc", "d"), ("d", "e")], "e")
    {'c': 1, 'a': 0, 'b': 1, 'd': 2, 'e': 1152921504606846976}
    """
    ends = {value: i for i, (inputs, outputs) in enumerate(steps) for value in (*outputs, *inputs)}
    ends.update(dict.fromkeys(results, FOREVER))
    return ends
