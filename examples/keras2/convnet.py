"""Handwritten digits by a small convolutional network."""

from __future__ import print_function

import numpy as np

np.random.seed(1337)

import keras
from keras import backend as K
from keras.datasets import mnist
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential

(x_train, y_train), (x_test, y_test) = mnist.load_data()
if K.image_data_format() == "channels_first":
    input_shape = (1, 28, 28)
else:
    input_shape = (28, 28, 1)
x_train = x_train[:2000].reshape((-1,) + input_shape).astype("float32") / 255
x_test = x_test[:500].reshape((-1,) + input_shape).astype("float32") / 255
labels = y_test[:500]
y_train = keras.utils.to_categorical(y_train[:2000], 10)
y_test = keras.utils.to_categorical(labels, 10)

model = Sequential()
model.add(Conv2D(8, kernel_size=(3, 3), activation="relu", input_shape=input_shape))
model.add(Conv2D(8, (3, 3), strides=(2, 2), activation="relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(64, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))

model.compile(
    loss=keras.losses.categorical_crossentropy, optimizer=keras.optimizers.Adam(lr=0.001), metrics=["accuracy"]
)
model.fit(x_train, y_train, batch_size=64, epochs=6, verbose=1, validation_data=(x_test, y_test))
score = model.evaluate(x_test, y_test, verbose=0)
classes = model.predict_classes(x_test)
assert abs(np.mean(classes == labels) - score[1]) < 1e-6
print("score: %.4f" % score[1])
