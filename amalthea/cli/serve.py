"""Answer requests to models over HTTP: ``amalthea serve digits.keras``, then POST to /v1/models/digits:predict."""

from __future__ import annotations

import argparse

from amalthea import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    own = serve.Settings()
    parser.add_argument("models", metavar="MODEL", nargs="+", help="path or name=path; a file, or a folder of versions")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="the port (default: %(default)s); 0 takes a free one")
    parser.add_argument("--max-batch", type=int, default=own.max_batch, help="rows that run together (%(default)s)")
    parser.add_argument(
        "--max-delay-ms", type=float, default=own.max_delay_ms, help="a wait for others to join (%(default)s)"
    )
    parser.add_argument("--max-body", type=int, default=own.max_body, help="bytes of a body (%(default)s)")
    parser.add_argument("--queue", type=int, default=own.queue, help="requests that may wait (%(default)s)")
    parser.add_argument(
        "--poll-seconds", type=float, default=own.poll_seconds, help="time between looks at the files (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> None:
    settings = serve.Settings(
        arguments.max_batch, arguments.max_delay_ms, arguments.max_body, arguments.queue, arguments.poll_seconds
    )
    serve.run(arguments.models, arguments.host, arguments.port, settings)
