"""The networks that each runtime executes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import amalthea
from amalthea import Input, Model, layers
from tests.export.page import digits, mobile


def masked() -> Model:
    """LSTMs over words, of which zeros are padding, for any number of rows."""
    amalthea.utils.set_random_seed(0)
    words = Input((7,), dtype="int32", name="words")
    x = layers.Embedding(9, 4, mask_zero=True, embeddings_initializer="orthogonal")(words)
    x = layers.LSTM(5, return_sequences=True)(x)
    return Model(words, layers.Dense(3, name="scores")(layers.Bidirectional(layers.LSTM(4))(x)))


def branched() -> Model:
    """Two inputs of different dtypes and two outputs."""
    amalthea.utils.set_random_seed(0)
    image, side = Input((8, 8, 2), name="image"), Input((3,), dtype="int32", name="side")
    x = layers.GlobalAveragePooling2D()(layers.SeparableConv2D(4, 3, padding="same", activation="relu")(image))
    y = layers.Flatten()(layers.Embedding(5, 2)(side))
    both = layers.Concatenate()([x, y])
    outputs = {"label": layers.Dense(3, "softmax")(both), "amount": layers.Dense(1)(layers.LayerNormalization()(both))}
    return Model({"image": image, "side": side}, outputs)


def prepared() -> Model:
    """Preprocessing inside of the file: sizes, scales, buckets, one-hot rows."""
    amalthea.utils.set_random_seed(0)
    image, age = Input((10, 12, 3), name="image"), Input((1,), name="age")
    x = layers.CenterCrop(6, 6)(layers.Resizing(8, 8)(layers.Rescaling(1 / 127.5, offset=-1.0)(image)))
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5])(x)
    buckets = layers.CategoryEncoding(4, output_mode="one_hot")(layers.Discretization([-1.0, 0.0, 1.0])(age))
    return Model([image, age], layers.Dense(2)(layers.Concatenate()([layers.Flatten()(x), buckets])))


NETWORKS: dict[str, Callable[[], Model]] = {
    "digits": digits, "masked LSTM": masked, "MobileNetV2 0.35": mobile, "two inputs, two outputs": branched,
    "preprocessing": prepared,
}  # fmt: skip


def feeds(model: Model, rows: int) -> dict[str, np.ndarray]:
    """Inputs for some rows by name; whole numbers are below 5."""
    random = np.random.default_rng(0)
    found = {}
    for x in amalthea.tree.flatten(model.inputs):
        shape = (rows, *x.shape[1:])
        floats = x.dtype.startswith("float")
        found[x.name] = (random.normal(size=shape) if floats else random.integers(0, 5, shape)).astype(x.dtype)
    return found
