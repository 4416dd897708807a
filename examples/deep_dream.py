"""Deep dream: a picture is trained, as if it were a weight, until a layer of a trained network answers strongly."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1337)

(x_train, y_train), _ = keras.datasets.mnist.load_data()
x_train, y_train = x_train[:1000, ..., None].astype("float32") / 255, y_train[:1000]
network = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, activation="tanh"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, activation="tanh", name="answer"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
network.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
network.fit(x_train, y_train, epochs=3, batch_size=50, verbose=2)
features = keras.Model(network.inputs, network.get_layer("answer").output)
features.trainable = False


class Picture(layers.Layer):
    """A picture that is a weight: what the layer is called on does not matter."""

    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.pixels = self.add_weight(
            shape=self.start.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(self.start, dtype),
            constraint=lambda pixels: ops.clip(pixels, -1, 2),
        )

    def call(self, inputs):
        rough = ops.mean(ops.square(self.pixels[:, 1:] - self.pixels[:, :-1]))
        self.add_loss(0.1 * rough)
        return self.pixels

    def compute_output_shape(self, input_shape):
        return self.start.shape


start = x_train[:4]
picture = Picture(start)
any_input = keras.Input(batch_shape=(4, 1))
dream = keras.Model(any_input, features(picture(any_input)))
dream.compile(loss=lambda _, answer: -ops.mean(ops.square(answer)), optimizer=keras.optimizers.Adam(0.05))
nothing = np.zeros((4, 1)), np.zeros((4, *features.output_shape[1:]))
before = -dream.evaluate(*nothing, batch_size=4, verbose=0)
dream.fit(*nothing, batch_size=4, epochs=40, verbose=0)
after = -dream.evaluate(*nothing, batch_size=4, verbose=0)
assert np.abs(ops.convert_to_numpy(picture.pixels) - start).max() > 0.5
print("loss before:", before, "after:", after)
print(f"score: {after / before:.4f}")
