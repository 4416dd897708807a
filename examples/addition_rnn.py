"""Learns to add: a question such as 12+7, letter by letter, to an answer, letter by letter."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)
chars, digits, maxlen, hidden = "0123456789+ ", 1, 3, 32


def one_hot(texts, length):
    x = np.zeros((len(texts), length, len(chars)), dtype=bool)
    for i, text in enumerate(texts):
        for j, c in enumerate(text.ljust(length)):
            x[i, j, chars.index(c)] = 1
    return x


pairs = np.random.randint(0, 10, (1500, 2))
x = one_hot([f"{a}+{b}" for a, b in pairs], maxlen)
y = one_hot([str(a + b) for a, b in pairs], digits + 1)
split = len(x) - len(x) // 10

model = keras.Sequential(
    [
        keras.Input((maxlen, len(chars))),
        layers.LSTM(hidden),
        layers.RepeatVector(digits + 1),
        layers.LSTM(hidden, return_sequences=True),
        layers.Dense(len(chars), activation="softmax"),
    ]
)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
for _ in range(3):
    model.fit(x[:split], y[:split], batch_size=32, epochs=5, validation_data=(x[split:], y[split:]), verbose=2)
    guess = np.argmax(model.predict(x[split : split + 1], verbose=0), axis=-1)
    print("".join(chars[i] for i in x[split].argmax(-1)), "=", "".join(chars[i] for i in guess[0]))
loss, accuracy = model.evaluate(x[split:], y[split:], verbose=0)
print("accuracy:", accuracy)
print(f"score: {loss:.4f}")
