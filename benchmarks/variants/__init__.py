"""What is measured: a file for each library, and here the table of what is made of them.

A library's file has ``make(network, x, y, **options)``, which gives a :class:`Program`, or for a network without layers
``optimizer(gradients, batches, **options)``, which gives one that can only ``fit``. It may have ``settle(**options)``,
for what holds for a whole process.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

import numpy as np


class Program(Protocol):
    """A network that is ready to train.

    Programs that keep files have ``save(path)`` and ``load(path)`` too.

    Args:
        batches: steps of an epoch.
        loss: what ``fit`` gave last.
        weights: how many numbers are trained.
    """

    batches: int
    weights: int
    loss: float

    def fit(self) -> float:
        """Train on every batch of the data once, in a new order; the mean loss."""
        ...

    def train_on_batch(self) -> float:
        """Train on the first batch, given as NumPy arrays; the loss."""
        ...

    def predict(self, rows: int) -> np.ndarray:
        """The probabilities for the first so many rows, from NumPy to NumPy."""
        ...


@dataclass(frozen=True)
class Variant:
    """One row of the comparison.

    Args:
        kind: "hand", "keras" or "ours".
        library: what computes, and has to be installed.
        options: what tells it from other variants of the same file.
        environment: variables to set before the library is imported.
    """

    kind: str
    library: str
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def module(self) -> ModuleType:
        """The file."""
        file = f"{self.library}_networks" if self.kind == "hand" else "keras_networks"
        return importlib.import_module(f"benchmarks.variants.{file}")

    def load(self) -> None:
        """Import all that computes, and settle what holds for a whole process."""
        module = self.module()
        if hasattr(module, "settle"):
            module.settle(**self.options)


def _keras(library: str) -> Variant:
    return Variant("keras", library, {"package": "keras"}, {"KERAS_BACKEND": library})


def _ours(library: str) -> Variant:
    return Variant("ours", library, {"package": "amalthea"}, {"AMALTHEA_BACKEND": library})


VARIANTS = {
    "jax": Variant("hand", "jax"),
    "torch": Variant("hand", "torch"),
    "torch-compile": Variant("hand", "torch", {"compiled": True}),
    "tensorflow": Variant("hand", "tensorflow"),
    "tensorflow-xla": Variant("hand", "tensorflow", {"compiled": True}),
    "keras-jax": _keras("jax"),
    "keras-torch": _keras("torch"),
    "keras-tensorflow": _keras("tensorflow"),
    "amalthea-jax": _ours("jax"),
    "amalthea-torch": _ours("torch"),
    "amalthea-tensorflow": _ours("tensorflow"),
    "amalthea-onnxruntime": _ours("onnxruntime"),
}


def rivals(variant: str) -> list[str]:
    """The loops by hand that a variant is held against: its library's, or all where nobody writes loops."""
    row = VARIANTS[variant]
    if row.kind == "hand":
        return []
    by_hand = [name for name, other in VARIANTS.items() if other.kind == "hand"]
    return [name for name in by_hand if VARIANTS[name].library == row.library] or by_hand
