"""Writes text letter by letter, after an LSTM has read some; a callback shows it after each epoch."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

path = keras.utils.get_file("nietzsche.txt", origin="https://s3.amazonaws.com/text-datasets/nietzsche.txt")
text = Path(path).read_text().lower()[:8000]
chars = sorted(set(text))
codes = np.array([chars.index(c) for c in text])
maxlen, step = 20, 3
starts = np.arange(0, len(text) - maxlen, step)
x, y = codes[starts[:, None] + np.arange(maxlen)], codes[starts + maxlen]

model = keras.Sequential(
    [
        keras.Input((maxlen,), dtype="int32"),
        layers.CategoryEncoding(len(chars), output_mode="one_hot"),
        layers.LSTM(48),
        layers.Dense(len(chars)),
    ]
)
model.compile(
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), optimizer=keras.optimizers.RMSprop(0.01)
)


class Writer(keras.callbacks.Callback):
    """Draws 30 letters at a temperature of 0.5."""

    def on_epoch_end(self, epoch, logs=None):
        written = list(codes[:maxlen])
        for _ in range(30):
            logits = self.model.predict(np.array([written[-maxlen:]]), verbose=0)[0] / 0.5
            p = np.exp(logits - logits.max(), dtype="float64")
            written.append(np.random.choice(len(chars), p=p / p.sum()))
        print("".join(chars[i] for i in written))


model.fit(x, y, batch_size=64, epochs=6, verbose=2, callbacks=[Writer()])
print(f"score: {model.evaluate(x, y, verbose=0):.4f}")
