"""Losses: the same over any batches and for any dtype, blind to zero weights, finite at special points."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from amalthea import losses, value_and_grad
from amalthea.engine import dtypes
from amalthea.engine.ir.masks import set_mask
from tests.metrics.labelled import LABELS, ROWS, WEIGHTS, close, data, fits

LOSSES = [n for n in losses.__all__ if inspect.isclass(getattr(losses, n)) and n not in ("Loss", "LossFunctionWrapper")]
WHOLE_BATCH = ("Dice", "Tversky", "Circle")  # which compare rows with each other


def sequences():
    """Rows of one to three labels, filled with 0, and logits of four classes for seven time steps."""
    rng = np.random.default_rng(0)
    y = rng.integers(1, 4, (ROWS, 3)) * (np.arange(3) < rng.integers(1, 4, (ROWS, 1)))
    return y.astype("int32"), rng.normal(size=(ROWS, 7, 4)).astype("float32")


def loss_data(name):
    if name == "CTC":
        return sequences()
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
    return data(next(n for n, k in [*LABELS.items(), ("", "floats")] if k == kind))


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
    "the labels": lambda y, p: np.eye(3)[y] if y.ndim == 1 and p.ndim == 2 else y if y.ndim == p.ndim else p,
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
