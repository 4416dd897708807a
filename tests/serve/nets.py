"""Models that the tests serve."""

import numpy as np

from amalthea import Model, layers, utils


def single():
    """One input of floats."""
    utils.set_random_seed(1)
    x = layers.Input((4,), name="x")
    hidden = layers.Dense(8, activation="tanh")(x)
    return Model(x, layers.Dense(3, activation="softmax", name="y")(hidden))


def double():
    """Floats and indices go in, two outputs come out."""
    utils.set_random_seed(2)
    x = layers.Input((3,), name="x")
    word = layers.Input((2,), name="word", dtype="int32")
    embedded = layers.Flatten()(layers.Embedding(5, 2)(word))
    joined = layers.Concatenate()([x, embedded])
    return Model([x, word], [layers.Dense(2, name="a")(joined), layers.Dense(1, name="b")(joined)])


def open_sizes():
    """A sequence of any length."""
    utils.set_random_seed(3)
    x = layers.Input((None, 2), name="x")
    return Model(x, layers.LSTM(3, name="y")(x))


def fixed():
    """Four rows and no other number, in half precision; the outputs have names of their own."""
    utils.set_random_seed(4)
    x = layers.Input((2,), batch_size=4, name="x", dtype="float16")
    return Model(x, {"p": layers.Dense(2, dtype="float16")(x), "a": layers.Dense(1, dtype="bfloat16")(x)})


def text():
    """Words."""
    utils.set_random_seed(5)
    x = layers.Input((1,), name="x", dtype="string")
    indices = layers.TextVectorization(vocabulary=["a", "b", "c"], output_sequence_length=4)(x)
    return Model(x, layers.Dense(2, name="y")(layers.Flatten()(layers.Embedding(8, 2)(indices))))


def constant(value):
    """A model whose every output is a number, by which a version is told from another."""
    model = Model(x := layers.Input((2,), name="x"), layers.Dense(1, name="y")(x))
    model.set_weights([np.zeros((2, 1), "float32"), np.full((1,), value, "float32")])
    return model


NETS = {"single": single, "double": double, "open_sizes": open_sizes, "fixed": fixed, "text": text}


def inputs(name, rows, seed=0):
    """Arrays by the names of a model's inputs."""
    draw = np.random.default_rng(seed)
    if name == "text":
        return {"x": np.array([[" ".join(draw.choice(["a", "b", "\u00e9"], 3))] for _ in range(rows)])}
    if name == "fixed":
        return {"x": draw.normal(size=(rows, 2)).astype("float16")}
    if name == "open_sizes":
        return {"x": draw.normal(size=(rows, 5, 2)).astype("float32")}
    if name == "single":
        return {"x": draw.normal(size=(rows, 4)).astype("float32")}
    return {"x": draw.normal(size=(rows, 3)).astype("float32"), "word": draw.integers(0, 5, (rows, 2)).astype("int32")}
