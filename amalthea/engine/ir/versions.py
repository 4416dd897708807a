"""Consistent reads and writes of variables that several threads share; independent of the tensor library.

Every reader sees one version of the state. Writers change memory in place, so a reader and a writer of the same
variables must not run at the same time, unless the reader has copies::

    reader (predict)                        variables, in groups              writer (train step)
    ----------------                        --------------------              -------------------
    enter: readers += 1          ------->   Gate: writer, readers   <-------  enter: writer = thread
      computes on the memory                                                    changes the memory
    leave: readers -= 1          ------->                           <-------  leave: writer = 0, wake waiters

    after the first conflict, gate.shared = True:
    enter: reads the copies      <-------   Gate.kept               <-------  enter: gate.keep(watched)
      waits for missing copies only                                             waits for earlier readers only
    after CALM consecutive entries of one kind, gate.shared = False again

- ``LOCK`` guards the choice of each variable's current value, and all fields of gates. It is never held while a library
  computes.
- ``MAKING`` is held while variables are created and functions are traced: one thread at a time.
- A :class:`View` changes how one piece of code sees variables: a snapshot (:func:`pinned`), assignments that become
  visible together at the end (:func:`at_once`), assignments that are never visible outside (:func:`apart`), or other
  variables for the results of metrics (:func:`with_results`). Views are context variables: each thread has its own.
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
CALM = 1000  # consecutive entries of one kind, after which copies are given up and memory is shared again


class Gate:
    """Readers-writer lock of variables that an executable updates in place. All fields are accessed under ``LOCK``.

    Without contention, readers and writers use the same memory. After the first conflict (``shared``), readers get
    copies that no writer changes, and waiting ends.
    """

    waiting = 0  # number of threads that wait, at all gates together

    def __init__(self) -> None:
        self.writer = 0  # id of the writing thread; 0 without one
        self.readers = 0  # number of executables that read the memory in place
        self.shared = False  # True after a conflict: readers get copies
        self.calm = 0  # length of the current run of entries of one kind: positive for readers, negative for writers
        self.kept: dict[int, Any] = {}  # index of a variable: a copy of its current value
        self.watched: set[int] = set()  # indices of the variables that readers need copies of

    def keep(self, indices: Iterable[int]) -> None:
        """Copy the values at some indices into ``kept``."""
        raise NotImplementedError

    def leave_readers(self) -> bool:
        """True if a writer that enters now does not change the memory of the present readers."""
        return not self.readers


Reading = Sequence[tuple[Gate, frozenset[int]]]


def enter(reading: Reading, writing: Sequence[Gate]) -> Reading | None:
    """Begin to compute on the variables of some gates; ``LOCK`` is held. The counterpart is :func:`leave`.

    Args:
        reading: gates that are read, each with the indices of the variables.
        writing: gates that are written.

    Returns:
        The part of ``reading`` whose values must be taken from ``Gate.kept``. None if another thread was in the way:
        this thread has waited, the gates may have changed meanwhile, and the caller must look them up and enter again.
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
    """End the computation that :func:`enter` began; ``LOCK`` is held.

    The values written are now the current version.
    """
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
    """Enter with contention, or on gates whose readers get copies."""
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
    """Count consecutive entries of one kind (readers +1, writers -1); stop making copies after many."""
    gate.calm = gate.calm + step if gate.calm * step >= 0 else step
    if abs(gate.calm) > CALM:
        gate.calm, gate.shared, gate.watched = 0, False, set()


def _may_write(gate: Gate, me: int) -> bool:
    """True if this thread may write now; otherwise stop new readers from using the memory."""
    if gate.writer not in (0, me):
        return False
    if gate.readers and not gate.leave_readers():
        gate.shared = True  # later readers take copies, so that the writer does not wait forever
        return False
    return True


def _may_read(gate: Gate, indices: frozenset[int], me: int) -> bool:
    """True if the values at these indices can be read now, in place or from copies."""
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
    """True if the values at these indices are not being changed or have copies; otherwise request copies."""
    if gate.writer in (0, me):
        return True
    gate.shared = True
    gate.watched |= indices
    return indices <= gate.kept.keys()


def wait() -> None:
    """Release ``LOCK`` until another thread leaves a gate; it is held again on return."""
    Gate.waiting += 1
    try:
        CHANGED.wait()
    finally:
        Gate.waiting -= 1


# ------------------------------------------------------------------------------------------------- views


class View:
    """Values that one piece of code sees instead of the variables' own.

    Args:
        around: View or None; the enclosing view.
        values: dict from variable to value.
        stays: bool; True keeps changes inside this view.
        later: bool; True delays changes until the view is closed.
        results: Results or None; replacements for the variables of metrics. Defaults to those of the enclosing view.
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
        """Return the variable that replaces this one here, or the variable itself."""
        return variable if self.results is None else self.results.of(variable)

    def find(self, variable: Any) -> Any:
        """Return the value seen here; None if the variable's own value is seen."""
        view: View | None = self
        while view is not None:
            if variable in view.values:
                return view.values[variable]
            view = view.around
        return None

    def change(self, variable: Any, value: Any) -> bool:
        """Record a new value; return True if the variable itself must not be written now."""
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
    """True if some variables have values here that no other code sees."""
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
    """See these values until the block ends, whatever other threads write; own assignments are visible to all."""
    with _open(View(_view.get(), values)):
        yield


@contextmanager
def apart(values: dict[Any, Any]) -> Iterator[None]:
    """See these values until the block ends, and keep assignments to these variables inside it."""
    with _open(View(_view.get(), values, stays=True)):
        yield


@contextmanager
def all_apart(values: dict[Any, Any]) -> Iterator[View]:
    """See these values until the block ends, and keep assignments to any variable inside it."""
    with _open(View(_view.get(), values, later=True)) as seen:
        yield seen


@contextmanager
def at_once(commit: Callable[[dict[Any, Any]], None]) -> Iterator[None]:
    """Collect all assignments of the block and commit them together at its end; none if the block fails."""
    with _open(View(_view.get(), later=True)) as seen:
        yield
    around = _view.get()
    here = {v: value for v, value in seen.changed.items() if around is None or not around.change(v, value)}
    if here:
        commit(here)


class Results:
    """Replacements for the variables of metrics, created at their first use: a second set of running sums.

    Args:
        number: int; identifies the set. 0 means the metrics' own variables.
    """

    def __init__(self, number: int):
        self.number = number
        self._own: dict[Any, Any] = {}

    def of(self, variable: Any) -> Any:
        """Return the replacement of a metric's variable; any other variable unchanged."""
        if not self.number or variable.start is None:
            return variable
        found = self._own.get(variable)
        if found is None:
            found = self._own[variable] = variable.copy_from_start()
        return found


@contextmanager
def with_results(results: Results | None) -> Iterator[None]:
    """Accumulate metrics in this set of variables until the block ends; None means the metrics' own."""
    if results is None and not results_now():
        yield
        return
    with _open(View(_view.get(), results=results or Results(0))):
        yield


def results_now() -> int:
    """Return the number of the set in which metrics accumulate here; 0 for their own variables."""
    seen = _view.get()
    return seen.results.number if seen is not None and seen.results is not None else 0


def _after_fork() -> None:
    """Reset the locks in a forked child, which has one thread and no computation in progress."""
    LOCK._at_fork_reinit()  # type: ignore[attr-defined]
    MAKING._at_fork_reinit()  # type: ignore[attr-defined]
    CHANGED._waiters.clear()  # type: ignore[attr-defined]
    Gate.waiting = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
