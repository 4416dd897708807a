"""JAX by hand: one jitted step whose state, a pytree, is donated; the host waits at the end alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks import layers as facts
from benchmarks.networks import ADAM, Network

_LAYOUT = ("NHWC", "HWIO", "NHWC")


@dataclass
class Call:
    """What one call of a network carries along, while it is traced."""

    key: jax.Array | None  # of the dropouts; None outside training
    old: Iterator[Any]  # moving statistics
    new: list[Any] = field(default_factory=list)


def dense(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    return x @ w["kernel"] + w["bias"]


def convolution(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    padding = "SAME" if layer.padded else "VALID"
    x = lax.conv_general_dilated(x, w["kernel"], (layer.stride,) * 2, padding, dimension_numbers=_LAYOUT)
    return x + w["bias"] if "bias" in w else x


def pool(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def dropout(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    if call.key is None:
        return x
    call.key, key = jax.random.split(call.key)
    return jnp.where(jax.random.bernoulli(key, 1 - layer.rate, x.shape), x / (1 - layer.rate), 0.0)


def batch_norm(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    mean, variance = next(call.old)
    if call.key is not None:
        axes = tuple(range(x.ndim - 1))
        now = x.mean(axes), x.var(axes)
        share = layer.momentum
        call.new.append((mean * share + now[0] * (1 - share), variance * share + now[1] * (1 - share)))
        mean, variance = now
    scale = w["gamma"] * lax.rsqrt(variance + layer.epsilon)
    return (x - mean) * scale + w["beta"]


def layer_norm(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + layer.epsilon) * w["gamma"] + w["beta"]


def lstm(w: dict[str, jax.Array], x: jax.Array, units: int) -> tuple[jax.Array, jax.Array]:
    """The last output, and all of them; time is the first axis."""

    def one(carried: Any, projected: jax.Array) -> Any:
        h, c = carried
        i, f, g, o = jnp.split(projected + h @ w["recurrent_kernel"], 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[1], units))
    (last, _), outputs = lax.scan(one, (zeros, zeros), x @ w["kernel"] + w["bias"])
    return last, outputs


def both_ways(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    parts = ("kernel", "recurrent_kernel", "bias")
    there, back = ({part: w[f"{way}_{part}"] for part in parts} for way in ("forward", "backward"))
    x = jnp.swapaxes(x, 0, 1)
    (last, outputs), (last_back, outputs_back) = lstm(there, x, layer.units), lstm(back, x[::-1], layer.units)
    if not layer.sequences:
        return jnp.concatenate([last, last_back], -1)
    return jnp.swapaxes(jnp.concatenate([outputs, outputs_back[::-1]], -1), 0, 1)


def attention(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    heads = (*x.shape[:2], layer.heads, -1)
    q, k, v = ((x @ w[f"{p}_kernel"] + w[f"{p}_bias"]).reshape(heads) for p in ("query", "key", "value"))
    seen = jax.nn.dot_product_attention(q, k, v).reshape(x.shape)
    return seen @ w["output_kernel"] + w["output_bias"]


def residual(layer: Any, w: Any, x: jax.Array, call: Call) -> jax.Array:
    return run(layer.body, w[0], x, call) + run(layer.shortcut, w[1], x, call)


LAYERS: dict[type, Any] = {
    facts.Relu: lambda layer, w, x, call: jax.nn.relu(x),
    facts.Flatten: lambda layer, w, x, call: x.reshape(x.shape[0], -1),
    facts.Average: lambda layer, w, x, call: x.mean(tuple(range(1, x.ndim - 1))),
    facts.Embedding: lambda layer, w, x, call: w["table"][x],
    facts.Dense: dense,
    facts.Conv: convolution,
    facts.MaxPool: pool,
    facts.Dropout: dropout,
    facts.BatchNorm: batch_norm,
    facts.LayerNorm: layer_norm,
    facts.BothWays: both_ways,
    facts.Attention: attention,
    facts.Residual: residual,
}


def run(layers: Any, weights: Any, x: jax.Array, call: Call) -> jax.Array:
    """The logits."""
    for layer, own in zip(layers, weights):
        x = LAYERS[type(layer)](layer, own, x, call)
    return x


def adam(weights: Any, moments: Any, gradients: Any, count: jax.Array) -> tuple[Any, Any]:
    """New weights and moments; Kingma and Ba, the form before section 2.1."""
    rate, b1, b2, epsilon = ADAM.values()
    mean = jax.tree.map(lambda m, g: m + (g - m) * (1 - b1), moments[0], gradients)
    square = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - b2), moments[1], gradients)
    rate = rate * jnp.sqrt(1 - b2**count) / (1 - b1**count)
    new = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + epsilon), weights, mean, square)
    return new, (mean, square)


@partial(jax.jit, donate_argnums=0, static_argnames="layers")
def step(state: Any, x: jax.Array, y: jax.Array, layers: Any) -> Any:
    """One update; the state carries the sum of the losses too."""
    key, own = jax.random.split(state["key"])

    def objective(weights: Any) -> tuple[jax.Array, Any]:
        call = Call(own, iter(state["statistics"]))
        logits = run(layers, weights, x, call)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean(), call.new

    (loss, statistics), gradients = jax.value_and_grad(objective, has_aux=True)(state["weights"])
    count = state["count"] + 1
    weights, moments = adam(state["weights"], state["moments"], gradients, count.astype("float32"))
    made = {"weights": weights, "moments": moments, "statistics": statistics}
    return {**made, "key": key, "count": count, "loss": state["loss"] + loss}


@partial(jax.jit, static_argnames="layers")
def answer(weights: Any, statistics: Any, x: jax.Array, layers: Any) -> jax.Array:
    return jax.nn.softmax(run(layers, weights, x, Call(None, iter(statistics))))


class JaxProgram:
    def __init__(self, network: Network, x: np.ndarray, y: np.ndarray):
        self.layers, self.batch, self.x, self.y = network.layers, network.batch, x, y
        self.batches = len(x) // network.batch
        self.generator = np.random.default_rng(2)
        drawn = facts.draw(network.layers, network.shape, np.random.default_rng(1))
        weights, statistics = jax.tree.map(jnp.asarray, (drawn, facts.moving(network.layers, network.shape)))
        self.weights = sum(leaf.size for leaf in jax.tree.leaves(weights))
        self.state = {"weights": weights, "moments": zeros(weights), "statistics": statistics}
        self.state |= {"key": jax.random.key(0), "count": jnp.zeros((), "int32")}

    def fit(self) -> float:
        order = self.generator.permutation(len(self.x)).reshape(-1, self.batch)
        return self._train((self.x[rows], self.y[rows]) for rows in order) / self.batches

    def train_on_batch(self) -> float:
        return self._train([(self.x[: self.batch], self.y[: self.batch])])

    def _train(self, batches: Any) -> float:
        state = {**self.state, "loss": jnp.zeros(())}
        for x, y in batches:
            state = step(state, x, y, layers=self.layers)
        self.state = state
        return float(state["loss"])

    def predict(self, rows: int) -> np.ndarray:
        return np.asarray(answer(self.state["weights"], self.state["statistics"], self.x[:rows], layers=self.layers))


def zeros(weights: Any) -> Any:
    """Two moments."""
    return tuple(jax.tree.map(jnp.zeros_like, weights) for _ in range(2))


class JaxOptimizer:
    def __init__(self, gradients: list[np.ndarray], batches: int):
        self.gradients = [jnp.asarray(g) for g in gradients]
        self.batches, self.weights = batches, sum(g.size for g in gradients)
        start = [jnp.zeros_like(g) for g in self.gradients]
        self.state = (start, zeros(start), jnp.zeros(()))
        self.step = jax.jit(self._step, donate_argnums=0)

    @staticmethod
    def _step(state: Any, gradients: Any) -> Any:
        weights, moments, count = state
        return (*adam(weights, moments, gradients, count + 1), count + 1)

    def fit(self) -> float:
        for _ in range(self.batches):
            self.state = self.step(self.state, self.gradients)
        jax.block_until_ready(self.state)
        return float(self.state[0][0][0, 0])


make, optimizer = JaxProgram, JaxOptimizer
