"""Functions that build models as estimators of scikit-learn, in the words of Keras 1 and 2."""

import numpy as np
import pytest

from amalthea import Sequential, layers, optimizers
from amalthea.compat.scikit_learn import KerasClassifier, KerasRegressor
from amalthea.errors import ArgumentError

pytest.importorskip("sklearn")

X = np.random.RandomState(0).normal(size=(60, 3)).astype("float32")
LABELS = np.where(X[:, 0] > 0, "up", "down")
HEADS = {
    "one output": (1, "sigmoid", "binary_crossentropy"),
    "two outputs": (2, "softmax", "categorical_crossentropy"),
    "sparse": (2, "softmax", "sparse_categorical_crossentropy"),
}


def build(units=4, rate=0.3, head="two outputs"):
    outputs, activation, loss = HEADS[head]
    model = Sequential([layers.Input((3,)), layers.Dense(units, "tanh"), layers.Dense(outputs, activation)])
    model.compile(optimizers.SGD(rate), loss, metrics=["accuracy"])
    return model


def line(rate=0.1):
    model = Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile(optimizers.SGD(rate), "mse")
    return model


@pytest.mark.parametrize("head", HEADS)
def test_a_classifier_learns_labels_of_any_kind(head):
    classifier = KerasClassifier(build, head=head, nb_epoch=30, batch_size=10, verbose=0)
    classifier.fit(X, LABELS)
    assert classifier.score(X, LABELS) > 0.9
    assert np.mean(classifier.predict(X) == LABELS) == pytest.approx(classifier.score(X, LABELS))
    probabilities = classifier.predict_proba(X)
    assert probabilities.shape == (60, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_searches_of_scikit_learn_take_them():
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score

    classifier = KerasClassifier(build_fn=build, epochs=15, verbose=0)
    assert clone(classifier).get_params() == classifier.get_params()
    search = GridSearchCV(classifier, {"units": [2, 6], "rate": [0.0, 0.3]}, cv=2).fit(X, LABELS)
    assert search.best_params_["rate"] == 0.3 and search.best_score_ > 0.8
    scores = cross_val_score(KerasRegressor(line, epochs=30, verbose=0), X, X @ [1.0, 2.0, 3.0], cv=3)
    assert scores.shape == (3,) and np.all(scores > -0.1)


def test_a_subclass_builds_the_model_itself():
    class Own(KerasRegressor):
        def __call__(self, rate=0.1):
            return line(rate)

    regressor = Own(rate=0.05, epochs=2, verbose=0)
    regressor.fit(X, X[:, 0])
    assert regressor.predict(X).shape == (60,) and regressor.score(X, X[:, 0]) < 0


def test_arguments_are_those_of_the_function_and_of_fit():
    with pytest.raises(ArgumentError, match="epochs"):
        KerasClassifier(build, epoch=3)
    classifier = KerasClassifier(build, units=2)
    assert classifier.set_params(units=3).get_params()["units"] == 3
    with pytest.raises(ArgumentError):
        classifier.set_params(unit=3)


def test_accuracy_and_training_come_first():
    with pytest.raises(ValueError, match="no model before it is trained"):
        KerasClassifier(build).predict(X)

    def without():
        model = build()
        model.compile("sgd", "categorical_crossentropy")
        return model

    classifier = KerasClassifier(without, epochs=1, verbose=0)
    classifier.fit(X, LABELS)
    with pytest.raises(ArgumentError, match="accuracy"):
        classifier.score(X, LABELS)
