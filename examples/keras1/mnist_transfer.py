"""Transfer: features learnt on digits below 5 serve those from 5 on; only the head is trained again."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Activation, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import np_utils

input_shape = (1, 28, 28) if K.image_dim_ordering() == "th" else (28, 28, 1)


def train_model(model, train, test, nb_epoch):
    X_train = train[0].reshape((-1,) + input_shape).astype("float32") / 255
    X_test = test[0].reshape((-1,) + input_shape).astype("float32") / 255
    Y_train, Y_test = np_utils.to_categorical(train[1], 5), np_utils.to_categorical(test[1], 5)
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(X_train, Y_train, batch_size=64, nb_epoch=nb_epoch, verbose=2, validation_data=(X_test, Y_test))
    return model.evaluate(X_test, Y_test, verbose=0)


(X_train, y_train), (X_test, y_test) = mnist.load_data()
X_train, y_train, X_test, y_test = X_train[:2000], y_train[:2000], X_test[:800], y_test[:800]

feature_layers = [
    Convolution2D(8, 3, 3, input_shape=input_shape),
    Activation("relu"),
    MaxPooling2D(pool_size=(2, 2)),
    Convolution2D(8, 3, 3),
    Activation("relu"),
    MaxPooling2D(pool_size=(2, 2)),
    Flatten(),
]
classification_layers = [Dense(32), Activation("relu"), Dropout(0.3), Dense(5), Activation("softmax")]
model = Sequential(feature_layers + classification_layers)

train_model(model, (X_train[y_train < 5], y_train[y_train < 5]), (X_test[y_test < 5], y_test[y_test < 5]), 5)
before = model.layers[0].get_weights()[0].copy()
for layer in feature_layers:
    layer.trainable = False
score = train_model(
    model, (X_train[y_train >= 5], y_train[y_train >= 5] - 5), (X_test[y_test >= 5], y_test[y_test >= 5] - 5), 5
)
assert np.array_equal(before, model.layers[0].get_weights()[0])
print("score: %.4f" % score[1])
