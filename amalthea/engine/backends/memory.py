"""What glibc does with freed memory, set for libraries that have no pool of their own on a CPU.

It gives large blocks back to the system at once, and a training step takes them again page by page: two bidirectional
LSTMs on PyTorch spent 45% of their step in those page faults, ResNet-20 25%. And it keeps what was freed before the
first step, when variables and code were made: ten million weights and their moments on JAX held 447 MB in place of
223, the LSTMs on PyTorch 419 in place of 316.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's mallopt
_KEPT = 1 << 30


@functools.cache
def keep_freed_memory() -> bool:
    """Tell glibc, once, to keep what is free for the next step, up to a limit; it holds for the whole process.

    False where there is another library, or the user has told it something.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = _glibc_function("mallopt")
    return mallopt is not None and all(mallopt(name, _KEPT) for name in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))


def trim_after_first_run(executable: Any, wait: Callable[[Any], Any] = lambda results: None) -> Any:
    """The executable, which gives free memory back to the system after its first run.

    Args:
        executable: has the ``function`` that it calls.
        wait: returns when some results are there, and what was made on the way is gone.
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
    """A function of glibc's; None where there is another library."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
