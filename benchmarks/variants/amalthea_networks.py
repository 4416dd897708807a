"""Amalthea: ``fit``, and the compiled step that it calls."""

from __future__ import annotations

from typing import Any

from amalthea import Sequential, layers, optimizers
from benchmarks.networks import ADAM, CLASSES, SGD, Network, data


def model_of(network: Network, accuracy: bool) -> Any:
    """The compiled model."""
    model = Sequential([layers.Input(network.shape)])
    for filters in network.filters:
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D(2))
    if network.filters:
        model.add(layers.Flatten())
    for units in network.hidden:
        model.add(layers.Dense(units, activation="relu"))
    model.add(layers.Dense(CLASSES, activation="softmax"))
    optimizer = optimizers.Adam(**ADAM) if network.optimizer == "adam" else optimizers.SGD(**SGD)
    metrics = ["accuracy"] if accuracy else None
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=metrics)
    return model


class AmaltheaProgram:
    def __init__(self, network: Network, batches: int, accuracy: bool):
        self.model = model_of(network, accuracy)
        self.batch = network.batch
        self.x, self.y = data(network, batches)
        self.one = (self.x[: self.batch], self.y[: self.batch])
        self.model.ensure_built(self.one)

    def epoch(self) -> float:
        history = self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)
        return float(history.history["loss"][-1])

    def steps(self, count: int) -> float:
        self.model.reset_metrics()
        step, logs = self.model.step("train"), {"loss": 0.0}
        for _ in range(count):
            logs = step(self.one)
        return float(logs["loss"])


make = AmaltheaProgram
