"""Consistent reads of variables that several threads share.

Every reader sees one version of the state. Independent of the tensor library:

- ``LOCK`` guards the choice of a variable's current value. It is never held while a library computes; a :class:`Gate`
  records the threads that compute on the memory of a value.
- ``MAKING`` is held while variables are made and functions are traced: one thread at a time.
- A :class:`View` is how one piece of work sees variables: all as they were when it began (:func:`pinned`), its changes
  at once when it ends (:func:`at_once`), its changes never (:func:`apart`), or values of its own for the results of
  metrics (:func:`with_results`). Views are context variables: each thread has its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

LOCK = threading.RLock()
CHANGED = threading.Condition(LOCK)
MAKING = threading.RLock()
CALM = 1000  # calls of one kind in a row, after which readers and writers share memory again


class Gate:
    """Readers-writer lock of state that an executable updates in place. All fields are accessed under ``LOCK``.

    Without contention, readers and writers use the same memory. After the first time that a reader and a writer had to
    wait for each other, readers get copies (``shared``) that no writer changes, and waiting ends.
    """

    waiting = 0  # threads that wait at any gate

    def __init__(self) -> None:
        self.writer = 0  # the thread that changes it now
        self.readers = 0  # executables that read it where it is
        self.shared = False
        self.calm = 0
        self.kept: dict[int, Any] = {}  # by index: the value of the current version, in memory that nobody writes
        self.watched: set[int] = set()  # the indices that readers want kept

    def keep(self, indices: Iterable[int]) -> None:
        """Put the values at some indices into ``kept``."""
        raise NotImplementedError

    def leave_readers(self) -> bool:
        """Whether a writer that begins now leaves the memory of the current readers unchanged."""
        return not self.readers


Reading = Sequence[tuple[Gate, frozenset[int]]]


def enter(reading: Reading, writing: Sequence[Gate]) -> Reading | None:
    """Begin to compute on some gates; ``LOCK`` is held.

    Returns:
        Those that are to be read from ``kept``. None if somebody else was in the way: this thread has waited, the gates
        may be others now, and it must try again.
    """
    for gate in writing:
        if gate.writer or gate.readers or gate.shared:
            return _enter(reading, writing)
    for gate, _ in reading:
        if gate.writer or gate.shared:
            return _enter(reading, writing)
    me = threading.get_ident() if writing else 0
    for gate in writing:
        gate.writer = me
    for gate, _ in reading:
        gate.readers += 1
    return ()


def leave(reading: Reading, writing: Sequence[Gate], kept: Reading) -> None:
    """End it; ``LOCK`` is held, and what was written is the current version."""
    for gate in writing:
        gate.writer = 0
        if gate.kept:
            gate.kept = {}
    for part in reading:
        if not kept or part not in kept:
            part[0].readers -= 1
    if Gate.waiting:
        CHANGED.notify_all()


def _enter(reading: Reading, writing: Sequence[Gate]) -> Reading | None:
    me = threading.get_ident()
    if not (all([_may_write(gate, me) for gate in writing]) and all([_may_read(*part, me) for part in reading])):
        wait()
        return None
    kept = [part for part in reading if part[0].shared]
    for part in reading:
        if part[0].shared:
            _is_calm(part[0], +1)
        else:
            part[0].readers += 1
    for gate in writing:
        if gate.shared:
            gate.keep(gate.watched - gate.kept.keys())
            _is_calm(gate, -1)
        gate.writer = me
    return kept


def _is_calm(gate: Gate, step: int) -> None:
    """Count calls of one kind in a row (readers up, writers down), and end the sharing after many."""
    gate.calm = gate.calm + step if gate.calm * step >= 0 else step
    if abs(gate.calm) > CALM:
        gate.calm, gate.shared, gate.watched = 0, False, set()


def _may_write(gate: Gate, me: int) -> bool:
    if gate.writer not in (0, me):
        return False
    if gate.readers and not gate.leave_readers():
        gate.shared = True  # so that no more of them come
        return False
    return True


def _may_read(gate: Gate, indices: frozenset[int], me: int) -> bool:
    if not gate.shared:
        return is_readable(gate, indices, me)
    gate.watched |= indices
    missing = indices - gate.kept.keys()
    if missing and gate.writer not in (0, me):
        return False
    if missing:
        gate.keep(missing)
    return True


def is_readable(gate: Gate, indices: frozenset[int], me: int) -> bool:
    """Whether the values of these indices are there, in ``kept`` or with nobody changing them; else ask for them."""
    if gate.writer in (0, me):
        return True
    gate.shared = True
    gate.watched |= indices
    return indices <= gate.kept.keys()


def wait() -> None:
    """Let others go on until something has changed; ``LOCK`` is held before and after."""
    Gate.waiting += 1
    try:
        CHANGED.wait()
    finally:
        Gate.waiting -= 1


# ------------------------------------------------------------------------------------------------- views


class View:
    """Values that one piece of work sees in the place of the variables' own.

    Args:
        around: the view in which this one was opened.
        values: by variable.
        stays: changes are seen here alone; ``later``: they are made when the view is closed.
        results: stand in for the variables of metrics.
    """

    def __init__(
        self,
        around: View | None,
        values: dict[Any, Any] | None = None,
        stays: bool = False,
        later: bool = False,
        results: Results | None = None,
    ):
        self.around, self.stays, self.later = around, stays, later
        self.values: dict[Any, Any] = {} if values is None else values
        self.changed: dict[Any, Any] = {}
        self.results = results if results is not None or around is None else around.results

    def of(self, variable: Any) -> Any:
        """The variable that stands for this one."""
        return variable if self.results is None else self.results.of(variable)

    def find(self, variable: Any) -> Any:
        """The value seen here; None if it is the variable's own."""
        view: View | None = self
        while view is not None:
            if variable in view.values:
                return view.values[variable]
            view = view.around
        return None

    def change(self, variable: Any, value: Any) -> bool:
        """Take note of a new value; whether that is all there is to do now."""
        view: View | None = self
        while view is not None:
            if view.later or variable in view.values:
                view.values[variable] = value
            if view.later:
                view.changed[variable] = value
            if view.later or (view.stays and variable in view.values):
                return True
            view = view.around
        return False


