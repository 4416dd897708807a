"""TensorFlow by hand: one ``tf.function`` a step over ``tf.Variable``, without Keras; the same with XLA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import layers as facts
from benchmarks.networks import ADAM, Network


@dataclass
class Call:
    """What one call of a network carries along, while it is traced."""

    training: bool
    moving: Iterator[Any]


def convolution(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    x = tf.nn.conv2d(x, w["kernel"], layer.stride, "SAME" if layer.padded else "VALID")
    return tf.nn.bias_add(x, w["bias"]) if "bias" in w else x


def dropout(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    return tf.nn.dropout(x, layer.rate) if call.training else x


def batch_norm(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    mean, variance = next(call.moving)
    if not call.training:
        return tf.nn.batch_normalization(x, mean, variance, w["beta"], w["gamma"], layer.epsilon)
    x, now_mean, now_variance, *_ = tf.compat.v1.nn.fused_batch_norm(x, w["gamma"], w["beta"], epsilon=layer.epsilon)
    for average, now in ((mean, now_mean), (variance, now_variance)):
        average.assign_sub((average - now) * (1 - layer.momentum))
    return x


def layer_norm(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, w["beta"], w["gamma"], layer.epsilon)


def lstm(w: dict[str, Any], x: tf.Tensor, units: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The last output, and all of them; time is the first axis."""
    steps, rows = x.shape[0], x.shape[1]
    projected = tf.tensordot(x, w["kernel"], 1) + w["bias"]
    outputs = tf.TensorArray(tf.float32, steps, element_shape=(rows, units))

    def one(time: tf.Tensor, h: tf.Tensor, c: tf.Tensor, outputs: tf.TensorArray) -> Any:
        i, f, g, o = tf.split(projected[time] + h @ w["recurrent_kernel"], 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return time + 1, h, c, outputs.write(time, h)

    start = (tf.constant(0), tf.zeros((rows, units)), tf.zeros((rows, units)), outputs)
    _, last, _, outputs = tf.while_loop(lambda time, *_: time < steps, one, start, maximum_iterations=steps)
    return last, outputs.stack()


def both_ways(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    parts = ("kernel", "recurrent_kernel", "bias")
    there, back = ({part: w[f"{way}_{part}"] for part in parts} for way in ("forward", "backward"))
    x = tf.transpose(x, (1, 0, 2))
    last, outputs = lstm(there, x, layer.units)
    last_back, outputs_back = lstm(back, tf.reverse(x, [0]), layer.units)
    if not layer.sequences:
        return tf.concat([last, last_back], -1)
    return tf.transpose(tf.concat([outputs, tf.reverse(outputs_back, [0])], -1), (1, 0, 2))


def attention(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    rows, places, width = x.shape
    q, k, v = (
        tf.transpose(
            tf.reshape(dense(layer, {"kernel": w[f"{p}_kernel"], "bias": w[f"{p}_bias"]}, x, call),
                       (rows, places, layer.heads, width // layer.heads)),
            (0, 2, 1, 3),
        )
        for p in ("query", "key", "value")
    )  # fmt: skip
    shares = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * (width // layer.heads) ** -0.5)
    seen = tf.reshape(tf.transpose(shares @ v, (0, 2, 1, 3)), x.shape)
    return dense(layer, {"kernel": w["output_kernel"], "bias": w["output_bias"]}, seen, call)


def dense(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    return (x @ w["kernel"] if len(x.shape) == 2 else tf.tensordot(x, w["kernel"], 1)) + w["bias"]


def residual(layer: Any, w: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    return run(layer.body, w[0], x, call) + run(layer.shortcut, w[1], x, call)


LAYERS: dict[type, Any] = {
    facts.Relu: lambda layer, w, x, call: tf.nn.relu(x),
    facts.Flatten: lambda layer, w, x, call: tf.reshape(x, (x.shape[0], -1)),
    facts.Average: lambda layer, w, x, call: tf.reduce_mean(x, list(range(1, len(x.shape) - 1))),
    facts.Embedding: lambda layer, w, x, call: tf.gather(w["table"], x),
    facts.Dense: dense,
    facts.Conv: convolution,
    facts.MaxPool: lambda layer, w, x, call: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    facts.Dropout: dropout,
    facts.BatchNorm: batch_norm,
    facts.LayerNorm: layer_norm,
    facts.BothWays: both_ways,
    facts.Attention: attention,
    facts.Residual: residual,
}


def run(layers: Any, weights: Any, x: tf.Tensor, call: Call) -> tf.Tensor:
    """The logits."""
    for layer, own in zip(layers, weights):
        x = LAYERS[type(layer)](layer, own, x, call)
    return x


class Adam:
    """Kingma and Ba, the form before section 2.1."""

    def __init__(self, weights: list[tf.Variable]):
        self.weights, self.count = weights, tf.Variable(0.0)
        self.moments = [(tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))) for w in weights]

    def apply(self, gradients: list[tf.Tensor]) -> None:
        rate, b1, b2, epsilon = ADAM.values()
        count = self.count.assign_add(1.0)
        rate = rate * tf.sqrt(1 - b2**count) / (1 - b1**count)
        for weight, (mean, square), gradient in zip(self.weights, self.moments, gradients):
            gradient = tf.convert_to_tensor(gradient)  # that of an embedding is sparse
            m = mean.assign_add((gradient - mean) * (1 - b1))
            v = square.assign_add((gradient * gradient - square) * (1 - b2))
            weight.assign_sub(rate * m / (tf.sqrt(v) + epsilon))


class TensorFlowProgram:
    def __init__(self, network: Network, x: np.ndarray, y: np.ndarray, compiled: bool = False):
        tf.random.set_seed(1)
        self.layers, self.batch, self.x, self.y = network.layers, network.batch, x, y
        self.batches = len(x) // network.batch
        self.generator = np.random.default_rng(2)
        drawn = facts.draw(network.layers, network.shape, np.random.default_rng(1))
        self.values = tf.nest.map_structure(tf.Variable, drawn)
        self.moving = [
            tuple(tf.Variable(a, trainable=False) for a in pair) for pair in facts.moving(network.layers, network.shape)
        ]
        flat = tf.nest.flatten(self.values)
        self.weights = sum(int(np.prod(w.shape)) for w in flat)
        self.adam = Adam(flat)
        self.step = tf.function(self._step, jit_compile=compiled or None)
        self.answer = tf.function(self._answer, jit_compile=compiled or None)

    def _step(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = run(self.layers, self.values, x, Call(True, iter(self.moving)))
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        self.adam.apply(tape.gradient(loss, self.adam.weights))
        return loss

    def _answer(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(run(self.layers, self.values, x, Call(False, iter(self.moving))))

    def fit(self) -> float:
        order = self.generator.permutation(len(self.x)).reshape(-1, self.batch)
        losses = [self.step(tf.constant(self.x[rows]), tf.constant(self.y[rows])) for rows in order]
        return float(tf.add_n(losses)) / self.batches

    def train_on_batch(self) -> float:
        return float(self.step(tf.constant(self.x[: self.batch]), tf.constant(self.y[: self.batch])))

    def predict(self, rows: int) -> np.ndarray:
        return self.answer(tf.constant(self.x[:rows])).numpy()


class TensorFlowOptimizer:
    def __init__(self, gradients: list[np.ndarray], batches: int, compiled: bool = False):
        self.batches, self.weights = batches, sum(g.size for g in gradients)
        given = [tf.constant(g) for g in gradients]
        self.adam = Adam([tf.Variable(tf.zeros_like(g)) for g in given])
        self.step = tf.function(lambda: self.adam.apply(given), jit_compile=compiled or None)

    def fit(self) -> float:
        for _ in range(self.batches):
            self.step()
        return float(self.adam.weights[0][0, 0])


make, optimizer = TensorFlowProgram, TensorFlowOptimizer
