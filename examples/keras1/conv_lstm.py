"""The next frame of a film of moving squares, by convolutional LSTMs."""

import numpy as np

np.random.seed(1337)

from keras.layers import BatchNormalization, Convolution3D, ConvLSTM2D
from keras.models import Sequential

frames, size = 5, 10


def films(count):
    noisy = np.zeros((count, frames + 1, 1, size, size), dtype='float32')
    for film in noisy:
        row, column, down, right = np.random.randint(1, 5, 4)
        for t in range(frames + 1):
            r, c = (row + t * (down % 2)) % (size - 2), (column + t * (right % 2)) % (size - 2)
            film[t, 0, r:r + 2, c:c + 2] = 1
    return noisy[:, :-1], noisy[:, 1:]


x, y = films(100)
x_test, y_test = films(20)
seq = Sequential()
seq.add(ConvLSTM2D(nb_filter=8, nb_row=3, nb_col=3, input_shape=(frames, 1, size, size), border_mode='same',
                   dim_ordering='th', return_sequences=True))
seq.add(BatchNormalization(axis=2))
seq.add(ConvLSTM2D(nb_filter=8, nb_row=3, nb_col=3, border_mode='same', dim_ordering='th', return_sequences=True))
seq.add(Convolution3D(nb_filter=1, kernel_dim1=1, kernel_dim2=3, kernel_dim3=3, activation='sigmoid',
                      border_mode='same', dim_ordering='tf'))
