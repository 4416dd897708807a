"""One of several processes that serve: ``python -m amalthea.serve.worker``, started by :mod:`.supervisor` alone."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any, TextIO

from amalthea.errors import AmaltheaError
from amalthea.serve.app import application
from amalthea.serve.process import Address, listening, log_to_stderr, serve
from amalthea.serve.settings import Settings


def main() -> int:
    """Read the configuration, serve, and return the exit status."""
    log_to_stderr()
    with os.fdopen(os.dup(1), "w") as told:
        os.dup2(2, 1)  # whatever else is printed goes to the log: the supervisor reads one line
        try:
            _serve(json.loads(sys.stdin.readline()), told)
        except AmaltheaError as error:
            _tell(told, {"error": type(error).__name__, "text": str(error)})
            return 1
    return 0


def _serve(given: dict[str, Any], told: TextIO) -> None:
    address = Address(*given["address"])
    app = application(given["models"], Settings(**given["settings"]))
    threading.Thread(target=_end_with_the_supervisor, daemon=True).start()
    with listening(address.host, address.port, is_shared=True) as http:
        serve(app, http, address, lambda: _tell(told, {"names": list(app.state.registry.models)}))


def _tell(told: TextIO, facts: dict[str, Any]) -> None:
    told.write(json.dumps(facts) + "\n")
    told.flush()


def _end_with_the_supervisor() -> None:
    while os.read(0, 1 << 12):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
