"""Handwritten digits by a small convolutional network."""

from __future__ import print_function

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Activation, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import np_utils

nb_filters, nb_pool, nb_conv = 8, 2, 3
(X_train, y_train), (X_test, y_test) = mnist.load_data()
if K.image_dim_ordering() == "th":
    input_shape = (1, 28, 28)
else:
    input_shape = (28, 28, 1)
X_train = X_train[:2000].reshape((-1,) + input_shape).astype("float32") / 255
X_test = X_test[:500].reshape((-1,) + input_shape).astype("float32") / 255
Y_train = np_utils.to_categorical(y_train[:2000], 10)
Y_test = np_utils.to_categorical(y_test[:500], 10)

model = Sequential()
model.add(Convolution2D(nb_filters, nb_conv, nb_conv, border_mode="valid", input_shape=input_shape))
model.add(Activation("relu"))
model.add(Convolution2D(nb_filters, nb_conv, nb_conv, subsample=(2, 2)))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=(nb_pool, nb_pool)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(64))
model.add(Activation("relu"))
model.add(Dropout(0.5))
model.add(Dense(10))
model.add(Activation("softmax"))

model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X_train, Y_train, batch_size=64, nb_epoch=6, verbose=1, validation_data=(X_test, Y_test))
score = model.evaluate(X_test, Y_test, verbose=0)
classes = model.predict_classes(X_test, verbose=0)
assert abs(np.mean(classes == y_test[:500]) - score[1]) < 1e-6
print("score: %.4f" % score[1])
