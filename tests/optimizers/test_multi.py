"""MultiOptimizer: each variable is updated by its own optimizer, in training, in files and in pure functions."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, Variable, layers, optimizers
from amalthea.engine import backends
from amalthea.errors import ArgumentError, MissingAttributeError
from amalthea.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap
from tests.arrays import numbers

X, Y = numbers(12, 4), numbers(12, 1)


def model_with(optimizer):
    amalthea.random.set_random_seed(1)
    model = Sequential([layers.Input((4,)), layers.Dense(3, name="first"), layers.Dense(1, name="last")], name="net")
    model.compile(optimizer, "mse")
    return model


def table():
    return OptimizerMap(SGD(0.1), {".*first/.*": Adam(0.01, name="adam")})


def test_each_variable_is_updated_by_its_optimizer():
    model = model_with(MultiOptimizer(table()))
    model.fit(X, Y, batch_size=4, shuffle=False, epochs=2, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 6
    for optimizer, kept in ((Adam(0.01), "first"), (SGD(0.1), "last")):
        same = model_with(MultiOptimizer(lambda v, optimizer=optimizer, kept=kept: _for(v, optimizer, kept)))
        same.fit(X, Y, batch_size=4, shuffle=False, epochs=2, verbose=0)
        for a, b in zip(model.get_layer(kept).get_weights(), same.get_layer(kept).get_weights(), strict=True):
            np.testing.assert_allclose(a, b, 1e-5, 1e-6)


_OTHERS = {"first": SGD(0.1), "last": Adam(0.01)}


def _for(variable, optimizer, kept):
    if kept in variable.path:
        return optimizer
    return _OTHERS[kept]


def test_a_function_may_choose_and_is_not_saved():
    first, last = Adam(0.01), SGD(0.1)
    optimizer = MultiOptimizer(lambda variable: first if "first" in variable.path else last)
    model = model_with(optimizer)
    model.fit(X, Y, verbose=0)
    assert optimizer.optimizers == [first, last] and int(first.iterations.numpy()) == 1
    with pytest.raises(ArgumentError, match="cannot be saved"):
        optimizer.get_config()


def test_it_goes_into_a_file_with_its_state(tmp_path):
    model = model_with(MultiOptimizer(table(), name="both"))
    model.fit(X, Y, batch_size=4, verbose=0)
    model.save(tmp_path / "m.keras")
    again = amalthea.load_model(tmp_path / "m.keras")
    assert [type(o).__name__ for o in again.optimizer.optimizers] == ["Adam", "SGD"]
    for a, b in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for m in (model, again):
        m.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)


def test_the_factor_of_the_loss_is_every_optimizers():
    inner = SGD(0.1)
    optimizer = MultiOptimizer(OptimizerMap(inner), loss_scale_factor=4.0)
    v = Variable([1.0])
    optimizer.apply([np.array([4.0], "float32")], [v])
    assert inner.loss_scale_factor == 4.0 and v.numpy()[0] == pytest.approx(0.9)
    assert float(backends.current().to_numpy(optimizer.scale_loss(np.float32(2.0)))) == 8.0


WRONG = {
    "no optimizer": lambda: OptimizerMap("adam"),
    "a wrapper": lambda: OptimizerMap(SGD(), {"a": LossScaleOptimizer(SGD())}),
    "itself": lambda: OptimizerMap(MultiOptimizer(OptimizerMap(SGD()))),
    "a number as path": lambda: OptimizerMap(SGD(), {3: SGD()}),
    "a list": lambda: OptimizerMap(SGD(), [SGD()]),
    "not a table": lambda: MultiOptimizer("adam"),
    "twice": lambda: table().__setitem__(".*first/.*", SGD()),
    "two patterns": lambda: OptimizerMap(SGD(), {"a.*": SGD(), ".*b": SGD()})["ab"],
    "a function that gives none": lambda: MultiOptimizer(lambda v: None).build([Variable(1.0)]),
}


@pytest.mark.parametrize("name", [*WRONG])
def test_what_cannot_be_an_optimizer_is_refused(name):
    with pytest.raises(ArgumentError):
        WRONG[name]()


def test_it_has_no_learning_rate_of_its_own():
    optimizer = MultiOptimizer(table())
    for use in (lambda: optimizer.learning_rate, lambda: setattr(optimizer, "learning_rate", 1.0)):
        with pytest.raises(MissingAttributeError, match="several learning rates"):
            use()


def test_the_legacy_module_has_the_same_classes():
    assert optimizers.legacy.Adam is Adam and optimizers.legacy.SGD(lr=0.5).learning_rate is not None
