"""Keras's words, run by Keras 3 and by Amalthea alike: ``package`` says whose; the environment says on what."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from benchmarks import layers as facts
from benchmarks.networks import ADAM, Network

# How each fact is said: of the package's layers, the fact, what flows, and its shape.
LAYERS: dict[type, Any] = {
    facts.Relu: lambda k, layer, x: k.Activation("relu")(x),
    facts.Flatten: lambda k, layer, x: k.Flatten()(x),
    facts.Average: lambda k, layer, x: [k.GlobalAveragePooling1D, k.GlobalAveragePooling2D][len(x.shape) - 3]()(x),
    facts.Embedding: lambda k, layer, x: k.Embedding(layer.words, layer.width)(x),
    facts.Dense: lambda k, layer, x: k.Dense(layer.units)(x),
    facts.MaxPool: lambda k, layer, x: k.MaxPooling2D(2)(x),
    facts.Dropout: lambda k, layer, x: k.Dropout(layer.rate)(x),
    facts.BatchNorm: lambda k, layer, x: k.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon)(x),
    facts.LayerNorm: lambda k, layer, x: k.LayerNormalization(epsilon=layer.epsilon)(x),
    facts.Attention: lambda k, layer, x: k.MultiHeadAttention(layer.heads, x.shape[-1] // layer.heads)(x, x),
    facts.BothWays: lambda k, layer, x: k.Bidirectional(k.LSTM(layer.units, return_sequences=layer.sequences))(x),
    facts.Residual: lambda k, layer, x: k.Add()([run(k, layer.body, x), run(k, layer.shortcut, x)]),
    facts.Conv: lambda k, layer, x: k.Conv2D(
        layer.filters,
        layer.size,
        strides=layer.stride,
        padding="same" if layer.padded else "valid",
        use_bias=not layer.padded,
    )(x),
}  # fmt: skip


def run(k: Any, layers: Any, x: Any) -> Any:
    for layer in layers:
        x = LAYERS[type(layer)](k, layer, x)
    return x


def settle(package: str) -> None:
    """Import Keras or Amalthea whole, with the library that it computes on."""
    found = importlib.import_module(package)
    for part in ("layers", "models", "optimizers"):
        getattr(found, part)
    if package == "amalthea":
        found.backends.load(found.backends.chosen()[0])


def model_of(network: Network, package: Any) -> Any:
    """The compiled model."""
    k = package.layers
    rows = k.Input(network.shape, dtype="int32" if network.words else "float32")
    model = package.Model(rows, k.Activation("softmax")(run(k, network.layers, rows)))
    model.compile(optimizer=package.optimizers.Adam(**ADAM), loss="sparse_categorical_crossentropy")
    return model


class KerasProgram:
    def __init__(self, network: Network, x: np.ndarray, y: np.ndarray, package: str):
        self.package = importlib.import_module(package)
        self.package.utils.set_random_seed(1)
        self.model = model_of(network, self.package)
        self.batch, self.x, self.y = network.batch, x, y
        self.batches = len(x) // network.batch
        self.weights = sum(int(np.prod(w.shape)) for w in self.model.trainable_weights)

    def fit(self) -> float:
        history = self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)
        return float(history.history["loss"][-1])

    def train_on_batch(self) -> float:
        return float(self.model.train_on_batch(self.x[: self.batch], self.y[: self.batch]))

    def predict(self, rows: int) -> np.ndarray:
        return self.model.predict(self.x[:rows], batch_size=rows, verbose=0)

    def save(self, path: str) -> None:
        self.model.save(path)

    def load(self, path: str) -> None:
        self.package.models.load_model(path)


class KerasOptimizer:
    def __init__(self, gradients: list[np.ndarray], batches: int, package: str):
        self.package = importlib.import_module(package)
        self.batches, self.weights = batches, sum(g.size for g in gradients)
        self.values = [self.package.Variable(np.zeros_like(g)) for g in gradients]
        self.adam = self.package.optimizers.Adam(**ADAM)
        self.adam.build(self.values)
        self.step = STEPS[package if package == "amalthea" else os.environ["KERAS_BACKEND"]](self, gradients)

    def fit(self) -> float:
        for _ in range(self.batches):
            self.step()
        return float(np.asarray(self.package.ops.convert_to_numpy(self.values[0]))[0, 0])


def amalthea_step(program: Any, gradients: list[np.ndarray]) -> Any:
    given = [program.package.Variable(g, trainable=False) for g in gradients]
    return program.package.jit(lambda: program.adam.apply([g.value for g in given], program.values))


def jax_step(program: Any, gradients: list[np.ndarray]) -> Any:
    """The state goes round outside, as in Keras's own guide; it is written back when it is read."""
    import jax

    given = [jax.numpy.asarray(g) for g in gradients]
    state = [[v.value for v in program.values], [v.value for v in program.adam.variables]]
    compiled = jax.jit(lambda w, s: program.adam.stateless_apply(s, given, w), donate_argnums=(0, 1))

    def step() -> None:
        state[:] = compiled(*state)
        for variable, value in zip(program.values, state[0]):
            variable._value = value

    return step


def torch_step(program: Any, gradients: list[np.ndarray]) -> Any:
    import torch

    given = [torch.from_numpy(g) for g in gradients]
    return torch.no_grad()(lambda: program.adam.apply(given, program.values))


def tensorflow_step(program: Any, gradients: list[np.ndarray]) -> Any:
    import tensorflow as tf

    given = [tf.constant(g) for g in gradients]
    return tf.function(lambda: program.adam.apply(given, program.values))


STEPS = {"amalthea": amalthea_step, "jax": jax_step, "torch": torch_step, "tensorflow": tensorflow_step}
make, optimizer = KerasProgram, KerasOptimizer
