"""Answer requests to models: ``amalthea serve digits.keras``, then POST to /v1/models/digits:predict."""

from __future__ import annotations

import argparse
import dataclasses

from amalthea import serve

LIMITS = {
    "max_batch": "rows that run together",
    "max_delay_ms": "a wait for others to join",
    "max_body": "bytes of a body",
    "queue": "requests that may wait",
    "poll_seconds": "time between looks at the files",
    "body_seconds": "time in which a body has to arrive",
    "warm_seconds": "time that a model may take at loading to run each size of a batch",
    "stop_seconds": "time that SIGTERM leaves to accepted requests",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL", nargs="+", help="path or name=path; a file, or a folder of versions")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="the port (default: %(default)s); 0 takes a free one")
    parser.add_argument("--grpc-port", type=int, help="the port of gRPC (default: no gRPC); 0 takes a free one")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the ports (default: %(default)s)")
    for limit in dataclasses.fields(serve.Settings):
        parser.add_argument(
            f"--{limit.name.replace('_', '-')}",
            type=type(limit.default),
            default=limit.default,
            help=f"{LIMITS[limit.name]} (%(default)s)",
        )


def run(arguments: argparse.Namespace) -> None:
    settings = serve.Settings(**{limit: getattr(arguments, limit) for limit in LIMITS})
    serve.run(
        arguments.models, arguments.host, arguments.port, settings, arguments.grpc_port, workers=arguments.workers
    )
