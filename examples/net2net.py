"""Net2Net: a wider and a deeper network begin with what a trained one computes."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1337)

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train[:2000].reshape(-1, 784).astype("float32") / 255
x_test = x_test[:500].reshape(-1, 784).astype("float32") / 255
y_train, y_test = y_train[:2000], y_test[:500]


def network(*widths):
    hidden = [layers.Dense(width, activation="relu", name=f"dense{i}") for i, width in enumerate(widths)]
    model = keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(10, activation="softmax", name="output")])
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
        metrics=["accuracy"],
    )
    return model


def fit(model, epochs):
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, verbose=2, validation_data=(x_test, y_test))
    return model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]


def assert_same(student, teacher):
    difference = student.predict(x_test, verbose=0) - teacher.predict(x_test, verbose=0)
    assert np.abs(difference).max() < 1e-4


teacher = network(64)
fit(teacher, 3)
(w1, b1), (w2, b2) = [layer.get_weights() for layer in teacher.layers]

# Wider: 32 units are copied at random, and copies share what they send out.
index = np.concatenate([np.arange(64), np.random.randint(64, size=32)])
wide = network(96)
wide.set_weights([w1[:, index], b1[index], w2[index] / np.bincount(index)[index, None], b2])
assert_same(wide, teacher)

# Deeper: the new layer begins as the identity.
deep = network(64, 64)
deep.set_weights([w1, b1, np.eye(64), np.zeros(64), w2, b2])
assert_same(deep, teacher)
print(f"score: {(fit(wide, 2) + fit(deep, 2)) / 2:.4f}")
