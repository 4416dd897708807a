"""Limits of the server, and the check that its libraries are installed."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass

from amalthea.checks import positive_int
from amalthea.errors import ArgumentError, MissingLibraryError

LIBRARIES = ("uvicorn", "starlette", "orjson", "prometheus_client")
_TIMES = {"max_delay_ms": 0.0, "poll_seconds": 0.01, "body_seconds": 0.01, "warm_seconds": 0.0, "stop_seconds": 0.0}


@dataclass(frozen=True)
class Settings:
    """Limits of the server.

    Args:
        max_batch: int; rows that run together at most. A longer request runs in pieces. Defaults to 64; 1 runs every
            row alone.
        max_delay_ms: float; milliseconds that a request waits for others to join it. Defaults to 0: a batch starts as
            soon as the worker is free, with all requests that wait by then.
        max_body: int; bytes of a body. A longer one is answered by 413. Defaults to 64 MiB.
        queue: int; requests to one version of a model that may wait. One more is answered by 429. Defaults to 1024.
        poll_seconds: float; time between two looks at the files. Defaults to 2.
        body_seconds: float; time in which a body has to arrive. A slower one is answered by 408. Defaults to 30.
        warm_seconds: float; time that a model may take at loading to run each size of a batch once, so that no request
            waits for a compiler. Defaults to 10; 0 runs one row, as a check.
        stop_seconds: float; time that SIGTERM leaves to requests that were accepted. Defaults to 60.
    """

    max_batch: int = 64
    max_delay_ms: float = 0.0
    max_body: int = 1 << 26
    queue: int = 1024
    poll_seconds: float = 2.0
    body_seconds: float = 30.0
    warm_seconds: float = 10.0
    stop_seconds: float = 60.0

    def __post_init__(self):
        for name in ("max_batch", "max_body", "queue"):
            positive_int(getattr(self, name), name, "serve")
        for name, least in _TIMES.items():
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= least):
                raise ArgumentError(f"serve takes a time as {name}.", expected=f"at least {least:g}", got=value)


def require_libraries(has_grpc: bool = False) -> None:
    """Raise MissingLibraryError unless the libraries of the extra, or of that of gRPC, are installed."""
    extra, names = ("serve-grpc", (*LIBRARIES, "grpc", "google.protobuf")) if has_grpc else ("serve", LIBRARIES)
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        raise MissingLibraryError(
            f"The server needs {', '.join(missing)}, which is not installed.", cure=f"pip install 'amalthea[{extra}]'"
        )


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the package around it
        return False
