"""Results of training have names that fit, and values of the run alone."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, callbacks, layers, losses, metrics, optimizers
from amalthea.engine import backends
from tests.backends import every_backend
from tests.training.heads import ONES, ZEROS, Subclassed, data_for, distance, heads, through


def shared_head():
    """Two outputs of one layer, whose names are the same."""
    x, head = Input((1,)), layers.Activation("linear", name="head")
    return Model(x, [head(x), head(x * 2.0)])


class Parts(metrics.Metric):
    """A metric of several results."""

    def __init__(self, name="parts", **kwargs):
        super().__init__(name=name, **kwargs)
        self.seen = metrics.Mean()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.seen.update_state(y_pred)

    def result(self):
        return {"mean": self.seen.result(), "loss": self.seen.result() + 1.0}


SHARED = metrics.MeanAbsoluteError(name="off")
LIST = [metrics.MeanAbsoluteError(name="off"), "mse"]
NAMED = {
    # name: model, options of compile, the names of the results
    "one": (through, {"metrics": ["mae"]}, "loss mae"),
    "plain and weighted": (through, {"metrics": ["mae"], "weighted_metrics": ["mae"]}, "loss mae weighted_mae"),
    "thrice": (through, {"metrics": ["mae", "mae"], "weighted_metrics": ["mae", "mae"]},
               "loss mae mae_1 weighted_mae weighted_mae_1"),
    "two thresholds": (through, {"metrics": [metrics.BinaryAccuracy(threshold=t) for t in (0.1, 2.0)]},
                       "loss binary_accuracy binary_accuracy_1"),
    "two lambdas": (through, {"metrics": [lambda y, p: y - p, lambda y, p: p - y]}, "loss <lambda> <lambda>_1"),
    "a name that is taken": (through, {"metrics": [Parts()]}, "loss mean loss_1"),
    "accuracy": (through, {"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]},
                 "loss accuracy weighted_accuracy"),
    "a loss as a metric": (through, {"metrics": [losses.Huber(), distance]}, "loss huber_loss distance"),
    "two heads": (lambda: heads("left", "right"), {"metrics": {"left": ["mae"], "right": ["mae"]}},
                  "loss left_loss right_loss left_mae right_mae"),
    "weighted heads": (lambda: heads("left", "right"),
                       {"metrics": [["mae"], ["mae"]], "weighted_metrics": ["mse", "mae"]},
                       "loss left_loss right_loss left_mae right_mae left_mse right_weighted_mae"),
    "one list for two heads": (lambda: heads("left", "right"), {"metrics": {"left": LIST, "right": LIST}},
                               "loss left_loss right_loss left_off left_mse right_off right_mse"),
    "one object for two heads": (lambda: heads("left", "right"), {"metrics": [SHARED]},
                                 "loss left_loss right_loss left_off right_off"),
    "heads of one name": (shared_head, {"metrics": ["mae"]}, "loss head_loss head_1_loss head_mae head_1_mae"),
    "names that meet": (lambda: heads("a", "a_mae"), {"metrics": ["mae"]},
                        "loss a_loss a_mae_loss a_mae a_mae_mae"),
    "a subclassed model": (Subclassed, {"metrics": {"left": ["mae"], "right": ["mae"]}},
                           "loss left_loss right_loss left_mae right_mae"),
}  # fmt: skip


@pytest.mark.parametrize("case", NAMED)
def test_results_have_names_of_their_own_that_fit(case, tmp_path, capsys):
    make, options, names = NAMED[case]
    model = make()
    model.compile("sgd", "mse", **options)
    if not isinstance(model, Subclassed) and case != "a name that is taken":
        assert model.metrics_names == names.split()  # before anything ran
    x, y = data_for(model)
    values = model.evaluate(x, y, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(logs) == model.metrics_names == names.split()
    assert list(logs.values()) == list(values)
    log = tmp_path / "log.csv"
    history = model.fit(
        x, y, validation_data=(x, y), verbose=2, callbacks=[callbacks.CSVLogger(log)], batch_size=4
    ).history
    both = [*names.split(), *(f"val_{name}" for name in names.split())]
    assert sorted(history) == sorted(both)
    assert next(csv.reader(log.read_text().splitlines())) == ["epoch", *sorted(both)]
    shown = capsys.readouterr().out
    assert all(f" - {name}: " in shown for name in both)
    assert list(model.train_on_batch(x, y, return_dict=True)) == list(model.test_on_batch(x, y, return_dict=True))
    assert list(logs) == names.split() and model.metrics_names == names.split()


def test_results_of_one_name_are_each_their_own():
    model = through()
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mae"])
    x, weight = np.float32([[1], [3]]), np.float32([1, 0])
    logs = model.evaluate(x, np.zeros((2, 1)), sample_weight=weight, verbose=0, return_dict=True)
    assert (logs["mae"], logs["weighted_mae"]) == (2, 1)


@pytest.mark.parametrize("given", ["object", "list", "rows"])
def test_a_shared_metric_watches_each_head_by_itself(given):
    metric = metrics.MeanAbsoluteError(name="off")
    shared = {"object": {"left": metric, "right": metric}, "list": [metric, "mse", "mape"], "rows": [[metric]] * 2}[
        given
    ]
    model = heads("left", "right")
    model.compile("sgd", "mse", metrics=shared)
    for _ in range(2):
        logs = model.evaluate(*data_for(model), verbose=0, return_dict=True)
        assert (logs["left_off"], logs["right_off"]) == (1, 10)
    assert float(metric.result()) == 1  # the object itself is that of the first


def test_a_metric_of_the_models_own_called_loss_stands_for_the_loss():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.tracker = metrics.Mean(name="loss")

        def call(self, x):
            return x

        def test_step(self, data):
            self.tracker.update_state(7.0)
            return self.get_metrics_result()

    model = Own()
    model.compile(loss="mse")
    assert model.evaluate(ONES, ZEROS, verbose=0, return_dict=True) == {"loss": 7}


class Look(callbacks.Callback):
    """Does something with the model in the midst of a run."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def on_train_batch_end(self, batch, logs=None):
        self.what(self.model)

    on_test_batch_end = on_train_batch_end


