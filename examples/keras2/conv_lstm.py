"""The next frame of a film of moving squares, by convolutional LSTMs."""

import numpy as np

np.random.seed(1337)

from keras.layers import Conv3D, ConvLSTM2D
from keras.models import Sequential

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
seq = Sequential()
seq.add(
    ConvLSTM2D(filters=8, kernel_size=(3, 3), input_shape=(None, size, size, 1), padding="same", return_sequences=True)
)
seq.add(ConvLSTM2D(filters=8, kernel_size=(3, 3), padding="same", return_sequences=True))
seq.add(Conv3D(filters=1, kernel_size=(3, 3, 3), activation="sigmoid", padding="same", data_format="channels_last"))
seq.compile(loss="binary_crossentropy", optimizer="adadelta")
seq.fit(x, y, batch_size=10, epochs=6, validation_split=0.1, verbose=2)
print("score: %.5f" % seq.evaluate(x_test, y_test, verbose=0))
