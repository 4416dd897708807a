"""The ASGI application: routes, limits on bodies, errors as JSON, metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

import amalthea
from amalthea.serve import inference_v2, tensorflow_rest
from amalthea.serve.bodies import written
from amalthea.serve.metrics import CONTENT_TYPE, Metrics
from amalthea.serve.models import Registry, Version
from amalthea.serve.refusals import RequestError, sentence_of, status_of
from amalthea.serve.settings import Settings

log = logging.getLogger("amalthea.serve")
_CLOSE = {"connection": "close"}
Handler = Callable[[Request], Awaitable[Response]]


def application(models: Sequence[str], settings: Settings) -> Starlette:
    """Return the application for models; see :func:`amalthea.serve.application`."""
    server = Server(models, settings)
    routes = [
        Route(path, server.answered(handler), methods=[method])
        for start in server.addresses()
        for path, method, handler in start
    ]
    app = Starlette(routes=routes, lifespan=server.lifespan, exception_handlers={HTTPException: server.unknown_address})
    app.state.registry, app.state.server = server.registry, server
    return app


class Server:
    """The handlers of all addresses.

    Args:
        models: sequence of ``path`` or ``name=path``.
        settings: Settings.
    """

    def __init__(self, models: Sequence[str], settings: Settings):
        self.settings = settings
        self.metrics = Metrics()
        self.registry = Registry(models, settings, self.metrics.ran, self.metrics.waits)
        self.closing: list[Callable[[], Awaitable[None]]] = []

    def addresses(self) -> Iterable[list[tuple[str, str, Handler]]]:
        """Every address with its method and handler; most specific first."""
        for name in ("{name}/versions/{version}", "{name}"):
            yield [
                (f"/v1/models/{name}:predict", "POST", self.predict),
                (f"/v1/models/{name}/metadata", "GET", self.metadata),
                (f"/v2/models/{name}/infer", "POST", self.infer),
                (f"/v2/models/{name}/ready", "GET", self.model_ready),
            ]
        for name in ("{name}/versions/{version}", "{name}"):
            yield [
                (f"/v1/models/{name}", "GET", self.status),
                (f"/v2/models/{name}", "GET", self.metadata_v2),
            ]
        yield [
            ("/v2", "GET", self.server_metadata),
            ("/v2/repository/index", "POST", self.index),
            ("/v2/health/live", "GET", self.live),
            ("/v2/health/ready", "GET", self.ready),
            ("/metrics", "GET", self.all_metrics),
        ]

    def answered(self, handler: Handler) -> Handler:
        """Wrap a handler: errors become answers, and every answer is counted."""

        async def handle(request: Request) -> Response:
            start = time.perf_counter()
            try:
                response = await handler(request)
            except ClientDisconnect:
                response = Response(status_code=499)
            except Exception as error:
                response = _refused(error)
            name = request.path_params.get("name", "")
            known = name if name in self.registry.models else ""
            self.metrics.answered(known, response.status_code, time.perf_counter() - start)
            return response

        return handle

    async def unknown_address(self, request: Request, error: Exception) -> Response:
        """Answer a request to an address, or with a method, that there is not."""
        assert isinstance(error, HTTPException)
        sentence = "There is nothing at this address."
        headers = dict(error.headers or {})
        if error.status_code == 405:
            sentence = (
                f"This address does not take {request.method}. expected: {headers.get('Allow', 'another method')}"
            )
        self.metrics.answered("", error.status_code, 0.0)
        return _json(written({"error": sentence}), error.status_code, headers)

    # ------------------------------------------------------------------------------ TensorFlow Serving

    async def predict(self, request: Request) -> Response:
        """``POST /v1/models/NAME:predict``."""
        version, body = self._version(request), await self._body(request)
        question = tensorflow_rest.question(body, version.contract)
        outputs = await version.batcher.answer(question.arrays)
        return _json(tensorflow_rest.answer(question, outputs, version.contract))

    async def status(self, request: Request) -> Response:
        """``GET /v1/models/NAME``."""
        name, version = request.path_params["name"], request.path_params.get("version")
        verb = (version or name).partition(":")[2]
        if verb == "predict":
            raise RequestError(405, "Predictions are asked for by POST.", expected="POST", got=request.method)
        number = self.registry.find(name, version).number if version is not None else None
        return _json(tensorflow_rest.status(self.registry.served(name), number))

    async def metadata(self, request: Request) -> Response:
        """``GET /v1/models/NAME/metadata``."""
        version = self._version(request)
        return _json(tensorflow_rest.metadata(request.path_params["name"], version.number, version.contract))

    # ------------------------------------------------------------------------------ Open Inference Protocol

    async def infer(self, request: Request) -> Response:
        """``POST /v2/models/NAME/infer``."""
        version, body = self._version(request), await self._body(request)
        question = inference_v2.question(body, request.headers.get(inference_v2.HEADER), version.contract)
        outputs = await version.batcher.answer(question.arrays)
        name = request.path_params["name"]
        answer = inference_v2.answer(question, outputs, version.contract, name, version.number)
        if answer.header is None:
            return _json(answer.body)
        headers = {inference_v2.HEADER: str(answer.header)}
        return Response(answer.body, media_type="application/octet-stream", headers=headers)

    async def metadata_v2(self, request: Request) -> Response:
        """``GET /v2/models/NAME``."""
        name, version = request.path_params["name"], self._version(request)
        numbers = sorted(self.registry.served(name).versions)
        return _json(inference_v2.metadata(name, numbers, version.contract))

    async def model_ready(self, request: Request) -> Response:
        """``GET /v2/models/NAME/ready``."""
        self._version(request)
        return _json(written({"name": request.path_params["name"], "ready": True}))

    async def server_metadata(self, request: Request) -> Response:
        """``GET /v2``."""
        facts = {"name": "amalthea", "version": amalthea.__version__, "extensions": ["binary_tensor_data"]}
        return _json(written(facts))

    async def index(self, request: Request) -> Response:
        """``POST /v2/repository/index``."""
        only_ready = inference_v2.is_only_ready(await self._body(request))
        rows = [row for row in self.registry.index() if row["state"] == "READY" or not only_ready]
        return _json(written(rows))

    async def live(self, request: Request) -> Response:
        """``GET /v2/health/live``."""
        return _json(written({"live": True}))

    async def ready(self, request: Request) -> Response:
        """``GET /v2/health/ready``: every model has a version, or the server would not have started."""
        return _json(written({"ready": True}))

    async def all_metrics(self, request: Request) -> Response:
        """``GET /metrics``."""
        return Response(self.metrics.text(), headers={"content-type": CONTENT_TYPE})

    # ------------------------------------------------------------------------------ requests

    def _version(self, request: Request) -> Version:
        return self.registry.find(request.path_params["name"], request.path_params.get("version"))

    async def _body(self, request: Request) -> bytes:
        """Return the body, of which no more than the limit is ever read."""
        encoding = request.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise RequestError(415, "Bodies are not compressed.", expected="no Content-Encoding", got=encoding)
        try:
            return await asyncio.wait_for(self._read(request), self.settings.body_seconds)
        except asyncio.TimeoutError:
            expected = f"all of it in {self.settings.body_seconds:g} seconds"
            raise RequestError(408, "The body came too slowly.", expected=expected) from None

    async def _read(self, request: Request) -> bytes:
        length = request.headers.get("content-length")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise RequestError(400, "Content-Length is a whole number.", got=length)
        most = self.settings.max_body
        too_long = RequestError(413, "The body is too long.", expected=f"at most {most} bytes")
        if length is not None and (len(length) > 18 or int(length) > most):
            raise too_long
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise too_long
            chunks.append(chunk)
        return b"".join(chunks)

    # ------------------------------------------------------------------------------ the life of the server

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Look at the files every few seconds, and at SIGHUP, until the server ends."""
        asked = asyncio.Event()
        # There are no signals in a thread, nor this one on Windows.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError, AttributeError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
        watcher = asyncio.create_task(self._watch(asked))
        try:
            yield
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
            for end in self.closing:
                await end()
            self.registry.close()

    async def _watch(self, asked: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="amalthea-load") as thread:
            while True:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(asked.wait(), self.settings.poll_seconds)
                asked.clear()
                try:
                    await loop.run_in_executor(thread, self.registry.refresh)
                except Exception:
                    log.exception("The files of the models cannot be looked at.")


def _json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")


def _refused(error: Exception) -> Response:
    status = status_of(error)
    if status == 500:
        log.error("A request failed.", exc_info=error)
    headers = {408: _CLOSE, 413: _CLOSE, 429: {"retry-after": "1"}, 405: {"allow": "POST"}}.get(status)
    return _json(written({"error": sentence_of(error)}), status, headers)
