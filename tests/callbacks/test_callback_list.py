"""The callback list: which hooks are called, the values asked of the loop, and refusals."""

import pytest

from amalthea import callbacks as c
from amalthea.callbacks.progbar import Progbar
from amalthea.errors import ArgumentError, UnknownNameError
from tests.callbacks.runs import Model, losses, run

HOOKS = sorted(name for name in dir(c.Callback) if name.startswith("on_"))


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_called_if_it_is_defined_and_only_then(hook):
    seen = []
    kind = type("Own", (c.Callback,), {hook: lambda self, *args, **kwargs: seen.append(hook)})
    calls = c.CallbackList([kind(), c.Callback()])
    for name in HOOKS:
        if name not in ("on_batch_begin", "on_batch_end"):
            getattr(calls, name)(*([0, {}] if "batch" in name or "epoch" in name else [{}]))
    assert seen == [hook]
    phase = next(
        (p for p in ("train", "test", "predict") if f"{p}_batch" in hook), "train" if "on_batch" in hook else ""
    )
    for name in ("train", "test", "predict"):
        assert getattr(calls, f"has_{name}_batch_hooks") is (name == phase)


def test_a_loop_whose_callbacks_want_nothing_of_batches_is_asked_for_nothing(tmp_path):
    quiet = [c.EarlyStopping(), c.ModelCheckpoint(tmp_path / "m.keras"), c.CSVLogger(tmp_path / "log"), c.History()]
    calls = c.CallbackList([*quiet, c.ProgbarLogger()], verbose=2, epochs=1, steps=3, model=Model())
    assert not (calls.has_train_batch_hooks or calls.has_test_batch_hooks or calls.has_predict_batch_hooks)


@pytest.mark.parametrize(("save_freq", "expected"), [(1, 6), (2, 3), (5, 1), (7, 0)])
def test_logs_are_asked_for_only_when_someone_is_about_to_look(tmp_path, save_freq, expected):
    checkpoint = c.ModelCheckpoint(tmp_path / "m.keras", save_freq=save_freq)
    model = run(losses(1, 1), checkpoint)
    assert len(model.saved) == model.asked == expected


def test_logs_are_asked_for_once_however_many_look():
    seen = []
    look = [c.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"])) for _ in range(3)]
    assert run(losses(0.5, name="loss"), *look).asked == 3
    assert seen == [0.5] * 9


def test_later_callbacks_see_the_logs_that_an_earlier_one_adds():
    model = run(losses(1, 2, 3), c.LearningRateScheduler(lambda epoch, rate: rate / 2))
    assert model.history.history == {"val_loss": [1, 2, 3], "learning_rate": [0.5, 0.25, 0.125]}
    assert model.history.epoch == [0, 1, 2]


def test_a_callback_list_takes_one_callback_or_none_and_more_later():
    history = c.History()
    calls = c.CallbackList(history, add_history=True, model=Model())
    assert calls.callbacks == [history]
    assert c.CallbackList(None).callbacks == []
    later = c.LambdaCallback(on_train_batch_end=print)
    assert not calls.has_train_batch_hooks
    calls.append(later)
    assert calls.has_train_batch_hooks


REFUSED = {
    "a class": (lambda: c.CallbackList([c.EarlyStopping]), r"EarlyStopping\(\)"),
    "no callback": (lambda: c.CallbackList([print]), "LambdaCallback"),
    "a mode": (lambda: c.EarlyStopping(mode="best"), "'auto', 'min', 'max'"),
    "an unclear metric": (lambda: run(losses(1, 1, name="size"), c.EarlyStopping("size")), "mode='max'"),
    "an ending": (lambda: c.ModelCheckpoint("m.ckpt"), ".keras"),
    "weights as a model": (lambda: c.ModelCheckpoint("m.weights.h5"), "m.keras"),
    "a model as weights": (lambda: c.ModelCheckpoint("m.keras", save_weights_only=True), "m.weights.h5"),
    "a metric in a name": (lambda: run(losses(1), c.ModelCheckpoint("{val_acc}.keras")), "epoch, val_loss"),
    "save_freq": (lambda: c.ModelCheckpoint("m.keras", save_freq="batch"), "a positive int, or 'epoch'"),
    "no folder": (lambda: c.BackupAndRestore(""), "backup_dir"),
    "a growing rate": (lambda: c.ReduceLROnPlateau(factor=1.0), "below 1"),
    "an unknown argument": (lambda: c.ReduceLROnPlateau(patients=1), "patients"),
    "no rate": (lambda: run(losses(1), c.LearningRateScheduler(lambda epoch: None)), "no number"),
    "no averages": (lambda: c.CallbackList(c.SwapEMAWeights(), model=Model()).on_test_begin(), "use_ema=True"),
    "no address": (lambda: c.RemoteMonitor("localhost"), "http://"),
    "two kinds of names": (lambda: Progbar(1, stateful_metrics=["a"], stateless_metrics=["b"]), "not both"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_meaningless_arguments_of_callbacks_are_refused_in_words(case):
    call, words = REFUSED[case]
    with pytest.raises(ArgumentError, match=words):
        call()


def test_an_unknown_hook_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="use 'on_epoch_end'"):
        c.LambdaCallback(on_epoch_ends=print)
