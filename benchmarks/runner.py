"""Starts the workers and asks them in turn.

In each round every variant gets a fresh process. All processes of a round live at once, waiting, and one at a time is
asked to train for a moment: the two numbers of a pair are taken within seconds of each other, so that whatever else the
machine does weighs on both alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.machine import environment
from benchmarks.networks import NETWORKS
from benchmarks.variants import VARIANTS

Say = Callable[[str], None]


@dataclass
class Plan:
    """What to measure, and how long."""

    networks: list[str]
    variants: list[str]
    rounds: int
    turns: int
    threads: int
    accuracy: bool
    scale: float
    peers: str

    def batches(self, network: str) -> int:
        return max(2, round(NETWORKS[network].batches * self.scale))


@dataclass
class Results:
    """All samples, in the order in which they were taken: milliseconds a step by network, variant, turn."""

    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, network: str, variant: str, answer: dict[str, float]) -> None:
        self.samples.setdefault(network, {}).setdefault(variant, []).append(answer["milliseconds"])
        self.losses.setdefault(network, {})[variant] = answer["loss"]

    def of(self, network: str) -> dict[str, list[float]]:
        """The samples of a network, in the order of the table of variants."""
        found = self.samples.get(network, {})
        return {variant: found[variant] for variant in VARIANTS if variant in found}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Process:
    """One worker."""

    def __init__(self, variant: str, plan: Plan):
        row = VARIANTS[variant]
        self.folder = tempfile.TemporaryDirectory()  # Keras's settings go there too: it writes the user's otherwise
        self.errors = open(os.path.join(self.folder.name, "errors"), "w+")  # noqa: SIM115  # closed by `end`
        self.process = subprocess.Popen(
            [sys.executable if row.ours else plan.peers, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **environment(plan.threads), "KERAS_HOME": self.folder.name, **row.environment},
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"failed": self._last_words()}

    def _last_words(self) -> str:
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return f"the process ended with {code}: {lines[-1] if lines else 'no message'}"

    def end(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        self.folder.cleanup()


def run(plan: Plan, say: Say) -> Results:
    """Measure everything."""
    results = Results()
    for network in plan.networks:
        for number in range(plan.rounds):
            say(f"{network}: round {number + 1} of {plan.rounds}")
            _round(network, plan, results, number)
    return results


def _round(network: str, plan: Plan, results: Results, number: int) -> None:
    processes: dict[str, Process] = {}
    try:
        for variant in plan.variants:
            if variant not in results.skipped:
                _start(variant, network, plan, results, processes)
        names = list(processes)
        for turn in range(plan.turns):
            first = (turn + number) % max(len(names), 1)  # nobody always runs after the same neighbour's heat
            for variant in names[first:] + names[:first]:
                _measure(variant, network, processes, results)
    finally:
        for process in processes.values():
            process.end()


def _start(variant: str, network: str, plan: Plan, results: Results, processes: dict[str, Process]) -> None:
    process = Process(variant, plan)
    answer = process.ask(
        prepare={
            "variant": variant,
            "network": network,
            "batches": plan.batches(network),
            "threads": plan.threads,
            "accuracy": plan.accuracy,
        }
    )
    if "versions" in answer:
        results.versions.update(answer["versions"])
        processes[variant] = process
    else:
        results.skipped[variant] = answer.get("missing") or answer["failed"]
        process.end()


def _measure(variant: str, network: str, processes: dict[str, Process], results: Results) -> None:
    if variant in results.skipped:
        return
    answer = processes[variant].ask(measure=1)
    if "failed" in answer:
        results.skipped[variant] = answer["failed"]
    else:
        results.add(network, variant, answer)
