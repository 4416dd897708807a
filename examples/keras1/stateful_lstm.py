"""A stateful LSTM follows a wave from batch to batch."""

import numpy as np

np.random.seed(1337)

from keras.layers import LSTM, Dense
from keras.models import Sequential

tsteps, batch_size, epochs = 1, 25, 8
wave = np.exp(-0.002 * np.arange(1000)) * np.cos(np.arange(1000) / 8.0)
cos = wave[:, None, None]
expected_output = np.array([wave[i : i + 3].mean() for i in range(1000)])[:, None]

model = Sequential()
model.add(LSTM(16, batch_input_shape=(batch_size, tsteps, 1), return_sequences=True, stateful=True))
model.add(LSTM(16, return_sequences=False, stateful=True))
model.add(Dense(1))
model.compile(loss="mse", optimizer="rmsprop")
for i in range(epochs):
    model.fit(cos, expected_output, batch_size=batch_size, verbose=2, nb_epoch=1, shuffle=False)
    model.reset_states()
predicted_output = model.predict(cos, batch_size=batch_size)
print("score: %.5f" % np.mean((predicted_output - expected_output) ** 2))
