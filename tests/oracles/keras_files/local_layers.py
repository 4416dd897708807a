"""LocallyConnected layers of tf_keras 2.15.1 with each implementation.

Run it in an environment of its own (Python 3.11)::

    pip install tensorflow-cpu==2.15.1 "numpy<2"
    pip install --no-deps tf_keras==2.15.1
    python tests/oracles/keras_files/local_layers.py tests/saving/golden
"""

from __future__ import annotations

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tf_keras as keras
from common import Archive, numbers, target, whole_h5

layers = keras.layers


def _made(implementation, first):
    data_format = "channels_first" if first else "channels_last"
    options = {"implementation": implementation, "data_format": data_format}
    model = keras.Sequential([keras.Input((2, 6, 5) if first else (6, 5, 2))])
    model.add(layers.LocallyConnected2D(3, (2, 3), strides=(2, 1), activation="tanh", **options))
    model.add(layers.Reshape((3, 9) if first else (9, 3)))
    model.add(layers.LocallyConnected1D(2, 3, strides=2, use_bias=False, **options))
    model.add(layers.Flatten())
    for weight in model.weights:
        weight.assign(numbers(*weight.shape))
    model.compile(keras.optimizers.legacy.SGD(0.05, momentum=0.9), "mse")
    return model, numbers(4, *((2, 6, 5) if first else (6, 5, 2))), numbers(4, 8)


def local_1():
    return _made(1, False)


def local_2():
    return _made(2, False)


def local_3():
    return _made(3, False)


def local_2_first():
    return _made(2, True)


def local_3_first():
    return _made(3, True)


if __name__ == "__main__":
    archive = Archive("2.15.1")
    archive.all([local_1, local_2, local_3, local_2_first, local_3_first], [whole_h5])
    archive.close(target)
