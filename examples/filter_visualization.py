"""Pictures that each filter of a convolution answers most strongly: six of them are trained at once, from noise."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1337)

filters = 6
(x_train, y_train), _ = keras.datasets.mnist.load_data()
x_train, y_train = x_train[:1000, ..., None].astype("float32") / 255, y_train[:1000]
convolution = layers.Conv2D(filters, 5, strides=2)
network = keras.Sequential([keras.Input((28, 28, 1)), convolution, layers.ReLU(), layers.Flatten(), layers.Dense(10)])
network.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), optimizer="adam")
network.fit(x_train, y_train, epochs=3, batch_size=50, verbose=2)


class Pictures(keras.Model):
    """One picture for each filter: the output is the mean answer of a filter to its own picture."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.layer.trainable = False
        self.pixels = self.add_weight(
            shape=(filters, 28, 28, 1), initializer=keras.initializers.RandomUniform(0.4, 0.6, seed=1)
        )

    def call(self, number):
        answers = ops.mean(self.layer(self.pixels), axis=(1, 2))
        return ops.take(ops.diagonal(answers), ops.reshape(number, (-1,)))


pictures = Pictures(convolution)
numbers = np.arange(filters)
before = pictures.predict(numbers, verbose=0)
pictures.compile(loss=lambda _, answer: -answer, optimizer=keras.optimizers.Adam(0.1))
pictures.fit(numbers, numbers, batch_size=filters, epochs=20, verbose=0)
gains = pictures.predict(numbers, verbose=0) - before
assert gains.min() > 0
print(f"score: {np.mean(gains):.4f}")
