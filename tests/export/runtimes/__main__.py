"""Prints the table of runtimes and networks: ``python -m tests.export.runtimes``; ``--write``: into docs/targets.md."""

from __future__ import annotations

import sys
import warnings

from amalthea import writing
from tests.export.page import PAGE
from tests.export.runtimes.networks import NETWORKS
from tests.export.runtimes.table import RUNTIMES, Runtime, missing, outcomes

MARKS = ("<!-- runtimes -->", "<!-- /runtimes -->")


def cells(runtime: Runtime) -> list[str]:
    """The worst difference relative to the largest output for each network; or the reason why there is none."""
    if missing(runtime):
        return [f"not here: {missing(runtime)}"] * len(NETWORKS)
    found = []
    for name, outcome in outcomes(runtime.title).items():
        reason = runtime.gaps.get(name) or str(outcome)
        found.append(reason if isinstance(outcome, str) else f"{outcome.difference / max(outcome.scale, 1.0):.0e}")
    return found


def table() -> str:
    rows = [f"| runtime | file | {' | '.join(NETWORKS)} |", "|---|---|" + "--:|" * len(NETWORKS)]
    rows += [f"| {r.title} | `{r.target}` | {' | '.join(cells(r))} |" for r in RUNTIMES]
    return "\n".join(rows)


def main() -> None:
    warnings.simplefilter("ignore")
    made = table()
    print(made)
    if "--write" in sys.argv:
        before, rest = PAGE.read_text("utf-8").split(MARKS[0])
        writing.write(PAGE, f"{before}{MARKS[0]}\n{made}\n{MARKS[1]}{rest.split(MARKS[1])[1]}")


if __name__ == "__main__":
    main()
