"""The three networks, as facts that each library's file reads, and the data that they train on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLASSES = 10
ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
SGD = {"learning_rate": 0.01}


@dataclass(frozen=True)
class Network:
    """Convolutions (3 by 3, valid, relu, then 2 by 2 max pooling), dense layers (relu), and a softmax of ten.

    Args:
        shape: of one row.
        filters: of each convolution.
        hidden: units of each dense layer before the last.
        batch: rows a step.
        optimizer: "adam" or "sgd", with the settings above.
        batches: steps that are timed together.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    filters: tuple[int, ...]
    hidden: tuple[int, ...]
    batch: int
    optimizer: str
    batches: int

    def flat(self) -> int:
        """Features that reach the first dense layer."""
        if not self.filters:
            return self.shape[0]
        side = self.shape[0]
        for _ in self.filters:
            side = (side - 2) // 2
        return side * side * self.filters[-1]

    def kernels(self) -> list[tuple[int, ...]]:
        """Shapes of the convolutions' kernels: height, width, channels in, channels out."""
        channels = (*self.shape[2:], *self.filters)
        return [(3, 3, before, after) for before, after in zip(channels, channels[1:])]

    def matrices(self) -> list[tuple[int, int]]:
        """Shapes of the dense layers' kernels: features in, features out."""
        widths = (self.flat(), *self.hidden, CLASSES)
        return list(zip(widths, widths[1:]))


NETWORKS = {
    network.name: network
    for network in (
        Network("small-mlp", "784-64-64-10, batch 32, Adam", (784,), (), (64, 64), 32, "adam", 500),
        Network("mlp", "784-512-512-10, batch 128, Adam", (784,), (), (512, 512), 128, "adam", 100),
        Network("convnet", "MNIST convnet, batch 128, SGD", (28, 28, 1), (32, 64), (128,), 128, "sgd", 20),
    )
}


def data(network: Network, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Random rows (float32) and labels (int32), the same in every process."""
    generator = np.random.default_rng(0)
    rows = network.batch * batches
    x = generator.random((rows, *network.shape), dtype="float32")
    return x, generator.integers(0, CLASSES, rows, dtype="int32")


def glorot(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """A kernel drawn as Keras draws it."""
    window = int(np.prod(shape[:-2]))
    limit = (6 / (window * (shape[-2] + shape[-1]))) ** 0.5
    return generator.uniform(-limit, limit, shape).astype("float32")
