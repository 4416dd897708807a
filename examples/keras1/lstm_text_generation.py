"""Writes text letter by letter, after an LSTM has read some."""

from __future__ import print_function

import sys

import numpy as np

np.random.seed(1337)

from keras.layers import LSTM, Activation, Dense
from keras.models import Sequential
from keras.optimizers import RMSprop
from keras.utils.data_utils import get_file

path = get_file("nietzsche.txt", origin="https://s3.amazonaws.com/text-datasets/nietzsche.txt")
text = open(path).read().lower()[:8000]
chars = sorted(list(set(text)))
char_indices = dict((c, i) for i, c in enumerate(chars))

maxlen, step = 20, 3
sentences = [text[i : i + maxlen] for i in range(0, len(text) - maxlen, step)]
next_chars = [text[i + maxlen] for i in range(0, len(text) - maxlen, step)]
X = np.zeros((len(sentences), maxlen, len(chars)), dtype=bool)
y = np.zeros((len(sentences), len(chars)), dtype=bool)
for i, sentence in enumerate(sentences):
    for t, char in enumerate(sentence):
        X[i, t, char_indices[char]] = 1
    y[i, char_indices[next_chars[i]]] = 1

model = Sequential()
model.add(LSTM(48, input_shape=(maxlen, len(chars))))
model.add(Dense(len(chars)))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer=RMSprop(lr=0.01))


def sample(preds, temperature=1.0):
    preds = np.log(np.asarray(preds).astype("float64")) / temperature
    preds = np.exp(preds) / np.sum(np.exp(preds))
    return np.argmax(np.random.multinomial(1, preds, 1))


for iteration in range(1, 3):
    history = model.fit(X, y, batch_size=64, nb_epoch=3, verbose=2)
    sentence = text[:maxlen]
    for _ in range(30):
        x = np.zeros((1, maxlen, len(chars)))
        for t, char in enumerate(sentence[-maxlen:]):
            x[0, t, char_indices[char]] = 1.0
        sentence += chars[sample(model.predict(x, verbose=0)[0], 0.5)]
    sys.stdout.write(sentence + "\n")
print("score: %.4f" % model.evaluate(X, y, verbose=0))
