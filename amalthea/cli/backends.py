"""The primitives of each backend; ``--check`` and ``--write`` measure its errors.

It writes docs/backends.md and a table of the README. In a file, the text between ``<!-- backends -->`` and ``<!--
/backends -->`` (or ``details``) is rewritten; the row and the section of a backend that is not installed, or that fails
the check, stay unchanged.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from amalthea import testing, writing
from amalthea.engine import backends
from amalthea.engine.primitives import TABLE
from amalthea.testing.backends import FLOATS, Report

BASE = ("numpy", backends.DEFAULT)  # installed with the package


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="backends (default: all that are installed)")
    parser.add_argument("--check", action="store_true", help="compare each with NumPy in float64, and print the errors")
    parser.add_argument("--write", nargs="+", default=[], metavar="FILE", help="check, and rewrite the tables in files")


def run(arguments: argparse.Namespace) -> int:
    names = arguments.names or backends.installed()
    if not (arguments.check or arguments.write):
        print("\n".join(_aligned([README_HEAD, *(readme_row(testing.counted(name)) for name in names)])))
        return 0
    reports = {name: testing.examine_backend(name) for name in names}
    for report in reports.values():
        print("\n  WRONG  ".join([str(report), *report.failures()]), end="\n\n")
    sound = {name: report for name, report in reports.items() if not report.failures()}
    for path in map(Path, arguments.write):
        writing.write(path, rewritten(path.read_text("utf-8"), sound))
    if len(sound) < len(reports):
        print(f"not written, because the check failed: {', '.join(reports.keys() - sound.keys())}", file=sys.stderr)
    return int(len(sound) < len(reports))


# ------------------------------------------------------------------------------------------ what is written

README_HEAD = ("backend", "library", "install", "primitives: native / decomposed / missing", "dtypes", "trains on")
PAGE_HEAD = ("backend", "tier", "native", "decomposed", "missing", *(f"{dtype}: furthest off" for dtype in FLOATS))


def readme_row(report: Report) -> tuple[str, ...]:
    """Return the backend's row in the README; nothing is measured."""
    known = backends.KNOWN[report.backend]
    extra = "comes with it" if report.backend in BASE else f"`pip install amalthea[{report.backend}]`"
    counts = " / ".join(str(len(names)) for names in (report.native, report.decomposed, report.missing))
    kinds = dict.fromkeys(device.split(":")[0] for device in backends.load(report.backend).devices())
    return f"`{report.backend}`", known.title, extra, counts, _dtypes(report), ", ".join(kinds)


def page_row(report: Report) -> tuple[str, ...]:
    """Return the backend's row in docs/backends.md: tier, counts, and the largest relative error in each dtype."""
    tier = "complete" if backends.KNOWN[report.backend].complete else "partial"
    counts = [str(len(names)) for names in (report.native, report.decomposed, report.missing)]
    worst = [report.worst(dtype) for dtype in FLOATS]
    errors = [f"{f.error:.1e} ({f.case.program.primitive})" if f and f.error else "0" if f else "-" for f in worst]
    return f"`{report.backend}`", tier, *counts, *errors


def section(report: Report) -> str:
    """Return the backend's section in docs/backends.md: decomposed and missing primitives, gaps, tolerances."""
    known = backends.KNOWN[report.backend]
    lines = [f"### `{report.backend}`: {known.title}", ""]
    lines.append(f"Decomposed: {_listed(report.decomposed)}. Missing: {_listed(report.missing)}.")
    if report.on_host:
        lines += ["", f"On the host, by NumPy, between sessions: {_listed(report.on_host)}."]
    lines += _told("Gaps", report.gaps)
    lines += _told("Tolerances", {key: f"within {bound:g}, {why}" for key, (bound, why) in report.tolerances.items()})
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _told(title: str, facts: Mapping[str, str]) -> list[str]:
    """Return one line per reason and dtype, with its primitives."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for key, why in facts.items():
        name, _, dtype = ("", "", key) if key in FLOATS else key.partition(" ")
        grouped.setdefault((dtype, why.strip(" ,")), []).append(name)
    lines = [f"- {_subject(names, dtype)}: {why}." for (dtype, why), names in grouped.items()]
    return ["", f"{title}:", "", *lines] if lines else []


def _subject(names: Sequence[str], dtype: str) -> str:
    which = "every primitive" if "" in names or {*names} >= TABLE.keys() else _listed(names)
    return f"{which} in {dtype}" if dtype else which


def _dtypes(report: Report) -> str:
    """Return the float dtypes for which not every primitive is a gap."""
    return ", ".join(d for d in FLOATS if not all(f"{name} {d}" in report.gaps for name in TABLE))


# ---------------------------------------------------------------------------------------- where it is written


def rewritten(text: str, reports: Mapping[str, Report]) -> str:
    """Return a file's text with its marked parts replaced."""
    head, row = (PAGE_HEAD, page_row) if "<!-- details -->" in text else (README_HEAD, readme_row)
    text = _replaced(text, "backends", lambda old: _table(old, head, {n: row(r) for n, r in reports.items()}))
    return _replaced(text, "details", lambda old: _sections(old, {n: section(r) for n, r in reports.items()}))


def _replaced(text: str, mark: str, write: Callable[[str], str]) -> str:
    pattern = re.compile(rf"(<!-- {mark} -->\n)(.*?)(<!-- /{mark} -->)", re.DOTALL)
    return pattern.sub(lambda found: found[1] + write(found[2].strip("\n")) + "\n" + found[3], text)


def _table(old: str, head: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    kept = {name: cells for name, cells in rows_of(old).items() if name not in rows and len(cells) == len(head)}
    merged = {**kept, **rows}
    ordered = [merged[name] for name in backends.KNOWN if name in merged]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *ordered))


def rows_of(text: str) -> dict[str, list[str]]:
    """Return the cells of each row of a table, by backend.

    >>> rows_of("| `numpy` | NumPy |")
    {'numpy': ['`numpy`', 'NumPy']}
    """
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines()]
    return {cells[0].strip("`"): cells for cells in rows if cells[0].startswith("`")}


def _sections(old: str, new: Mapping[str, str]) -> str:
    merged = {**sections_of(old), **new}
    return "\n\n".join(["", *(merged[name] for name in backends.KNOWN if name in merged), ""])[1:-1]


def sections_of(text: str) -> dict[str, str]:
    """Return the sections of the details, by backend."""
    parts = ["### `" + part.strip("\n") for part in text.split("### `")[1:]]
    return {part.split("`")[1]: part for part in parts}


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
