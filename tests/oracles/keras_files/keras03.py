"""Configurations and weights of Keras 0.3 on Theano, which had no file of a whole model; see make.py."""

from __future__ import print_function

import os

os.environ["KERAS_BACKEND"] = "theano"

import sys
import types

import theano.ifelse  # noqa: F401  # Keras forgets to
from theano.tensor.signal import pool

old = types.ModuleType("theano.tensor.signal.downsample")  # the name that Theano had in 2015
old.max_pool_2d = pool.pool_2d
theano.tensor.signal.downsample = sys.modules[old.__name__] = old

from common import Archive, classes, json_text, layered_weights, numbers, target, words
from keras.layers.advanced_activations import ELU, LeakyReLU, ParametricSoftplus, PReLU
from keras.layers.convolutional import (
    Convolution1D,
    Convolution2D,
    MaxPooling1D,
    MaxPooling2D,
    UpSampling2D,
    ZeroPadding2D,
)
from keras.layers.core import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    Highway,
    MaxoutDense,
    Merge,
    Permute,
    RepeatVector,
    Reshape,
    TimeDistributedDense,
)
from keras.layers.embeddings import Embedding
from keras.layers.normalization import BatchNormalization
from keras.layers.recurrent import GRU, LSTM, SimpleRNN
from keras.models import Sequential


def built(layers, loss="mse", optimizer="sgd"):
    model = Sequential()
    for layer in layers:
        model.add(layer)
    model.compile(loss=loss, optimizer=optimizer)
    return model


def mlp():
    layers = [Dense(5, input_dim=4, activation="relu"), Dropout(0.0), Dense(3), Activation("softmax")]
    return built(layers, "categorical_crossentropy", "adam"), numbers(6, 4), classes(6, 3)


def conv():
    layers = [ZeroPadding2D((1, 1), input_shape=(2, 6, 7), dim_ordering="th")]
    layers += [Convolution2D(3, 3, 3, border_mode="same", dim_ordering="th"), BatchNormalization(), Activation("tanh")]
    layers += [MaxPooling2D((2, 2), dim_ordering="th"), UpSampling2D((2, 1), dim_ordering="th")]
    layers += [Convolution2D(2, 2, 2, subsample=(2, 1), dim_ordering="th"), Flatten(), Dense(2)]
    return built(layers), numbers(4, 2, 6, 7), numbers(4, 2)


def conv1d():
    layers = [Convolution1D(4, 3, activation="tanh", input_shape=(9, 2)), MaxPooling1D(2), Flatten(), Dense(2)]
    return built(layers), numbers(3, 9, 2), numbers(3, 2)


def recurrent():
    layers = [Embedding(8, 3, input_length=6, mask_zero=True), LSTM(4, return_sequences=True)]
    layers += [GRU(3, return_sequences=True), SimpleRNN(2), Dense(1, activation="hard_sigmoid")]
    return built(layers), words(5, 6), numbers(5, 1)


def shapes():
    layers = [TimeDistributedDense(4, input_shape=(4, 3)), Permute((2, 1)), Reshape((2, 8)), Flatten()]
    layers += [RepeatVector(3), LSTM(2)]
    return built(layers), numbers(3, 4, 3), numbers(3, 2)


def activations():
    layers = [Dense(4, input_dim=3), LeakyReLU(0.2), PReLU(), ELU(0.7), ParametricSoftplus()]
    layers += [MaxoutDense(3, nb_feature=2), Highway(activation="tanh"), Dense(2)]
    return built(layers), numbers(4, 3), numbers(4, 2)


def norms():
    layers = [BatchNormalization(input_shape=(4,)), Dense(3), BatchNormalization(epsilon=1e-2, momentum=0.5)]
    return built(layers), numbers(5, 4), numbers(5, 3)


def merge_first():
    left, right = Sequential(), Sequential()
    left.add(Dense(3, input_dim=4))
    right.add(Dense(3, input_dim=2, activation="tanh"))
    return built([Merge([left, right], mode="concat"), Dense(2)]), [numbers(3, 4), numbers(3, 2)], numbers(3, 2)


if __name__ == "__main__":
    archive = Archive("0.3.3")
    models = [mlp, conv, conv1d, recurrent, shapes, activations, norms, merge_first]
    archive.all(models, [layered_weights, json_text])
    archive.close(target)
