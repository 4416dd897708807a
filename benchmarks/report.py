"""The samples as tables for the terminal and for a page, and as a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.measures import MEASURES
from benchmarks.networks import NETWORKS
from benchmarks.runner import Plan, Results
from benchmarks.variants import rivals


def pairs(samples: dict[str, dict[str, list[float]]], variant: str, measure: str) -> tuple[str, list[float]]:
    """The best loop by hand that a variant is held against, and its numbers over those, pair by pair: below one, it wins."""
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


def number(value: float) -> str:
    """Three digits, or all before the point."""
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def grid(network: str, results: Results) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: each median, and in brackets its ratio to the best loop by hand."""
    samples = results.of(network)
    shown = [name for name in MEASURES if any(name in measured for measured in samples.values())]
    rows = []
    for variant, measured in samples.items():
        cells = [_cell(measured[name], pairs(samples, variant, name)[1]) if name in measured else "-" for name in shown]
        loss = results.losses.get(network, {}).get(variant)
        rows.append([variant, *cells, "-" if loss is None else f"{loss:.3f}"])
    return ["", *(f"{MEASURES[name].title} {MEASURES[name].unit}" for name in shown), "loss"], rows


def _cell(values: list[float], found: list[float]) -> str:
    return f"{number(median(values))} ({median(found):.2f})" if found else number(median(values))


def table(network: str, results: Results) -> Table:
    headings, rows = grid(network, results)
    made = Table(title=f"{network}: {NETWORKS[network].title}", title_justify="left", pad_edge=False)
    for heading in headings:
        made.add_column(heading, justify="right" if heading else "left", no_wrap=bool(not heading))
    before = ""
    for row in rows:
        kind = row[0].split("-")[0] if row[0].startswith(("keras", "amalthea")) else "hand"
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
    for network in results.samples:
        console.print()
        console.print(table(network, results), highlight=False)
    for line in left_out(results):
        console.print(line, markup=False, highlight=False)


def markdown(settings: dict[str, Any], machine: dict[str, Any], results: Results) -> str:
    """The same for a page."""
    lines = [machine_line(settings, machine) + ". " + versions_line(results) + ".", ""]
    for network in results.samples:
        headings, rows = grid(network, results)
        lines += [f"**{network}**: {NETWORKS[network].title}", ""]
        lines += [_row(headings), _row(["---", *["--:"] * (len(headings) - 1)]), *map(_row, rows), ""]
    return "\n".join(lines + [f"- {line}" for line in left_out(results)]) + "\n"


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
