"""Opinions of reviews: a convolution over words, then an LSTM."""

import numpy as np

np.random.seed(1337)

from keras.datasets import imdb
from keras.layers import LSTM, Activation, Convolution1D, Dense, Dropout, Embedding, MaxPooling1D
from keras.models import Sequential
from keras.preprocessing import sequence

maxlen = 60
(X_train, y_train), (X_test, y_test) = imdb.load_data(nb_words=200)
X_train = sequence.pad_sequences(X_train[:1200], maxlen=maxlen)
X_test = sequence.pad_sequences(X_test[:400], maxlen=maxlen)
y_train, y_test = y_train[:1200], y_test[:400]

model = Sequential()
model.add(Embedding(200, 24, input_length=maxlen))
model.add(Dropout(0.2))
model.add(Convolution1D(nb_filter=24, filter_length=3, border_mode="valid", activation="relu", subsample_length=1))
model.add(MaxPooling1D(pool_length=4))
model.add(LSTM(16))
model.add(Dense(1))
model.add(Activation("sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X_train, y_train, batch_size=30, nb_epoch=8, validation_data=(X_test, y_test), verbose=2)
loss, accuracy = model.evaluate(X_test, y_test, batch_size=30, verbose=0)
print("score: %.4f" % accuracy)
