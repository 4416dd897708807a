"""Opinions of reviews by an LSTM over words."""

import keras
from keras import layers

keras.utils.set_random_seed(1337)

max_features, maxlen, batch_size = 200, 40, 32
(x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=max_features)
x_train = keras.utils.pad_sequences(x_train[:1200], maxlen=maxlen)
x_test = keras.utils.pad_sequences(x_test[:400], maxlen=maxlen)
y_train, y_test = y_train[:1200], y_test[:400]

model = keras.Sequential(
    [
        layers.Embedding(max_features, 16),
        layers.LSTM(16, dropout=0.2, recurrent_dropout=0.2),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=batch_size, epochs=6, validation_data=(x_test, y_test))
loss, accuracy = model.evaluate(x_test, y_test, batch_size=batch_size)
print("test loss:", loss)
print(f"score: {accuracy:.4f}")
