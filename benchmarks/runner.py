"""Starts the workers and asks them in turn.

In each round every variant gets a fresh process. All processes of a round live at once, waiting, and one at a time is
asked to compute for a moment: the two numbers of a pair are taken within seconds of each other, so that whatever else
the machine does weighs on both alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from benchmarks.machine import environment
from benchmarks.measures import MEASURES
from benchmarks.networks import NETWORKS
from benchmarks.variants import VARIANTS

Say = Callable[[str], None]
ROOT = Path(__file__).parents[1]


@dataclass
class Plan:
    """What to measure, and how long."""

    networks: list[str]
    variants: list[str]
    measures: list[str]
    rounds: int
    turns: int
    threads: int
    scale: float
    limit: float
    peers: str

    @property
    def seconds(self) -> float:
        """How long calls are repeated for one sample."""
        return 0.25 * self.scale

    def wanted(self, network: str) -> list[str]:
        return [name for name in MEASURES if name in NETWORKS[network].measures and name in self.measures]


@dataclass
class Results:
    """All samples, in the order in which they were taken, by network, variant and measure."""

    samples: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    weights: dict[str, dict[str, int]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)  # by "variant", "variant, network", or with the measure
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, network: str, variant: str, measure: str, number: float) -> None:
        self.samples.setdefault(network, {}).setdefault(variant, {}).setdefault(measure, []).append(number)

    def skips(self, *place: str) -> bool:
        """Whether a variant, on a network, at a measure, is not asked any more."""
        return any(", ".join(place[: i + 1]) in self.skipped for i in range(len(place)))

    def skip(self, reason: str, *place: str) -> None:
        self.skipped[", ".join(place)] = reason

    def of(self, network: str) -> dict[str, dict[str, list[float]]]:
        """The samples of a network, in the order of the table of variants."""
        found = self.samples.get(network, {})
        return {variant: found[variant] for variant in VARIANTS if variant in found}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Process:
    """One worker. What a library keeps on disk goes into a folder of its own: nobody starts with another's cache."""

    def __init__(self, variant: str, plan: Plan):
        row, self.limit = VARIANTS[variant], plan.limit
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.errors = open(os.path.join(self.folder.name, "errors"), "w+")  # noqa: SIM115  # closed by `end`
        own = {"KERAS_HOME": self.folder.name, "TORCHINDUCTOR_CACHE_DIR": self.folder.name}
        self.process = subprocess.Popen(
            [plan.peers if row.kind == "keras" else sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, **environment(plan.threads), **own, **row.environment},
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer, for as long as the limit allows."""
        assert self.process.stdin and self.process.stdout
        guard, end = Timer(self.limit, self.process.kill), time.monotonic() + self.limit
        guard.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            guard.cancel()
        if line:
            return json.loads(line)
        words = self._last_words()
        return {"failed": f"took more than {self.limit:g} seconds" if time.monotonic() >= end else words}

    def _last_words(self) -> str:
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return f"the process ended with {code}: {lines[-1] if lines else 'no message'}"

    def end(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:  # some thread of a library does not end
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        self.folder.cleanup()


def run(plan: Plan, say: Say, keep: Callable[[Results], None]) -> Results:
    """Measure everything; ``keep`` is called after each round, so that little is lost if somebody stops it."""
    results = Results()
    for network in plan.networks:
        for number in range(plan.rounds):
            where = f"{network}, round {number + 1} of {plan.rounds}"
            _round(network, plan, results, number, lambda text, where=where: say(f"{where}: {text}"))
            keep(results)
    return results


def _round(network: str, plan: Plan, results: Results, number: int, say: Say) -> None:
    processes: dict[str, Process] = {}
    try:
        for variant in plan.variants:
            if not results.skips(variant, network):
                say(f"{variant} starts")
                _start(variant, network, plan, results, processes)
        names = list(processes)
        timed = [name for name in plan.wanted(network) if MEASURES[name].sample]
        for turn in range(plan.turns):
            first = (turn + number) % max(len(names), 1)  # nobody always runs after the same neighbour's heat
            for measure in timed:
                for variant in names[first:] + names[:first]:
                    say(f"{measure}, {variant}")
                    _measure(variant, network, measure, plan, processes, results)
    finally:
        for process in processes.values():
            process.end()


def _start(variant: str, network: str, plan: Plan, results: Results, processes: dict[str, Process]) -> None:
    process = Process(variant, plan)
    facts = {"variant": variant, "network": network, "scale": plan.scale, "threads": plan.threads}
    answer = process.ask(prepare=facts)
    if "versions" not in answer:
        place = (variant,) if "missing" in answer else (variant, network)
        results.skip(answer.get("missing") or answer["failed"], *place)
        process.end()
        return
    processes[variant] = process
    results.versions.update(answer["versions"])
    results.weights.setdefault(network, {})[variant] = answer["weights"]
    for measure in plan.wanted(network):
        if measure in answer["once"]:
            results.add(network, variant, measure, answer["once"][measure])


def _measure(
    variant: str, network: str, measure: str, plan: Plan, processes: dict[str, Process], results: Results
) -> None:
    if results.skips(variant, network, measure):
        return
    answer = processes[variant].ask(measure={"name": measure, "seconds": plan.seconds})
    if "failed" in answer:
        alive = processes[variant].process.poll() is None
        results.skip(answer["failed"], *(variant, network, measure)[: 3 if alive else 2])
    elif "number" in answer:
        results.add(network, variant, measure, answer["number"])
        results.losses.setdefault(network, {})[variant] = answer["loss"]
