"""Writes docs/keras.md: ``python -m tests.oracles.api.page``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.oracles.api.compare import Row, rows

PAGE = Path(__file__).resolve().parents[3] / "docs" / "keras.md"
HEAD = """# Keras's names

Every public name of Keras 3.15 beside Amalthea's, made by `python -m tests.oracles.api.page`. *Same* has Keras's
parameters, in its order, with its defaults; more parameters are welcome. Meanings are held by the tests in `tests/`,
many of them to Keras's own answers. Where a meaning differs on purpose,
[decisions.md](decisions.md#where-amalthea-differs-from-keras-3) says why.
"""
VERDICTS = ("same", "better", "different", "absent")


def space(row: Row) -> str:
    return row.name.split(".")[0] if "." in row.name else "amalthea"


def page(found: list[Row]) -> str:
    """The page, from all rows."""
    counts: dict[str, Counter[str]] = {}
    for row in found:
        counts.setdefault(space(row), Counter())[row.verdict] += 1
    lines = [HEAD, "| names | same | better | different | absent |", "|---|--:|--:|--:|--:|"]
    for name, count in sorted(counts.items()):
        lines.append(
            f"| `{name}` | " + " | ".join(str(count[v]) for v in ("same", "better", "different", "absent")) + " |"
        )
    total = Counter(row.verdict for row in found)
    lines.append("| **all** | " + " | ".join(str(total[v]) for v in VERDICTS) + " |")
    for verdict in VERDICTS[1:]:
        lines += ["", f"## {verdict.capitalize()}", ""]
        lines += [f"- `{row.name}`" + (f": {row.why}" if row.why else "") for row in found if row.verdict == verdict]
    lines += ["", "## Same", ""]
    for name in sorted(counts):
        same = [f"`{row.name}`" for row in found if row.verdict == "same" and space(row) == name]
        lines += [f"**{name}**: {', '.join(same)}", ""] if same else []
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(rows()), "utf-8")
