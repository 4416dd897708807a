"""Elementwise programs, run in place on several arrays of one size.

NumPy runs all instructions on one piece of the arrays, then on the next piece, so that results of one instruction are
still in the cache for the next. Large arrays are divided among threads. A program that has run on many elements is
compiled to machine code, where possible (:mod:`.llvm`).
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

# All in elements.
PIECE = 1 << 16  # smaller pieces make Python's overhead visible, larger ones do not fit the cache
SINGLE_THREADED = 1 << 17  # up to this size one thread finishes before another would wake up
SINGLE_THREADED_NATIVE = 1 << 20  # the same for machine code
ELEMENTS_BEFORE_COMPILING = 1 << 25  # about 30 ms in NumPy; compiling takes 100 ms
UFUNCS = frozenset(llvm.LLVM_INSTRUCTIONS)
_LETTERS = {"variable": "v", "given": "g", "factor": "f", "temp": "t"}

Operand = llvm.Operand
Arrays = Sequence[np.ndarray]
Job = Callable[[], None]


def is_multithreaded(size: int) -> bool:
    """True if an update of so many elements uses several threads."""
    return size > (SINGLE_THREADED_NATIVE if llvm.is_available() else SINGLE_THREADED)


class Program:
    """A list of instructions, as a Python function over pieces of arrays.

    Args:
        instructions: for each, the name of a ufunc and its operands: ``("variable", i)``, ``("given", i)`` and
            ``("temp", i)`` are arrays, ``("factor", i)`` and ``("number", x)`` are scalars. ``("temp", i)`` is the
            result of instruction i. Given arrays may be overwritten.
        results: the new values of the first variables.
        dtype: str; the dtype of all arrays.
    """

    def __init__(self, instructions: Sequence[tuple[Any, ...]], results: Sequence[Operand], dtype: str):
        text = _SourceWriter(instructions, results, dtype)
        self.dtype, self.scratch, self.source = dtype, text.scratch, text.source
        exec(compile(text.source, "<an update>", "exec"), text.known)  # noqa: S102  # the text is our own
        self.function = text.known["update"]
        self.compiled = functools.partial(llvm.compile_instructions, instructions, results, dtype)
        self.elements_left = ELEMENTS_BEFORE_COMPILING if llvm.is_available() else FOREVER

    def numpy_jobs(self, parts: Sequence[Arrays], factors: Arrays, threads: int) -> list[Job]:
        """Return one function per thread that runs the program by NumPy."""
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
        """Return one function per thread that runs the program as machine code."""
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
    """A program, and the arrays that it updates at each call.

    Args:
        program: Program.
        parts: for each, the arrays of the variables, then the given arrays.
        factors: arrays of one element.
        threads: int; the largest number of threads.
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
        except (
            ImportError,
            OSError,
            RuntimeError,
        ):  # LLVM does not support this machine, or cannot make memory executable
            self.program.elements_left = FOREVER


def piece_count(size: int, threads: int) -> int:
    """Return a number of pieces that makes each at most ``PIECE`` long, and is the same for each thread."""
    return -(-size // (PIECE * threads)) * threads if size > PIECE else 1


def split_arrays(arrays: Arrays, count: int) -> Iterator[Arrays]:
    """Split arrays into ``count`` pieces of equal size (the last may be shorter).

    Each begins at a multiple of 64 bytes.
    """
    size = arrays[0].size
    length = -(-size // (count * 16)) * 16
    return ([x[start : start + length] for x in arrays] for start in range(0, size, length))


def balance(pieces: Sequence[Arrays], threads: int) -> list[list[Arrays]]:
    """Distribute pieces among threads, largest first, to the thread with the fewest elements."""
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
    """Discard the threads, as a forked process must; new ones are started when needed."""
    _thread_pool.cache_clear()


class _SourceWriter:
    """Writes the Python source of a program. Each instruction reuses the memory of an operand after its last use."""

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
        if ufunc == "square":  # NumPy's multiply is vectorized better than its square
            ufunc, names = "multiply", names * 2
        self.known[ufunc] = getattr(np, ufunc)
        return f"{ufunc}({', '.join(names)}, out={self.names['temp', number]})"

    def _constant(self, value: float) -> str:
        name = f"n{len(self.known)}"
        self.known[name] = np.array(value, self.dtype)
        return name

    def _target(self, number: int) -> str:
        """Return the array for a result: the variable that it becomes, if its old value is dead; else a free one."""
        for i, result in enumerate(self.results):
            if result == ("temp", number) and self.ends.get(("variable", i), -1) <= number:
                return f"v{i}"
        if not self.free:
            self.free.append(f"t{self.scratch}")
            self.scratch += 1
        return self.free.pop()
