"""Files of TensorFlow's kind, made by Keras 2.15: SavedModels, checkpoints and models of TF.js.

Run it in an environment of its own (Python 3.11)::

    pip install tensorflow-cpu==2.15.1 "numpy<2"
    pip install --no-deps tensorflowjs==4.22.0 tf_keras==2.15.1
    python tests/oracles/keras_files/tensorflow_files.py tests/saving/saved_models

A model NAME gives ``NAME/saved/`` (a SavedModel), ``NAME/ckpt.*`` (a checkpoint of ``save_weights``), ``NAME/tfjs/``
and ``NAME.npz``: inputs ``x0, x1, ...``, targets ``t``, predictions ``y`` and ``losses`` of further training steps.
The graph of functions in ``saved_model.pb``, which only TensorFlow runs, is left out of all but the first to keep the
files small.
"""

from __future__ import annotations

import json
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


def without_functions(file, constants=False):
    """Leaves the graph of functions out of a SavedModel, or all but its constants."""
    from tensorflow.core.protobuf import saved_model_pb2

    whole = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for graph in whole.meta_graphs:
        kept = [node for node in graph.graph_def.node if constants and node.op == "Const"]
        graph.ClearField("graph_def")
        graph.graph_def.node.extend(kept)
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
    finish(at / "saved")
    if name != "dense":
        without_functions(at / "saved" / "saved_model.pb")
    for quantized in QUANTIZED.get(name, [None]):
        save_tfjs(made, at / (f"tfjs_{quantized}" if quantized else "tfjs"), quantized)
    losses = [np.ravel(made.train_on_batch(inputs, t))[0] for _ in range(3)]
    np.savez_compressed(folder / f"{name}.npz", t=t, y=y, losses=losses, **{f"x{i}": x for i, x in enumerate(xs)})


