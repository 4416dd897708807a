"""Opinions of reviews by an LSTM that reads in both directions."""

import keras
from keras import layers

keras.utils.set_random_seed(1337)

max_features, maxlen = 200, 40
(x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=max_features)
x_train = keras.utils.pad_sequences(x_train[:1200], maxlen=maxlen)
x_test = keras.utils.pad_sequences(x_test[:400], maxlen=maxlen)
y_train, y_test = y_train[:1200], y_test[:400]

words = keras.Input((None,), dtype="int32")
h = layers.Embedding(max_features, 16, mask_zero=True)(words)
h = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(h)
h = layers.Bidirectional(layers.LSTM(8))(h)
model = keras.Model(words, layers.Dense(1, activation="sigmoid")(layers.Dropout(0.3)(h)))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=4, validation_data=(x_test, y_test), verbose=2)
print(f"score: {model.evaluate(x_test, y_test, verbose=0)[1]:.4f}")
