"""Penalties, projections and activations agree with Keras, and come back from their configuration."""

import numpy as np
import pytest

from amalthea import activations, constraints, grad, ops, regularizers
from amalthea.errors import ArgumentError, ShapeError, UnknownNameError
from tests.arrays import numbers
from tests.oracles.draws import cotangent
from tests.oracles.read import held, load

FAMILIES = [(regularizers, r) for r in load("regularizers")] + [(constraints, r) for r in load("constraints")]
ids = [r["id"] for _, r in FAMILIES]
ACTIVATIONS = held("activations")
CORNERS = [r for r in ACTIVATIONS if "corners" in r["id"]]
SMOOTH = [r for r in ACTIVATIONS if "corners" not in r["id"]]


@pytest.mark.parametrize("family, record", FAMILIES, ids=ids)
def test_every_penalty_and_projection_gives_keras_numbers(family, record):
    output = getattr(family, record["class_name"])(**record["config"])(record["inputs"][0])
    np.testing.assert_allclose(output, np.reshape(record["output"], np.shape(output)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family, record", FAMILIES, ids=ids)
def test_every_config_is_keras_config_and_makes_the_object_again(family, record):
    made = getattr(family, record["class_name"])(**record["config"])
    config = made.get_config()
    assert config.keys() == record["get_config"].keys()
    for key, value in record["get_config"].items():
        assert config[key] == (pytest.approx(value, rel=1e-7) if isinstance(value, float) else value)
    again = family.deserialize(family.serialize(made))
    assert type(again) is type(made) and again.get_config() == config


def slopes(record, x):
    weight = cotangent(record["output"].shape)
    function = activations.get(record["class_name"])
    return np.asarray(grad(lambda x: ops.sum(function(x, **record["config"]) * weight))(x))


@pytest.mark.parametrize("record", SMOOTH, ids=[r["id"] for r in SMOOTH])
def test_every_activation_gives_keras_numbers_and_slopes(record):
    x = record["inputs"][0]
    output = activations.get(record["class_name"])(x, **record["config"])
    np.testing.assert_allclose(output, record["output"], rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(slopes(record, x), record["gradient"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("record", CORNERS, ids=[r["id"] for r in CORNERS])
def test_the_slope_at_a_corner_lies_between_those_beside_it(record):
    x = record["inputs"][0]
    output = activations.get(record["class_name"])(x, **record["config"])
    np.testing.assert_allclose(output, record["output"], rtol=2e-5, atol=2e-6)
    beside = np.stack([slopes(record, x - 1e-3), slopes(record, x + 1e-3)])
    at = slopes(record, x)
    assert (beside.min(0) - 2e-3 <= at).all() and (at <= beside.max(0) + 2e-3).all()


@pytest.mark.parametrize("axis", [0, -1])
def test_sparsemax_is_the_nearest_point_whose_sum_is_one(axis):
    """(Keras's gives sums below 1 where inputs are equal, and for others than one axis last.)"""
    x = numbers(4, 5)
    x[0] = 1.0
    nearest = np.asarray(activations.sparsemax(x, axis=axis))
    np.testing.assert_allclose(nearest.sum(axis), 1, rtol=1e-6)
    assert (nearest >= 0).all()
    moved = np.where(nearest > 0, x - nearest, np.nan)
    np.testing.assert_allclose(np.nanmax(moved, axis), np.nanmin(moved, axis), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(activations.registry.names))
def test_every_activation_is_written_by_its_name(name):
    function = activations.get(name)
    assert activations.get(activations.serialize(function)) is function


def test_no_activation_is_the_identity():
    assert activations.get(None) is activations.linear
    assert activations.get(activations.tanh) is activations.tanh
    with pytest.raises(UnknownNameError, match="use 'relu'"):
        activations.get("rellu")


def test_names_give_penalties_and_projections():
    assert isinstance(regularizers.get("l2"), regularizers.L2) and isinstance(
        regularizers.get("l1_l2"), regularizers.L1L2
    )
    assert isinstance(constraints.get("max_norm"), constraints.MaxNorm)
    assert regularizers.get(None) is None and constraints.get(None) is None
    assert regularizers.serialize(regularizers.L2(0.5)) == {
        "module": "keras.regularizers",
        "class_name": "L2",
        "config": {"l2": 0.5},
        "registered_name": None,
    }


@pytest.mark.parametrize("factor", [-1.0, float("nan"), "much", True])
def test_a_penalty_below_zero_or_without_a_number_is_refused(factor):
    with pytest.raises(ArgumentError):
        regularizers.L2(factor)


def test_vectors_are_drawn_towards_their_bounds():
    drawn = constraints.MinMaxNorm(1.0, 2.0, rate=0.5)(np.float32([[0.5, 1.5, 3.0]]))
    np.testing.assert_allclose(drawn, [[0.75, 1.5, 2.5]], rtol=1e-5)


def test_a_penalty_of_rows_needs_two_axes():
    with pytest.raises(ShapeError, match="rows, columns"):
        regularizers.OrthogonalRegularizer()(np.ones(3, "float32"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_a_penalty_of_half_precision_weights_is_that_of_single_precision(name, dtype):
    """The sum of squares is beyond what float16 holds, and the sum beyond what bfloat16 tells apart."""
    make = {"L1L2": lambda: regularizers.L1L2(0.5, 0.5)}.get(name, getattr(regularizers, name))
    w = ops.cast(numbers(40, 40) * 300, dtype)
    found, wanted = (float(ops.cast(make()(x), "float32")) for x in (w, ops.cast(w, "float32")))
    assert np.isfinite(found) and found == pytest.approx(wanted, rel=1e-6)
