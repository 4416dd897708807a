"""The networks, as facts that each library's file reads, and the data that they train on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.layers import (
    Attention,
    Average,
    BatchNorm,
    BothWays,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    MaxPool,
    Relu,
    Residual,
    Shape,
)

ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
WEIGHTS = [(1000, 1000)] * 10  # of the network that is an optimizer alone
TIMES = ("fit", "train_on_batch", "predict_1", "predict_128", "first", "peak", "own", "save", "load")
STEP = ("fit", "first", "peak", "own")


@dataclass(frozen=True)
class Network:
    """Layers, then the softmax cross-entropy of as many classes as the last one has units; Adam.

    Args:
        shape: of one row.
        layers: none for an Adam step alone, on gradients that stay as they are.
        batch: rows a step.
        batches: steps that are timed together.
        words: how many words rows of integers are drawn from; 0 for rows of floats.
        measures: what is asked of it.
        usual: whether it is measured when nothing else is asked for.
    """

    name: str
    title: str
    shape: Shape
    layers: tuple[Layer, ...]
    batch: int
    batches: int
    words: int = 0
    measures: tuple[str, ...] = TIMES
    usual: bool = True

    @property
    def classes(self) -> int:
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.units


def mlp(*units: int) -> tuple[Layer, ...]:
    """Dense layers, with a relu after all but the last."""
    *hidden, last = units
    return (*(part for n in hidden for part in (Dense(n), Relu())), Dense(last))


def _convolution(filters: int, size: int = 3, stride: int = 1) -> tuple[Layer, ...]:
    return (Conv(filters, size, stride, padded=True), BatchNorm())


def _stage(filters: int, blocks: int, stride: int) -> tuple[Layer, ...]:
    """Residual blocks of two convolutions; the first one shrinks the image."""
    made: list[Layer] = []
    for block in range(blocks):
        by = stride if block == 0 else 1
        shortcut = _convolution(filters, 1, by) if by > 1 else ()
        body = (*_convolution(filters, 3, by), Relu(), *_convolution(filters))
        made += [Residual(body, shortcut), Relu()]
    return tuple(made)


def resnet(filters: int, blocks: int, stages: int = 3) -> tuple[Layer, ...]:
    """He and others, "Deep residual learning", 2015, section 4.2: three stages of n blocks make 6n + 2 layers."""
    rest = [part for i in range(stages) for part in _stage(filters * 2**i, blocks, 2 if i else 1)]
    return (*_convolution(filters), Relu(), *rest, Average(), Dense(10))


def encoder(layers: int, width: int, heads: int) -> tuple[Layer, ...]:
    """Transformer blocks that normalize first; the inner layer is four times as wide."""
    attend = Residual((LayerNorm(), Attention(heads)))
    think = Residual((LayerNorm(), Dense(4 * width), Relu(), Dense(width)))
    return (*(attend, think) * layers, LayerNorm(), Average(), Dense(2))


CONVNET = (
    Conv(32), Relu(), MaxPool(), Conv(64), Relu(), MaxPool(), Flatten(), Dropout(0.5), Dense(10),
)  # fmt: skip
LSTM = (Embedding(20000, 128), BothWays(64, True), BothWays(64, False), Dense(2))
ENCODER = encoder(4, 256, 4)
SMALL, WIDE, DEEP = mlp(64, 64, 10), mlp(512, 512, 10), ("first",)
SMOKE = (
    Conv(4), Relu(), MaxPool(), *_convolution(4), *_stage(8, 1, 2), Flatten(), Dropout(0.5), Dense(3),
)  # fmt: skip
SMOKE_TEXT = (Embedding(30, 8), BothWays(4, True), *encoder(1, 8, 2))

NETWORKS = {
    network.name: network
    for network in (
        Network("mlp-1", "MLP 784-64-64-10, batch 1", (784,), SMALL, 1, 1000),
        Network("mlp-32", "MLP 784-64-64-10, batch 32", (784,), SMALL, 32, 500),
        Network("mlp-1024", "MLP 784-64-64-10, batch 1024", (784,), SMALL, 1024, 60),
        Network("mlp-wide", "MLP 784-512-512-10, batch 128", (784,), WIDE, 128, 100),
        Network("convnet", "Keras's MNIST convnet, batch 128", (28, 28, 1), CONVNET, 128, 20),
        Network("resnet", "CIFAR ResNet-20, batch 64", (32, 32, 3), resnet(16, 3), 64, 5),
        Network("lstm", "IMDB bidirectional LSTM 2 x 64, 200 words, batch 64", (200,), LSTM, 64, 5, 20000),
        Network("transformer", "Transformer 4 x 256, 4 heads, 128 places, batch 16", (128, 256), ENCODER, 16, 5),
        Network("adam", "Adam alone, 10 million weights", (), (), 1, 40, measures=STEP),
        Network("deep-10", "10 dense layers of 16", (16,), mlp(*[16] * 10), 32, 1, measures=DEEP),
        Network("deep-100", "100 dense layers of 16", (16,), mlp(*[16] * 100), 32, 1, measures=DEEP),
        Network("deep-1000", "1000 dense layers of 16", (16,), mlp(*[16] * 1000), 32, 1, measures=DEEP),
        Network("smoke", "small, for the tests", (8, 8, 1), SMOKE, 4, 3, usual=False),
        Network("smoke-text", "small, for the tests", (6,), SMOKE_TEXT, 4, 3, 30, usual=False),
    )
}  # fmt: skip


def data(network: Network, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Random rows (float32, or int32 words) and labels (int32), the same in every process; 128 rows at least."""
    generator = np.random.default_rng(0)
    rows = max(network.batch * batches, 128)
    rows -= rows % network.batch
    y = generator.integers(0, network.classes, rows, dtype="int32")
    if network.words:
        return generator.integers(0, network.words, (rows, *network.shape), dtype="int32"), y
    return generator.random((rows, *network.shape), dtype="float32"), y


def gradients() -> list[np.ndarray]:
    """Those of an optimizer alone."""
    generator = np.random.default_rng(0)
    return [generator.standard_normal(shape, dtype="float32") for shape in WEIGHTS]
