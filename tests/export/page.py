"""Writes the table of docs/targets.md by trying: ``python -m tests.export.page``.

Every stored case of every layer is exported to every target that is installed, executed by the target's runtime, and
compared with the layer itself. Columns of targets that are not installed stay unchanged.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

import amalthea
from amalthea import Input, Sequential, export, layers, writing
from amalthea.export.targets import TARGETS, target
from tests.export.layers_tried import HERE, OF_LAYERS, RECORDS, tried

PAGE = Path(__file__).resolve().parents[2] / "docs" / "targets.md"
MARKS = ("<!-- layers -->", "<!-- /layers -->")
SIZES = ("<!-- sizes -->", "<!-- /sizes -->")


class Tried(NamedTuple):
    """How a layer's cases fare on a target: the worst difference of those that pass, and why the first other cannot."""

    cases: int
    passed: int
    worst: float
    reason: str


def examined(name: str) -> dict[str, Tried]:
    """Every layer on a target."""
    found: dict[str, Tried] = {}
    for record in RECORDS:
        before = found.get(record["class_name"], Tried(0, 0, 0.0, ""))
        try:
            checked = tried(record, name)
            worst = max(before.worst, checked.difference / max(checked.scale, 1.0))
            now = before._replace(passed=before.passed + 1, worst=worst)
        except amalthea.errors.AmaltheaError as error:
            now = before._replace(reason=before.reason or str(error).splitlines()[0])
        found[record["class_name"]] = now._replace(cases=before.cases + 1)
    return found


def cell(tried: Tried, name: str) -> str:
    if not tried.passed:
        return "no" if TARGETS[name].of_layers else tried.reason
    some = f"{tried.passed} of {tried.cases}, " if tried.passed < tried.cases else ""
    return f"{some}{tried.worst:.0e}"


def layers_table(old: dict[str, dict[str, str]], names: list[str]) -> str:
    """The table of layers, with old columns for the targets that are not installed."""
    found = {name: {k: cell(v, name) for k, v in examined(name).items()} for name in names}
    columns = [name for name in TARGETS if name in found or name in old]
    rows = ["| layer | " + " | ".join(columns) + " |", "|---|" + "--:|" * len(columns)]
    for layer in sorted({r["class_name"] for r in RECORDS}):
        cells = [(found.get(name) or old.get(name, {})).get(layer, "") for name in columns]
        rows.append(f"| `{layer}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def parsed(text: str) -> dict[str, dict[str, str]]:
    """The columns of a table that was written before."""
    lines = [line.strip("| \n").split(" | ") for line in text.strip().splitlines() if line.startswith("|")]
    if len(lines) < 3:
        return {}
    _, *names = lines[0]
    return {name: {row[0].strip("`"): row[i] for row in lines[2:] if i < len(row)} for i, name in enumerate(names, 1)}


def digits() -> Sequential:
    amalthea.utils.set_random_seed(0)
    net = [layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(), layers.Conv2D(32, 3, activation="relu")]
    head = [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]
    return Sequential([Input((28, 28, 1)), *net, *head])


def mobile() -> amalthea.Model:
    """A network with weights drawn so that its outputs differ, which those of a fresh one hardly do."""
    options = {"weights": None, "classes": 10, "alpha": 0.35, "classifier_activation": None}
    model = amalthea.applications.MobileNetV2(input_shape=(96, 96, 3), **options)
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if len(variable.shape) == 1:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return model


def sizes_table(old: list[str], names: list[str]) -> str:
    """File sizes and worst differences of two networks, with old rows for the targets that are not installed."""
    rows = ["| network | target | bytes | worst difference |", "|---|---|--:|--:|"]
    for title, model in (("digits", digits()), ("MobileNetV2 0.35, 96 x 96", mobile())):
        for name in TARGETS:
            if name not in names:
                rows += [row for row in old if row.startswith(f"| {title}") and f"| `{name}` |" in row]
                continue
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, f"model{TARGETS[name].ending}")
                try:
                    model.export(path, name, verbose=False, batch_size=None if target(name).has_symbols else 3)
                except amalthea.errors.ExportError as error:
                    told = str(error).splitlines()
                    rows.append(f"| {title} | `{name}` | | {next((x for x in told if 'got:' in x), told[0])[12:]} |")
                    continue
                checked = export.check_export(model, path, name)
                size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())
            rows.append(
                f"| {title}, {model.count_params():,} weights | `{name}` | {size:,} | {checked.difference:.0e} |"
            )
    return "\n".join(rows)


def between(text: str, marks: tuple[str, str]) -> str:
    return text.split(marks[0])[1].split(marks[1])[0]


def main() -> None:
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    text, whole = PAGE.read_text("utf-8"), [*HERE, *OF_LAYERS]
    for marks, table in (
        (MARKS, layers_table(parsed(between(text, MARKS)), whole)),
        (SIZES, sizes_table(between(text, SIZES).splitlines(), whole)),
    ):
        before, after = text.split(marks[0])[0], text.split(marks[1])[1]
        text = f"{before}{marks[0]}\n{table}\n{marks[1]}{after}"
    writing.write(PAGE, text)


if __name__ == "__main__":
    main()
