"""Opinions of reviews: a convolution over time finds pairs of words, an LSTM adds them up."""

import keras
from keras import layers

keras.utils.set_random_seed(1337)

max_features, maxlen = 200, 40
(x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=max_features)
x_train = keras.utils.pad_sequences(x_train[:1200], maxlen=maxlen)
x_test = keras.utils.pad_sequences(x_test[:400], maxlen=maxlen)

model = keras.Sequential(
    [
        layers.Embedding(max_features, 16),
        layers.SpatialDropout1D(0.2),
        layers.Conv1D(24, 3, activation="relu"),
        layers.MaxPooling1D(2),
        layers.LSTM(16),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train[:1200], batch_size=32, epochs=5, validation_data=(x_test, y_test[:400]), verbose=2)
print(f"score: {model.evaluate(x_test, y_test[:400], verbose=0)[1]:.4f}")
