"""Metrics and losses: exact over any number of batches, the same for any dtype, blind to NaN, ties and zero weights."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from amalthea import jit, losses, metrics, ops, value_and_grad
from amalthea.engine import backends, dtypes
from amalthea.engine.ir.masks import set_mask
from amalthea.engine.ir.variable import Variable
from tests.samples import numbers

ROWS = 24
EVERY = [name for name in metrics.__all__ if inspect.isclass(getattr(metrics, name))]
# Arguments of the constructor; none for most.
ARGUMENTS = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "TopKCategoricalAccuracy": {"k": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2},
    "MeanMetricWrapper": {"fn": losses.mean_absolute_error},
    "F1Score": {"average": "macro"},
    "FBetaScore": {"average": "weighted", "beta": 2.0},
}
BINARY = (
    "BinaryAccuracy BinaryCrossentropy AUC Precision Recall TruePositives TrueNegatives FalsePositives FalseNegatives"
)
ONE_HOT = "CategoricalAccuracy CategoricalCrossentropy TopKCategoricalAccuracy CategoricalHinge F1Score FBetaScore"
NUMBERS = "SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy"
KINDS = {
    **dict.fromkeys(BINARY.split(), "binary"),
    **dict.fromkeys((n for n in EVERY if n.endswith("Specificity") or n.endswith("Sensitivity")), "binary"),
    **dict.fromkeys(("PrecisionAtRecall", "RecallAtPrecision", "Hinge", "SquaredHinge"), "binary"),
    **dict.fromkeys([*ONE_HOT.split(), "OneHotIoU", "OneHotMeanIoU"], "one hot"),
    **dict.fromkeys(NUMBERS.split(), "class numbers"),
    **dict.fromkeys(("IoU", "MeanIoU", "Accuracy"), "predicted numbers"),
    "BinaryIoU": "one number",
    **dict.fromkeys(("KLDivergence", "Poisson"), "positive"),
    **dict.fromkeys(("Mean", "Sum"), "values"),
}
MADE = [name for name in EVERY if name != "Metric"]
LABELLED = [name for name in MADE if KINDS.get(name) != "values"]


def make(name, **more):
    return getattr(metrics, name)(**{**ARGUMENTS.get(name, {}), **more})


def shares(*shape, seed=0):
    """Between 0 and 1, no two the same."""
    return (np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) + 1) / (np.prod(shape) + 2)


def data(name, rows=ROWS, seed=0):
    """Labels and predictions, in float64 where they are floats."""
    kind, draw = KINDS.get(name, "floats"), np.random.default_rng(seed)
    classes, chosen = draw.integers(0, 3, rows), draw.integers(0, 3, rows)
    probabilities = shares(rows, 3, seed=seed)
    return {
        "binary": (draw.integers(0, 2, (rows, 3)), probabilities),
        "one number": (draw.integers(0, 2, rows), shares(rows, seed=seed)),
        "one hot": (np.eye(3, dtype="int64")[classes], probabilities),
        "class numbers": (classes, probabilities),
        "predicted numbers": (classes, chosen),
        "positive": (draw.integers(1, 5, (rows, 3)), draw.integers(1, 5, (rows, 3)) + 0.5),
        "values": (draw.integers(0, 9, rows) / 4,),
        "floats": (draw.integers(-8, 8, (rows, 3)) / 4, draw.integers(-8, 8, (rows, 3)) / 4),
    }[kind]


def result(metric, *updates):
    """The result after some updates of ``(arguments, weight)``."""
    for arguments, weight in updates:
        metric.update_state(*arguments, **({} if weight is None else {"sample_weight": weight}))
    return np.asarray(metric.result(), "float64")


def close(found, wanted, **more):
    np.testing.assert_allclose(found, wanted, **{"rtol": 1e-5, "atol": 1e-6, **more})


def rows_of(arguments, place):
    return tuple(a[place] for a in arguments)


WEIGHTS = np.abs(numbers(ROWS, seed=3)).astype("float64") + 0.01


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
def test_what_the_mask_of_the_predictions_leaves_out_does_not_count(name):
    arguments = data(name)
    if arguments[1].dtype.kind != "f" or arguments[1].ndim == 1:
        arguments = tuple(np.array(a) for a in arguments)
    kept = np.arange(ROWS) % 3 != 1
    wanted = result(make(name), (rows_of(arguments, kept), None))
    predictions = np.array(arguments[1])
    set_mask(predictions, kept)
    close(result(make(name), ((arguments[0], predictions), None)), wanted)


DTYPES = ["float16", "bfloat16", "float32", "float64", "uint8", "int32"]


def fits(array, dtype):
    """Whether the dtype holds every element."""
    return np.array_equal(array.astype(dtypes.to_numpy(dtype)).astype("float64"), array)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MADE)
def test_every_dtype_gives_the_result_of_float64(name, dtype):
    arguments = data(name)
    rounded = [a.astype(dtypes.to_numpy(dtype)) if fits(a, dtype) or dtype == "bfloat16" else a for a in arguments]
    exact = [np.asarray(a).astype("float64") for a in rounded]
    if KINDS.get(name) in ("class numbers", "predicted numbers"):
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


# --------------------------------------------------------------------------------- long sums and counts

LARGE = 2.0**24


@pytest.mark.parametrize("backend", backends.complete())
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


@pytest.mark.parametrize("backend", backends.complete())
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


# ---------------------------------------------------------------------------------------- NaN and ties

BEST = {  # results that are better the larger they are, over labels that are all right
    name: metric
    for name, metric in ((n, getattr(metrics, n)) for n in LABELLED)
    if metrics.direction_of(metric) == "up" and KINDS.get(name) not in (None, "predicted numbers")
}


@pytest.mark.parametrize("backend", backends.complete())
@pytest.mark.parametrize("name", [n for n in BEST if n != "TrueNegatives"] + ["TrueNegatives"])
def test_nan_is_never_a_hit(name, backend):
    """Some perfect predictions become NaN: the result falls. If all do, it is the worst."""
    labels, predictions = data(name)
    perfect = {
        "one hot": labels * 0.9,
        "class numbers": np.eye(3)[labels] * 0.9 if labels.ndim == 1 else None,
        "binary": labels * 0.9,
        "one number": labels * 0.9,
    }[KINDS[name]].astype("float32")
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


@pytest.mark.parametrize("backend", backends.complete())
@pytest.mark.parametrize("k", [1, 2, 3])
def test_of_equal_predictions_k_are_taken(k, backend):
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


# ---------------------------------------------------------------------------------------------- losses

LOSSES = [n for n in losses.__all__ if inspect.isclass(getattr(losses, n)) and n not in ("Loss", "LossFunctionWrapper")]
WHOLE_BATCH = ("Dice", "Tversky", "Circle")  # which compare rows with each other


def loss_data(name):
    kind = {
        "BinaryCrossentropy": "binary",
        "BinaryFocalCrossentropy": "binary",
        "CategoricalCrossentropy": "one hot",
        "CategoricalFocalCrossentropy": "one hot",
        "SparseCategoricalCrossentropy": "class numbers",
        "CategoricalGeneralizedCrossEntropy": "class numbers",
        "Circle": "class numbers",
        "KLDivergence": "positive",
        "Poisson": "positive",
        "Hinge": "binary",
        "SquaredHinge": "binary",
        "CategoricalHinge": "one hot",
        "Dice": "binary",
        "Tversky": "binary",
    }.get(name, "floats")
    return data(next(n for n, k in [*KINDS.items(), ("", "floats")] if k == kind))


def make_loss(name, **more):
    more = {"q": 0.5, **more} if name == "CategoricalGeneralizedCrossEntropy" else more
    return getattr(losses, name)(**more)


@pytest.mark.parametrize("name", [n for n in LOSSES if n not in WHOLE_BATCH])
def test_any_batches_give_the_loss_of_the_whole(name):
    """Summed, or as means weighted by what they are means over."""
    y, p = loss_data(name)
    places = [slice(0, 5), slice(5, 6), slice(6, ROWS)]
    for weight in (None, WEIGHTS):
        total = make_loss(name, reduction="sum")
        parts = [total(y[s], p[s], None if weight is None else weight[s]) for s in places]
        close(np.sum(parts), total(y, p, weight))
        for reduction in ("sum_over_batch_size", "mean_with_sample_weight"):
            loss = make_loss(name, reduction=reduction)
            pairs = [loss._with_count(y[s], p[s], None if weight is None else weight[s]) for s in places]
            values, counts = (np.asarray([float(x) for x in column]) for column in zip(*pairs))
            close(np.average(values, weights=counts), loss(y, p, weight))


@pytest.mark.parametrize("name", [n for n in LOSSES if n not in WHOLE_BATCH])
def test_rows_of_weight_zero_add_nothing_to_a_loss(name):
    y, p = loss_data(name)
    weight = np.where(np.arange(ROWS) % 3 == 0, 0.0, WEIGHTS)
    spoilt = p.copy()
    spoilt[::3] = np.nan
    for reduction in ("sum", "mean_with_sample_weight"):
        loss = make_loss(name, reduction=reduction)
        close(loss(y, spoilt, weight), loss(y[weight > 0], p[weight > 0], weight[weight > 0]))
    mask = weight > 0
    set_mask(spoilt, mask)
    close(make_loss(name)(y, spoilt), make_loss(name)(y[mask], p[mask]))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "uint8", "int32"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_dtype_of_predictions_and_labels_gives_the_loss_of_float64(name, dtype):
    kind = dtypes.to_numpy(dtype)
    y, p = loss_data(name)
    y = y.astype(kind) if fits(y, dtype) else y
    p = p.astype(kind) if fits(p, dtype) or dtypes.is_float(dtype) else p
    exact = np.asarray(y, "float64") if y.dtype.kind != "i" else y, p.astype("float64")
    close(make_loss(name)(y, p), make_loss(name, dtype="float64")(*exact))
    loss = make_loss(name)
    options = loss._fn_kwargs
    close(np.asarray(loss.fn(y, p, **options), "float64"), np.asarray(loss.fn(*exact, **options), "float64"))


def test_a_loss_of_many_values_in_half_precision_is_finite():
    y, p = np.zeros((2**16, 1), "float16"), np.full((2**16, 1), 300, "float16")
    for loss in (losses.MeanSquaredError(), losses.MeanSquaredError(reduction="sum"), losses.mean_squared_error):
        assert np.isfinite(np.asarray(loss(y, p), "float64")).all()
    close(losses.MeanAbsoluteError(dtype="float16")(y, p), 300)


def test_a_byte_is_never_the_ignored_class_minus_one():
    y, p = np.array([0, 255], "uint8"), np.full((2, 256), 1 / 256, "float32")
    close(losses.SparseCategoricalCrossentropy(ignore_class=-1)(y, p), np.log(256))


SPECIAL = {
    "zeros": lambda y, p: p * 0,
    "ones": lambda y, p: p * 0 + 1,
    "the labels": lambda y, p: np.eye(3)[y] if y.ndim == 1 and p.ndim == 2 else y,
    "one half": lambda y, p: p * 0 + 0.5,
    "far off": lambda y, p: p * 1e4,
}
OPTIONS = [{}, {"gamma": 0.5}, {"gamma": 0.0}, {"q": 0.1}, {"from_logits": True}]


@pytest.mark.parametrize("point", SPECIAL)
@pytest.mark.parametrize("name", [n for n in LOSSES if n != "CosineSimilarity"])
def test_a_loss_has_a_finite_value_and_gradient_at_special_points(name, point):
    y, p = loss_data(name)
    p = np.asarray(SPECIAL[point](y, p.astype("float32")), "float32")
    for options in OPTIONS:
        if set(options) <= set(inspect.signature(getattr(losses, name)).parameters):
            loss = make_loss(name, **options)
            value, gradient = value_and_grad(lambda z, loss=loss: loss(y, z))(p)
            assert np.isfinite(np.asarray(value)) and np.isfinite(np.asarray(gradient)).all(), options