_view: ContextVar[View | None] = ContextVar("view", default=None)
view = _view.get


def is_isolated() -> bool:
    """Whether some variables have other values here than for everybody else."""
    seen = _view.get()
    while seen is not None:
        if seen.stays:
            return True
        seen = seen.around
    return False


@contextmanager
def _open(seen: View) -> Iterator[View]:
    token = _view.set(seen)
    try:
        yield seen
    finally:
        _view.reset(token)


@contextmanager
def pinned(values: dict[Any, Any]) -> Iterator[None]:
    """See these values, whatever other threads write; own changes are seen by all."""
    with _open(View(_view.get(), values)):
        yield


@contextmanager
def apart(values: dict[Any, Any]) -> Iterator[None]:
    """See these values, and change nothing but them."""
    with _open(View(_view.get(), values, stays=True)):
        yield


@contextmanager
def at_once(commit: Callable[[dict[Any, Any]], None]) -> Iterator[None]:
    """Make all changes of variables together when the block ends, and none if it fails."""
    with _open(View(_view.get(), later=True)) as seen:
        yield
    around = _view.get()
    here = {v: value for v, value in seen.changed.items() if around is None or not around.change(v, value)}
    if here:
        commit(here)


class Results:
    """Variables that stand in for those of metrics, made when they are first asked for.

    Args:
        number: which they are; 0 stands for nothing: the metrics' own.
    """

    def __init__(self, number: int):
        self.number = number
        self._own: dict[Any, Any] = {}

    def of(self, variable: Any) -> Any:
        if not self.number or variable.start is None:
            return variable
        found = self._own.get(variable)
        if found is None:
            found = self._own[variable] = variable.twin()
        return found


@contextmanager
def with_results(results: Results | None) -> Iterator[None]:
    """Let metrics keep their sums in these variables; None: in their own."""
    if results is None and not results_now():
        yield
        return
    with _open(View(_view.get(), results=results or Results(0))):
        yield


def results_now() -> int:
    """The number of the variables in which metrics keep their sums here; 0 for their own."""
    seen = _view.get()
    return seen.results.number if seen is not None and seen.results is not None else 0


def _after_fork() -> None:
    """A child has one thread: nobody else holds a lock, or is inside."""
    LOCK._at_fork_reinit()  # type: ignore[attr-defined]
    MAKING._at_fork_reinit()  # type: ignore[attr-defined]
    CHANGED._waiters.clear()  # type: ignore[attr-defined]
    Gate.waiting = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
