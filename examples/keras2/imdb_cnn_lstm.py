"""Opinions of reviews: a convolution over words, then an LSTM."""

import numpy as np

np.random.seed(1337)

from keras.datasets import imdb
from keras.layers import LSTM, Activation, Conv1D, Dense, Dropout, Embedding, MaxPooling1D
from keras.models import Sequential
from keras.preprocessing import sequence

maxlen = 60
(x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=200)
x_train = sequence.pad_sequences(x_train[:1200], maxlen=maxlen)
x_test = sequence.pad_sequences(x_test[:400], maxlen=maxlen)
y_train, y_test = y_train[:1200], y_test[:400]

model = Sequential()
model.add(Embedding(200, 24, input_length=maxlen))
model.add(Dropout(0.2))
model.add(Conv1D(24, 3, padding="valid", activation="relu", strides=1))
model.add(MaxPooling1D(pool_size=4))
model.add(LSTM(16))
model.add(Dense(1))
model.add(Activation("sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=30, epochs=8, validation_data=(x_test, y_test), verbose=2)
loss, accuracy = model.evaluate(x_test, y_test, batch_size=30, verbose=0)
print("score: %.4f" % accuracy)
