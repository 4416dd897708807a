"""Digits read row by row: an LSTM reads each row, and another one the rows."""

import numpy as np

np.random.seed(1337)

from keras.datasets import mnist
from keras.layers import LSTM, Dense, Input, TimeDistributed
from keras.models import Model
from keras.utils import to_categorical

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[:1000, ::2, ::2, None].astype("float32") / 255
x_test = x_test[:300, ::2, ::2, None].astype("float32") / 255
y_train_rows = to_categorical(y_train[:1000], 10)
y_test_rows = to_categorical(y_test[:300], 10)

x = Input(shape=x_train.shape[1:])
encoded_rows = TimeDistributed(LSTM(units=24))(x)
encoded_columns = LSTM(24)(encoded_rows)
prediction = Dense(10, activation="softmax")(encoded_columns)
model = Model(inputs=x, outputs=prediction)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train_rows, batch_size=25, epochs=5, verbose=2, validation_data=(x_test, y_test_rows))
print("score: %.4f" % model.evaluate(x_test, y_test_rows, verbose=0)[0])
