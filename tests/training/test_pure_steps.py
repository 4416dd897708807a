"""Steps from given values, states as trees, compiled steps for loops of one's own, limits of training, add_metric."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, config, layers, ops
from amalthea.errors import ArgumentError, NotCompiledError, ShapeError
from tests.arrays import numbers

X, Y = numbers(12, 4), numbers(12, 1)


def compiled(**options):
    amalthea.random.set_random_seed(1)
    model = Sequential([layers.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("adam", "mse", **options)
    return model


def state(model):
    groups = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
    return [[v.numpy() for v in group] for group in groups]


def test_a_stateless_loss_is_the_loss_and_changes_nothing():
    model = compiled()
    before = state(model)
    others = [[v * 0 + 2 for v in before[0]], *before[1:]]
    loss, after = model.stateless_compute_loss(*others, x=X, y=Y, y_pred=Y + 2)
    assert float(loss) == pytest.approx(4.0, rel=1e-5)
    assert [len(group) for group in after] == [len(group) for group in before]
    for a, b in zip(before, state(model)):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_loss_and_updates_use_the_given_values():
    model = compiled()
    before = state(model)
    zeros = [[np.zeros_like(v) for v in before[0]], *before[1:]]
    loss, (unscaled, y_pred, others, _) = model.compute_loss_and_updates(*zeros, X, Y, None, training=True)
    assert float(loss) == pytest.approx(float(np.mean(Y**2)), rel=1e-5) == float(unscaled)
    assert not np.asarray(ops.convert_to_numpy(y_pred)).any() and len(others) == len(before[1])
    assert all(np.array_equal(a, b) for a, b in zip(before[1], state(model)[1], strict=True))


def named():
    model = Sequential([layers.Input((4,)), layers.Dense(3, name="a"), layers.BatchNormalization(name="b")], name="net")
    model.compile(
        amalthea.optimizers.Adam(name="adam"), "mse", metrics=[amalthea.metrics.MeanAbsoluteError(name="mae")]
    )
    return model


@pytest.mark.parametrize("value_format", ["numpy_array", "backend_tensor"])
def test_a_state_tree_goes_out_and_in_again(value_format):
    model, other = named(), named()
    model.fit(X, X[:, :3], verbose=0)
    other.train_on_batch(X[:4], X[:4, :3])
    tree = model.get_state_tree(value_format)
    groups = ("metrics_variables", "non_trainable_variables", "optimizer_variables", "trainable_variables")
    assert tuple(sorted(tree)) == groups
    other.set_state_tree(tree)
    for a, b in zip(
        [*model.variables, *model.optimizer.variables, *model.metrics_variables],
        [*other.variables, *other.optimizer.variables, *other.metrics_variables],
        strict=True,
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_state_tree_that_does_not_fit_is_refused_before_anything_is_assigned():
    model = compiled()
    before = model.get_weights()
    path = model.layers[0].kernel.path.split("/")
    tree = {"trainable_variables": {path[0]: {path[1]: {"kernel": np.zeros((4, 3)), "nothing": np.zeros(1)}}}}
    with pytest.raises(ArgumentError, match="no variable"):
        model.set_state_tree(tree)
    with pytest.raises(ShapeError):
        model.set_state_tree({"trainable_variables": {path[0]: {path[1]: {"kernel": np.zeros((5, 3))}}}})
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(ArgumentError):
        model.get_state_tree("torch")


def test_made_functions_run_one_batch_of_an_iterator():
    model, same = compiled(), compiled()
    batches = iter([(X[:6], Y[:6]), (X[6:], Y[6:])])
    train = model.make_train_function()
    assert model.train_function is train
    losses = [float(train(batches)["loss"]) for _ in range(2)]
    same.fit(X, Y, batch_size=6, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)
    assert len(losses) == 2
    logs = model.make_test_function(force=True)(iter([(X, Y)]))
    assert "loss" in logs
    found = ops.convert_to_numpy(model.make_predict_function()(iter([X])))
    np.testing.assert_allclose(found, model.predict(X, verbose=0), 1e-5, 1e-6)
    with pytest.raises(NotCompiledError):
        Sequential([layers.Dense(1)]).make_train_function()


def test_limits_of_the_settings_shorten_every_run(monkeypatch):
    model = compiled()
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(2)
    try:
        assert len(model.fit(X, Y, epochs=9, batch_size=3, verbose=0).history["loss"]) == 2
        assert int(model.optimizer.iterations.numpy()) == 4
        assert len(model.predict(X, batch_size=3, verbose=0)) == 6
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)
    for wrong in (-1, 1.5, "x"):
        with pytest.raises(ArgumentError):
            config.set_max_epochs(wrong)
    monkeypatch.delitem(config._settings, "max_epochs")
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "3")
    assert config.max_epochs() == 3
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "three")
    with pytest.raises(ArgumentError, match="KERAS_MAX_EPOCHS"):
        config.max_epochs()


class Watched(layers.Layer):
    def call(self, x):
        self.add_metric(ops.mean(x), name="level")
        self.add_metric(x[:, 0])
        return x


def test_a_value_of_a_layer_is_reported_beside_the_metrics():
    model = Sequential([layers.Input((4,)), Watched(name="watched"), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, Y, batch_size=6, epochs=2, verbose=0).history
    assert history["level"] == pytest.approx([X.mean()] * 2, rel=1e-5)
    assert history["watched"] == pytest.approx([X[:, 0].mean()] * 2, rel=1e-5)
    assert [m.name for m in model.layers[0].metrics] == ["level", "watched"]
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["level"] == pytest.approx(X.mean(), rel=1e-5)


@pytest.mark.parametrize("filtered", [True, False])
def test_tracebacks_show_the_users_frames_alone_if_they_are_filtered(filtered):
    (config.enable_traceback_filtering if filtered else config.disable_traceback_filtering)()
    try:
        with pytest.raises(ShapeError) as caught:
            compiled().fit(np.ones((4, 9)), Y[:4], verbose=0)
    finally:
        config.disable_traceback_filtering()
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert files[0] == __file__ and (len(files) <= 2) == filtered
