"""The samples as tables for the terminal and for a page, and as a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.measures import MEASURES
from benchmarks.networks import DEEP, NETWORKS
from benchmarks.runner import Plan, Results
from benchmarks.variants import VARIANTS, rivals

GROUPS = (("fit", "train_on_batch", "predict_1", "predict_128"), ("first", "peak", "own", "save", "load"))


def pairs(samples: dict[str, dict[str, list[float]]], variant: str, measure: str) -> tuple[str, list[float]]:
    """The best loop by hand that a variant is held against, and its numbers over that one's, pair by pair, in order.

    Below one, the variant is better.
    """
    there = [name for name in rivals(variant) if samples.get(name, {}).get(measure)]
    own = samples[variant].get(measure, [])
    if not there or not own:
        return "", []
    best = min(there, key=lambda name: median(samples[name][measure]))
    return best, sorted(a / b for a, b in zip(own, samples[best][measure]) if b > 0)


def summary(results: Results) -> Iterator[dict[str, Any]]:
    """A row for each network, variant and measure."""
    for network in results.samples:
        samples = results.of(network)
        for variant, measured in samples.items():
            for measure, values in measured.items():
                best, found = pairs(samples, variant, measure)
                yield {
                    "network": network,
                    "variant": variant,
                    "measure": measure,
                    "median": median(values),
                    "least": min(values),
                    "most": max(values),
                    "against": best,
                    "ratio": median(found) if found else None,
                    "ratios": found[:1] + found[-1:],
                }


def growth(results: Results) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: how long everybody's first step takes, by the number of layers."""
    deep = [name for name in results.samples if NETWORKS[name].measures == DEEP]
    samples = {name: results.of(name) for name in deep}
    known = [variant for variant in VARIANTS if any(variant in rows for rows in samples.values())]
    rows = [[variant, *(_first(samples[name].get(variant, {})) for name in deep)] for variant in known]
    return ["first ms", *deep], rows


def _first(measured: dict[str, list[float]]) -> str:
    return number(median(measured["first"])) if "first" in measured else "-"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def grid(network: str, results: Results, columns: tuple[str, ...]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: each median, and in brackets its ratio to the best loop by hand."""
    samples = results.of(network)
    shown = [name for name in columns if any(name in measured for measured in samples.values())]
    rows = []
    for variant, measured in samples.items():
        cells = [_cell(measured[name], pairs(samples, variant, name)[1]) if name in measured else "-" for name in shown]
        loss = results.losses.get(network, {}).get(variant)
        ends = [] if "fit" not in shown else ["-" if loss is None else f"{loss:.3f}"]
        rows.append([variant, *cells, *ends])
    headings = ["", *(f"{MEASURES[name].title} {MEASURES[name].unit}" for name in shown)]
    return headings + ["loss"] * ("fit" in shown), rows


def overview(measure: str, results: Results) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: for each network, everybody's ratio to the best loop by hand."""
    judged = [name for name in VARIANTS if rivals(name) and any(name in rows for rows in results.samples.values())]
    rows = []
    for network in _broad(results):
        samples = results.of(network)
        found = [pairs(samples, name, measure)[1] if name in samples else [] for name in judged]
        if any(found):
            rows.append([network, *(number(median(ratios)) if ratios else "-" for ratios in found)])
    return [MEASURES[measure].title, *judged], rows


def _cell(values: list[float], found: list[float]) -> str:
    return f"{number(median(values))} ({median(found):.2f})" if found else number(median(values))


def table(title: str, headings: list[str], rows: list[list[str]]) -> Table:
    made = Table(title=title, title_justify="left", pad_edge=False, box=box.SIMPLE)
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="right" if place else "left", no_wrap=not place)
    before = ""
    for row in rows:
        kind = VARIANTS[row[0]].kind if row[0] in VARIANTS else ""
        if before not in ("", kind):
            made.add_section()
        made.add_row(*row)
        before = kind
    return made


