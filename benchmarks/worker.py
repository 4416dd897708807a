"""The process that computes: ``python -m benchmarks.worker``, one JSON object a line in, one out.

``{"prepare": {"variant", "network", "scale", "threads"}}`` is answered by ``{"once": numbers, "versions": ...}`` or
``{"missing": reason}``; each ``{"measure": {"name", "seconds"}}`` after it by ``{"number": ..., "loss": ...}``, or
``{"absent": true}`` where the program has no such thing. The end of the input ends the process.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
import time
import traceback
from typing import Any, TextIO

from benchmarks.machine import bind
from benchmarks.measures import MEASURES, forget, held, most
from benchmarks.networks import NETWORKS, Network, data, gradients
from benchmarks.variants import VARIANTS, Program, Variant

LIBRARIES = {
    "numpy": "numpy", "onnxruntime": "onnxruntime", "amalthea": "amalthea", "jax": "jax", "torch": "torch",
    "tensorflow": "tensorflow-cpu", "keras": "keras",
}  # fmt: skip


class Worker:
    program: Program

    def __init__(self) -> None:
        self.warm: set[str] = set()

    def prepare(self, given: dict[str, Any]) -> dict[str, Any]:
        """Import the library, make the network, and train until everything is compiled."""
        bind(given["threads"])
        variant, network = VARIANTS[given["variant"]], NETWORKS[given["network"]]
        try:
            variant.load()
        except ImportError as error:
            return {"missing": str(error).splitlines()[0]}
        self.given = arguments(network, max(2, round(network.batches * given["scale"])))
        gc.collect()
        before = held()
        start = time.perf_counter()
        self.program = begin(variant, network, self.given)
        first, high = (time.perf_counter() - start) * 1000, most()
        own = self._trained(network) - before
        once = {"first": first, "peak": max(high, most()), "own": own}
        return {"once": once, "weights": self.program.weights, "versions": versions()}

    def _trained(self, network: Network) -> float:
        """Train for an epoch, and say how much memory that took."""
        gc.collect()
        forget()
        self.program.loss = self.program.fit() if "fit" in network.measures else 0.0
        return most()

    def measure(self, given: dict[str, Any]) -> dict[str, Any]:
        """One number; the first calls of each kind are not timed, since they may compile."""
        name, sample = given["name"], MEASURES[given["name"]].sample
        assert sample is not None
        try:
            if name not in self.warm:
                for _ in range(MEASURES[name].before):
                    sample(self.program, 0.0)
                self.warm.add(name)
        except AttributeError as error:
            if error.obj is not self.program:
                raise
            return {"absent": True}
        gc.collect()
        return {"number": sample(self.program, given["seconds"]), "loss": self.program.loss}


def arguments(network: Network, batches: int) -> tuple[Any, ...]:
    """What a network learns from."""
    return data(network, batches) if network.layers else (gradients(), batches)


def begin(variant: Variant, network: Network, given: tuple[Any, ...]) -> Program:
    """The program, after its first step."""
    if network.layers:
        program = variant.module().make(network, *given, **variant.options)
        program.train_on_batch()
        return program
    program = variant.module().optimizer(*given, **variant.options)
    batches, program.batches = program.batches, 1
    program.fit()
    program.batches = batches
    return program


def versions() -> dict[str, str]:
    """Of the libraries that this process has imported."""
    found = {"python": sys.version.split()[0]}
    for name, distribution in LIBRARIES.items():
        if name in sys.modules:
            try:
                found[name] = importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                found[name] = getattr(sys.modules[name], "__version__", "unknown")
    return found


def answers() -> TextIO:
    """The pipe to the runner; whatever libraries print goes elsewhere."""
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return pipe


def main() -> None:
    out, worker = answers(), Worker()
    for line in sys.stdin:
        ((verb, argument),) = json.loads(line).items()
        try:
            reply = getattr(worker, verb)(argument)
        except Exception as error:
            traceback.print_exc()
            reply = {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        print(json.dumps(reply), file=out)


if __name__ == "__main__":
    main()
