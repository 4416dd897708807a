"""Losses agree with Keras in value and gradient, reduce and mask as it does, and refuse labels that cannot be meant."""

import numpy as np
import pytest

import amalthea
from amalthea import jit, losses, ops, value_and_grad
from amalthea.engine import backends, transforms
from amalthea.engine.ir.masks import set_mask
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import Trace
from amalthea.engine.shapes import Dim
from amalthea.errors import AmaltheaError, DataError, UnknownNameError
from amalthea.losses.loss import Loss, LossFunctionWrapper, reduce_weighted_values
from tests.arrays import numbers
from tests.oracles.read import load

RECORDS = load("losses")
ids = [r["id"] for r in RECORDS]
CLASSES = sorted({r["class_name"] for r in RECORDS})


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual), np.reshape(expected, np.shape(actual)), rtol=2e-5, atol=2e-6)


def make(record, **config):
    return getattr(losses, record["class_name"])(**{**record["config"], **config})


def is_mended(record, weight, reduction):
    """Where we differ from Keras on purpose.

    A weight for each example lies along the first axis here; Keras broadcasts it along the last. And Keras divides by
    the sum of the weights as they were given, though each may count for several values.
    """
    values = record["values"]["none"]
    if weight is None:
        return False
    return weight.ndim < values.ndim or (
        reduction == "mean_with_sample_weight" and (weight.size < values.size or values.size == 1)
    )


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_every_reduction_gives_keras_number(record):
    for weight, key in ((None, "values"), (record["sample_weight"], "weighted_values")):
        for reduction, expected in record[key].items():
            if not is_mended(record, weight, reduction):
                loss = make(record, reduction=reduction)
                close(loss(record["y_true"], record["y_pred"], sample_weight=weight), expected)


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_every_function_gives_keras_values(record):
    function = getattr(losses, record["function"])
    close(function(record["y_true"], record["y_pred"], **record["function_config"]), record["function_value"])


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_every_gradient_is_keras_gradient(record):
    loss = make(record)
    for weight, key in ((None, "gradient"), (record["sample_weight"], "weighted_gradient")):
        if is_mended(record, weight, "sum_over_batch_size"):
            continue
        function = value_and_grad(lambda p, w=weight: loss(record["y_true"], p, sample_weight=w))
        value, gradient = function(record["y_pred"])
        assert np.shape(gradient) == record["y_pred"].shape
        close(gradient, record[key])


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_a_compiled_loss_has_the_same_value_and_gradient(record):
    loss = make(record)
    value, gradient = jit(value_and_grad(lambda p: loss(record["y_true"], p)))(record["y_pred"])
    close(value, record["values"]["sum_over_batch_size"])
    close(gradient, record["gradient"])


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_every_config_is_keras_config_and_makes_the_loss_again(record):
    loss = make(record)
    config = loss.get_config()
    beyond = {k: v for k, v in config.items() if k not in record["get_config"]}
    assert {k: config[k] for k in record["get_config"]} == record["get_config"]
    assert all(record["config"][k] == v for k, v in beyond.items())  # what Keras forgets, only where it was given
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == config
    close(again(record["y_true"], record["y_pred"]), record["values"]["sum_over_batch_size"])


def symbol(array):
    """A tensor of that shape, but of an unknown batch."""
    array = np.asarray(array)
    return Tensor(Type((Dim.symbol("batch"), *array.shape[1:]), array.dtype.name))


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_the_size_of_the_batch_need_not_be_known(record):
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "none"):
        with Trace():
            values = make(record, reduction=reduction)(symbol(record["y_true"]), symbol(record["y_pred"]))
        assert reduction == "none" or values.shape == ()


def test_names_give_functions_and_class_names_give_losses():
    assert losses.get("mse") is losses.get("MSE") is losses.get("mean_squared_error") is losses.mean_squared_error
    assert losses.get("bce") is losses.binary_crossentropy and losses.get("kld") is losses.kl_divergence
    assert isinstance(losses.get("Huber"), losses.Huber)
    assert isinstance(losses.get({"class_name": "Huber", "config": {"delta": 2.0}}), losses.Huber)
    assert losses.serialize(losses.mean_squared_error) == "mean_squared_error"
    with pytest.raises(UnknownNameError, match="mean_squared_error"):
        losses.get("mean_squared_eror")


def test_a_mask_leaves_a_mean_over_what_it_counts():
    values = np.float32([[1, 2, 3], [4, 5, 6]])
    mask = np.array([[True, True, False], [True, False, False]])
    weight = np.float32([[1, 2, 3], [4, 5, 6]])
    expected = {"sum_over_batch_size": (7 / 3, 7.0), "sum": (7, 21), "mean_with_sample_weight": (7 / 3, 3.0)}
    for reduction, (plain, weighted) in expected.items():
        close(reduce_weighted_values(values, None, mask, reduction), plain)
        close(reduce_weighted_values(values, weight, mask, reduction), weighted)
    close(reduce_weighted_values(values, None, mask, "none"), values * mask)
    close(reduce_weighted_values(values, None, np.zeros_like(mask)), 0.0)


def test_a_weight_for_each_example_counts_for_all_of_its_steps():
    values = np.float32([[1, 2, 3], [4, 5, 6]])
    close(reduce_weighted_values(values, np.float32([1, 0])), 1.0)
    close(reduce_weighted_values(values, np.float32([[2], [0]])), 2.0)
    close(reduce_weighted_values(values, np.float32([2, 1]), reduction="mean_with_sample_weight"), 3.0)