def machine_line(settings: dict[str, Any], machine: dict[str, Any]) -> str:
    threads = settings["threads"]
    used = f"{machine['cores']} cores, {threads} used"
    return f"{machine['processor']}, {used}; {settings['rounds']} rounds of {settings['turns']} samples"


def versions_line(results: Results) -> str:
    return ", ".join(f"{name} {version}" for name, version in results.versions.items())


def legend() -> str:
    return "; ".join(f"{m.title} ({m.unit}): {m.meaning}" for m in MEASURES.values())


def left_out(results: Results) -> list[str]:
    return [f"left out: {what}: {reason}" for what, reason in results.skipped.items()]


def show(settings: dict[str, Any], machine: dict[str, Any], results: Results, console: Console) -> None:
    """Print everything that a reader of the numbers has to know."""
    console.print(machine_line(settings, machine), f"(load {machine['load']})", highlight=False)
    console.print(versions_line(results), highlight=False)
    console.print("In brackets: the ratio to the best loop by hand of the same library.", legend(), highlight=False)
    for network in _broad(results):
        title = f"{network}: {NETWORKS[network].title}"
        for columns in GROUPS:
            headings, rows = grid(network, results, columns)
            if len(headings) > 1:
                console.print(table(title, headings, rows), highlight=False)
                title = ""
    for title, made in _across(results, ("fit", "train_on_batch", "predict_1")):
        console.print(table(title, *made), highlight=False)
    for line in left_out(results):
        console.print(line, markup=False, highlight=False)


def markdown(settings: dict[str, Any], machine: dict[str, Any], results: Results) -> str:
    """The same for a page."""
    lines = [machine_line(settings, machine) + ". " + versions_line(results) + ".", ""]
    for title, made in _across(results, tuple(MEASURES)):
        lines += [f"**{title}**", "", *_page_table(*made)]
    for network in _broad(results):
        headings, rows = grid(network, results, tuple(MEASURES))
        lines += [f"**{network}**: {NETWORKS[network].title}", "", *_page_table(headings, rows)]
    return "\n".join(lines + [f"- {line}" for line in left_out(results)]) + "\n"


def _broad(results: Results) -> list[str]:
    """The networks that are asked for more than their first step."""
    return [name for name in results.samples if NETWORKS[name].measures != DEEP]


def _across(results: Results, measures: tuple[str, ...]) -> Iterator[tuple[str, tuple[list[str], list[list[str]]]]]:
    """Titles, headings and rows of the tables that go over all networks."""
    made = [(f"{MEASURES[name].title}, times the best loop by hand", overview(name, results)) for name in measures]
    for title, (headings, rows) in [*made, ("The first step, by depth", growth(results))]:
        if rows:
            yield title, (headings, rows)


def _page_table(headings: list[str], rows: list[list[str]]) -> list[str]:
    return [_row(headings), _row(["---", *["--:"] * (len(headings) - 1)]), *map(_row, rows), ""]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write(path: Path, plan: Plan, results: Results) -> None:
    """All samples and what they come to, as JSON; whole or not at all."""
    settings = {key: value for key, value in vars(plan).items() if key != "peers"}
    whole = {"machine": describe(), "settings": settings, "summary": list(summary(results)), **results.as_json()}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(whole, indent=1) + "\n")
    os.replace(draft, path)


def read(paths: list[Path]) -> tuple[dict[str, Any], dict[str, Any], Results]:
    """Settings, machine and samples of one file, or of several that have different networks or variants."""
    results, settings, machine = Results(), {}, {}
    for path in paths:
        whole = json.loads(path.read_text())
        settings, machine = whole["settings"], whole["machine"]
        for network, variants in whole["samples"].items():
            results.samples.setdefault(network, {}).update(variants)
            results.losses.setdefault(network, {}).update(whole["losses"].get(network, {}))
            results.weights.setdefault(network, {}).update(whole["weights"].get(network, {}))
        results.skipped.update(whole["skipped"])
        results.versions.update(whole["versions"])
    return settings, machine, results
