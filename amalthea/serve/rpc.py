"""The service ``inference.GRPCInferenceService``, on the models, queues, limits and metrics of the HTTP server."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

import amalthea
from amalthea.errors import ArgumentError
from amalthea.serve import inference_grpc
from amalthea.serve.grpc_messages import METHODS, PACKAGE, message
from amalthea.serve.refusals import RequestError, sentence_of, status_of

if TYPE_CHECKING:
    from amalthea.serve.app import Server

log = logging.getLogger("amalthea.serve")
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
}


class Service:
    """The methods of the service.

    Args:
        server: Server; whose models answer.
        address: str; ``host:port``.
        is_shared: bool; whether other processes listen at the same port.

    Raises:
        ArgumentError: nothing can listen at the address.
    """

    def __init__(self, server: Server, address: str, is_shared: bool = False):
        self._server = server
        handlers = {name: self._handler(name) for name in METHODS}
        options = [
            ("grpc.max_receive_message_length", server.settings.max_body),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", int(is_shared)),
            ("grpc.compression_enabled_algorithms_bitset", 1),  # no compression: bodies stay under the limit
        ]
        self._rpc: Any = grpc.aio.server(options=options)
        self._rpc.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(f"{PACKAGE}.GRPCInferenceService", handlers)]
        )
        try:
            self._rpc.add_insecure_port(address)
        except RuntimeError as error:
            raise ArgumentError(
                "The server cannot listen at this address.", got=f"{address}, {error}", cure="another --grpc-port"
            ) from None

    async def start(self) -> None:
        """Answer requests from now on."""
        await self._rpc.start()

    async def stop(self) -> None:
        """Take no more requests, and finish those that were accepted."""
        await self._rpc.stop(self._server.settings.stop_seconds)

    def _handler(self, name: str) -> Any:
        answer = self._answered(getattr(self, f"_{name}"), message(f"{name}Request"))
        written = message(f"{name}Response").SerializeToString
        return grpc.unary_unary_rpc_method_handler(answer, response_serializer=written)

    def _answered(self, method: Callable[[Any], Awaitable[Any]], kind: Any) -> Callable[[bytes, Any], Awaitable[Any]]:
        """Wrap a method: errors become statuses, and every answer is counted under the status of HTTP."""

        async def handle(data: bytes, context: Any) -> Any:
            start, status, refusal, name = time.perf_counter(), 499, "", ""  # 499: the client went away
            try:
                request = _parsed(kind, data)
                name = getattr(request, "model_name", getattr(request, "name", ""))
                answer = await method(request)
                status = 200
                return answer
            except Exception as error:
                status, refusal = status_of(error), sentence_of(error)
                if status == 500:
                    log.error("A request failed.", exc_info=error)
            finally:
                known = name if name in self._server.registry.models else ""
                self._server.metrics.answered(known, status, time.perf_counter() - start)
            await context.abort(_CODES[status], refusal)

        return handle

    # ------------------------------------------------------------------------------ methods, by their protocol's names

    async def _ServerLive(self, request: Any) -> Any:
        return message("ServerLiveResponse")(live=True)

    async def _ServerReady(self, request: Any) -> Any:
        return message("ServerReadyResponse")(ready=True)

    async def _ServerMetadata(self, request: Any) -> Any:
        return message("ServerMetadataResponse")(name="amalthea", version=amalthea.__version__)

    async def _ModelReady(self, request: Any) -> Any:
        """Say no of a model that there is not, as HTTP's 404 does to a client."""
        try:
            self._server.registry.find(request.name, request.version or None)
        except RequestError:
            return message("ModelReadyResponse")(ready=False)
        return message("ModelReadyResponse")(ready=True)

    async def _ModelMetadata(self, request: Any) -> Any:
        version = self._server.registry.find(request.name, request.version or None)
        numbers = sorted(self._server.registry.served(request.name).versions)
        return inference_grpc.metadata(request.name, numbers, version.contract)

    async def _RepositoryIndex(self, request: Any) -> Any:
        rows = [row for row in self._server.registry.index() if row["state"] == "READY" or not request.ready]
        return message("RepositoryIndexResponse")(models=rows)

    async def _ModelInfer(self, request: Any) -> Any:
        version = self._server.registry.find(request.model_name, request.model_version or None)
        question = inference_grpc.question(request, version.contract)
        outputs = await version.batcher.answer(question.arrays)
        return inference_grpc.answer(question, outputs, version.contract, request.model_name, version.number)


def _parsed(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise RequestError(400, "The bytes are not a message of this method.", expected=kind.__name__) from None
