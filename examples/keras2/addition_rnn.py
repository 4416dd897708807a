"""Learns to add: a question such as 12+7, letter by letter, to an answer, letter by letter."""

from __future__ import print_function

import numpy as np

np.random.seed(1337)

from keras.layers import LSTM, Activation, Dense, RepeatVector, TimeDistributed
from keras.models import Sequential

chars, DIGITS, MAXLEN, HIDDEN = "0123456789+ ", 1, 3, 32


def one_hot(texts, length):
    x = np.zeros((len(texts), length, len(chars)), dtype=bool)
    for i, text in enumerate(texts):
        for j, c in enumerate(text.ljust(length)):
            x[i, j, chars.index(c)] = 1
    return x


pairs = np.random.randint(0, 10, (1500, 2))
x = one_hot(["%d+%d" % tuple(p) for p in pairs], MAXLEN)
y = one_hot([str(p.sum()) for p in pairs], DIGITS + 1)
split = len(x) - len(x) // 10
(x_train, x_val), (y_train, y_val) = (x[:split], x[split:]), (y[:split], y[split:])

model = Sequential()
model.add(LSTM(HIDDEN, input_shape=(MAXLEN, len(chars))))
model.add(RepeatVector(DIGITS + 1))
model.add(LSTM(HIDDEN, return_sequences=True))
model.add(TimeDistributed(Dense(len(chars))))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

for iteration in range(1, 4):
    model.fit(x_train, y_train, batch_size=32, epochs=5, validation_data=(x_val, y_val), verbose=2)
    rowx, rowy = x_val[:1], y_val[:1]
    guess = model.predict_classes(rowx, verbose=0)
    print("".join(chars[i] for i in rowx[0].argmax(-1)), "=", "".join(chars[i] for i in guess[0]))
loss, accuracy = model.evaluate(x_val, y_val, verbose=0)
print("accuracy:", accuracy)
print("score: %.4f" % loss)
