"""A process that serves: its socket, its signals, its log."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Sequence

import uvicorn

from amalthea.checks import positive_int
from amalthea.errors import ArgumentError
from amalthea.serve.app import application
from amalthea.serve.settings import Settings


def run(models: Sequence[str], host: str, port: int, settings: Settings) -> None:
    """Serve until a signal; see :func:`amalthea.serve.run`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    listening = _socket(host, port)
    with listening:
        app = application(models, settings)
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", server_header=False)
        signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn sends it again once everything is finished
        names = ", ".join(app.state.registry.models)
        address = f"[{host}]" if ":" in host else host
        server = _Server(config, f"Serving {names} at http://{address}:{listening.getsockname()[1]}")
        server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that prints a line once it answers."""

    def __init__(self, config: uvicorn.Config, line: str):
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._line, flush=True)


def _socket(host: str, port: int) -> socket.socket:
    if port:
        positive_int(port, "port", "serve")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise ArgumentError(
            "The server cannot listen at this address.", got=f"{host}:{port}, {error}", cure="another --port"
        ) from None
