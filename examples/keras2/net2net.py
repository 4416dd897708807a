"""Net2Net: a wider and a deeper network begin with what a trained one computes."""

import numpy as np

np.random.seed(1337)

from keras.datasets import mnist
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import SGD
from keras.utils import to_categorical

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[:2000].reshape(-1, 784).astype("float32") / 255
x_test = x_test[:500].reshape(-1, 784).astype("float32") / 255
y_train_rows, y_test_rows = to_categorical(y_train[:2000], 10), to_categorical(y_test[:500], 10)


def network(widths):
    model = Sequential()
    model.add(Dense(widths[0], activation="relu", input_shape=(784,), name="dense0"))
    for i, width in enumerate(widths[1:], 1):
        model.add(Dense(width, activation="relu", name="dense%d" % i))
    model.add(Dense(10, activation="softmax", name="output"))
    model.compile(loss="categorical_crossentropy", optimizer=SGD(lr=0.05, momentum=0.9), metrics=["accuracy"])
    return model


def fit(model, epochs):
    model.fit(x_train, y_train_rows, batch_size=64, epochs=epochs, verbose=2, validation_data=(x_test, y_test_rows))
    return model.evaluate(x_test, y_test_rows, verbose=0)[1]


def wider(teacher_w1, teacher_b1, teacher_w2, new_width):
    """Copies units at random, and shares what they send out among the copies."""
    n = teacher_w1.shape[1]
    index = np.concatenate([np.arange(n), np.random.randint(n, size=new_width - n)])
    counts = np.bincount(index, minlength=n)[index]
    return teacher_w1[:, index], teacher_b1[index], teacher_w2[index] / counts[:, None]


teacher = network([64])
fit(teacher, 3)
w1, b1 = teacher.get_layer("dense0").get_weights()
w2, b2 = teacher.get_layer("output").get_weights()

new_w1, new_b1, new_w2 = wider(w1, b1, w2, 96)
wide = network([96])
wide.get_layer("dense0").set_weights([new_w1, new_b1])
wide.get_layer("output").set_weights([new_w2, b2])
assert np.abs(wide.predict(x_test) - teacher.predict(x_test)).max() < 1e-4

deep = network([64, 64])
deep.get_layer("dense0").set_weights([w1, b1])
deep.get_layer("dense1").set_weights([np.eye(64), np.zeros(64)])
deep.get_layer("output").set_weights([w2, b2])
assert np.abs(deep.predict(x_test) - teacher.predict(x_test)).max() < 1e-4
print("score: %.4f" % ((fit(wide, 2) + fit(deep, 2)) / 2))
