"""The process that trains: ``python -m benchmarks.worker``, one JSON object a line in, one out.

``{"prepare": {"variant", "network", "batches", "threads", "accuracy"}}`` is answered by ``{"versions": ...}`` or
``{"missing": reason}``; each ``{"measure": times}`` after it by ``{"milliseconds": a step, "loss": ...}``. The end of
the input ends the process.
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
from benchmarks.networks import NETWORKS
from benchmarks.variants import VARIANTS, Program, Variant


class Worker:
    program: Program
    variant: Variant
    batches: int

    def prepare(self, given: dict[str, Any]) -> dict[str, Any]:
        """Import the library, make the network, and train until everything is compiled."""
        bind(given["threads"])
        self.variant, self.batches = VARIANTS[given["variant"]], given["batches"]
        try:
            self.program = self.variant.make(NETWORKS[given["network"]], self.batches, given["accuracy"])
        except ModuleNotFoundError as error:
            return {"missing": str(error)}
        self.train()
        gc.collect()
        return {"versions": versions()}

    def measure(self, times: int) -> dict[str, Any]:
        """Milliseconds a step, over an epoch or as many steps on one batch."""
        loss, start = 0.0, time.perf_counter()
        for _ in range(times):
            loss = self.train()
        seconds = time.perf_counter() - start
        return {"milliseconds": seconds * 1000 / (self.batches * times), "loss": loss}

    def train(self) -> float:
        return self.program.steps(self.batches) if self.variant.alone else self.program.epoch()


def versions() -> dict[str, str]:
    """Of the libraries that this process has imported."""
    found = {"python": sys.version.split()[0]}
    for name in ("numpy", "onnxruntime", "amalthea", "jax", "jaxlib", "torch", "keras"):
        if name in sys.modules:
            try:
                found[name] = importlib.metadata.version(name)
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
