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
from keras.models import Graph, Sequential


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


class ByName(object):
    """A graph whose data are lists, as the archive keeps them."""

    def __init__(self, graph, loss="mse"):
        self.graph = graph
        graph.compile("sgd", dict((name, loss) for name in graph.output_order))

    def _named(self, arrays, names):
        return dict(zip(names, arrays if isinstance(arrays, list) else [arrays]))

    def predict(self, inputs):
        found = self.graph.predict(self._named(inputs, self.graph.input_order))
        return [found[name] for name in self.graph.output_order]

    def train_on_batch(self, inputs, targets):
        data = self._named(inputs, self.graph.input_order)
        return self.graph.train_on_batch(dict(data, **self._named(targets, self.graph.output_order)))

    def to_json(self):
        return self.graph.to_json()

    def save_weights(self, path):
        self.graph.save_weights(path)


def graph_of_branches():
    graph = Graph()
    graph.add_input(name="words", input_shape=(5,), dtype="int")
    graph.add_input(name="image", input_shape=(2, 4, 4))
    graph.add_node(Embedding(9, 3, input_length=5), name="embedded", input="words")
    graph.add_node(LSTM(3), name="read", input="embedded")
    graph.add_node(Convolution2D(2, 3, 2, activation="relu", dim_ordering="th"), name="seen", input="image")
    graph.add_node(Flatten(), name="flat", input="seen")
    graph.add_node(Dense(3), name="small", input="flat", create_output=True)
    graph.add_node(Dense(4, activation="tanh"), name="both", inputs=["read", "small"], merge_mode="concat")
    graph.add_node(Dense(3), name="sum", inputs=["read", "small"], merge_mode="sum")
    graph.add_output(name="out", input="both")
    graph.add_output(name="merged", inputs=["sum", "small"], merge_mode="mul")
    return ByName(graph), [words(4, 5), numbers(4, 2, 4, 4)], [numbers(4, 3), numbers(4, 4), numbers(4, 3)]


def graph_of_shared_nodes():
    graph = Graph()
    graph.add_input(name="a", input_shape=(4,))
    graph.add_input(name="b", input_shape=(4,))
    graph.add_shared_node(Dense(3, activation="tanh"), name="shared", inputs=["a", "b"], outputs=["one", "two"])
    graph.add_node(Dense(2), name="left", input="one")
    graph.add_node(Dense(2), name="right", input="two")
    graph.add_shared_node(Dense(2), name="joined", inputs=["left", "right"], merge_mode="concat", create_output=True)
    graph.add_output(name="out", inputs=["left", "right"], merge_mode="ave")
    return ByName(graph), [numbers(4, 4), numbers(4, 4)[::-1].copy()], [numbers(4, 4), numbers(4, 2)]


if __name__ == "__main__":
    archive = Archive("0.3.3")
    models = [mlp, conv, conv1d, recurrent, shapes, activations, norms, merge_first]
    models += [graph_of_branches, graph_of_shared_nodes]
    archive.all(models, [layered_weights, json_text])
    archive.close(target)
