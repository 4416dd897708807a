"""Settings of glibc's malloc, for libraries that do not have a memory pool of their own on a CPU.

By default glibc returns large freed blocks to the system, and a training step gets them back page by page: these page
faults were 45% of a step of two bidirectional LSTMs on PyTorch, and 25% of ResNet-20. Memory freed before the first
step (while variables and code were created), however, is kept: ten million weights and their moments on JAX took 447 MB
instead of 223, the LSTMs on PyTorch 419 instead of 316.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of glibc's mallopt
_KEPT = 1 << 30


@functools.cache
def keep_freed_memory() -> bool:
    """Set glibc, once per process, to keep freed memory for the next step, up to a limit.

    Returns False with another C library, or if the user has set a ``MALLOC_`` variable.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = _glibc_function("mallopt")
    return mallopt is not None and all(mallopt(name, _KEPT) for name in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))


def trim_after_first_run(executable: Any, wait: Callable[[Any], Any] = lambda results: None) -> Any:
    """Return the executable; after its first run it returns free memory to the system.

    Args:
        executable: object with an attribute ``function`` that it calls.
        wait: function; blocks until the results it is given are ready and temporary memory is free.
    """
    function = executable.function

    def first(*given: Any) -> Any:
        executable.function = function
        results = function(*given)
        trim = _glibc_function("malloc_trim")
        if trim is not None:
            wait(results)
            trim(0)
        return results

    executable.function = first
    return executable


@functools.cache
def _glibc_function(name: str) -> Any:
    """Return a function of glibc; None with another C library."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
