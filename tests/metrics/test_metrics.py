"""Metrics give Keras's results after every update, at once, in a trace and as pure functions."""

import numpy as np
import pytest

from amalthea import jit, metrics
from amalthea.engine.ir.masks import set_mask
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace
from amalthea.engine.shapes import Dim
from amalthea.errors import ArgumentError, NotBuiltError, UnknownNameError
from tests.oracles.read import held

RECORDS = held("metrics")
ids = [r["id"] for r in RECORDS]
UPDATED = [r for r in RECORDS if r["updates"]]


def make(record):
    return getattr(metrics, record["class_name"])(**record["config"])


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual), np.reshape(expected, np.shape(actual)), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_every_result_is_keras_result(record):
    metric = make(record)
    if record["results"][0] is not None:
        close(metric.result(), record["results"][0])
    for update, expected in zip(record["updates"], record["results"][1:]):
        metric.update_state(*update["arguments"], sample_weight=update["sample_weight"])
        close(metric.result(), expected)


@pytest.mark.parametrize("record", [r for r in RECORDS if r["class_name"] != "R2Score"], ids=lambda r: r["id"])
def test_the_variables_are_keras_variables_in_float64(record):
    """(R2Score keeps a mean and squared deviations from it, where Keras keeps two sums.)"""
    metric = make(record)
    for update in record["updates"]:
        metric.update_state(*update["arguments"], sample_weight=update["sample_weight"])
    described = [(v.name, list(v.shape), v.dtype) for v in metric.variables]
    assert described == [(v["name"], v["shape"], "float64") for v in record["variables"]]
    for variable, expected in zip(metric.variables, record["variables"]):
        close(variable.numpy(), expected["value"])


@pytest.mark.parametrize("record", UPDATED, ids=[r["id"] for r in UPDATED])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_metric_begins_anew_after_a_reset(record):
    metric = make(record)
    for _ in range(2):
        update = record["updates"][0]
        metric.update_state(*update["arguments"], sample_weight=update["sample_weight"])
        close(metric.result(), record["results"][1])
        metric.reset_state()
        close(metric.result(), record["result_after_reset"])


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_every_config_is_keras_config_and_makes_the_metric_again(record):
    metric = make(record)
    config = metric.get_config()
    expected = record["get_config"] or {}
    for key, value in expected.items():
        if key == "name":
            assert config[key].rstrip("0123456789_") == value.rstrip("0123456789_")  # numbered through a process
        elif isinstance(value, (list, np.ndarray)):
            np.testing.assert_allclose(config[key], value)
        else:
            assert config[key] == value
    beyond = {k: v for k, v in config.items() if k not in expected}
    assert not expected or all(record["config"][k] == v for k, v in beyond.items())  # what Keras forgets
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric) and again.get_config() == config


@pytest.mark.parametrize("record", UPDATED, ids=[r["id"] for r in UPDATED])
def test_a_compiled_update_gives_keras_result(record):
    metric = make(record)

    @jit
    def step(*arguments, weight=None):
        metric.update_state(*arguments, sample_weight=weight)
        return metric.result()

    for update, expected in zip(record["updates"], record["results"][1:]):
        close(step(*update["arguments"], weight=update["sample_weight"]), expected)
    close(metric.result(), record["results"][-1])


@pytest.mark.parametrize("record", UPDATED, ids=[r["id"] for r in UPDATED])
def test_a_stateless_update_changes_nothing_and_gives_the_same(record):
    metric = make(record)
    update = record["updates"][0]
    if not metric.variables or "R2" in record["class_name"]:
        metric.update_state(*update["arguments"])  # these make their variables then
        metric.reset_state()
    before = [v.numpy() for v in metric.variables]
    after = metric.stateless_update_state(before, *update["arguments"], sample_weight=update["sample_weight"])
    close(metric.stateless_result(after), record["results"][1])
    for variable, value in zip(metric.variables, before):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert all(not np.any(np.asarray(value)) for value in metric.stateless_reset_state())


