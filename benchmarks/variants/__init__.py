"""What is measured: a file for each library, and here the table of what is made of them.

A library's file has ``make(network, batches, accuracy, **options)``, which gives a :class:`Program`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Protocol


class Program(Protocol):
    """A network that is ready to train."""

    def epoch(self) -> float:
        """Train on every batch of the data once, in a new order; the mean loss."""
        ...

    def steps(self, count: int) -> float:
        """Train on one and the same batch; the mean loss."""
        ...


@dataclass(frozen=True)
class Variant:
    """One column of the comparison.

    Args:
        file: where its networks are.
        library: what has to be installed.
        alone: whether the step alone is measured, on one batch, rather than whole epochs.
        options: what tells it from other variants of the same library.
        environment: variables to set before the library is imported.
    """

    file: str
    library: str
    alone: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        return self.library == "amalthea"

    def make(self, network: Any, batches: int, accuracy: bool) -> Program:
        module = importlib.import_module(f"benchmarks.variants.{self.file}")
        return module.make(network, batches, accuracy, **self.options)


def _keras(backend: str) -> Variant:
    return Variant("keras_networks", backend, options={"backend": backend}, environment={"KERAS_BACKEND": backend})


VARIANTS = {
    "amalthea": Variant("amalthea_networks", "amalthea"),
    "jax": Variant("jax_networks", "jax"),
    "torch": Variant("torch_networks", "torch"),
    "torch-compile": Variant("torch_networks", "torch", options={"compiled": True}),
    "keras-jax": _keras("jax"),
    "keras-torch": _keras("torch"),
    "amalthea-step": Variant("amalthea_networks", "amalthea", alone=True),
    "jax-step": Variant("jax_networks", "jax", alone=True),
    "torch-step": Variant("torch_networks", "torch", alone=True),
    "torch-compile-step": Variant("torch_networks", "torch", alone=True, options={"compiled": True}),
}
