"""A few lines of arithmetic, done to every number of some arrays in place.

NumPy does a line to a piece of an array, then the next line, so that what one line leaves is still in the cache for
the other. Large arrays are divided among threads. What has been done often enough goes on as machine code, where that
can be made (:mod:`.machine_code`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from amalthea.alignment import aligned
from amalthea.engine.backends.onnxruntime.updates import llvm
from amalthea.engine.passes.liveness import FOREVER, last_uses

PIECE = 1 << 16  # numbers: with smaller pieces Python's part shows, larger ones leave the cache
SINGLE_THREADED = 1 << 17  # numbers: fewer are done sooner than another thread is woken
SINGLE_THREADED_NATIVE = 1 << 20  # the same of machine code
ELEMENTS_BEFORE_COMPILING = (
    1 << 25
)  # numbers: they take NumPy some 30 ms, and to compile takes 100: who trains so long will train longer
UFUNCS = frozenset(llvm.LLVM_INSTRUCTIONS)
_LETTERS = {"variable": "v", "given": "g", "factor": "f", "temp": "t"}

Operand = llvm.Operand
Arrays = Sequence[np.ndarray]
Job = Callable[[], None]


def is_multithreaded(size: int) -> bool:
    """Whether an update of so many numbers is divided among threads."""
    return size > (SINGLE_THREADED_NATIVE if llvm.is_available() else SINGLE_THREADED)


class Program:
    """Lines, as a Python function over pieces.

    Args:
        lines: for each the name of a ufunc and its operands: ``("variable", i)``, ``("given", i)`` and ``("temp", i)``
            are arrays, of which the given ones may be spent; ``("factor", i)`` and ``("number", x)`` are one number.
        results: for each of the first variables what it becomes.
        dtype: of all of it.
    """

    def __init__(self, instructions: Sequence[tuple[Any, ...]], results: Sequence[Operand], dtype: str):
        text = _SourceWriter(instructions, results, dtype)
        self.dtype, self.scratch, self.source = dtype, text.scratch, text.source
        exec(compile(text.source, "<an update>", "exec"), text.known)  # noqa: S102  # the text is our own
        self.function = text.known["update"]
        self.compiled = functools.partial(llvm.compile_instructions, instructions, results, dtype)
        self.elements_left = ELEMENTS_BEFORE_COMPILING if llvm.is_available() else FOREVER

    def numpy_jobs(self, parts: Sequence[Arrays], factors: Arrays, threads: int) -> list[Job]:
        """What each thread is to do."""
        pieces = [piece for part in parts for piece in split_arrays(part, piece_count(part[0].size, threads))]
        return [self._numpy_job(share, factors) for share in balance(pieces, threads)]

    def _numpy_job(self, pieces: Sequence[Arrays], factors: Arrays) -> Job:
        scratch = [aligned((PIECE,), self.dtype) for _ in range(self.scratch)]
        rows_with_scratch = [(*piece, *(x[: piece[0].size] for x in scratch)) for piece in pieces]

        def run() -> None:
            with np.errstate(all="ignore"):
                self.function(rows_with_scratch, *factors)

        return run

    def native_jobs(self, parts: Sequence[Arrays], factors: Arrays, threads: int) -> list[Job]:
        """What each thread is to do, as machine code."""
        function = self.compiled()
        pieces = [piece for part in parts for piece in split_arrays(part, threads if part[0].size > PIECE else 1)]

        def over(share: Sequence[Arrays]) -> Job:
            calls = [(piece[0].size, *(x.ctypes.data for x in (*piece, *factors))) for piece in share]
            return functools.partial(_each, function, calls)

        return [over(share) for share in balance(pieces, threads)]


def _each(function: Callable[..., None], calls: Sequence[tuple[int, ...]]) -> None:
    for arguments in calls:
        function(*arguments)


class BoundProgram:
    """A program, and what it is done to at each call.

    Args:
        program: which.
        parts: for each the arrays of the variables, then what is given.
        factors: arrays of one number.
        threads: among how many it may be divided.
    """

    is_compiled = False

    def __init__(self, program: Program, parts: Sequence[Arrays], factors: Arrays, threads: int):
        self.program = program
        self.size = sum(part[0].size for part in parts)
        self.arguments = parts, factors, threads if is_multithreaded(self.size) else 1
        self.jobs = program.numpy_jobs(*self.arguments)

    def __call__(self) -> None:
        self.program.elements_left -= self.size
        if self.program.elements_left < 0 and not self.is_compiled:
            self._compile()
        others = [_thread_pool().submit(job) for job in self.jobs[1:]]
        self.jobs[0]()
        for other in others:
            other.result()

    def _compile(self) -> None:
        try:
            self.jobs, self.is_compiled = self.program.native_jobs(*self.arguments), True
        except (ImportError, OSError, RuntimeError):  # LLVM knows not this machine, or may not run what it makes
            self.program.elements_left = FOREVER


def piece_count(size: int, threads: int) -> int:
    """Of how many pieces all are small, and each thread gets as many."""
    return -(-size // (PIECE * threads)) * threads if size > PIECE else 1


def split_arrays(arrays: Arrays, count: int) -> Iterator[Arrays]:
    """Pieces of one size, but for the last; each begins where 64 bytes do."""
    size = arrays[0].size
    length = -(-size // (count * 16)) * 16
    return ([x[start : start + length] for x in arrays] for start in range(0, size, length))


def balance(pieces: Sequence[Arrays], threads: int) -> list[list[Arrays]]:
    """The pieces for each thread."""
    shares: list[list[Arrays]] = [[] for _ in range(threads)]
    loads = [0] * threads
    for piece in sorted(pieces, key=lambda piece: -piece[0].size):
        least = loads.index(min(loads))
        shares[least].append(piece)
        loads[least] += piece[0].size
    return shares


@functools.cache
def _thread_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="amalthea-update")


def forget_thread_pool() -> None:
    """Make new ones when they are next needed, as a forked process must."""
    _thread_pool.cache_clear()


class _SourceWriter:
    """Writes the function: each line in the memory of what it is the last to need, if there is some."""

    def __init__(self, instructions: Sequence[tuple[Any, ...]], results: Sequence[Operand], dtype: str):
        self.results, self.dtype = results, dtype
        self.ends = last_uses([(operands, ()) for _, *operands in instructions], results)
        self.names = {x: _LETTERS[x[0]] + str(x[1]) for x in self.ends if x[0] in ("variable", "given", "factor")}
        self.names.update((("variable", i), f"v{i}") for i in range(len(results)))
        self.known: dict[str, Any] = {"copyto": np.copyto}
        self.free: list[str] = []
        self.scratch = 0
        rows = [self._instruction(number, *line) for number, line in enumerate(instructions)]
        targets = [(f"v{i}", self.names[result]) for i, result in enumerate(results)]
        rows += [f"copyto({target}, {name})" for target, name in targets if target != name]
        arrays = [*self._named("v"), *self._named("g"), *(f"t{i}" for i in range(self.scratch))]
        head = [f"def update({', '.join(['pieces', *self._named('f')])}):", f"    for {', '.join(arrays)}, in pieces:"]
        self.source = "\n        ".join(["\n".join(head), *rows])

    def _named(self, letter: str) -> list[str]:
        return sorted((x for x in set(self.names.values()) if x[0] == letter), key=lambda name: int(name[1:]))

    def _instruction(self, number: int, ufunc: str, *operands: Operand) -> str:
        names = [self._constant(x) if kind == "number" else self.names[kind, x] for kind, x in operands]
        ended = (x for x in dict.fromkeys(operands) if x[0] in ("given", "temp") and self.ends[x] == number)
        self.free += [self.names[x] for x in ended]
        self.names["temp", number] = self._target(number)
        if ufunc == "square":  # which NumPy does less of at a time
            ufunc, names = "multiply", names * 2
        self.known[ufunc] = getattr(np, ufunc)
        return f"{ufunc}({', '.join(names)}, out={self.names['temp', number]})"

    def _constant(self, value: float) -> str:
        name = f"n{len(self.known)}"
        self.known[name] = np.array(value, self.dtype)
        return name

    def _target(self, number: int) -> str:
        """The memory of the variable that it becomes, if its old value is needed no more; else what is free."""
        for i, result in enumerate(self.results):
            if result == ("temp", number) and self.ends.get(("variable", i), -1) <= number:
                return f"v{i}"
        if not self.free:
            self.free.append(f"t{self.scratch}")
            self.scratch += 1
        return self.free.pop()
