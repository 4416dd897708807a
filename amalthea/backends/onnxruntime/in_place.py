"""A few lines of arithmetic, done to every number of some arrays in place.

NumPy does a line to a piece of an array, then the next line, so that what one line leaves is still in the cache for
the other. Large arrays are divided among threads.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from amalthea.alignment import aligned

PIECE = 1 << 16  # numbers: with smaller pieces Python's part shows, larger ones leave the cache
ALONE = 1 << 17  # numbers: fewer are done sooner than another thread is woken
UFUNCS = frozenset("add subtract multiply divide maximum minimum negative absolute sign square sqrt".split())
_FOREVER = 1 << 60
_LETTERS = {"variable": "v", "given": "g", "factor": "f", "line": "t"}

Operand = tuple[str, Any]


class Program:
    """Lines, as a Python function over pieces.

    Args:
        lines: for each the name of a ufunc and its operands: ``("variable", i)``, ``("given", i)`` and ``("line", i)``
            are arrays, of which the given ones may be spent; ``("factor", i)`` and ``("number", x)`` are one number.
        results: for each of the first variables what it becomes.
        dtype: of all of it.
    """

    def __init__(self, lines: Sequence[tuple[Any, ...]], results: Sequence[Operand], dtype: str):
        text = _Text(lines, results, dtype)
        self.dtype, self.spare, self.source = dtype, text.spare, text.source
        exec(compile(text.source, "<an update>", "exec"), text.known)  # noqa: S102  # the text is our own
        self.function = text.known["update"]

    def shares(self, parts: Sequence[Sequence[np.ndarray]], threads: int) -> list[list[Any]]:
        """The pieces of some parts (the arrays of the variables, then what is given) for each thread."""
        if sum(part[0].size for part in parts) <= ALONE:
            threads = 1
        shares: list[list[Any]] = [[] for _ in range(threads)]
        loads = [0] * threads
        pieces = [piece for part in parts for piece in _pieces(part, threads)]
        spare = [[aligned((PIECE,), self.dtype) for _ in range(self.spare)] for _ in shares]
        for piece in sorted(pieces, key=lambda piece: -piece[0].size):
            least = loads.index(min(loads))
            shares[least].append((*piece, *(x[: piece[0].size] for x in spare[least])))
            loads[least] += piece[0].size
        return shares

    def run(self, shares: Sequence[Sequence[Any]], factors: Sequence[np.ndarray]) -> None:
        """Go over the pieces of each share in a thread of its own."""
        others = [_threads().submit(self._run, share, factors) for share in shares[1:]]
        self._run(shares[0], factors)
        for other in others:
            other.result()

    def _run(self, pieces: Sequence[Any], factors: Sequence[np.ndarray]) -> None:
        with np.errstate(all="ignore"):
            self.function(pieces, *factors)


def _pieces(arrays: Sequence[np.ndarray], threads: int) -> Iterator[list[np.ndarray]]:
    """As many of one size as the threads can share, but for the last; each begins where 64 bytes do."""
    size = arrays[0].size
    count = -(-size // (PIECE * threads)) * threads if size > PIECE else 1
    length = -(-size // (count * 16)) * 16
    return ([x[start : start + length] for x in arrays] for start in range(0, size, length))


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="amalthea-update")


class _Text:
    """Writes the function: each line in the memory of what it is the last to need, if there is some."""

    def __init__(self, lines: Sequence[tuple[Any, ...]], results: Sequence[Operand], dtype: str):
        self.results, self.dtype = results, dtype
        self.ends = {operand: i for i, (_, *operands) in enumerate(lines) for operand in operands}
        self.ends.update(dict.fromkeys(results, _FOREVER))
        self.names = {x: _LETTERS[x[0]] + str(x[1]) for x in self.ends if x[0] in ("variable", "given", "factor")}
        self.names.update((("variable", i), f"v{i}") for i in range(len(results)))
        self.known: dict[str, Any] = {"copyto": np.copyto}
        self.free: list[str] = []
        self.spare = 0
        rows = [self._row(number, *line) for number, line in enumerate(lines)]
        targets = [(f"v{i}", self.names[result]) for i, result in enumerate(results)]
        rows += [f"copyto({target}, {name})" for target, name in targets if target != name]
        arrays = [*self._named("v"), *self._named("g"), *(f"t{i}" for i in range(self.spare))]
        head = [f"def update({', '.join(['pieces', *self._named('f')])}):", f"    for {', '.join(arrays)}, in pieces:"]
        self.source = "\n        ".join(["\n".join(head), *rows])

    def _named(self, letter: str) -> list[str]:
        return sorted((x for x in set(self.names.values()) if x[0] == letter), key=lambda name: int(name[1:]))

    def _row(self, number: int, ufunc: str, *operands: Operand) -> str:
        names = [self._number(x) if kind == "number" else self.names[kind, x] for kind, x in operands]
        ended = (x for x in dict.fromkeys(operands) if x[0] in ("given", "line") and self.ends[x] == number)
        self.free += [self.names[x] for x in ended]
        self.names["line", number] = self._target(number)
        if ufunc == "square":  # which NumPy does less of at a time
            ufunc, names = "multiply", names * 2
        self.known[ufunc] = getattr(np, ufunc)
        return f"{ufunc}({', '.join(names)}, out={self.names['line', number]})"

    def _number(self, value: float) -> str:
        name = f"n{len(self.known)}"
        self.known[name] = np.array(value, self.dtype)
        return name

    def _target(self, number: int) -> str:
        """The memory of the variable that it becomes, if its old value is needed no more; else what is free."""
        for i, result in enumerate(self.results):
            if result == ("line", number) and self.ends.get(("variable", i), -1) <= number:
                return f"v{i}"
        if not self.free:
            self.free.append(f"t{self.spare}")
            self.spare += 1
        return self.free.pop()
