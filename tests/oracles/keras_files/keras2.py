"""Model files of Keras 2.2.4 and 2.3.1 (``keras`` on TensorFlow 1) and 2.15 (``tf.keras``); see make.py."""

from __future__ import print_function

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from common import (
    Archive,
    classes,
    json_text,
    keras_archive,
    layered_weights,
    numbers,
    target,
    weights_of_3,
    whole_h5,
    words,
    yaml_text,
)

try:
    import keras
except ImportError:
    import tensorflow.keras as keras

from keras import initializers, regularizers
from keras.layers import *  # noqa: F403
from keras.models import Model, Sequential

VERSION = tuple(int(part) for part in keras.__version__.split(".")[:2])
optimizers = keras.optimizers.legacy if VERSION >= (2, 11) else keras.optimizers
new_optimizers = keras.optimizers
SGD, Adadelta, Adagrad, Adam = optimizers.SGD, optimizers.Adadelta, optimizers.Adagrad, optimizers.Adam
Adamax, Nadam, RMSprop = optimizers.Adamax, optimizers.Nadam, optimizers.RMSprop
RATE = "learning_rate" if VERSION >= (2, 3) else "lr"


def rate(value):
    return {RATE: value}


def mlp():
    model = Sequential()
    model.add(Dense(5, input_dim=4, activation="relu", kernel_regularizer=regularizers.l2(0.01)))
    model.add(Dropout(0.0))
    model.add(Dense(3, bias_regularizer=regularizers.l1_l2(0.01, 0.01), kernel_constraint="max_norm"))
    model.add(Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=Adam(**rate(0.01)), metrics=["accuracy"])
    return model, numbers(6, 4), classes(6, 3)


def sequential_conv():
    model = Sequential()
    model.add(Conv2D(3, (3, 2), padding="same", input_shape=(6, 7, 2), kernel_initializer="he_normal"))
    model.add(BatchNormalization())
    model.add(ReLU() if VERSION >= (2, 3) else Activation("relu"))
    model.add(MaxPooling2D((2, 2)))
    model.add(SeparableConv2D(2, 2, depth_multiplier=2, padding="same"))
    model.add(DepthwiseConv2D(2))
    model.add(Conv2DTranspose(2, 3, strides=2))
    model.add(GlobalAveragePooling2D())
    model.add(Dense(2))
    model.compile(loss="mse", optimizer=SGD(momentum=0.9, nesterov=True, decay=0.01, **rate(0.05)))
    return model, numbers(4, 6, 7, 2), numbers(4, 2)


