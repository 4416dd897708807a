"""JAX by hand: one jitted step whose state, a pytree, is donated; the host waits at the end alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.networks import ADAM, SGD, Network, data, glorot

_LAYOUT = ("NHWC", "HWIO", "NHWC")


def parameters(network: Network) -> dict[str, Any]:
    """Kernels and biases."""
    generator = np.random.default_rng(1)
    shapes = {"convolutions": network.kernels(), "dense": network.matrices()}
    return {
        name: [(jnp.asarray(glorot(shape, generator)), jnp.zeros(shape[-1])) for shape in rows]
        for name, rows in shapes.items()
    }


def forward(parameters: Any, x: jax.Array) -> jax.Array:
    """The logits."""
    for kernel, bias in parameters["convolutions"]:
        x = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=_LAYOUT)
        x = jax.nn.relu(x + bias)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.reshape(x.shape[0], -1)
    *hidden, (kernel, bias) = parameters["dense"]
    for inner_kernel, inner_bias in hidden:
        x = jax.nn.relu(x @ inner_kernel + inner_bias)
    return x @ kernel + bias


def objective(parameters: Any, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The mean cross-entropy, and the logits."""
    logits = forward(parameters, x)
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean(), logits


def adam(parameters: Any, moments: Any, gradients: Any, count: jax.Array) -> tuple[Any, Any]:
    """New parameters and moments; Kingma and Ba, the form before section 2.1."""
    rate, b1, b2, epsilon = ADAM.values()
    mean = jax.tree.map(lambda m, g: m + (g - m) * (1 - b1), moments[0], gradients)
    square = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - b2), moments[1], gradients)
    rate = rate * jnp.sqrt(1 - b2**count) / (1 - b1**count)
    new = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + epsilon), parameters, mean, square)
    return new, (mean, square)


def sgd(parameters: Any, moments: Any, gradients: Any, count: jax.Array) -> tuple[Any, Any]:
    return jax.tree.map(lambda p, g: p - SGD["learning_rate"] * g, parameters, gradients), moments


@partial(jax.jit, donate_argnums=0, static_argnames=("optimizer", "accuracy"))
def step(state: Any, x: jax.Array, y: jax.Array, optimizer: str, accuracy: bool) -> Any:
    """One update; the state carries the sums of losses and hits too."""
    (loss, logits), gradients = jax.value_and_grad(objective, has_aux=True)(state["parameters"], x, y)
    count = state["count"] + 1
    update = adam if optimizer == "adam" else sgd
    new, moments = update(state["parameters"], state["moments"], gradients, count.astype("float32"))
    hits = state["hits"] + (jnp.argmax(logits, 1) == y).sum() if accuracy else state["hits"]
    return {"parameters": new, "moments": moments, "count": count, "loss": state["loss"] + loss, "hits": hits}


class JaxProgram:
    def __init__(self, network: Network, batches: int, accuracy: bool):
        self.x, self.y = data(network, batches)
        self.batch = network.batch
        self.one = (jnp.asarray(self.x[: self.batch]), jnp.asarray(self.y[: self.batch]))
        self.step = partial(step, optimizer=network.optimizer, accuracy=accuracy)
        start = parameters(network)
        moments = tuple(jax.tree.map(jnp.zeros_like, start) for _ in range(2)) if network.optimizer == "adam" else ()
        self.state = {"parameters": start, "moments": moments, "count": jnp.zeros((), "int32")}
        self.generator = np.random.default_rng(2)

    def epoch(self) -> float:
        order = self.generator.permutation(len(self.x)).reshape(-1, self.batch)
        return self._train((self.x[rows], self.y[rows]) for rows in order)

    def steps(self, count: int) -> float:
        return self._train(self.one for _ in range(count))

    def _train(self, batches: Any) -> float:
        state = {**self.state, "loss": jnp.zeros(()), "hits": jnp.zeros((), "int32")}
        count = 0
        for x, y in batches:
            state = self.step(state, x, y)
            count += 1
        self.state = jax.block_until_ready(state)
        return float(state["loss"]) / count


make = JaxProgram
