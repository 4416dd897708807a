"""The next frame of a film of moving squares, by convolutional LSTMs."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

frames, size = 5, 10


def films(count):
    shown = np.zeros((count, frames + 1, size, size, 1), dtype="float32")
    for film in shown:
        row, column, down, right = np.random.randint(0, 8, 4)
        for t in range(frames + 1):
            r, c = (row + t * (down % 2)) % (size - 2), (column + t * (right % 2)) % (size - 2)
            film[t, r : r + 2, c : c + 2, 0] = 1
    return shown[:, :-1], shown[:, 1:]


x, y = films(120)
x_test, y_test = films(30)
inputs = keras.Input((None, size, size, 1))
h = layers.ConvLSTM2D(8, 3, padding="same", return_sequences=True)(inputs)
h = layers.LayerNormalization()(h)
h = layers.ConvLSTM2D(8, 3, padding="same", return_sequences=True)(h)
outputs = layers.Conv3D(1, 3, activation="sigmoid", padding="same")(h)
model = keras.Model(inputs, outputs)
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.005))
model.fit(x, y, batch_size=10, epochs=8, validation_split=0.1, verbose=2)
print(f"score: {model.evaluate(x_test, y_test, verbose=0):.5f}")
