"""A stateful LSTM follows a wave from batch to batch; a callback forgets its states after each epoch."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

batch_size, epochs = 25, 8
wave = np.exp(-0.002 * np.arange(1000)) * np.cos(np.arange(1000) / 8.0)
x = wave[:, None, None]
y = np.array([wave[i : i + 3].mean() for i in range(1000)])[:, None]


class Forget(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        for layer in self.model.layers:
            if getattr(layer, "stateful", False):
                layer.reset_state()


model = keras.Sequential(
    [
        keras.Input(batch_shape=(batch_size, 1, 1)),
        layers.LSTM(16, return_sequences=True, stateful=True),
        layers.LSTM(16, stateful=True),
        layers.Dense(1),
    ]
)
model.compile(loss="mse", optimizer="rmsprop")
model.fit(x, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=2, callbacks=[Forget()])
predicted = model.predict(x, batch_size=batch_size, verbose=0)
print(f"score: {np.mean((predicted - y) ** 2):.5f}")