def test_an_ignored_class_counts_neither_as_loss_nor_as_example():
    y_true, y_pred = np.array([0, 1, 2]), np.float32([[0.2, 0.3, 0.5]] * 3)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=2)
    close(loss(y_true, y_pred), -(np.log(0.2) + np.log(0.3)) / 2)


def test_whole_number_labels_are_not_rounded_on_their_way():
    loss = losses.SparseCategoricalCrossentropy()
    assert loss._keeps_integer_labels
    assert float(loss(np.array([1], "uint8"), np.float32([[0.5, 0.5]]))) == pytest.approx(np.log(2))


def test_lists_of_numbers_are_labels_and_predictions():
    assert float(losses.MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]])) == 0.5


def test_a_function_of_the_user_is_a_loss():
    loss = LossFunctionWrapper(lambda y, p: abs(p - y), reduction="sum", name="mine")
    assert float(loss(np.array([[1]]), np.float32([[3.0]]))) == 2.0
    assert loss.name == "mine"


def test_a_mask_is_read_from_the_predictions():
    predictions = np.float32([[1.0], [9.0]])
    set_mask(predictions, np.array([True, False]))
    assert float(losses.MeanSquaredError()(np.zeros((2, 1)), predictions)) == pytest.approx(1.0)


WRONG = {
    "class numbers for one-hot": ("CategoricalCrossentropy", (4,), (4, 10), "sparse_categorical_crossentropy"),
    "column of class numbers": ("CategoricalCrossentropy", (4, 1), (4, 10), "sparse_categorical_crossentropy"),
    "one-hot for class numbers": ("SparseCategoricalCrossentropy", (4, 10), (4, 10), "loss='categorical_crossentropy'"),
    "one unit for ten classes": ("BinaryCrossentropy", (4, 10), (4, 1), "Dense\\(10"),
    "class numbers for binary": ("BinaryCrossentropy", (4,), (4, 10), "sparse_categorical_crossentropy"),
    "one unit for class numbers": ("SparseCategoricalCrossentropy", (4,), (4, 1), "binary_crossentropy"),
    "last axes differ": ("MeanSquaredError", (4, 3), (4, 2), "3 units"),
    "an axis too few": ("MeanSquaredError", (4,), (4, 5, 2), "one entry for each"),
}


@pytest.mark.parametrize("name, true, pred, cure", WRONG.values(), ids=WRONG)
def test_labels_that_cannot_be_meant_are_refused_with_a_cure(name, true, pred, cure):
    with pytest.raises(DataError, match=cure):
        getattr(losses, name)()(np.zeros(true, "int32"), np.ones(pred, "float32"))


@pytest.mark.parametrize("true, pred", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 2, 1), (4, 2)), ((4, 2), (4, 2))])
def test_a_last_axis_of_size_one_may_be_left_out(true, pred):
    for name in ("MeanSquaredError", "BinaryCrossentropy", "Huber"):
        assert np.shape(getattr(losses, name)()(np.zeros(true), np.full(pred, 0.5))) == ()


@pytest.mark.parametrize("name", CLASSES)
def test_half_precision_loses_at_most_two_digits(name):
    record = next(r for r in RECORDS if r["class_name"] == name)
    loss = make(record, dtype="float16")
    value = loss(record["y_true"], record["y_pred"])
    assert np.asarray(value).dtype == np.float16
    np.testing.assert_allclose(value, record["values"]["sum_over_batch_size"][0], rtol=2e-2, atol=2e-2)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(AmaltheaError, match="sum_over_batch_size"):
        losses.MeanSquaredError(reduction="average")


def test_a_loss_without_a_call_says_so():
    with pytest.raises(NotImplementedError, match="call"):
        Loss()(np.ones(1), np.ones(1))


# ------------------------------------------------------------ the way from a cross-entropy straight to the logits


def _entropies():
    """By name: an op, what makes probabilities of logits, logits (some far off), and targets."""
    far = np.concatenate([numbers(5, 4), [[40, 0, -40, 1], [0, 40, 0, -3]]]).astype("float32")
    soft = np.abs(numbers(7, 4, seed=2))
    return {
        "sparse": (ops.sparse_categorical_crossentropy, ops.softmax, far, np.int32([0, 1, 2, 3, -1, 0, 0])),
        "categorical": (ops.categorical_crossentropy, ops.softmax, far, soft / soft.sum(-1, keepdims=True)),
        "binary": (ops.binary_crossentropy, ops.sigmoid, far, (soft > 0.5).astype("float32")),
    }


@pytest.mark.parametrize("name", _entropies())
def test_the_short_way_to_the_logits_gives_what_the_long_way_gives(name):
    op, squash, logits, target = _entropies()[name]
    weight = numbers(*op(target, squash(logits)).shape, seed=5)

    def loss(z, t, hidden):
        out = squash(z)
        return ops.sum(op(t, out * ops.ones_like(out) if hidden else out) * weight)

    by = (0,) if name == "sparse" else (0, 1)
    with backends.use_backend("numpy"):
        for dtype in ("float64", "float32"):
            z, t = logits.astype(dtype), target if name == "sparse" else target.astype(dtype)
            short, long = (amalthea.value_and_grad(lambda *a, h=h: loss(*a, h), by)(z, t) for h in (False, True))
            assert float(short[0]) == pytest.approx(float(long[0]), rel=1e-6)
            for a, b in zip(short[1], long[1], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        graphs = [transforms.capture(amalthea.grad(lambda z, h=h: loss(z, t, h)), ((z,), {}))[0] for h in (False, True)]
    assert len(graphs[0].nodes) < len(graphs[1].nodes) - 4  # it was taken
