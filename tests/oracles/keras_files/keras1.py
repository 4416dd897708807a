"""Model files of Keras 1.x on Theano; run in an environment of its own, see make.py."""

from __future__ import print_function

import os

os.environ["KERAS_BACKEND"] = "theano"
os.environ.setdefault("THEANO_FLAGS", "device=cpu,floatX=float32,optimizer=fast_compile")

import keras
import theano.ifelse  # noqa: F401  # Keras forgets to
from common import Archive, classes, json_text, numbers, target, whole_h5, words, yaml_text
from keras.layers import *  # noqa: F403
from keras.layers.advanced_activations import *  # noqa: F403
from keras.models import Model, Sequential
from keras.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop
from keras.regularizers import activity_l2, l1l2, l2

VERSION = tuple(int(part) for part in keras.__version__.split("."))


def mlp():
    model = Sequential()
    model.add(Dense(5, input_dim=4, activation="relu", init="uniform", W_regularizer=l2(0.01)))
    model.add(Dropout(0.0))
    model.add(Dense(3, b_regularizer=l1l2(0.01, 0.01), W_constraint="maxnorm"))
    model.add(Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=Adam(lr=0.01), metrics=["accuracy"])
    return model, numbers(6, 4), classes(6, 3)


def conv(ordering, shape):
    model = Sequential()
    model.add(ZeroPadding2D((1, 1), input_shape=shape, dim_ordering=ordering))
    model.add(Convolution2D(3, 3, 2, border_mode="same", subsample=(1, 1), dim_ordering=ordering, init="he_normal"))
    model.add(BatchNormalization(axis=1 if ordering == "th" else -1))
    model.add(Activation("relu"))
    model.add(MaxPooling2D((2, 2), dim_ordering=ordering))
    model.add(UpSampling2D((2, 1), dim_ordering=ordering))
    model.add(AveragePooling2D((2, 2), strides=(1, 1), border_mode="valid", dim_ordering=ordering))
    model.add(Convolution2D(2, 2, 2, border_mode="valid", subsample=(2, 1), bias=False, dim_ordering=ordering))
    model.add(Flatten())
    model.add(Dense(2))
    model.compile(loss="mse", optimizer=SGD(lr=0.05, momentum=0.9, decay=0.01, nesterov=True))
    return model, numbers(4, *shape), numbers(4, 2)


def conv_tf():
    return conv("tf", (6, 7, 2))


def conv_th():
    return conv("th", (2, 6, 7))


def conv_more():
    x = Input((8, 6, 3))
    y = AtrousConvolution2D(2, 3, 3, atrous_rate=(2, 1), dim_ordering="tf", border_mode="valid")(x)
    y = Deconvolution2D(3, 2, 2, output_shape=(None, 8, 8, 3), subsample=(2, 2), dim_ordering="tf")(y)
    if VERSION >= (1, 1):
        y = Cropping2D(((1, 1), (0, 2)), dim_ordering="tf")(y)
    y = GlobalAveragePooling2D(dim_ordering="tf")(y)
    model = Model(x, y)
    model.compile(loss="mse", optimizer=Adamax())
    return model, numbers(3, 8, 6, 3), numbers(3, 3)


def conv1d():
    model = Sequential()
    model.add(Convolution1D(4, 3, border_mode="same", activation="tanh", input_shape=(9, 2)))
    model.add(MaxPooling1D(pool_length=2))
    model.add(UpSampling1D(length=2))
    model.add(ZeroPadding1D(1))
    model.add(AveragePooling1D(pool_length=2, stride=1))
    model.add(Convolution1D(3, 2, subsample_length=2, bias=False))
    model.add(GlobalMaxPooling1D())
    model.compile(loss="mae", optimizer=RMSprop(lr=0.002))
    return model, numbers(3, 9, 2), numbers(3, 3)


def conv3d():
    model = Sequential()
    model.add(Convolution3D(2, 2, 3, 2, border_mode="same", dim_ordering="th", input_shape=(2, 4, 4, 5)))
    model.add(MaxPooling3D((2, 2, 2), dim_ordering="th"))
    model.add(Flatten())
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=Adagrad())
    return model, numbers(2, 2, 4, 4, 5), classes(2, 2)[:, :1]


def lstm():
    model = Sequential()
    model.add(Embedding(8, 3, input_length=6, mask_zero=True))
    model.add(LSTM(4, return_sequences=True, forget_bias_init="one"))
    model.add(LSTM(3, activation="relu", inner_activation="sigmoid", go_backwards=True, consume_less="gpu"))
    model.add(Dense(1, activation="hard_sigmoid"))
    model.compile(loss="mse", optimizer=RMSprop(lr=0.01))
    return model, words(5, 6), numbers(5, 1)


def gru():
    model = Sequential()
    model.add(GRU(4, input_shape=(5, 3), return_sequences=True, consume_less="mem"))
    model.add(SimpleRNN(3, return_sequences=True, activation="tanh"))
    model.add(GRU(2, consume_less="gpu"))
    model.compile(loss="mse", optimizer=Adadelta())
    return model, numbers(4, 5, 3), numbers(4, 2)


