"""Models as estimators of scikit-learn, held to scikit-learn's own checks."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

from amalthea import Sequential, layers, utils
from amalthea.errors import AmaltheaError

sklearn = pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402

from amalthea.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def build(X, y, loss="mse", units=8, activation=None):
    """A model that is the same in every run."""
    utils.set_random_seed(0)
    hidden = [layers.Dense(units, "relu")]
    model = Sequential([layers.Input((X.shape[1],)), *hidden, layers.Dense(y.shape[1], activation)])
    model.compile("adam", loss)
    return model


CLASSES = {"loss": "categorical_crossentropy", "activation": "softmax"}
ESTIMATORS = [
    SKLearnClassifier(build, model_kwargs=CLASSES, fit_kwargs={"epochs": 5}),
    SKLearnRegressor(build, fit_kwargs={"epochs": 2}),
    SKLearnTransformer(build),
]


CHECKS = [
    pytest.param(*case, id=f"{type(estimator).__name__}-{case[1].func.__name__}-{number}")
    for estimator in ESTIMATORS
    for number, case in enumerate(estimator_checks_generator(estimator))
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


def data(classes=3, rows=90):
    rng = np.random.RandomState(1)
    X = rng.normal(size=(rows, 4))
    return X, np.array(["ant", "bee", "cat"])[:classes][np.argmax(X[:, :classes], axis=1)]


def trained(**fit_kwargs):
    return SKLearnClassifier(build, model_kwargs={**CLASSES, "units": 16}, fit_kwargs={"epochs": 60, **fit_kwargs})


def test_a_classifier_learns_words_and_pickles():
    X, y = data()
    classifier = make_pipeline(StandardScaler(), trained()).fit(X, y)
    assert classifier.score(X, y) > 0.85
    again = pickle.loads(pickle.dumps(classifier))
    assert (again.predict(X) == classifier.predict(X)).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_the_decision_is_the_class_that_is_predicted(classes):
    X, y = data(classes)
    classifier = trained().fit(X, y)
    decided = classifier.decision_function(X)
    chosen = (decided > 0).astype(int) if classes == 2 else decided.argmax(-1)
    assert (classifier.classes_[chosen] == classifier.predict(X)).all()


def test_a_clone_has_all_arguments_and_no_training():
    X, y = data()
    one = trained(batch_size=7).fit(X, y)
    other = clone(one)
    assert other.fit_kwargs == one.fit_kwargs and other.model_kwargs == one.model_kwargs
    assert not hasattr(other, "model_") and other.epoch_ == 0 and one.epoch_ == 60


def test_a_model_is_copied_with_new_weights_and_stays_as_it_is():
    X = np.linspace(-1, 1, 40)[:, None]
    model = Sequential([layers.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    regressor = SKLearnRegressor(model, fit_kwargs={"epochs": 200}).fit(X, 3 * X[:, 0])
    assert regressor.score(X, 3 * X[:, 0]) > 0.9 and regressor.predict(X).shape == (40,)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert regressor.fit(X, np.c_[3 * X]).predict(X).shape == (40, 1)


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_warm_start_goes_on(goes_on):
    X, y = data()
    classifier = trained(epochs=1).set_params(warm_start=goes_on).fit(X, y)
    first = classifier.model_
    assert (classifier.fit(X, y).model_ is first) == goes_on


def test_arguments_of_fit_come_first_and_change_no_dict():
    X, y = data()
    classifier = trained(epochs=3)
    classifier.fit(X, y, epochs=2)
    assert classifier.epoch_ == 2 and classifier.fit_kwargs == {"epochs": 3}


@pytest.mark.slow
def test_a_search_in_two_processes():
    X, y = data()
    grid = {"model_kwargs": [{**CLASSES, "units": n} for n in (1, 16)]}
    search = GridSearchCV(trained(epochs=30), grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_params_["model_kwargs"]["units"] == 16 and search.score(X, y) > 0.7


BAD = {
    "no model": (lambda X, y: SKLearnRegressor(3).fit(X, y), "trains a model"),
    "a function of nothing": (lambda X, y: SKLearnRegressor(lambda X, y: None).fit(X, y), "trains a model"),
    "not compiled": (
        lambda X, y: SKLearnRegressor(Sequential([layers.Input((4,)), layers.Dense(1)])).fit(X, y),
        "has to be compiled",
    ),
    "one class": (lambda X, y: trained().fit(X, np.ones(len(X))), "one class"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_trained_is_told(case):
    call, message = BAD[case]
    X, _ = data()
    with pytest.raises(AmaltheaError, match=message):
        call(X, X[:, 0])


def test_without_scikit_learn_the_cure_is_told():
    script = """
import sys
sys.modules["sklearn"] = None
from amalthea import wrappers
try:
    wrappers.SKLearnRegressor(max)
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install amalthea[sklearn]" in done.stdout
