"""Digits read row by row: an LSTM reads each row, and another one the rows."""

import keras
from keras import layers

keras.utils.set_random_seed(1337)

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train[:1000, ::2, ::2, None].astype("float32") / 255
x_test = x_test[:300, ::2, ::2, None].astype("float32") / 255
y_train, y_test = y_train[:1000], y_test[:300]

picture = keras.Input(x_train.shape[1:])
rows = layers.TimeDistributed(layers.LSTM(24))(picture)
prediction = layers.Dense(10, activation="softmax")(layers.LSTM(24)(rows))
model = keras.Model(picture, prediction)
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=25, epochs=5, verbose=2, validation_data=(x_test, y_test))
print(f"score: {model.evaluate(x_test, y_test, verbose=0)[0]:.4f}")
