"""Opinions of reviews by an LSTM in both directions."""

import numpy as np

np.random.seed(1337)

from keras.datasets import imdb
from keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding
from keras.models import Sequential
from keras.preprocessing import sequence

maxlen = 40
(x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=200)
x_train = sequence.pad_sequences(x_train[:1200], maxlen=maxlen)
x_test = sequence.pad_sequences(x_test[:400], maxlen=maxlen)
y_train, y_test = np.array(y_train[:1200]), np.array(y_test[:400])

model = Sequential()
model.add(Embedding(200, 24, input_length=maxlen))
model.add(Bidirectional(LSTM(12)))
model.add(Dropout(0.5))
model.add(Dense(1, activation="sigmoid"))
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=6, validation_data=[x_test, y_test], verbose=2)
print("score: %.4f" % model.evaluate(x_test, y_test, verbose=0)[1])
