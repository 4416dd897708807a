"""A search for the width of a layer by scikit-learn's grid search."""

import numpy as np

np.random.seed(1337)

from keras.datasets import mnist
from keras.layers import Activation, Dense, Dropout
from keras.models import Sequential
from keras.utils import np_utils
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import GridSearchCV

(X_train, y_train), (X_test, y_test) = mnist.load_data()
X_train = X_train[:600, ::2, ::2].reshape(-1, 196).astype("float32") / 255
X_test = X_test[:300, ::2, ::2].reshape(-1, 196).astype("float32") / 255
Y_train, Y_test = np_utils.to_categorical(y_train[:600], 10), np_utils.to_categorical(y_test[:300], 10)


def make_model(width=16, rate=0.5):
    model = Sequential()
    model.add(Dense(width, activation="relu", input_dim=196))
    model.add(Dropout(rate))
    model.add(Dense(10))
    model.add(Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


classifier = KerasClassifier(make_model, batch_size=32, verbose=0)
grid = {"width": [4, 64], "rate": [0.2], "nb_epoch": [5]}
search = GridSearchCV(classifier, param_grid=grid, scoring="neg_log_loss", n_jobs=1, cv=2)
search.fit(X_train, y_train[:600])
print("best:", search.best_params_)
assert search.best_params_["width"] == 64
best = search.best_estimator_.model
print("score: %.4f" % dict(zip(best.metrics_names, best.evaluate(X_test, Y_test, verbose=0)))["acc"])
