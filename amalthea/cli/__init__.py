"""The command ``amalthea``; also ``python -m amalthea``.

A command is a module of this package with a docstring, ``add_arguments(parser)`` and ``run(arguments)``, and an entry
in :data:`COMMANDS`. Its module is imported only if the command is used.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from amalthea.errors import AmaltheaError

COMMANDS = {
    "backends": "list the primitives of each backend, and measure its errors",
    "bench": "time training and prediction beside hand-written loops",
    "convert": "convert a model file of any Keras to today's, or back to Keras 2",
    "demo": "train a small network on handwritten digits, in under a minute",
    "export": "write a model in a format that other runtimes execute",
    "inspect": "show what is in a model file, and what loading it would refuse",
    "doctor": "show the versions and backends that are installed",
    "serve": "answer requests to models over HTTP and gRPC",
    "targets": "list the formats of export, and their runtimes",
    "run": "run a script of Keras 1, 2 or 3 as it is",
    "upgrade": "rewrite a script of Keras 1 or 2 to today's spelling",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 1 after an error of this package."""
    given = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(chosen=next((word for word in given if word in COMMANDS), None))
    arguments = parser.parse_args(given)
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        return arguments.run(arguments) or 0
    except AmaltheaError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="amalthea", description="Keras's way of building networks, on any library.")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    for name, line in COMMANDS.items():
        own = commands.add_parser(name, help=line, description=line.capitalize() + ".")
        if name == chosen:
            command = importlib.import_module(f"amalthea.cli.{name}")
            command.add_arguments(own)
            own.set_defaults(run=command.run)
    return parser
