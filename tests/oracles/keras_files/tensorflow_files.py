"""Files of TensorFlow's kind, made by Keras 2.15: SavedModels, checkpoints and models of TF.js.

Run it in an environment of its own (Python 3.11)::

    pip install tensorflow-cpu==2.15.1 "numpy<2"
    pip install --no-deps tensorflowjs==4.22.0 tf_keras==2.15.1
    python tests/oracles/keras_files/tensorflow_files.py tests/data/saved_models

A model NAME gives ``NAME/saved/`` (a SavedModel), ``NAME/ckpt.*`` (a checkpoint of ``save_weights``), ``NAME/tfjs/``
and ``NAME.npz``: inputs ``x0, x1, ...``, targets ``t``, predictions ``y`` and ``losses`` of further training steps.
The graph of functions in ``saved_model.pb``, which only TensorFlow runs, is left out of all but the first to keep the
files small.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import types

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf  # noqa: E402
from tensorflow import keras  # noqa: E402

layers = keras.layers
RNG = np.random.default_rng(7)
MODELS = {}


def model(function):
    MODELS[function.__name__] = function
    return function


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


@model
def dense():
    made = keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, "relu"), layers.Dropout(0.0), layers.Dense(3, "softmax")], name="dense_net"
    )
    made.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made, [normal(8, 4)], RNG.integers(0, 3, (8,))


@model
def shared():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    both = layers.Dense(3, "tanh", name="both")
    out = layers.Dense(2, name="out")(layers.Concatenate()([both(a), layers.LayerNormalization()(both(b))]))
    made = keras.Model([a, b], out, name="shared")
    made.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    return made, [normal(6, 4), normal(6, 4)], normal(6, 2)


@model
def convolutional():
    made = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(3, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3),
            layers.SeparableConv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    made.compile(keras.optimizers.RMSprop(0.01, momentum=0.5), "mse")
    return made, [normal(4, 8, 8, 2)], normal(4, 2)


@model
def recurrent():
    words = keras.Input((6,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(3))(x)
    made = keras.Model(words, layers.Dense(1, "sigmoid")(layers.GRU(2)(x)))
    made.compile(keras.optimizers.Adam(0.01, amsgrad=True), "binary_crossentropy")
    return made, [RNG.integers(0, 9, (5, 6)).astype("int32")], RNG.integers(0, 2, (5, 1))


@model
def stacked():
    x = keras.Input((5, 3))
    y = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])(x)
    made = keras.Model(x, layers.Dense(1)(y))
    made.compile(keras.optimizers.Adagrad(0.1), "mae")
    return made, [normal(4, 5, 3)], normal(4, 1)


@model
def attention():
    x = keras.Input((5, 4))
    y = layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)])
    made = keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.LayerNormalization()(y))))
    made.compile(keras.optimizers.Nadam(0.01), "mse")
    return made, [normal(4, 5, 4)], normal(4, 2)


@model
def nested():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, "relu"), layers.Dense(3)], name="inner")
    z = keras.Input((3,))
    head = keras.Model(z, layers.Dense(2)(layers.BatchNormalization()(z)), name="head")
    x = keras.Input((4,))
    made = keras.Model(x, head(inner(x)), name="outer")
    made.compile(keras.optimizers.Adamax(0.01), "mse")
    return made, [normal(8, 4)], normal(8, 2)


@model
def legacy_adam():
    made = keras.Sequential([keras.Input((4,)), layers.Dense(5, "elu"), layers.Dense(1)], name="legacy")
    made.compile(keras.optimizers.legacy.Adam(0.01), "mse")
    return made, [normal(8, 4)], normal(8, 1)


@model
def half():
    made = keras.Sequential([keras.Input((4,)), layers.Dense(5, "relu"), layers.Dense(1)], name="half")
    made.compile(keras.optimizers.SGD(0.1), "mse")
    for weight in made.weights:
        weight.assign(tf.cast(tf.cast(weight, "float16"), "float32"))
    return made, [normal(8, 4)], normal(8, 1)


def without_functions(file):
    """Leaves the graph of functions out of a SavedModel."""
    from tensorflow.core.protobuf import saved_model_pb2

    whole = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for graph in whole.meta_graphs:
        graph.ClearField("graph_def")
        graph.ClearField("saver_def")
        graph.object_graph_def.ClearField("concrete_functions")
        graph.meta_info_def.ClearField("stripped_op_list")
        for node in graph.object_graph_def.nodes:
            if node.WhichOneof("kind") in ("function", "bare_concrete_function"):
                node.ClearField(node.WhichOneof("kind"))
    file.write_bytes(whole.SerializeToString())


def converter():
    """TF.js's converter, without the libraries of its other formats."""
    for name in ("tensorflow_decision_forests", "tensorflow_hub", "jax", "jax.experimental", "jax.experimental.jax2tf"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["jax.experimental"].jax2tf = sys.modules["jax.experimental.jax2tf"]
    sys.modules["jax"].experimental = sys.modules["jax.experimental"]
    import tensorflowjs.converters.keras_h5_conversion as conversion

    return conversion


def write(folder, name):
    made, xs, t = MODELS[name]()
    inputs = xs if len(xs) > 1 else xs[0]
    for _ in range(2 if name != "half" else 0):
        made.train_on_batch(inputs, t)
    at = folder / name
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    y = made.predict(inputs, verbose=0)
    made.save(at / "saved", save_format="tf")
    made.save_weights(at / "ckpt")
    (at / "checkpoint").unlink()
    shutil.rmtree(at / "saved" / "assets", ignore_errors=True)
    (at / "saved" / "fingerprint.pb").unlink()
    if name != "dense":
        without_functions(at / "saved" / "saved_model.pb")
    for quantized in QUANTIZED.get(name, [None]):
        save_tfjs(made, at / (f"tfjs_{quantized}" if quantized else "tfjs"), quantized)
    losses = [np.ravel(made.train_on_batch(inputs, t))[0] for _ in range(3)]
    np.savez_compressed(folder / f"{name}.npz", t=t, y=y, losses=losses, **{f"x{i}": x for i, x in enumerate(xs)})


QUANTIZED = {"half": [None, "float16", "uint8", "uint16"]}


def save_tfjs(made, path, quantized):
    conversion = converter()
    kinds = {quantized: "*"} if quantized else None
    conversion.save_keras_model(made, str(path), quantization_dtype_map=kinds)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    for chosen in sys.argv[2:] or MODELS:
        write(target, chosen)
        print(chosen, sum(f.stat().st_size for f in (target / chosen).rglob("*") if f.is_file()))
