"""Which direction of a watched result is better; NaN is never best."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from amalthea import Input, Sequential, callbacks, layers, losses, metrics
from amalthea.errors import ArgumentError
from tests.training.heads import data_for, distance, heads, through

SCORES = {name: getattr(metrics, name) for name in metrics.__all__ if inspect.isclass(getattr(metrics, name))}


def watcher(model, monitor, **options):
    callback = callbacks.EarlyStopping(monitor, **options)
    callback.set_model(model)
    return callback


def test_auto_mode_asks_the_metric_that_the_name_belongs_to():
    model = heads("loss_head", "right")
    model.compile(
        "sgd", "mse", metrics=[["mae", "accuracy", metrics.CosineSimilarity(name="gloss")], [losses.cosine_similarity]],
        weighted_metrics=[["accuracy"], []],
    )  # fmt: skip
    wanted = {
        "loss": "min", "loss_head_loss": "min", "loss_head_mae": "min", "loss_head_accuracy": "max",
        "loss_head_gloss": "max", "right_cosine_similarity": "min", "loss_head_weighted_accuracy": "max",
    }  # fmt: skip
    model.evaluate(*data_for(model), verbose=0)
    assert set(model.metrics_names) == {*wanted, "right_loss"}
    for name, mode in wanted.items():
        for prefix in ("", "val_"):
            assert watcher(model, prefix + name)._larger_is_better() is (mode == "max"), name


@pytest.mark.parametrize("name", [n for n in SCORES if metrics.direction_of(SCORES[n])])
def test_auto_mode_knows_every_built_in_metric(name):
    from tests.metrics.labelled import make

    model = through()
    metric = make(name)
    model.compile("sgd", "mse", metrics=[metric])
    assert watcher(model, f"val_{metric.name}")._larger_is_better() is (metric._direction == "up")


def test_a_direction_that_nobody_knows_is_asked_for():
    model = through()
    model.compile("sgd", "mse", metrics=[distance, metrics.Mean(name="accuracy_like")])
    model._prepare_metrics()
    for name in ("distance", "accuracy_like", "learning_rate", "glossy"):
        with pytest.raises(ArgumentError, match="mode='max'"):
            watcher(model, name)._larger_is_better()


BY_NAME = {
    "val_gloss_accuracy": "max", "maker_loss": "min", "val_my_auc": "max", "left_mae_1": "min",
    "head_mean_io_u": "max", "top_k_categorical_accuracy": "max", "val_left_f1_score_2": "max",
}  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_names_that_no_metric_of_the_model_has_are_read_from_their_end(name):
    model = through()
    model.compile("sgd", "mse")
    assert watcher(model, name)._larger_is_better() is (BY_NAME[name] == "max")


NAN = float("nan")


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("kind", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau, callbacks.ModelCheckpoint])
def test_nan_is_never_best_and_everything_is_better(kind, mode, tmp_path):
    options = {"filepath": str(tmp_path / "m.keras")} if kind is callbacks.ModelCheckpoint else {}
    callback = kind(**options, monitor="v", mode=mode)
    assert not callback._improves(NAN, None) and not callback._improves(NAN, 1.0)
    assert callback._improves(1.0, NAN) and callback._improves(1.0, None)


def test_a_first_epoch_of_nan_is_not_kept_reduces_no_rate_and_stops_nothing(tmp_path):
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    path = str(tmp_path / "best.weights.h5")
    watching = [
        callbacks.EarlyStopping("v", mode="min", patience=2, restore_best_weights=True),
        callbacks.ModelCheckpoint(path, "v", mode="min", save_best_only=True, save_weights_only=True),
        callbacks.ReduceLROnPlateau("v", mode="min", patience=2),
    ]
    calls = callbacks.CallbackList(watching, model=model)
    calls.on_train_begin()
    for epoch, value in enumerate([NAN, 3.0, 2.0, NAN, 1.0, NAN]):
        model.set_weights([np.full((1, 1), float(epoch))])
        calls.on_epoch_begin(epoch)
        calls.on_epoch_end(epoch, {"v": value})
        assert not model.stop_training
    calls.on_train_end()
    assert model.get_weights()[0] == 4 and float(model.optimizer.learning_rate) == np.float32(0.01)
    model.load_weights(path)
    assert model.get_weights()[0] == 4


def test_a_result_of_several_numbers_cannot_be_watched():
    model = through()
    model.compile("sgd", "mse", metrics=[metrics.F1Score()])
    with pytest.raises(ArgumentError, match="macro"):
        watcher(model, "f1_score").on_epoch_end(0, {"f1_score": np.ones(3)})
