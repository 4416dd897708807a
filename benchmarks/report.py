"""The samples as a table and as a file."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.networks import NETWORKS
from benchmarks.runner import Plan, Results
from benchmarks.variants import VARIANTS


def ours_beside(variant: str) -> str:
    """The variant of ours that does the same work."""
    return "amalthea-step" if VARIANTS[variant].alone else "amalthea"


def ratios(samples: dict[str, list[float]], variant: str) -> list[float]:
    """Our time over a variant's, pair by pair: below one, we are faster."""
    return [ours / theirs for ours, theirs in zip(samples.get(ours_beside(variant), ()), samples[variant])]


def summary(samples: dict[str, list[float]]) -> list[dict[str, Any]]:
    """A row for each variant."""
    rows = []
    for variant, values in samples.items():
        pairs = ratios(samples, variant)
        middle = {"median": median(values), "least": min(values), "most": max(values)}
        rows.append({"variant": variant, **middle, "ratio": median(pairs) if pairs else None, "pairs": sorted(pairs)})
    return rows


def table(network: str, results: Results) -> Table:
    made = Table(title=f"{network}: {NETWORKS[network].title}", title_justify="left")
    made.add_column("variant", no_wrap=True)
    for heading in ("ms a step", "least", "most", "ours / this", "pairs", "loss"):
        made.add_column(heading, justify="right", no_wrap=True)
    alone = False
    for row in summary(results.of(network)):
        if VARIANTS[row["variant"]].alone and not alone:
            made.add_section()
            alone = True
        numbers = [f"{row[key]:.3f}" for key in ("median", "least", "most")]
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else "-"
        spread = f"{row['pairs'][0]:.2f}-{row['pairs'][-1]:.2f}" if row["pairs"] else "-"
        made.add_row(row["variant"], *numbers, ratio, spread, f"{results.losses[network][row['variant']]:.3f}")
    return made


def show(plan: Plan, results: Results, console: Console) -> None:
    """Print everything that a reader of the numbers has to know."""
    facts = describe()
    console.print(f"{facts['processor']}, {facts['cores']} cores ({plan.threads} used), load {facts['load']}")
    console.print(", ".join(f"{name} {version}" for name, version in results.versions.items()))
    for network in plan.networks:
        console.print()
        console.print(table(network, results))
    for variant, reason in results.skipped.items():
        console.print(f"left out: {variant}: {reason}", markup=False, highlight=False)


def write(path: str, plan: Plan, results: Results) -> None:
    """The same, with all samples, as JSON."""
    settings = {key: value for key, value in vars(plan).items() if key != "peers"}
    whole = {"machine": describe(), "settings": settings, **results.as_json()}
    whole["summary"] = {network: summary(results.of(network)) for network in results.samples}
    Path(path).write_text(json.dumps(whole, indent=1) + "\n")
