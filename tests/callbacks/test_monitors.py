"""Callbacks that watch a result: early stopping, learning rates, averages, NaN."""

from types import SimpleNamespace

import numpy as np
import pytest

from amalthea import callbacks as c
from amalthea.engine.ir.variable import Variable
from amalthea.errors import NotFiniteError
from tests.callbacks.runs import Model, losses, run

NAN = float("nan")
STOPPING = {
    # name: values, arguments, epochs that run, weight at the end
    "improves always": ([3, 2, 1], {}, 3, 3),
    "patience 0": ([3, 4, 1], {}, 2, 2),
    "patience 2": ([3, 4, 2, 3, 3, 1], {"patience": 2}, 5, 5),
    "patience 2, best weights": ([3, 4, 2, 3, 3, 1], {"patience": 2, "restore_best_weights": True}, 5, 3),
    "best weights without stopping": ([1, 2], {"patience": 9, "restore_best_weights": True}, 2, 1),
    "small changes": ([3, 2.95, 2.91], {"min_delta": 0.1}, 2, 2),
    "larger is better": ([1, 2, 1.5, 3], {"mode": "max"}, 3, 3),
    "baseline": ([3, 2.5, 2.4, 1], {"baseline": 2, "patience": 2}, 4, 4),
    "baseline never met": ([3, 2.5, 2.6, 2.7], {"baseline": 2, "patience": 2}, 3, 3),
    "later start": ([1, 2, 3, 4, 5], {"start_from_epoch": 3}, 5, 5),
}


@pytest.mark.parametrize("case", STOPPING)
def test_early_stopping_stops_when_nothing_improves(case):
    values, arguments, epochs, weight = STOPPING[case]
    stopping = c.EarlyStopping(**arguments)
    for _ in range(2):  # a callback may be used again
        model = run(losses(*values), stopping)
        assert (len(model.history.epoch), model.weight) == (epochs, weight)


def test_a_metric_that_is_not_there_warns_with_the_nearest_name():
    with pytest.warns(UserWarning, match="'val_acc'.*use 'val_accuracy'"):
        run([{"val_accuracy": 1.0}], c.EarlyStopping(monitor="val_acc"))


DIRECTIONS = [("val_loss", "min"), ("accuracy", "max"), ("val_auc", "max"), ("mse", "min"), ("val_dense_loss", "min")]


@pytest.mark.parametrize(("monitor", "mode"), DIRECTIONS)
def test_the_direction_is_known_from_the_metrics_name(monitor, mode):
    watching = c.EarlyStopping(monitor=monitor)
    watching.set_model(Model())
    assert watching._larger_is_better() is (mode == "max")


def test_the_models_metric_is_asked_for_the_direction_first():
    watching = c.EarlyStopping(monitor="val_loss_of_nothing")
    watching.set_model(Model(metrics=[("loss_of_nothing", "up")]))
    assert watching._larger_is_better()


@pytest.mark.parametrize("schedule", [lambda epoch, rate: 0.1**epoch, lambda epoch: 0.1**epoch])
def test_the_scheduler_sets_the_rate_of_each_epoch(schedule, capsys):
    model = run(losses(1, 1), c.LearningRateScheduler(schedule, verbose=1))
    assert model.history.history["learning_rate"] == [1.0, 0.1]
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.1." in capsys.readouterr().out


PLATEAUS = {
    # name: values, arguments, the rate in each epoch's logs
    "improves": ([3, 2, 1], {"patience": 1}, [1, 1, 1]),
    "patience 1": ([1, 1, 1, 1], {"patience": 1}, [1, 1, 0.5, 0.25]),
    "patience 2": ([1, 1, 1, 1], {"patience": 2}, [1, 1, 1, 0.5]),
    "cooldown": ([1, 1, 1, 1, 1, 1], {"patience": 1, "cooldown": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
    "a least rate": ([1, 1, 1, 1], {"patience": 1, "min_lr": 0.4}, [1, 1, 0.5, 0.4]),
    "small changes": ([1, 0.99, 0.98], {"patience": 1, "min_delta": 0.1}, [1, 1, 0.5]),
    "the older word": ([1, 0.99, 0.98], {"patience": 1, "epsilon": 0.1}, [1, 1, 0.5]),
    "larger is better": ([1, 2, 1, 1], {"patience": 1, "mode": "max"}, [1, 1, 1, 0.5]),
}


@pytest.mark.parametrize("case", PLATEAUS)
def test_the_rate_is_reduced_on_a_plateau(case):
    values, arguments, rates = PLATEAUS[case]
    model = run(losses(*values), c.ReduceLROnPlateau(factor=0.5, **arguments))
    assert model.history.history["learning_rate"] == rates


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_averages_are_in_the_model_while_it_is_evaluated(swap_on_epoch):
    model = Model()
    weight, average = Variable(np.float32(1)), Variable(np.float32(9))
    model.trainable_variables = [weight]
    model.optimizer = SimpleNamespace(use_ema=True, _slot=lambda name, variable: average)
    calls = c.CallbackList(c.SwapEMAWeights(swap_on_epoch), model=model)
    seen = []
    for hook, arguments in [("epoch_begin", [0]), ("test_begin", []), ("test_end", []), ("epoch_end", [0])] * 2:
        getattr(calls, f"on_{hook}")(*arguments)
        assert float(weight.numpy()) + float(average.numpy()) == 10
        seen.append(float(weight.numpy()))
    assert seen == [1, 9, 1, 9 if swap_on_epoch else 1] * 2


@pytest.mark.parametrize("loss", [NAN, float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_ends_training(loss, capsys):
    model = run(losses(1.0, loss, 1.0, name="loss"), c.TerminateOnNaN())
    assert len(model.history.epoch) == 2
    assert "Batch 0: Invalid loss, terminating training" in capsys.readouterr().out
    with pytest.raises(NotFiniteError, match="batch 0"):
        run(losses(1.0, loss, name="loss"), c.TerminateOnNaN(raise_error=True))