@pytest.mark.parametrize("record", UPDATED, ids=[r["id"] for r in UPDATED])
def test_the_size_of_the_batch_need_not_be_known(record):
    def symbol(array):
        shape = np.shape(array)
        return Tensor(Type((Dim.symbol("batch"), *shape[1:]) if shape else (), np.asarray(array).dtype.name))

    metric, update = make(record), record["updates"][0]
    weight = update["sample_weight"]
    with Trace():
        metric.update_state(*map(symbol, update["arguments"]), sample_weight=None if weight is None else symbol(weight))
        assert None not in metric.result().shape


def test_names_give_metrics():
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("auc"), metrics.AUC) and isinstance(metrics.get("AUC"), metrics.AUC)
    assert isinstance(metrics.get("f1_score"), metrics.F1Score)
    assert metrics.serialize(metrics.binary_accuracy) == "binary_accuracy"
    with pytest.raises(UnknownNameError, match="use 'precision'"):
        metrics.get("precison")


@pytest.mark.parametrize(
    "labels, predictions, name",
    [
        ((8, 1), (8, 1), "Binary"),
        ((8,), (8, 1), "Binary"),
        ((8,), (8,), "Binary"),
        ((8,), (8, 3), "SparseCategorical"),
        ((8, 1), (8, 3), "SparseCategorical"),
        ((8, 5), (8, 5, 3), "SparseCategorical"),
        ((8, 3), (8, 3), "Categorical"),
    ],
)
def test_accuracy_and_crossentropy_are_chosen_by_the_labels(labels, predictions, name):
    types = Type(labels, "float32"), Type(predictions, "float32")
    assert metrics.accuracy_for(*types) is getattr(metrics, name + "Accuracy")
    assert metrics.crossentropy_for(*types) is getattr(metrics, name + "Crossentropy")


def test_values_that_a_mask_leaves_out_do_not_count():
    y_true, y_pred = np.float32([[0, 1, 1], [1, 0, 0]]), np.float32([[0, 1, 0], [0, 0, 0]])
    set_mask(y_pred, np.array([[True, True, False], [True, False, False]]))
    for metric, expected in ((metrics.MeanMetricWrapper(lambda y, p: abs(y - p)), 1 / 3), (metrics.Recall(), 1 / 2)):
        metric.update_state(y_true, y_pred)
        close(metric.result(), expected)
        metric.reset_state()
        metric.update_state(y_true, y_pred, sample_weight=np.float32([1, 0]))
        close(metric.result(), {1 / 3: 0.0, 1 / 2: 1.0}[expected])


def test_a_metric_of_the_user_is_updated_and_reset():
    class Mine(metrics.Metric):
        def __init__(self, name="mine", **kwargs):
            super().__init__(name=name, **kwargs)
            self.seen = self.add_weight(name="seen")
            self.inner = metrics.Mean()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen.assign_add(1)
            self.inner.update_state(y_pred)

        def result(self):
            return {"seen": self.seen.value, "mean": self.inner.result()}

    metric = Mine()
    result = metric(None, np.float32([1, 3]))
    assert float(result["seen"]) == 1 and float(result["mean"]) == 2
    assert [v.path for v in metric.variables] == ["mine/seen", "mean/total", "mean/count"]
    metric.reset_state()
    assert not any(v.numpy() for v in metric.variables)
    assert Mine.from_config(metric.get_config()).name == "mine"


def test_arguments_that_cannot_be_meant_are_refused():
    for make_one in (
        lambda: metrics.AUC(curve="straight"),
        lambda: metrics.AUC(num_thresholds=1),
        lambda: metrics.Precision(thresholds=[2.0]),
        lambda: metrics.F1Score(average="mean"),
        lambda: metrics.IoU(2, [2]),
        lambda: metrics.RecallAtPrecision(1.5),
    ):
        with pytest.raises(ArgumentError):
            make_one()
    with pytest.raises(NotBuiltError):
        metrics.F1Score().result()
