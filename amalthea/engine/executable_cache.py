"""Least-recently-used cache of the executables of a compiled function, by signature of its arguments."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

from amalthea.engine import settings
from amalthea.engine.ir.versions import LOCK

_clock = itertools.count(1)


class Cache:
    """Least-recently-used cache that keeps ``config.max_executables()`` values.

    Args:
        what: name of the function in the warning at the first value that is dropped; no warning if empty.

    >>> cache = Cache()
    >>> cache["a"] = 1
    >>> cache.get("a"), cache.get("b"), len(cache)
    (1, None, 1)
    """

    drops = 0  # number of values dropped so far, by all caches

    def __init__(self, what: str = "") -> None:
        self.what = what
        self._held: dict[Any, list[Any]] = {}  # [value, time of the last use]

    def get(self, key: Any) -> Any:
        """Return the value of a key, or None; mark it as the most recently used."""
        held = self._held.get(key)
        if held is None:
            return None
        held[1] = next(_clock)
        return held[0]

    def __setitem__(self, key: Any, value: Any) -> None:
        with LOCK:
            self._held[key] = [value, next(_clock)]
            while len(self._held) > settings.values["max_executables"]:
                del self._held[min(self._held, key=lambda k: self._held[k][1])]
                Cache.drops += 1
                self._tell()

    def _tell(self) -> None:
        what, self.what = self.what, ""
        if what:
            most = settings.values["max_executables"]
            warnings.warn(
                f"{what} was compiled for more than {most} different input shapes. Each shape is compiled once, and "
                "the least recently used executables are dropped. Try pad_to_multiple=16 in fit, evaluate and "
                "predict, or a larger limit with config.set_max_executables(), which needs more memory.",
                stacklevel=2,
            )

    def __contains__(self, key: Any) -> bool:
        return key in self._held

    def __len__(self) -> int:
        return len(self._held)

    def values(self) -> Iterator[Any]:
        """Return all values, in no particular order."""
        return iter([value for value, _ in list(self._held.values())])

    def clear(self) -> None:
        self._held.clear()