class TwoBlocks(keras.Model):
    """A model of its own class, with layers in attributes and lists."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units, "relu")
        self.rest = [layers.Dense(units), layers.LayerNormalization()]
        self.scale = None

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (self.units,), initializer="ones")

    def call(self, x):
        x = self.first(x)
        for layer in self.rest:
            x = layer(x)
        return x * self.scale

    def get_config(self):
        return {"units": self.units}


def write_subclassed(folder):
    """A checkpoint of ``save_weights``, one of ``tf.train.Checkpoint``, and a SavedModel."""
    made, x, t = TwoBlocks(), normal(6, 4), normal(6, 3)
    made.compile(keras.optimizers.Adam(0.01), "mse")
    for _ in range(2):
        made.train_on_batch(x, t)
    at = folder / "subclassed"
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    y = made.predict(x, verbose=0)
    made.save_weights(at / "ckpt")
    (at / "checkpoint").unlink()
    tf.train.Checkpoint(model=made, optimizer=made.optimizer).write(str(at / "trained"))
    made.save(at / "saved", save_format="tf")
    finish(at / "saved")
    without_functions(at / "saved" / "saved_model.pb")
    losses = [made.train_on_batch(x, t) for _ in range(3)]
    np.savez_compressed(folder / "subclassed.npz", x0=x, t=t, y=y, losses=losses)


def write_words(folder):
    """A SavedModel whose vocabularies stand among the constants of its functions."""
    text, color, number = (
        keras.Input((1,), dtype=d, name=n) for d, n in (("string", "t"), ("string", "c"), ("int64", "n"))
    )
    words = layers.TextVectorization(output_sequence_length=4)
    words.adapt(["a bird", "the bird sings", "a song"])
    colors, numbers = layers.StringLookup(output_mode="one_hot"), layers.IntegerLookup(output_mode="one_hot")
    colors.adapt(np.array([["red"], ["green"], ["red"]]))
    numbers.adapt(np.array([[-7], [1 << 40], [-7]]))
    found = layers.GlobalAveragePooling1D()(layers.Embedding(9, 2)(words(text)))
    out = layers.Dense(2)(layers.Concatenate()([found, colors(color), numbers(number)]))
    made = keras.Model([text, color, number], out)
    at = folder / "words"
    shutil.rmtree(at, ignore_errors=True)
    made.save(at / "saved", save_format="tf")
    made.save_weights(at / "ckpt")
    (at / "checkpoint").unlink()
    finish(at / "saved")
    without_functions(at / "saved" / "saved_model.pb", constants=True)
    xs = [np.array([["a song"], ["the cat, the Bird"]]), np.array([["green"], ["blue"]]), np.array([[1 << 40], [3]])]
    y = made.predict([tf.constant(x) for x in xs], verbose=0)
    np.savez_compressed(folder / "words.npz", y=y, **{f"x{i}": x for i, x in enumerate(xs)})


def write_export(folder):
    """A SavedModel without a Keras model."""
    made = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    at = folder / "exported"
    shutil.rmtree(at, ignore_errors=True)
    made.export(at)
    finish(at)
    without_functions(at / "saved_model.pb")


def finish(saved):
    shutil.rmtree(saved / "assets", ignore_errors=True)
    (saved / "fingerprint.pb").unlink()


def convolution(name, kind, inputs, **own):
    """A layer of a browser's file: it writes every argument, with snake-case names."""
    common = {"padding": "same", "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "linear"}
    common |= {"use_bias": False, "bias_initializer": {"class_name": "Zeros", "config": {}}}
    common |= {"activity_regularizer": None, "bias_regularizer": None, "bias_constraint": None}
    return node(name, kind, inputs, **common, **own)


def node(name, kind, inputs, **config):
    inbound = [[[i, 0, 0, {}] for i in inputs]] if inputs else []
    config = {**config, "name": name, "trainable": True}
    return {"name": name, "class_name": kind, "config": config, "inbound_nodes": inbound}


SCALING = {"scale": 1, "mode": "fan_avg", "distribution": "uniform", "seed": None}
GLOROT = {"class_name": "VarianceScaling", "config": SCALING}


def normalization(name, inputs):
    ones, zeros = ({"class_name": kind, "config": {}} for kind in ("Ones", "Zeros"))
    return node(
        name, "BatchNormalization", inputs, axis=-1, momentum=0.999, epsilon=0.001, center=True, scale=True,
        beta_initializer=zeros, gamma_initializer=ones, moving_mean_initializer=zeros, moving_variance_initializer=ones,
        beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None,
    )  # fmt: skip


def browser_config():
    """A model as a web page for transfer learning writes it: two Sequentials, a small MobileNet in the first."""
    shape = [None, 16, 16, 3]
    first = {"batch_input_shape": shape, "dtype": "float32", "sparse": False}
    kernel = {"kernel_initializer": GLOROT, "kernel_regularizer": None, "kernel_constraint": None}
    deep = {"depthwise_initializer": GLOROT, "depthwise_regularizer": None, "depthwise_constraint": None}
    net = [
        {"name": "input_1", "class_name": "InputLayer", "config": {**first, "name": "input_1"}, "inbound_nodes": []},
        node("Conv1_pad", "ZeroPadding2D", ["input_1"], padding=[[0, 1], [0, 1]], data_format="channels_last"),
        convolution("Conv1", "Conv2D", ["Conv1_pad"], filters=4, kernel_size=[3, 3], strides=[2, 2], **kernel)
        | {"inbound_nodes": [[["Conv1_pad", 0, 0, {}]]]},
        normalization("bn_Conv1", ["Conv1"]),
        node("Conv1_relu", "ReLU", ["bn_Conv1"], max_value=6),
        convolution("depthwise", "DepthwiseConv2D", ["Conv1_relu"], kernel_size=[3, 3], strides=[1, 1],
                    depth_multiplier=1, **deep),
        normalization("depthwise_BN", ["depthwise"]),
        node("depthwise_relu", "ReLU", ["depthwise_BN"], max_value=6),
        convolution("project", "Conv2D", ["depthwise_relu"], filters=4, kernel_size=[1, 1], strides=[1, 1], **kernel),
        node("block_add", "Add", ["Conv1_relu", "project"]),
    ]  # fmt: skip
    net[2]["config"]["padding"] = "valid"
    model = {
        "name": "model1",
        "layers": net,
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["block_add", 0, 0]],
    }
    pool = {"data_format": "channels_last", "name": "pool_Pooling1", "trainable": True}
    inner = [
        {"class_name": "Model", "config": model},
        {"class_name": "GlobalAveragePooling2D", "config": pool},
    ]
    head = [dense_layer("dense_Dense1", 5, "relu", [None, 4]), dense_layer("dense_Dense2", 3, "softmax", None)]
    head[1]["config"]["use_bias"] = False
    both = [
        {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": inner}},
        {"class_name": "Sequential", "config": {"name": "sequential_3", "layers": head}},
    ]
    return {"class_name": "Sequential", "config": {"name": "sequential_4", "layers": both}}


def dense_layer(name, units, activation, shape):
    config = {"units": units, "activation": activation, "use_bias": True, "kernel_initializer": GLOROT}
    config |= {"bias_initializer": {"class_name": "Zeros", "config": {}}, "kernel_regularizer": None}
    config |= {"bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None}
    config |= {"bias_constraint": None, "name": name, "trainable": True}
    if shape:
        config |= {"batch_input_shape": shape, "dtype": "float32"}
    return {"class_name": "Dense", "config": config}


def browser_twin():
    """The same network in Keras, for its predictions."""
    x = keras.Input((16, 16, 3))
    y = layers.Conv2D(4, 3, 2, use_bias=False, name="Conv1")(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    y = z = layers.ReLU(6.0)(layers.BatchNormalization(name="bn_Conv1", momentum=0.999)(y))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization(name="depthwise_BN", momentum=0.999)(y))
    y = layers.Conv2D(4, 1, use_bias=False, name="project")(y)
    y = layers.GlobalAveragePooling2D()(layers.Add()([z, y]))
    y = layers.Dense(5, "relu", name="dense_Dense1")(y)
    return keras.Model(x, layers.Dense(3, "softmax", use_bias=False, name="dense_Dense2")(y))


def write_browser(folder):
    """``model.json``, ``weights.bin`` and ``metadata.json``, as a page made with TF.js 1.3 saves them."""
    made, x = browser_twin(), normal(4, 16, 16, 3)
    for weight in made.weights:
        weight.assign(np.abs(normal(*weight.shape)) if "variance" in weight.name else normal(*weight.shape))
    at = folder / "browser"
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    rows = [{"name": w.name.split(":")[0], "shape": list(w.shape), "dtype": "float32"} for w in made.weights]
    topology = {**browser_config(), "keras_version": "tfjs-layers 1.3.1", "backend": "tensor_flow.js"}
    manifest = [{"paths": ["weights.bin"], "weights": rows}]
    (at / "model.json").write_text(json.dumps({"modelTopology": topology, "weightsManifest": manifest}))
    (at / "weights.bin").write_bytes(b"".join(w.numpy().tobytes() for w in made.weights))
    about = {"tfjsVersion": "1.3.1", "tmVersion": "2.4.7", "labels": ["a", "b", "c"], "imageSize": 16}
    (at / "metadata.json").write_text(json.dumps(about))
    np.savez_compressed(folder / "browser.npz", x0=x, y=made.predict(x, verbose=0))


QUANTIZED = {"half": [None, "float16", "uint8", "uint16"]}


def save_tfjs(made, path, quantized):
    conversion = converter()
    kinds = {quantized: "*"} if quantized else None
    conversion.save_keras_model(made, str(path), quantization_dtype_map=kinds)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    others = {"subclassed": write_subclassed, "words": write_words, "exported": write_export, "browser": write_browser}
    for chosen in sys.argv[2:] or [*MODELS, *others]:
        if chosen in others:
            others[chosen](target)
        else:
            write(target, chosen)
        print(chosen, sum(f.stat().st_size for f in (target / chosen).rglob("*") if f.is_file()))
