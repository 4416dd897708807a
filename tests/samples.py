"""Trained models of every make, for tests that must hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import amalthea
from amalthea import Input, Model, Sequential, layers, ops
from amalthea.saving import register_keras_serializable
from tests.arrays import integers, numbers

MODELS: dict[str, Callable[[], tuple[Any, Any, Any]]] = {}


def sample(make: Callable[[], tuple[Any, Any, Any]]) -> Callable[[], tuple[Any, Any, Any]]:
    """Put a function that gives ``(compiled model, x, y)`` into the table."""
    MODELS[make.__name__] = make
    return make


@sample
def sequential():
    model = Sequential([Input((4,)), layers.Dense(5, "relu"), layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, numbers(12, 4), integers(3, 12)


@sample
def deferred():
    model = Sequential([layers.Dense(5, "tanh", kernel_regularizer="l2"), layers.LayerNormalization(), layers.Dense(1)])
    schedule = amalthea.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
    model.compile(amalthea.optimizers.SGD(schedule, momentum=0.9), "mse")
    return model, numbers(12, 4), numbers(12, 1)


@sample
def convolutional():
    model = Sequential(
        [
            Input((6, 6, 2)),
            layers.Conv2D(3, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.compile(amalthea.optimizers.Adam(0.01, amsgrad=True), "mse")
    return model, numbers(10, 6, 6, 2), numbers(10, 2)


@sample
def recurrent():
    words = Input((6,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    x = layers.LSTM(3, return_sequences=True)(x)
    x = layers.GRU(3)(x)
    model = Model(words, layers.Dense(1, "sigmoid")(x))
    model.compile(amalthea.optimizers.RMSprop(0.01, momentum=0.5), "binary_crossentropy")
    return model, integers(9, 10, 6), integers(2, 10, 1).astype("float32")


@sample
def shared_layers_and_ops():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = layers.Dense(3, name="shared")
    x, y = shared(a), shared(b)
    both = ops.concatenate([x * y, x - 2.0 * y], axis=-1)
    scaled = layers.Add()([x, both[:, 1:4]])
    model = Model([a, b], [layers.Dense(1, name="head")(scaled), ops.sum(both, axis=-1, keepdims=True)])
    model.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 0.5])
    return model, [numbers(10, 4), numbers(10, 4, seed=1)], [numbers(10, 1), numbers(10, 1, seed=2)]


@sample
def named_inputs_and_outputs():
    inputs = {"left": Input((4,), name="left"), "right": Input((2,), name="right")}
    x = layers.Concatenate()([inputs["left"], inputs["right"]])
    outputs = {"mean": layers.Dense(1, name="m")(x), "scale": layers.Dense(1, "softplus", name="s")(x)}
    model = Model(inputs, outputs)
    model.compile("adam", {"mean": "mse", "scale": "mae"}, metrics={"mean": ["mae"]})
    y = {"mean": numbers(10, 1), "scale": numbers(10, 1, seed=1)}
    return model, {"left": numbers(10, 4), "right": numbers(10, 2)}, y


@sample
def nested():
    inner_input = Input((3,))
    inner = Model(inner_input, layers.Dense(3, "tanh")(inner_input), name="inner")
    row = Sequential([layers.Dense(3, "relu"), layers.Dense(3)], name="row")
    x = Input((3,))
    model = Model(x, layers.Dense(1)(inner(row(inner(x)))))
    model.compile("adam", "mse")
    return model, numbers(10, 3), numbers(10, 1)


@register_keras_serializable("samples")
class Block(layers.Layer):
    """A layer with layers in a list and a dict, and a weight of its own."""

    def __init__(self, units: int, depth: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.depth = units, depth
        self.steps = [layers.Dense(units, "relu") for _ in range(depth)]
        self.ends = {"norm": layers.LayerNormalization(), "out": layers.Dense(units)}

    def build(self, input_shape):
        self.gain = self.add_weight((input_shape[-1],), "ones", name="gain")

    def call(self, x):
        x = x * self.gain
        for step in self.steps:
            x = step(x)
        return self.ends["out"](self.ends["norm"](x))


@register_keras_serializable("samples")
class Network(Model):
    """A model whose layers are made with it, and one of whose layers is made in ``build``."""

    def __init__(self, units: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.block = Block(units)
        self.normalize = layers.BatchNormalization()

    def build(self, input_shape):
        self.head = layers.Dense(1, name="head")
        self.block.build(input_shape)
        self.normalize.build((*input_shape[:-1], self.units))
        self.head.build((*input_shape[:-1], self.units))

    def call(self, x, training=False):
        return self.head(self.normalize(self.block(x), training=training))


@sample
def layer_of_ones_own():
    model = Sequential([Input((4,)), Block(3), layers.Dense(1)])
    model.compile("adamw", "mse")
    return model, numbers(10, 4), numbers(10, 1)


@sample
def subclassed():
    model = Network(4)
    model.compile("adam", "mse")
    return model, numbers(10, 4), numbers(10, 1)


def trained(name: str, seed: int = 1) -> tuple[Any, Any, Any]:
    """A sample after two epochs."""
    amalthea.utils.set_random_seed(seed)
    model, x, y = MODELS[name]()
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model, x, y