def conv_first():
    model = Sequential()
    model.add(ZeroPadding2D(1, data_format="channels_first", input_shape=(2, 4, 4)))
    model.add(Permute((2, 3, 1)))
    model.add(Cropping2D(((1, 0), (0, 1))))
    model.add(UpSampling2D(2))
    model.add(Conv2D(2, 3, dilation_rate=2))
    model.add(Flatten())
    model.add(Dense(2, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=Adamax())
    return model, numbers(3, 2, 4, 4), classes(3, 2)


def conv1d():
    model = Sequential()
    model.add(Conv1D(4, 3, padding="causal", activation="tanh", input_shape=(9, 2)))
    model.add(MaxPooling1D(2))
    model.add(UpSampling1D(2))
    model.add(LocallyConnected1D(3, 2))
    model.add(GlobalMaxPooling1D())
    model.compile(loss="mae", optimizer=RMSprop(**rate(0.002)))
    return model, numbers(3, 9, 2), numbers(3, 3)


def local():
    model = Sequential()
    model.add(LocallyConnected2D(2, (2, 3), activation="tanh", input_shape=(5, 4, 2)))
    model.add(ThresholdedReLU(0.01))
    model.add(LeakyReLU(0.2))
    model.add(ELU(0.7))
    model.add(PReLU(shared_axes=[1, 2]))
    model.add(Flatten())
    model.add(Softmax())
    model.compile(loss="mse", optimizer=Adagrad())
    return model, numbers(3, 5, 4, 2), numbers(3, 16)


def lstm():
    model = Sequential()
    model.add(Embedding(8, 3, input_length=6, mask_zero=True))
    model.add(LSTM(4, return_sequences=True))
    model.add(LSTM(3, activation="relu", recurrent_activation="sigmoid", go_backwards=True, implementation=2))
    model.add(Dense(1, activation="hard_sigmoid"))
    model.compile(loss="mse", optimizer=RMSprop(**rate(0.01)))
    return model, words(5, 6), numbers(5, 1)


def gru():
    model = Sequential()
    model.add(GRU(4, input_shape=(5, 3), return_sequences=True, reset_after=False))
    model.add(SimpleRNN(3, return_sequences=True))
    model.add(GRU(2, reset_after=True, recurrent_activation="sigmoid"))
    model.compile(loss="mse", optimizer=Adadelta())
    return model, numbers(4, 5, 3), numbers(4, 2)


def rnn_cells():
    x = Input((5, 3), name="x")
    y = RNN([LSTMCell(3), GRUCell(2)], return_sequences=True)(x)
    y, h, c = LSTM(2, return_state=True)(y)
    model = Model(x, [y, h, c])
    model.compile(loss="mse", optimizer="adam")
    return model, numbers(4, 5, 3), [numbers(4, 2)] * 3


def bidirectional():
    model = Sequential()
    model.add(Bidirectional(LSTM(3, return_sequences=True), input_shape=(5, 2), merge_mode="concat"))
    model.add(Bidirectional(GRU(2), merge_mode="ave"))
    model.compile(loss="mse", optimizer=Nadam())
    return model, numbers(4, 5, 2), numbers(4, 2)


def time_distributed():
    model = Sequential()
    model.add(TimeDistributed(Dense(5, activation="tanh"), input_shape=(4, 3)))
    model.add(Permute((2, 1)))
    model.add(Reshape((2, 10)))
    model.add(Flatten())
    model.add(RepeatVector(3))
    model.add(LSTM(2, unroll=True))
    model.compile(loss="mse", optimizer="adam")
    return model, numbers(3, 4, 3), numbers(3, 2)


def masking():
    model = Sequential()
    model.add(Masking(0.5, input_shape=(4, 3)))
    model.add(LSTM(2))
    model.compile(loss="mse", optimizer="adam")
    x = numbers(3, 4, 3)
    x[0, 2:] = x[1, :1] = 0.5
    return model, x, numbers(3, 2)


def shared():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    dense = Dense(3, activation="tanh", name="shared")
    x, y = dense(a), dense(b)
    parts = [f([x, y]) for f in (add, multiply, average, maximum, subtract)]
    parts += [dot([x, y], axes=1), dot([x, y], axes=1, normalize=True)]
    z = concatenate(parts)
    main, side = Dense(2, name="main")(z), Dense(1, name="side")(x)
    model = Model(inputs=[a, b], outputs=[main, side])
    model.compile(loss={"main": "mse", "side": "mae"}, loss_weights=[1.0, 0.3], optimizer="adam")
    return model, [numbers(4, 3), numbers(4, 3) * 0.5], [numbers(4, 2), numbers(4, 1)]


def nested():
    inner = Sequential(name="inner")
    inner.add(Dense(4, input_dim=3, activation="relu"))
    inner.add(BatchNormalization())
    i = Input((3,), name="i")
    body = Model(i, Dense(2)(inner(i)), name="body")
    body.layers[-1].trainable = False
    x, y = Input((3,), name="x"), Input((3,), name="y")
    out = Dense(1)(concatenate([body(x), body(y)]))
    model = Model([x, y], out)
    model.compile(loss="mean_squared_error", optimizer=Adam(amsgrad=VERSION < (2, 11)))
    return model, [numbers(4, 3), numbers(4, 3) + 1], numbers(4, 1)


def initial_values():
    model = Sequential()
    model.add(Dense(3, input_shape=(2,), kernel_initializer=initializers.VarianceScaling(2.0, "fan_avg", "uniform")))
    model.add(GaussianNoise(0.0))
    model.add(AlphaDropout(0.0))
    model.add(ActivityRegularization(l2=0.01))
    model.add(Dense(2, bias_initializer=initializers.Constant(0.1), activity_regularizer=regularizers.l1(0.01)))
    model.compile(loss="logcosh", optimizer="sgd")
    return model, numbers(4, 2), numbers(4, 2)


def conv_lstm():
    model = Sequential()
    model.add(ConvLSTM2D(2, 3, padding="same", input_shape=(3, 4, 4, 2)))
    model.add(Flatten())
    model.compile(loss="mse", optimizer="rmsprop")
    return model, numbers(2, 3, 4, 4, 2), numbers(2, 32)


def tf_ops():
    import tensorflow as tf

    x = Input((4, 3), name="x")
    y = tf.math.multiply(x, 2.0) + tf.nn.relu(x) - x / 3.0
    y = tf.concat([y, x[:, :, :2]], axis=-1)
    y = tf.reshape(y, (-1, 20))
    y = Dense(4)(y)
    z = y[:, 1:3] * y[:, -1:] + tf.reduce_mean(y, axis=1, keepdims=True)
    z = tf.nn.softmax(tf.expand_dims(z, 1)) ** 2
    z = tf.squeeze(z, axis=1)
    z = tf.where(z > 0.2, z, tf.zeros_like(z)) + tf.cast(y[:, 0:1] > 0, "float32")
    model = Model(x, z)
    model.compile(loss="mse", optimizer=new_optimizers.Adam(0.01))
    return model, numbers(3, 4, 3), numbers(3, 2)


def attention():
    x = Input((4, 6), name="x")
    y = MultiHeadAttention(2, 3)(x, x)
    y = LayerNormalization()(y + x)
    y = GroupNormalization(2)(y)
    y = EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")(y)
    y = Attention()([y, y])
    model = Model(x, y)
    model.compile(loss="huber", optimizer=new_optimizers.AdamW(0.01))
    return model, numbers(3, 4, 6), numbers(3, 4, 3)


def preprocessing():
    model = Sequential([Input((4, 4, 3)), Rescaling(0.5, offset=0.1), Resizing(3, 3), Flatten()])
    model.add(Normalization(mean=0.5, variance=2.0))
    model.add(UnitNormalization())
    model.add(Dense(2, kernel_initializer="he_uniform", activation="gelu"))
    model.compile(loss="mse", optimizer=new_optimizers.RMSprop(0.01, momentum=0.5), metrics=["mae"])
    return model, numbers(3, 4, 4, 3), numbers(3, 2)


def new_sgd():
    model = Sequential([Dense(3, input_shape=(4,), activation="swish"), Dense(2)])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.9)
    model.compile(
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        optimizer=new_optimizers.SGD(schedule, momentum=0.9),
        metrics=[keras.metrics.CategoricalAccuracy(name="acc")],
    )
    return model, numbers(4, 4), classes(4, 2)


