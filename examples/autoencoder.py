"""A convolutional autoencoder that takes noise away from digits."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

(x_train, _), (x_test, _) = keras.datasets.mnist.load_data()
x_train = x_train[:1000, ..., None].astype("float32") / 255
x_test = x_test[:200, ..., None].astype("float32") / 255


def noisy(x):
    return np.clip(x + 0.4 * np.random.normal(size=x.shape), 0, 1)


encoder = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, strides=2, activation="relu", padding="same"),
        layers.Conv2D(8, 3, strides=2, activation="relu", padding="same"),
    ],
    name="encoder",
)
decoder = keras.Sequential(
    [
        keras.Input(encoder.output_shape[1:]),
        layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same"),
        layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same"),
        layers.Conv2D(1, 3, activation="sigmoid", padding="same"),
    ],
    name="decoder",
)
autoencoder = keras.Sequential([encoder, decoder])
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
test = noisy(x_test), x_test
autoencoder.fit(noisy(x_train), x_train, epochs=6, batch_size=50, verbose=2, validation_data=test)
assert encoder.predict(x_test[:3], verbose=0).shape == (3, 7, 7, 8)
print(f"score: {autoencoder.evaluate(*test, verbose=0):.4f}")
