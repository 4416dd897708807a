"""Digits read row by row: an LSTM reads each row, and another one the rows."""

import numpy as np

np.random.seed(1337)

from keras.datasets import mnist
from keras.layers import LSTM, Dense, Input, TimeDistributed
from keras.models import Model
from keras.utils import np_utils

(X_train, y_train), (X_test, y_test) = mnist.load_data()
X_train = X_train[:1000, ::2, ::2, None].astype("float32") / 255
X_test = X_test[:300, ::2, ::2, None].astype("float32") / 255
Y_train = np_utils.to_categorical(y_train[:1000], 10)
Y_test = np_utils.to_categorical(y_test[:300], 10)

x = Input(shape=X_train.shape[1:])
encoded_rows = TimeDistributed(LSTM(output_dim=24))(x)
encoded_columns = LSTM(24)(encoded_rows)
prediction = Dense(10, activation="softmax")(encoded_columns)
model = Model(input=x, output=prediction)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X_train, Y_train, batch_size=25, nb_epoch=5, verbose=2, validation_data=(X_test, Y_test))
print("score: %.4f" % model.evaluate(X_test, Y_test, verbose=0)[0])