def cudnn(archive):
    """Models of CuDNN layers, which no CPU runs: those of LSTM and GRU, with their weights as Keras converts them."""
    import json

    import h5py
    from keras.engine.saving import _convert_rnn_weights

    more = {"reset_after": True} if VERSION >= (2, 1) else {}
    for name, layer in (
        ("CuDNNLSTM", LSTM(3, recurrent_activation="sigmoid", return_sequences=True, input_shape=(4, 2), name="one")),
        (
            "CuDNNGRU",
            GRU(3, recurrent_activation="sigmoid", return_sequences=True, name="one", input_shape=(4, 2), **more),
        ),
    ):
        model = Sequential([layer, Dense(2, name="two")])
        layer.set_weights([w + numbers(*w.shape) for w in layer.get_weights()])
        x, path = numbers(3, 4, 2), archive.path(name.lower() + ".h5")
        archive.keep(name.lower() + "/x", x)
        archive.keep(name.lower() + "/y", model.predict(x))
        model.save(path)
        values = _convert_rnn_weights(type(name, (object,), {"units": 3})(), layer.get_weights())
        half = len(values[2]) // 2
        if name == "CuDNNLSTM":
            values[2] = values[2] + np.r_[np.ones(half, "f"), -np.ones(half, "f")]  # only their sum matters
        with h5py.File(path, "r+") as file:
            text = file.attrs["model_config"]
            config = json.loads(text.decode() if isinstance(text, bytes) else text)
            data = config["config"]["layers"][0]
            gone = ("activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "implementation")
            data["class_name"] = name
            data["config"] = {k: v for k, v in data["config"].items() if k not in gone + ("reset_after", "unroll")}
            file.attrs["model_config"] = json.dumps(config).encode("utf8")
            group = file["model_weights/one"]
            for key, value in zip(list(group.attrs["weight_names"]), values):
                del group[key]
                group[key] = value


if __name__ == "__main__":
    archive = Archive(keras.__version__)
    models = [
        mlp,
        sequential_conv,
        conv_first,
        conv1d,
        local,
        lstm,
        gru,
        rnn_cells,
        bidirectional,
        time_distributed,
        masking,
        shared,
        nested,
        initial_values,
        conv_lstm,
    ]
    write = [whole_h5, layered_weights, json_text]
    if VERSION >= (2, 12):
        models += [tf_ops, attention, preprocessing, new_sgd]
        write += [keras_archive, weights_of_3]
    else:
        write += [yaml_text]
    archive.all(models, write)
    if VERSION < (2, 4):
        cudnn(archive)
    archive.close(target)
