"""Recurrences as one primitive: where layers use it, that it is what the steps are, and what its gradient keeps."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import layers, ops
from amalthea.engine import backends, transforms
from amalthea.engine.ir.tensor import Type
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.primitives import TABLE, rnn
from amalthea.engine.primitives.table import numbers
from amalthea.errors import DtypeError, ShapeError
from tests.backends import every_backend

every_layer = pytest.mark.parametrize("layer_name", ["LSTM", "GRU"])
every_row = pytest.mark.parametrize("row", [rnn.lstm, rnn.gru], ids=["lstm", "gru"])
X = numbers(2, 4, 3).astype("float32")


def rows_of(function, *inputs):
    """The names of the primitives in a function's graph."""
    graph, _ = transforms.capture(function, (inputs, {}))
    return [node.primitive.name for node in all_nodes(graph)]


def squares(layer):
    """A scalar of everything that a layer gives."""
    return lambda x: sum(ops.sum(ops.square(y)) for y in layer(x))


def made(layer_name="LSTM", **options):
    make = getattr(layers, layer_name)
    layer = make(3, return_sequences=True, return_state=True, bias_initializer="random_normal", **options)
    layer.build((2, 4, 3))
    return layer


STEP_BY_STEP = {
    "another activation": {"activation": "relu"},
    "another gate": {"recurrent_activation": "hard_sigmoid"},
    "unrolled": {"unroll": True},
}


@every_layer
@pytest.mark.parametrize("name", STEP_BY_STEP)
def test_options_that_libraries_lack_run_step_by_step(layer_name, name):
    assert layer_name.lower() not in rows_of(made(layer_name, **STEP_BY_STEP[name]), X)


def test_a_reset_before_the_product_runs_step_by_step():
    assert "gru" not in rows_of(made("GRU", reset_after=False), X)


def test_a_mask_runs_step_by_step():
    layer = made()
    assert "lstm" not in rows_of(lambda x: layer(x, mask=np.ones((2, 4), bool)), X)


def test_dropout_of_the_state_runs_step_by_step_in_training_alone():
    layer = made(recurrent_dropout=0.5)
    assert "lstm" not in rows_of(lambda x: layer(x, training=True), X)
    assert "lstm" in rows_of(lambda x: layer(x, training=False), X)


@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"go_backwards": True}, {"dropout": 0.5}])
@every_layer
def test_the_usual_layer_is_one_primitive(layer_name, options):
    found = rows_of(made(layer_name, **options), X)
    assert layer_name.lower() in found
    assert "scan" not in found


@every_layer
def test_steps_are_kept_for_a_gradient_alone(layer_name):
    layer, name = made(layer_name), layer_name.lower()
    assert f"{name}_for_gradient" not in rows_of(layer, X)
    found = rows_of(transforms.grad(squares(layer)), X)
    assert {f"{name}_for_gradient", f"{name}_gradient"} <= set(found)
    assert "scan" not in found


@every_backend
@every_layer
@pytest.mark.parametrize("options", [{}, {"use_bias": False, "go_backwards": True}])
def test_one_recurrence_gives_the_values_and_gradients_of_its_steps(backend, layer_name, options):
    with backends.use_backend(backend):
        whole, steps = made(layer_name, **options), made(layer_name, unroll=True, **options)
        steps.set_weights(whole.get_weights())
        for layer in (whole, steps):
            layer.compute = transforms.jit(
                lambda x, layer=layer: (
                    layer(x),
                    transforms.grad(squares(layer))(x),
                    transforms.grad(lambda x=x: squares(layer)(x), layer.trainable_variables)(),
                )
            )
        found, wanted = (ops.convert_to_numpy(x) for x in (whole(X)[0], steps(X)[0]))
        np.testing.assert_allclose(found, wanted, 2e-5, 2e-5)
        pairs = zip(_leaves(whole.compute(X)), _leaves(steps.compute(X)), strict=True)
        for a, b in pairs:
            np.testing.assert_allclose(a, b, 2e-5, 2e-5)


def _leaves(nested):
    flat = [y for x in nested for y in (x if isinstance(x, (list, tuple)) else [x])]
    return [ops.convert_to_numpy(x) for x in flat]


def total(row, x, *rest, reverse=False):
    outputs, *states = row(x, *rest, reverse=reverse)
    return ops.sum(ops.square(outputs)) + ops.sum(states[0] * states[0] * states[-1])


def given(row=rnn.lstm, dtype="float64"):
    return [x.astype(dtype) for x in row.samples[0].inputs]


@every_row
@pytest.mark.parametrize("backend", [name for name in ("numpy", "torch") if name in backends.installed()])
@pytest.mark.parametrize("reverse", [False, True])
def test_second_derivatives_are_those_of_the_first(row, backend, reverse):
    x, *rest = given(row)
    with backends.use_backend(backend):
        slope = transforms.grad(lambda x: total(row, x, *rest, reverse=reverse))
        way = np.cos(np.arange(x.size)).reshape(x.shape)
        run = transforms.jit(lambda x: ops.sum(slope(x)))
        found = ops.convert_to_numpy(transforms.jit(transforms.grad(lambda x: ops.sum(slope(x))))(x))
        numeric = (float(run(x + 1e-5 * way)) - float(run(x - 1e-5 * way))) / 2e-5
    assert float(np.sum(found * way)) == pytest.approx(numeric, rel=1e-5)


@every_backend
@every_row
def test_two_gradients_of_one_recurrence(backend, row):
    """Each for its own output, in one step: both read what was kept."""
    x, *rest = given(row, "float32")

    def both(x):
        outputs, *states = row(x, *rest, reverse=False)
        return [ops.sum(outputs * outputs), ops.sum(states[-1])]

    def slopes(x):
        return [transforms.grad(lambda x, i=i: both(x)[i])(x) for i in (0, 1)]

    with backends.use_backend("numpy"):
        wanted = transforms.jit(slopes)(x.astype("float32"))
    with backends.use_backend(backend):
        found = _leaves([transforms.jit(slopes)(x)])
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, 2e-5, 2e-5)


@every_backend
@every_row
def test_no_steps_leave_the_states_as_they_were(backend, row):
    _, *rest = given(row, "float32")
    with backends.use_backend(backend):
        outputs, *states = row(np.zeros((0, 2, 2), "float32"), *rest, reverse=False)
        assert tuple(outputs.shape) == (0, 2, 3)
        for state, before in zip(states, rest):
            np.testing.assert_array_equal(ops.convert_to_numpy(state), before)


WRONG = {
    "a kernel of other features": (3, (4, 12), "float32", ShapeError),
    "a recurrent kernel of too few gates": (4, (3, 9), "float32", ShapeError),
    "a state of another batch": (1, (5, 3), "float32", ShapeError),
    "a bias with rows": (5, (1, 12), "float32", ShapeError),
    "another dtype": (2, (2, 3), "float64", DtypeError),
    "a sequence without a batch": (0, (4, 2), "float32", ShapeError),
    "whole numbers": (0, (4, 2, 2), "int32", DtypeError),
}


@pytest.mark.parametrize("name", WRONG)
def test_types_that_do_not_fit_are_refused(name):
    place, shape, dtype, error = WRONG[name]
    types = [Type(x.shape, "float32") for x in given()]
    types[place] = Type(shape, dtype)
    with pytest.raises(error) as caught:
        TABLE["lstm"].types(types, {"reverse": False})
    assert any("lstm" in note for note in caught.value.__notes__)
