"""Files of ``tf.keras`` 2.7 and of 2.12, whose ``.keras`` format was new, and of Teachable Machine's kind; SavedModels.

Run it in two environments of their own (Python 3.8)::

    pip install tensorflow-cpu==2.12.1                     # or: tensorflow-cpu==2.7.4 "protobuf<3.21"
    python tests/oracles/keras_files/keras_of_tensorflow.py tests/saving/golden tests/saving/saved_models

The archive is that of ``common.py``; the SavedModel is that of ``tensorflow_files.py``, without functions.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from common import Archive, classes, keras_archive, numbers, whole_h5, words  # noqa: E402
from old_saved_model import without_functions  # noqa: E402
from tensorflow import keras  # noqa: E402

layers = keras.layers
IS_LATE = keras.__version__.startswith("2.12")


def mlp():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(5, "relu", kernel_regularizer="l2"), layers.Dense(3)])
    model.add(layers.Activation("softmax"))
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    return model, numbers(6, 4), classes(6, 3)


def conv():
    model = keras.Sequential([keras.Input((6, 6, 2))])
    model.add(layers.Conv2D(3, 3, padding="same", groups=1))
    model.add(layers.BatchNormalization())
    model.add(layers.DepthwiseConv2D(2, activation="relu"))
    model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(2, "hard_sigmoid"))
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    return model, numbers(4, 6, 6, 2), numbers(4, 2)


def recurrent():
    x = keras.Input((6,), dtype="int32")
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(layers.Embedding(8, 3, mask_zero=True)(x))
    model = keras.Model(x, layers.Dense(1)(layers.GRU(2, recurrent_activation="hard_sigmoid")(y)))
    model.compile(keras.optimizers.RMSprop(0.01), "mse")
    return model, words(5, 6), numbers(5, 1)


def shared():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    both = layers.Dense(3, "tanh")
    model = keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([both(a), layers.LayerNormalization()(both(b))])))
    model.compile(keras.optimizers.Adagrad(0.1), "mse")
    return model, [numbers(4, 4), numbers(4, 4)[::-1].copy()], numbers(4, 2)


def teachable():
    """Two models in one, as Teachable Machine saves them: a shrunken MobileNet v2 and two dense layers."""
    x = keras.Input((8, 8, 3), name="input_1")
    y = layers.ZeroPadding2D(((0, 1), (0, 1)), name="Conv1_pad")(x)
    y = layers.Conv2D(4, 3, strides=2, use_bias=False, name="Conv1")(y)
    y = layers.ReLU(6.0, name="Conv1_relu")(layers.BatchNormalization(name="bn_Conv1")(y))
    z = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="expanded_conv_depthwise")(y)
    z = layers.ReLU(6.0, name="expanded_conv_depthwise_relu")(layers.BatchNormalization(momentum=0.999)(z))
    z = layers.BatchNormalization(momentum=0.999)(layers.Conv2D(4, 1, padding="same", use_bias=False)(z))
    features = keras.Model(x, layers.Add(name="block_1_add")([y, z]), name="mobilenetv2_0.35")
    pooled = layers.GlobalAveragePooling2D(name="global_average_pooling2d_GlobalAveragePooling2D1")
    first = keras.Sequential([features, pooled], name="sequential_1")
    first.build((None, 8, 8, 3))
    second = keras.Sequential(name="sequential_3")
    second.add(layers.Dense(6, "relu", input_shape=(4,), kernel_initializer="he_normal", name="dense_Dense1"))
    second.add(layers.Dense(3, "softmax", use_bias=False, name="dense_Dense2"))
    model = keras.Sequential([first, second], name="sequential_4")
    model.build((None, 8, 8, 3))
    for weight in model.weights:
        value = numbers(*weight.shape)
        weight.assign(abs(value) + 0.5 if "variance" in weight.name or "gamma" in weight.name else value)
    model.compile(
        (keras.optimizers.legacy if IS_LATE else keras.optimizers).Adam(0.001),
        "categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model, numbers(4, 8, 8, 3), classes(4, 3)


def saved_model(folder):
    model, x, t = recurrent()
    for _ in range(2):
        model.train_on_batch(x, t)
    name = "keras212" if IS_LATE else "keras27"
    at = folder / name
    shutil.rmtree(at, ignore_errors=True)
    y = model.predict(x, verbose=0)
    model.save(str(at / "saved"), save_format="tf")
    model.save_weights(str(at / "ckpt"))
    (at / "checkpoint").unlink()
    shutil.rmtree(at / "saved" / "assets", ignore_errors=True)
    (at / "saved" / "fingerprint.pb").unlink(missing_ok=True)
    without_functions(at / "saved" / "saved_model.pb")
    losses = [float(np.ravel(model.train_on_batch(x, t))[0]) for _ in range(3)]
    np.savez_compressed(folder / f"{name}.npz", x0=x, t=t, y=y, losses=losses)


if __name__ == "__main__":
    archive = Archive("2.12.0" if IS_LATE else "2.7.0")
    archive.all([mlp, conv, recurrent, shared, teachable], [whole_h5, keras_archive] if IS_LATE else [whole_h5])
    archive.close(sys.argv[1])
    np.random.seed(1)
    saved_model(pathlib.Path(sys.argv[2]))
