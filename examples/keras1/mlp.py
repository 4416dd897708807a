"""Handwritten digits by dense layers with dropout."""

import numpy as np

np.random.seed(1337)

from keras.datasets import mnist
from keras.layers.core import Activation, Dense, Dropout
from keras.models import Sequential
from keras.optimizers import RMSprop
from keras.utils import np_utils

(X_train, y_train), (X_test, y_test) = mnist.load_data()
X_train = X_train[:4000].reshape(-1, 784).astype("float32") / 255
X_test = X_test[:1000].reshape(-1, 784).astype("float32") / 255
Y_train = np_utils.to_categorical(y_train[:4000], 10)
Y_test = np_utils.to_categorical(y_test[:1000], 10)

model = Sequential()
model.add(Dense(128, input_shape=(784,)))
model.add(Activation("relu"))
model.add(Dropout(0.2))
model.add(Dense(128))
model.add(Activation("relu"))
model.add(Dropout(0.2))
model.add(Dense(10))
model.add(Activation("softmax"))
model.summary()

model.compile(loss="categorical_crossentropy", optimizer=RMSprop(), metrics=["accuracy"])
history = model.fit(X_train, Y_train, batch_size=64, nb_epoch=4, verbose=1, validation_data=(X_test, Y_test))
score = model.evaluate(X_test, Y_test, verbose=0)
print("test loss:", score[0], "epochs:", len(history.history["val_acc"]))
print("score: %.4f" % score[1])
