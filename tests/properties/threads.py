"""Helpers for tests of threads: start several at once, and stop one in the middle of a step."""

from __future__ import annotations

import contextvars
import threading
from contextlib import contextmanager

PATIENCE = 60  # seconds, after which a test has hung


def at_once(*functions):
    """The results of functions called in threads that begin together; an error of any of them is raised."""
    gate, results, errors = threading.Barrier(len(functions)), [None] * len(functions), []

    def run(place, function):
        try:
            gate.wait(PATIENCE)
            results[place] = function()
        except BaseException as error:
            errors.append(error)

    threads = [started(run, place, function) for place, function in enumerate(functions)]
    for thread in threads:
        thread.join(PATIENCE)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "A thread hangs."
    return results


def started(function, *args):
    """A thread that runs the function, on the backend in use here."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(function, *args), daemon=True)
    thread.start()
    return thread


class Stop:
    """A stop for a thread: it sets ``reached`` when it arrives, and goes on when ``go`` is set."""

    def __init__(self):
        self.reached, self.go = threading.Event(), threading.Event()

    def here(self):
        self.reached.set()
        assert self.go.wait(PATIENCE)


@contextmanager
def stopped_before_its_end(step):
    """Let what is compiled of a step compute, and stop before others see it; ``step`` is the ``jit`` of it."""
    stop, changed = Stop(), []
    for entry in getattr(step, "compiled", step).entries.values():
        executable = entry.executable
        for owner, name in ((getattr(executable, "plan", None), "run"), (executable, "function"), (executable, "_run")):
            function = getattr(owner, name, None)
            if function is not None:
                setattr(owner, name, _then_stopping(function, stop))
                changed.append((owner, name, function))
    try:
        yield stop
    finally:
        stop.go.set()
        for owner, name, function in changed:
            setattr(owner, name, function)


def _then_stopping(function, stop):
    def run(*args):
        result = function(*args)
        stop.here()
        return result

    return run
