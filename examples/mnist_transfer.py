"""Transfer: features learnt on digits below 5 serve those from 5 on; only the head is trained again."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, y_train = x_train[:2000, ..., None].astype("float32") / 255, y_train[:2000]
x_test, y_test = x_test[:800, ..., None].astype("float32") / 255, y_test[:800]

features = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    ]
)


def trained(first):
    """A new head on the features, trained on five digits; returns the accuracy."""
    head = [layers.Dense(32, activation="relu"), layers.Dropout(0.3), layers.Dense(5, activation="softmax")]
    model = keras.Sequential([features, *head])
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    train, test = [(y >= first) & (y < first + 5) for y in (y_train, y_test)]
    ours = x_test[test], y_test[test] - first
    model.fit(x_train[train], y_train[train] - first, batch_size=64, epochs=5, verbose=2, validation_data=ours)
    return model.evaluate(*ours, verbose=0)[1]


trained(0)
features.trainable = False
before = features.layers[0].get_weights()[0].copy()
accuracy = trained(5)
assert np.array_equal(before, features.layers[0].get_weights()[0])
print(f"score: {accuracy:.4f}")
