"""A process that serves: its sockets, its signals, its log."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from amalthea.checks import positive_int
from amalthea.errors import ArgumentError
from amalthea.serve.app import application
from amalthea.serve.settings import Settings


class Address(NamedTuple):
    """Where a server listens.

    Args:
        host: str.
        port: int; of HTTP.
        grpc_port: int or None; of gRPC, None if there is none.
        is_shared: bool; whether other processes listen there too.
    """

    host: str
    port: int
    grpc_port: int | None = None
    is_shared: bool = False

    def at(self, port: int | None) -> str:
        """Return host and port as addresses write them."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    def line(self, names: Sequence[str]) -> str:
        """Return the line that says what is served where."""
        also = "" if self.grpc_port is None else f" and grpc://{self.at(self.grpc_port)}"
        return f"Serving {', '.join(names)} at http://{self.at(self.port)}{also}"


def run(models: Sequence[str], address: Address, settings: Settings) -> None:
    """Serve until a signal; see :func:`amalthea.serve.run`."""
    log_to_stderr()
    with listening(address.host, address.port) as http:
        address = address._replace(port=http.getsockname()[1], grpc_port=free_port(address.host, address.grpc_port))
        app = application(models, settings)
        serve(app, http, address, lambda: print(address.line(list(app.state.registry.models)), flush=True))


def log_to_stderr() -> None:
    """Send the log to the standard error output."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


def serve(app: Starlette, http: socket.socket, address: Address, on_start: Callable[[], None]) -> None:
    """Answer requests until a signal.

    Args:
        app: the application.
        http: socket that listens.
        address: Address.
        on_start: called once requests are answered.
    """
    stop = app.state.server.settings.stop_seconds
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=max(1, round(stop)),
    )
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn sends it again once everything is finished
    server = _Server(config, app, address, on_start)
    server.run(sockets=[http])
    if server.fault is not None:
        raise server.fault


class _Server(uvicorn.Server):
    """Uvicorn's server, and gRPC's beside it in the same loop."""

    def __init__(self, config: uvicorn.Config, app: Starlette, address: Address, on_start: Callable[[], None]):
        super().__init__(config)
        self._app, self._address, self._on_start = app, address, on_start
        self._rpc = None
        self.fault: ArgumentError | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        try:
            await self._start_rpc()
        except ArgumentError as error:
            self.fault, self.should_exit = error, True
        else:
            self._on_start()

    async def _start_rpc(self) -> None:
        port = self._address.grpc_port
        if port is None or not self.started:
            return
        from amalthea.serve.rpc import Service

        self._rpc = Service(self._app.state.server, self._address.at(port), self._address.is_shared)
        self._app.state.server.closing.append(self._rpc.stop)
        await self._rpc.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        closing = None if self._rpc is None else asyncio.create_task(self._rpc.stop())  # its port closes with HTTP's
        await super().shutdown(sockets)
        if closing is not None:
            await closing


def listening(host: str, port: int, option: str = "--port", is_shared: bool = False) -> socket.socket:
    """Return a socket that listens at a port, alone unless it is shared.

    Raises:
        ArgumentError: it cannot.
    """
    if port:
        positive_int(port, "port", "serve")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048, reuse_port=is_shared)
        # Connections inherit it. asyncio does so only for sockets that name their protocol, which this one does not;
        # then each answer, being two writes, waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise ArgumentError(
            "The server cannot listen at this address.", got=f"{host}:{port}, {error}", cure=f"another {option}"
        ) from None


def free_port(host: str, port: int | None) -> int | None:
    """Return a port of gRPC at which nothing listens; None stays None.

    Raises:
        ArgumentError: something listens there.
    """
    if port is None:
        return None
    with listening(host, port, "--grpc-port") as probe:
        return probe.getsockname()[1]