def bidirectional():
    model = Sequential()
    model.add(Bidirectional(LSTM(3, return_sequences=True), input_shape=(5, 2), merge_mode="concat"))
    model.add(Bidirectional(GRU(2), merge_mode="ave"))
    model.compile(loss="mse", optimizer=Nadam())
    return model, numbers(4, 5, 2), numbers(4, 2)


def time_distributed():
    model = Sequential()
    model.add(TimeDistributed(Dense(5, activation="tanh"), input_shape=(4, 3)))
    model.add(TimeDistributedDense(4))
    model.add(Permute((2, 1)))
    model.add(Reshape((2, 8)))
    model.add(Flatten())
    model.add(RepeatVector(3))
    model.add(LSTM(2, stateful=False, unroll=True))
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


def merge_first():
    left, right = Sequential(), Sequential()
    left.add(Dense(3, input_dim=4))
    right.add(Dense(3, input_dim=2, activation="tanh"))
    model = Sequential()
    model.add(Merge([left, right], mode="concat", concat_axis=-1))
    model.add(Dense(2))
    model.compile(loss="mse", optimizer="sgd")
    return model, [numbers(3, 4), numbers(3, 2)], numbers(3, 2)


def merge_modes():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    shared = Dense(3, activation="tanh", name="shared")
    x, y = shared(a), shared(b)
    parts = [merge([x, y], mode=mode) for mode in ("sum", "mul", "ave", "max")]
    parts += [merge([x, y], mode="dot", dot_axes=1), merge([x, y], mode="cos", dot_axes=1)]
    parts[-1] = Flatten()(parts[-1])
    z = merge(parts, mode="concat")
    main, side = Dense(2, name="main")(z), Dense(1, name="side")(x)
    model = Model(input=[a, b], output=[main, side])
    model.compile(loss={"main": "mse", "side": "mae"}, loss_weights=[1.0, 0.3], optimizer="adam")
    return model, [numbers(4, 3), numbers(4, 3) * 0.5], [numbers(4, 2), numbers(4, 1)]


def nested():
    inner = Sequential(name="inner")
    inner.add(Dense(4, input_dim=3, activation="relu"))
    inner.add(Dense(3))
    i = Input((3,), name="i")
    body = Model(i, Dense(2)(inner(i)), name="body")
    x, y = Input((3,), name="x"), Input((3,), name="y")
    out = Dense(1)(merge([body(x), body(y)], mode="concat"))
    model = Model([x, y], out)
    model.compile(loss="mean_squared_error", optimizer=Adam())
    return model, [numbers(4, 3), numbers(4, 3) + 1], numbers(4, 1)


def activations():
    model = Sequential()
    model.add(Dense(4, input_dim=3))
    for layer in (LeakyReLU(0.2), PReLU(), ELU(0.7), ParametricSoftplus(), SReLU(), ThresholdedReLU(0.01)):
        model.add(layer)
    model.add(MaxoutDense(3, nb_feature=2))
    model.add(Highway(activation="tanh"))
    model.add(GaussianNoise(0.0))
    model.add(ActivityRegularization(l2=0.01))
    model.add(Dense(2, activity_regularizer=activity_l2(0.01)))
    model.compile(loss="msle" if VERSION >= (1, 1) else "mse", optimizer="adam")
    return model, numbers(4, 3), numbers(4, 2) + 1


def local():
    x = Input((5, 4, 2))
    y = LocallyConnected2D(2, 2, 3, dim_ordering="tf", activation="tanh")(x)
    y = Reshape((8, 2))(y)
    y = LocallyConnected1D(3, 2, subsample_length=2)(y)
    y = GlobalAveragePooling1D()(y)
    model = Model(x, y)
    model.compile(loss="mse", optimizer=SGD(momentum=0.5))
    return model, numbers(3, 5, 4, 2), numbers(3, 3)


def local_th():
    x = Input((2, 5, 4))
    y = LocallyConnected2D(2, 2, 3, dim_ordering="th", bias=False)(x)
    y = Flatten()(y)
    model = Model(x, y)
    model.compile(loss="mse", optimizer=SGD(momentum=0.5))
    return model, numbers(3, 2, 5, 4), numbers(3, 16)


def conv_lstm():
    model = Sequential()
    model.add(ConvLSTM2D(2, 3, 3, dim_ordering="th", border_mode="same", input_shape=(3, 2, 4, 4)))
    model.add(Flatten())
    model.compile(loss="mse", optimizer="rmsprop")
    return model, numbers(2, 3, 2, 4, 4), numbers(2, 32)


def batch_norm_modes():
    model = Sequential()
    model.add(BatchNormalization(mode=0, input_shape=(4,)))
    model.add(BatchNormalization(mode=1))
    model.add(BatchNormalization(mode=2, epsilon=1e-2, momentum=0.8))
    model.compile(loss="mse", optimizer="adam")
    return model, numbers(5, 4), numbers(5, 4)


if __name__ == "__main__":
    archive = Archive(keras.__version__)
    archive.all(
        [
            mlp,
            conv_tf,
            conv_th,
            conv_more,
            conv1d,
            conv3d,
            lstm,
            gru,
            bidirectional,
            time_distributed,
            masking,
            merge_first,
            merge_modes,
            nested,
            activations,
            local,
            local_th,
            conv_lstm,
            batch_norm_modes,
        ],
        [whole_h5, json_text, yaml_text],
    )
    archive.close(target)
