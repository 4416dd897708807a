"""Metrics: exact over any number of batches, the same for any dtype, blind to NaN, ties and zero weights."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import jit, losses, metrics, ops
from amalthea.engine import backends, dtypes
from amalthea.engine.ir.masks import set_mask
from amalthea.engine.ir.variable import Variable
from tests.arrays import numbers
from tests.backends import every_backend
from tests.metrics.labelled import LABELLED, LABELS, MADE, ROWS, WEIGHTS, close, data, fits, make

# Arguments of the constructor; none for most.


def result(metric, *updates):
    """The result after some updates of ``(arguments, weight)``."""
    for arguments, weight in updates:
        metric.update_state(*arguments, **({} if weight is None else {"sample_weight": weight}))
    return np.asarray(metric.result(), "float64")


def rows_of(arguments, place):
    return tuple(a[place] for a in arguments)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MADE)
def test_any_batches_give_the_result_of_the_whole(name, weighted):
    arguments, weight = data(name), WEIGHTS if weighted else None
    whole = result(make(name), (arguments, weight))
    for ends in ([1, 2, 3, 5, 11], [12], [23]):
        places = [slice(a, b) for a, b in zip([0, *ends], [*ends, ROWS])]
        parts = [(rows_of(arguments, p), None if weight is None else weight[p]) for p in places]
        close(result(make(name), *parts), whole)


@pytest.mark.parametrize("name", MADE)
def test_rows_of_weight_zero_count_as_if_they_were_not_there(name):
    """With any values there: large ones, and NaN."""
    arguments = data(name)
    weight = np.where(np.arange(ROWS) % 3 == 0, 0.0, WEIGHTS)
    spoilt = [np.array(a) for a in arguments]
    if spoilt[-1].dtype.kind == "f":
        spoilt[-1][::3] = np.nan
    kept = weight > 0
    wanted = result(make(name), (rows_of(arguments, kept), weight[kept]))
    close(result(make(name), (spoilt, weight)), wanted)
    close(result(make(name), (rows_of(arguments, kept), weight[kept]), (rows_of(spoilt, ~kept), weight[~kept])), wanted)


SCALED = [n for n in MADE if n != "Sum" and not n.endswith(("Positives", "Negatives"))]


@pytest.mark.parametrize("name", SCALED)
def test_weights_may_be_small(name):
    """A share, a mean and an overlap do not depend on the unit of the weights."""
    arguments = data(name)
    wanted = result(make(name), (arguments, WEIGHTS))
    close(result(make(name), (arguments, WEIGHTS * 1e-6)), wanted)


@pytest.mark.parametrize("name", LABELLED)
def test_values_that_the_mask_of_the_predictions_leaves_out_do_not_count(name):
    arguments = data(name)
    if arguments[1].dtype.kind != "f" or arguments[1].ndim == 1:
        arguments = tuple(np.array(a) for a in arguments)
    kept = np.arange(ROWS) % 3 != 1
    wanted = result(make(name), (rows_of(arguments, kept), None))
    predictions = np.array(arguments[1])
    set_mask(predictions, kept)
    close(result(make(name), ((arguments[0], predictions), None)), wanted)


DTYPES = ["float16", "bfloat16", "float32", "float64", "uint8", "int32"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MADE)
def test_every_dtype_gives_the_result_of_float64(name, dtype):
    arguments = data(name)
    rounded = [a.astype(dtypes.to_numpy(dtype)) if fits(a, dtype) or dtype == "bfloat16" else a for a in arguments]
    exact = [np.asarray(a).astype("float64") for a in rounded]
    if LABELS.get(name) in ("class numbers", "predicted numbers"):
        exact = [a.astype("int64") if np.array_equal(a, np.trunc(a)) else a for a in exact]
    close(result(make(name), (rounded, None)), result(make(name), (exact, None)))


@pytest.mark.parametrize("name", ["MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "LogCoshError"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool", "float16"])
def test_differences_do_not_wrap_nor_overflow(name, dtype):
    high = {"uint8": 250, "int8": 127, "bool": 1, "float16": 60000}[dtype]
    low = {"int8": -128, "float16": -60000}.get(dtype, 0)
    a, b = (np.array([row], dtypes.to_numpy(dtype)) for row in ([low, high], [high, low]))
    error = np.abs(float(high) - float(low))
    wanted = {"MeanSquaredError": error**2, "LogCoshError": error + np.log1p(np.exp(-2 * error)) - np.log(2)}
    close(result(make(name), ((a, b), None)), wanted.get(name, error))
    function = {"MeanSquaredError": losses.mean_squared_error, "MeanAbsoluteError": losses.mean_absolute_error}.get(
        name
    )
    if function is not None:
        close(np.asarray(function(a, b), "float64"), [wanted.get(name, error)])


LARGE = 2.0**24


@every_backend
@pytest.mark.parametrize("name", MADE)
def test_counts_go_on_beyond_what_float32_can_count(name, backend):
    """Every sum of a metric that stands at 2**24, or far beyond, moves by what one more batch adds."""
    with backends.use_backend(backend):
        once, arguments = make(name), data(name)
        result(once, (arguments, None))
        moved = [v.numpy().astype("float64") for v in once.variables]
        metric = make(name)
        result(metric, (arguments, None))  # some make their variables here
        metric.reset_state()
        step = jit(metric.update_state)
        if name != "R2Score":  # whose variables are means too
            for variable in metric.variables:
                variable.assign(np.full(variable.shape, LARGE))
        step(*arguments)
        for variable, move in zip(metric.variables, moved):
            start = 0 if name == "R2Score" else LARGE
            np.testing.assert_allclose(variable.numpy().astype("float64") - start, move, rtol=1e-4, atol=1e-4)


@every_backend
def test_one_large_batch_is_counted_exactly(backend):
    with backends.use_backend(backend):
        mean, size = metrics.Mean(), 2**24 + 3
        mean.update_state(np.ones(size, "float32"))
        assert float(mean.count.numpy()) == float(mean.total.numpy()) == size


def test_a_counter_of_the_users_own_counts_on_too():
    class Seen(metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seen = self.add_weight(name="seen")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen.assign_add(1)

        def result(self):
            return self.seen.value

    metric = Seen()
    metric.seen.assign(LARGE)
    metric.update_state(None, None)
    assert float(metric.result()) == LARGE + 1


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e7])
def test_scores_and_correlations_do_not_depend_on_where_zero_is(offset):
    draw = np.random.default_rng(0)
    y = draw.normal(size=(200, 4)).round(1) * 16
    p = y + draw.normal(size=y.shape).round() * 4
    wanted = 1 - ((y - p) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)
    a, b = (y + offset).astype("float32"), (p + offset).astype("float32")
    if offset < 1e7:
        metric = metrics.R2Score(class_aggregation=None)
        close(result(metric, *(((a[i : i + 37], b[i : i + 37]), None) for i in range(0, 200, 37))), wanted, rtol=1e-4)
    each = [np.corrcoef(*pair)[0, 1] for pair in zip(a.astype("float64"), b.astype("float64"))]
    close(result(metrics.PearsonCorrelation(), ((a, b), None)), np.mean(each), rtol=1e-4)


def test_constant_predictions_leave_correlations_and_scores_finite():
    a, b = np.ones((4, 3), "float32"), numbers(4, 3)
    for name in ("PearsonCorrelation", "ConcordanceCorrelation", "CosineSimilarity"):
        for pair in ((a, b), (b, a), (a, a), (a * 0, a * 0)):
            assert np.isfinite(result(make(name), (pair, None))), name
    for aggregation in metrics.R2Score._aggregations:
        score = metrics.R2Score(class_aggregation=aggregation)
        close(result(score, ((a, a), None)), np.ones_like(result(score)))


BEST = {  # results that are better the larger they are, over labels that are all right
    name: metric
    for name, metric in ((n, getattr(metrics, n)) for n in LABELLED)
    if metrics.direction_of(metric) == "up" and LABELS.get(name) not in (None, "predicted numbers")
}


@every_backend
@pytest.mark.parametrize("name", [n for n in BEST if n != "TrueNegatives"] + ["TrueNegatives"])
def test_nan_is_never_a_hit(name, backend):
    """Some perfect predictions become NaN: the result falls. If all do, it is the worst."""
    labels, predictions = data(name)
    perfect = {
        "one hot": labels * 0.9,
        "class numbers": np.eye(3)[labels] * 0.9 if labels.ndim == 1 else None,
        "binary": labels * 0.9,
        "one number": labels * 0.9,
    }[LABELS[name]].astype("float32")
    some = perfect.copy()
    some[::2] = np.nan
    with backends.use_backend(backend):
        best, spoilt, none = (
            result(make(name), ((labels, p), None)) for p in (perfect, some, np.full_like(perfect, np.nan))
        )
        assert np.isfinite([best, spoilt, none]).all()
        assert none == 0 and spoilt < best
        one_class = np.array(perfect)
        if one_class.ndim > 1:  # NaN beside the right class
            one_class[np.arange(ROWS), (labels if labels.ndim == 1 else labels.argmax(-1)) - 1] = np.nan
            assert result(make(name), ((labels, one_class), None)) < best


@every_backend
@pytest.mark.parametrize("k", [1, 2, 3])
def test_k_of_the_equal_predictions_are_taken(k, backend):
    equal, every = np.full((8, 4), 0.5, "float32"), np.arange(8) % 4
    with backends.use_backend(backend):
        for name, labels in (("SparseTopKCategoricalAccuracy", every), ("TopKCategoricalAccuracy", np.eye(4)[every])):
            close(result(make(name, k=k), ((labels, equal), None)), k / 4)
        close(result(metrics.Recall(top_k=k), ((np.ones((8, 4)), equal), None)), k / 4)
        close(result(metrics.Precision(top_k=k), ((np.eye(4)[every], equal), None)), 1 / 4)
        close(result(metrics.F1Score(average=None), ((np.eye(4)[every], equal), None)), [0.4, 0, 0, 0])
        pairs = np.float32([[0.9, 0.5, 0.5, 0.1]])
        close(result(metrics.TruePositives(), ((np.ones((1, 4)), pairs), None)), 1)
        close(result(metrics.Recall(top_k=2), ((np.float32([[0, 1, 0, 0]]), pairs), None)), 1)
        close(result(metrics.Recall(top_k=2), ((np.float32([[0, 0, 1, 0]]), pairs), None)), 0)


@pytest.mark.parametrize("sparse", [True, False])
def test_an_ignored_class_is_not_divided_by(sparse):
    labels, chosen = np.array([0, 0, 1, 2, 2]), np.array([0, 2, 1, 0, 2])
    metric = metrics.MeanIoU(3, ignore_class=2, sparse_y_pred=sparse)
    given = chosen if sparse else np.eye(3)[chosen]
    close(result(metric, ((labels, given), None)), np.mean([1 / 2, 1 / 1]))
    entropy = metrics.SparseCategoricalCrossentropy(ignore_class=2)
    p = np.float32([[0.5, 0.3, 0.2]] * 5)
    wanted = -np.mean(np.log([0.5, 0.5, 0.3]))
    close(result(entropy, ((labels, p), None)), wanted)
    close(result(metrics.SparseCategoricalCrossentropy(ignore_class=2), ((labels, p), np.ones(5))), wanted)


def test_a_function_that_gives_one_number_counts_for_all_its_rows():
    y, p = numbers(10, 2), numbers(10, 2, seed=1)
    whole = np.abs(y - p).mean()
    for fn in (lambda a, b: ops.mean(ops.abs(a - b)), losses.MeanAbsoluteError()):
        metric = metrics.MeanMetricWrapper(fn, "mine")
        close(result(metric, ((y[:7], p[:7]), None), ((y[7:], p[7:]), None)), whole)


def test_every_metric_says_which_results_are_better():
    free = {"Mean", "Sum"}
    for name in MADE:
        assert make(name)._direction in ("up", "down") or name in free, name
    assert metrics.MeanMetricWrapper(losses.cosine_similarity)._direction == "down"
    assert metrics.MeanMetricWrapper(losses.Huber())._direction == "down"
    assert metrics.MeanMetricWrapper(metrics.binary_accuracy)._direction == "up"
    assert metrics.MeanMetricWrapper(lambda y, p: p)._direction is None


def test_variables_and_metrics_in_containers_belong_to_the_metric():
    class Own(metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.parts = {"a": [metrics.Mean(), (metrics.Sum(),)]}
            self.bare = [Variable(np.float32(1), trainable=False)]

    metric = Own()
    assert len(metric.variables) == 4
    metric.parts["a"][0].update_state([1.0])
    metric.reset_state()
    assert not any(v.numpy() for v in metric.variables)
