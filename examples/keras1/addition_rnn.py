"""Learns to add: a question such as 12+7, letter by letter, to an answer, letter by letter."""

from __future__ import print_function

import numpy as np

np.random.seed(1337)

from keras.layers import Activation, Dense, LSTM, RepeatVector, TimeDistributed
from keras.models import Sequential

chars, DIGITS, MAXLEN, HIDDEN = "0123456789+ ", 1, 3, 32


def one_hot(texts, length):
    X = np.zeros((len(texts), length, len(chars)), dtype=bool)
    for i, text in enumerate(texts):
        for j, c in enumerate(text.ljust(length)):
            X[i, j, chars.index(c)] = 1
    return X


pairs = np.random.randint(0, 10, (1500, 2))
X = one_hot(["%d+%d" % tuple(p) for p in pairs], MAXLEN)
y = one_hot([str(p.sum()) for p in pairs], DIGITS + 1)
split = len(X) - len(X) // 10
(X_train, X_val), (y_train, y_val) = (X[:split], X[split:]), (y[:split], y[split:])

model = Sequential()
model.add(LSTM(HIDDEN, input_shape=(MAXLEN, len(chars))))
model.add(RepeatVector(DIGITS + 1))
model.add(LSTM(HIDDEN, return_sequences=True))
model.add(TimeDistributed(Dense(len(chars))))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

for iteration in range(1, 4):
    model.fit(X_train, y_train, batch_size=32, nb_epoch=5, validation_data=(X_val, y_val), verbose=2)
    rowX, rowy = X_val[:1], y_val[:1]
    guess = model.predict_classes(rowX, verbose=0)
    print("".join(chars[i] for i in rowX[0].argmax(-1)), "=", "".join(chars[i] for i in guess[0]))
loss, accuracy = model.evaluate(X_val, y_val, verbose=0)
print("accuracy:", accuracy)
print("score: %.4f" % loss)
