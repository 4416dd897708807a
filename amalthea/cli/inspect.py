"""Show the layers, values and versions in a model file, and what loading it would refuse; nothing is built or run."""

from __future__ import annotations

import argparse
import math
from typing import Any

from amalthea.errors import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="model file, folder, or path of a checkpoint")
    parser.add_argument("--values", action="store_true", help="list every value, not the first 20")


def run(arguments: argparse.Namespace) -> int:
    found, kind = _contents(arguments.file)
    for line in report(found, kind, most=None if arguments.values else 20):
        print(line)
    return 1 if found.refused else 0


def _contents(path: str) -> tuple[Any, str]:
    """The contents of a file, everything that is refused among them, and the name of its format."""
    from amalthea.saving import contents, formats

    row, read = formats.reader(path, "contents")
    found = read(path)
    return found._replace(refused=contents.refusals(found)), row.name


def report(found: Any, kind: str, most: int | None) -> list[str]:
    """The lines to print; of values, the first ``most``."""
    from amalthea.saving import contents

    lines = [f"This is {kind}."]
    lines += [f"{visible(name, 60):<16}{visible(text)}" for name, text in found.versions.items()]
    rows = contents.layers(found.config)
    if rows:
        lines += ["", f"{'layer':<34}{'class':<26}input"]
    for row in rows:
        name = "  " * row.depth + (visible(row.name, 60) or "-")
        lines.append(f"{name:<34}{visible(row.class_name, 60):<26}{_shape(row.shape)}".rstrip())
    values = found.values
    if values:
        total = sum(math.prod(value.shape) for value in values)
        lines += ["", f"{len(values)} values, {total:,} elements"]
    for value in values[:most]:
        lines.append(f"  {value.dtype:<12}{_shape(value.shape):<20}{visible(value.name)}")
    if most is not None and len(values) > most:
        lines.append(f"  ... and {len(values) - most} more: --values")
    return [*lines, "", *_verdict(found)]


def _verdict(found: Any) -> list[str]:
    if found.refused:
        return ["Loading refuses:", *(f"  {visible(reason, 500)}" for reason in found.refused)]
    if found.config is None:
        return ["It holds weights alone: load_weights() reads them into a model that is built."]
    return ["Nothing in it is refused."]


def _shape(shape: Any) -> str:
    if not isinstance(shape, (list, tuple)):
        return ""
    return "(" + ", ".join("None" if d is None else visible(str(d), 40) for d in shape) + ")"
