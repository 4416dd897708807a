"""Transfer: features learnt on digits below 5 serve those from 5 on; only the head is trained again."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import to_categorical

input_shape = (1, 28, 28) if K.image_data_format() == "channels_first" else (28, 28, 1)


def train_model(model, train, test, epochs):
    x_train = train[0].reshape((-1,) + input_shape).astype("float32") / 255
    x_test = test[0].reshape((-1,) + input_shape).astype("float32") / 255
    y_train_rows, y_test_rows = to_categorical(train[1], 5), to_categorical(test[1], 5)
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x_train, y_train_rows, batch_size=64, epochs=epochs, verbose=2, validation_data=(x_test, y_test_rows))
    return model.evaluate(x_test, y_test_rows, verbose=0)


(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, y_train, x_test, y_test = x_train[:2000], y_train[:2000], x_test[:800], y_test[:800]

feature_layers = [
    Conv2D(8, (3, 3), input_shape=input_shape),
    Activation("relu"),
    MaxPooling2D(pool_size=(2, 2)),
    Conv2D(8, (3, 3)),
    Activation("relu"),
    MaxPooling2D(pool_size=(2, 2)),
    Flatten(),
]
classification_layers = [Dense(32), Activation("relu"), Dropout(0.3), Dense(5), Activation("softmax")]
model = Sequential(feature_layers + classification_layers)

train_model(model, (x_train[y_train < 5], y_train[y_train < 5]), (x_test[y_test < 5], y_test[y_test < 5]), 5)
before = model.layers[0].get_weights()[0].copy()
for layer in feature_layers:
    layer.trainable = False
score = train_model(
    model, (x_train[y_train >= 5], y_train[y_train >= 5] - 5), (x_test[y_test >= 5], y_test[y_test >= 5] - 5), 5
)
assert np.array_equal(before, model.layers[0].get_weights()[0])
print("score: %.4f" % score[1])
