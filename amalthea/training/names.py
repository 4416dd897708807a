"""Names of results: each is given out once."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """Gives names, and with a number those that are taken.

    >>> names = Names()
    >>> names.free("mae"), names.free("mae"), names.free("mae_1"), names.free("mae", "weighted_mae")
    ('mae', 'mae_1', 'mae_1_1', 'weighted_mae')
    """

    def __init__(self, taken: Iterable[str] = ()):
        self._taken = set(taken)

    def free(self, name: str, second: str | None = None) -> str:
        """The name, the second one if it is taken, or that with the first free number."""
        if name in self._taken and second is not None:
            name = second
        found, number = name, 0
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found