FAR = np.full((4, 1), 100, "float32"), np.zeros((4, 1), "float32")
LOOKS = {
    "evaluate": lambda m: m.evaluate(*FAR, verbose=0),
    "evaluate by batches": lambda m: m.evaluate(*FAR, batch_size=1, verbose=0),
    "predict": lambda m: m.predict(FAR[0], verbose=0),
    "train_on_batch": lambda m: m.train_on_batch(*FAR),
    "test_on_batch": lambda m: m.test_on_batch(*FAR),
    "running test_on_batch": lambda m: m.test_on_batch(*FAR, reset_metrics=False),
    "fit": lambda m: m.fit(*FAR, verbose=0),
    "reads": lambda m: [metric.result() for metric in m.metrics],
}


@every_backend
@pytest.mark.parametrize("look", LOOKS)
def test_calls_of_the_model_in_a_callback_leave_the_results_of_the_run(look, backend):
    with backends.use_backend(backend):
        model = Sequential([Input((1,)), layers.Dense(1, kernel_initializer="ones")])
        model.compile(optimizers.SGD(0.0), "mse", metrics=["mae", metrics.F1Score(average="macro", threshold=0.5)])
        x = np.float32([[1], [1], [5], [5]])
        run = {"batch_size": 2, "shuffle": False, "verbose": 0}
        wanted = model.fit(x, x * 0, validation_data=(x, x * 0), **run).history
        history = model.fit(x, x * 0, validation_data=(x, x * 0), callbacks=[Look(LOOKS[look])], **run)
        assert history.history == wanted and wanted["loss"] == [13] and history.epoch == [0]
        scores = model.evaluate(x, x * 0, batch_size=2, verbose=0, callbacks=[Look(LOOKS[look])])
        np.testing.assert_allclose(scores[:2], [13, 3])
        assert model.metrics_names == ["loss", "mae", "f1_score"]


@every_backend
@pytest.mark.parametrize("eager", [False, True])
def test_train_on_batch_and_test_on_batch_give_the_results_of_that_batch(backend, eager):
    with backends.use_backend(backend):
        model = through()
        made_late = metrics.F1Score(average=None, threshold=0.5)  # its variables are made by the first batch
        model.compile(optimizers.SGD(0.0), "mse", metrics=["mae", made_late], run_eagerly=eager)
        low, high = np.full((2, 1), 1, "float32"), np.full((2, 1), 3, "float32")
        for verb in (model.train_on_batch, model.test_on_batch):
            for x, error in ((low, 1), (high, 3), (low, 1)):
                loss, mae, _ = verb(x, x * 0)
                assert (float(loss), float(mae)) == (error**2, error)
            assert verb(high, high * 0, reset_metrics=False)[1] == 2  # with the one before
    ones = np.ones((2, 1), "float32")
    assert model.test_on_batch(ones, ones, return_dict=True)["f1_score"] == 1


def test_metrics_in_containers_are_reset_with_the_others():
    class Holder(layers.Layer):
        def __init__(self):
            super().__init__()
            self.deep = {"rows": [(metrics.Mean(name="deep"),)]}

        def call(self, x):
            self.deep["rows"][0][0].update_state(x)
            return x

    model = Sequential([Input((1,)), Holder()])
    model.compile(optimizers.SGD(0.0), "mse")
    history = model.fit(np.float32([[1], [3]]), np.zeros((2, 1)), epochs=2, verbose=0).history
    assert history["deep"] == [2, 2]
