"""A search for the width of a layer by scikit-learn's grid search."""

import numpy as np

np.random.seed(1337)

from keras.datasets import mnist
from keras.layers import Activation, Dense, Dropout
from keras.models import Sequential
from keras.utils import to_categorical
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import GridSearchCV

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[:600, ::2, ::2].reshape(-1, 196).astype("float32") / 255
x_test = x_test[:300, ::2, ::2].reshape(-1, 196).astype("float32") / 255
y_train, y_test = to_categorical(y_train[:600], 10), to_categorical(y_test[:300], 10)


def make_model(width, rate):
    model = Sequential()
    model.add(Dense(width, activation="relu", input_shape=(196,)))
    model.add(Dropout(rate))
    model.add(Dense(10))
    model.add(Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


my_classifier = KerasClassifier(make_model, batch_size=32, verbose=0)
validator = GridSearchCV(
    my_classifier,
    param_grid={"width": [4, 64], "rate": [0.2], "epochs": [5]},
    scoring="neg_log_loss",
    n_jobs=1,
    cv=2,
)
validator.fit(x_train, y_train)
print("best:", validator.best_params_)
assert validator.best_params_["width"] == 64
best_model = validator.best_estimator_.model
names = best_model.metrics_names
values = dict(zip(names, best_model.evaluate(x_test, y_test, verbose=0)))
print(values)
print("score: %.4f" % [value for name, value in values.items() if name != "loss"][0])
