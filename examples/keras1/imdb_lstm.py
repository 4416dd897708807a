"""Opinions of reviews by an LSTM over words."""

from __future__ import print_function

import numpy as np

np.random.seed(1337)

from keras.datasets import imdb
from keras.layers import Activation, Dense, Embedding, LSTM
from keras.models import Sequential
from keras.preprocessing import sequence

max_features, maxlen, batch_size = 200, 40, 32
(X_train, y_train), (X_test, y_test) = imdb.load_data(nb_words=max_features)
X_train, y_train = X_train[:1200], y_train[:1200]
X_test, y_test = X_test[:400], y_test[:400]
X_train = sequence.pad_sequences(X_train, maxlen=maxlen)
X_test = sequence.pad_sequences(X_test, maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, 16, input_length=maxlen, dropout=0.2))
model.add(LSTM(16, dropout_W=0.2, dropout_U=0.2))
model.add(Dense(1))
model.add(Activation("sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X_train, y_train, batch_size=batch_size, nb_epoch=6, validation_data=(X_test, y_test))
score, acc = model.evaluate(X_test, y_test, batch_size=batch_size)
print("test loss:", score)
print("score: %.4f" % acc)
