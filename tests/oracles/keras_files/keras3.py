"""Model files of Keras 3 on JAX (3.0.5, 3.6.0, 3.15.1); see make.py."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
from common import (
    Archive,
    classes,
    json_text,
    keras_archive,
    numbers,
    target,
    weights_of_3,
    whole_h5,
    words,
)
from keras import Input, Model, Sequential, layers, ops, optimizers


def mlp():
    dense = layers.Dense(5, activation="relu", kernel_regularizer="l2")
    model = Sequential([Input((4,)), dense, layers.Dropout(0.0), layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model, numbers(6, 4), classes(6, 3)


def conv():
    model = Sequential([Input((6, 7, 2)), layers.Conv2D(3, (3, 2), padding="same"), layers.BatchNormalization()])
    for layer in (
        layers.ReLU(max_value=6.0),
        layers.MaxPooling2D(2),
        layers.SeparableConv2D(2, 2, padding="same"),
        layers.DepthwiseConv2D(2),
        layers.Conv2DTranspose(2, 3, strides=2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
    ):
        model.add(layer)
    model.compile(optimizers.SGD(0.05, momentum=0.9, nesterov=True), "mse")
    return model, numbers(4, 6, 7, 2), numbers(4, 2)


def recurrent():
    model = Sequential([Input((6,), dtype="int32"), layers.Embedding(8, 3, mask_zero=True)])
    model.add(layers.Bidirectional(layers.LSTM(3, return_sequences=True)))
    model.add(layers.GRU(4, return_sequences=True, reset_after=False))
    model.add(layers.TimeDistributed(layers.Dense(3)))
    model.add(layers.GRU(2))
    model.compile(optimizers.RMSprop(0.01, momentum=0.5), "mse")
    return model, words(5, 6), numbers(5, 2)


def rnn_cells():
    x = Input((5, 3), name="x")
    y = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True)(x)
    y, h, c = layers.LSTM(2, return_state=True)(y)
    model = Model(x, layers.Concatenate()([y, h, c]))
    model.compile(optimizers.Nadam(0.01), "mse")
    return model, numbers(4, 5, 3), numbers(4, 6)


def shared():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    dense = layers.Dense(3, activation="tanh", name="shared")
    x, y = dense(a), dense(b)
    z = layers.concatenate([layers.add([x, y]), layers.multiply([x, y]), layers.Dot(1)([x, y])])
    main, side = layers.Dense(2, name="main")(z), layers.Dense(1, name="side")(x)
    model = Model([a, b], [main, side])
    model.compile(optimizers.Adamax(), ["mse", "mae"], loss_weights=[1.0, 0.3])
    return model, [numbers(4, 3), numbers(4, 3) * 0.5], [numbers(4, 2), numbers(4, 1)]


def nested():
    inner = Sequential([Input((3,)), layers.Dense(4, activation="relu"), layers.BatchNormalization()], name="inner")
    i = Input((3,), name="i")
    body = Model(i, layers.Dense(2)(inner(i)), name="body")
    x, y = Input((3,), name="x"), Input((3,), name="y")
    model = Model([x, y], layers.Dense(1)(layers.concatenate([body(x), body(y)])))
    model.compile(optimizers.Adam(0.01, amsgrad=True), "mse")
    return model, [numbers(4, 3), numbers(4, 3) + 1], numbers(4, 1)


def keras_ops():
    x = Input((4, 3), name="x")
    y = ops.relu(x) * 2.0 - x / 3.0
    y = ops.concatenate([y, x[:, :, :2]], axis=-1)
    y = layers.Dense(4)(ops.reshape(y, (-1, 20)))
    z = y[:, 1:3] * y[:, -1:] + ops.mean(y, axis=1, keepdims=True)
    model = Model(x, ops.softmax(z))
    model.compile(optimizers.AdamW(0.01), "mse")
    return model, numbers(3, 4, 3), numbers(3, 2)


def attention():
    x = Input((4, 6), name="x")
    y = layers.MultiHeadAttention(2, 3)(x, x)
    y = layers.LayerNormalization()(layers.Add()([y, x]))
    y = layers.GroupNormalization(2)(y)
    y = layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")(y)
    model = Model(x, layers.Attention()([y, y]))
    model.compile(optimizers.Adadelta(0.1), "mse")
    return model, numbers(3, 4, 6), numbers(3, 4, 3)


def schedule():
    model = Sequential([Input((4,)), layers.Dense(3, activation="silu"), layers.Dense(2)])
    rate = optimizers.schedules.ExponentialDecay(0.1, 1, 0.9)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(optimizers.SGD(rate, momentum=0.9), loss, metrics=[keras.metrics.CategoricalAccuracy(name="acc")])
    return model, numbers(4, 4), classes(4, 2)


def half():
    model = Sequential([Input((4,)), layers.Dense(3, dtype="mixed_bfloat16"), layers.Dense(2, dtype="float32")])
    model.compile(optimizers.Ftrl(0.01), "mse")
    return model, numbers(4, 4), numbers(4, 2)


def preprocessing():
    model = Sequential([Input((4, 4, 3)), layers.Rescaling(0.5, offset=0.1), layers.Resizing(3, 3), layers.Flatten()])
    model.add(layers.Normalization(mean=[0.5] * 27, variance=[2.0] * 27))
    model.add(layers.UnitNormalization())
    model.add(layers.Dense(2, kernel_initializer="he_uniform", activation="gelu"))
    model.compile(optimizers.Adagrad(0.01), "mse", metrics=["mae"])
    return model, numbers(3, 4, 4, 3), numbers(3, 2)


def sharded(archive, name, model):
    if name == "nested" and hasattr(keras.saving, "KerasFileEditor"):
        model.save_weights(archive.path(name + ".weights.json"), max_shard_size=0.0000005)


if __name__ == "__main__":
    archive = Archive(keras.__version__)
    models = [mlp, conv, recurrent, rnn_cells, shared, nested, keras_ops, attention, schedule, half, preprocessing]
    # The .h5 comes last: Keras 3 takes the optimizer out of the model's record when it writes one.
    archive.all(models, [keras_archive, weights_of_3, sharded, json_text, whole_h5])
    archive.close(target)
