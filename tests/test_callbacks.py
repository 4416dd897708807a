"""Callbacks: what they do to a run of epochs, what they ask of the loop, and what they refuse."""

import io
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from amalthea import callbacks as c
from amalthea.callbacks import console
from amalthea.callbacks.model_checkpoint import BatchCounter
from amalthea.callbacks.progbar import Progbar
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError, NotFiniteError, UnknownNameError

NAN = float("nan")


class Held:
    """An attribute as a variable."""

    shape, dtype = (), "float64"

    def __init__(self, owner, path):
        self.owner, self.path = owner, path

    def numpy(self):
        return np.array(getattr(self.owner, self.path), "float64")

    def assign(self, value):
        setattr(self.owner, self.path, float(value))


class Model:
    """Stands for a model: its public face, with one number as weights and files of JSON."""

    def __init__(self, metrics=()):
        self.optimizer = SimpleNamespace(learning_rate=1.0)
        self.stop_training = False
        self.metrics = [SimpleNamespace(name=name, _direction=direction) for name, direction in metrics]
        self.weight = 0.0
        self.saved = []

    @property
    def variables(self):
        return [Held(self, "weight"), Held(self.optimizer, "learning_rate")]

    def get_weights(self):
        return [np.array(self.weight)]

    def set_weights(self, weights):
        self.weight = float(weights[0])

    def save_weights(self, path, overwrite=True):
        self.saved.append(path)
        with open(path, "w") as file:
            json.dump([self.weight, self.optimizer.learning_rate], file)

    save = save_weights


def run(logs, *callbacks, model=None, batches=3, verbose=0, initial_epoch=0, epochs=None, steps="batches"):
    """The training loop in small: ``logs`` has one dict an epoch; each epoch adds 1 to the weight."""
    model = model or Model()
    known = batches if steps == "batches" else steps
    params = {"verbose": verbose, "epochs": epochs or len(logs), "steps": known}
    calls = c.CallbackList(list(callbacks), add_history=True, add_progbar=bool(verbose), model=model, **params)
    model.asked = 0
    calls.on_train_begin()
    for epoch in range(calls.first_epoch(initial_epoch), len(logs)):
        calls.on_epoch_begin(epoch)
        model.weight += 1
        for batch in range(batches):
            if calls.has_train_batch_hooks:
                calls.on_train_batch_begin(batch)
                calls.on_train_batch_end(batch, lambda epoch=epoch: asked(model, logs[epoch]))
            if model.stop_training:
                break
        calls.on_epoch_end(epoch, dict(logs[epoch]))
        if model.stop_training:
            break
    calls.on_train_end()
    return model


def asked(model, logs):
    model.asked += 1
    return dict(logs)


def losses(*values, name="val_loss"):
    return [{name: value} for value in values]


# ----------------------------------------------------------------------------------- the list and its hooks


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


def test_what_a_callback_adds_to_the_logs_the_later_ones_see():
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


# ----------------------------------------------------------------------------------- early stopping


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


# ----------------------------------------------------------------------------------- files


CHECKPOINTS = {
    # name: values, arguments, names of the files written in order
    "every epoch": ([1, 2], {}, ["m.keras", "m.keras"]),
    "formatted": ([0.123, 2], {"filepath": "{epoch:02d}-{val_loss:.2f}.keras"}, ["01-0.12.keras", "02-2.00.keras"]),
    "best": ([3, 4, 2], {"filepath": "{epoch}.keras", "save_best_only": True}, ["1.keras", "3.keras"]),
    "best of a threshold": (
        [3, 2, 1],
        {"filepath": "{epoch}.keras", "save_best_only": True, "initial_value_threshold": 2.5},
        ["2.keras", "3.keras"],
    ),
    "largest": (
        [3, 4, 2],
        {"filepath": "{epoch}.keras", "save_best_only": True, "mode": "max"},
        ["1.keras", "2.keras"],
    ),
    "weights": ([1], {"filepath": "m.weights.h5", "save_weights_only": True}, ["m.weights.h5"]),
    "an older file": ([1], {"filepath": "m.h5"}, ["m.h5"]),
    "batches": ([1, 1], {"filepath": "{epoch}-{batch}.keras", "save_freq": 2}, ["1-2.keras", "2-1.keras", "2-3.keras"]),
    "a new folder": ([1], {"filepath": "new/folder/m.keras"}, ["m.keras"]),
}


@pytest.mark.parametrize(("batches", "due"), [((0, 1, 2, 0, 1), 2), ((1, 3, 1, 3), 4), ((3, 3), 2)])
def test_batches_are_counted_even_if_several_end_at_once(batches, due):
    counter = BatchCounter(2)
    assert sum(counter.is_due(batch) for batch in batches) == due


@pytest.mark.parametrize("case", CHECKPOINTS)
def test_checkpoints_are_written_when_and_where_they_should(case, tmp_path, capsys):
    values, arguments, files = CHECKPOINTS[case]
    path = tmp_path / arguments.get("filepath", "m.keras")
    model = run(losses(*values), c.ModelCheckpoint(**{**arguments, "filepath": path, "verbose": 1}))
    assert [name.replace("\\", "/").rsplit("/", 1)[-1] for name in model.saved] == files
    assert capsys.readouterr().out.count("saving model to") == len(files)


def test_the_table_has_a_row_an_epoch_and_may_be_continued(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        run([{"loss": 1.5}, {"loss": 1.0, "val_loss": [1, 2]}], c.CSVLogger(path, separator=";", append=True))
    rows = "0;1.5;NA\n1;1.0;[1, 2]\n"
    assert path.read_text() == "epoch;loss;val_loss\n" + rows + rows
    run([{"loss": 1.5}], c.CSVLogger(path))
    assert path.read_text() == "epoch,loss,val_loss\n0,1.5,NA\n"


class Crash(Exception):
    pass


def crash_at(epoch, batch):
    def hook(now, logs):
        if (at["epoch"], now) == (epoch, batch):
            raise Crash

    at = {}
    return c.LambdaCallback(on_epoch_begin=lambda epoch, logs: at.update(epoch=epoch), on_train_batch_end=hook)


@pytest.mark.parametrize("save_freq", ["epoch", 3])
@pytest.mark.parametrize("double", [False, True])
def test_a_run_that_crashed_goes_on_where_it_was(tmp_path, save_freq, double):
    backup = tmp_path / "backup"
    with pytest.raises(Crash):
        run(losses(4, 3, 2, 1), c.BackupAndRestore(backup, save_freq, double_checkpoint=double), crash_at(2, 1))
    assert len(list(backup.iterdir())) == 2 + double
    model = run(losses(4, 3, 2, 1), c.BackupAndRestore(backup, save_freq))
    assert model.history.epoch == [0, 1, 2, 3] and model.history.history == {"val_loss": [4, 3, 2, 1]}
    assert not backup.exists()


def test_the_epoch_to_begin_with_is_the_later_one(tmp_path):
    model = run(losses(4, 3, 2, 1), c.BackupAndRestore(tmp_path / "none"), initial_epoch=3)
    assert model.history.epoch == [3]


# ----------------------------------------------------------------------------------- learning rates


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


# ----------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize("loss", [NAN, float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_ends_training(loss, capsys):
    model = run(losses(1.0, loss, 1.0, name="loss"), c.TerminateOnNaN())
    assert len(model.history.epoch) == 2
    assert "Batch 0: Invalid loss, terminating training" in capsys.readouterr().out
    with pytest.raises(NotFiniteError, match="batch 0"):
        run(losses(1.0, loss, name="loss"), c.TerminateOnNaN(raise_error=True))


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
def test_what_cannot_be_meant_is_refused_in_words(case):
    call, words = REFUSED[case]
    with pytest.raises(ArgumentError, match=words):
        call()


def test_an_unknown_hook_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="use 'on_epoch_end'"):
        c.LambdaCallback(on_epoch_ends=print)


# ----------------------------------------------------------------------------------- a server


@pytest.mark.parametrize("as_json", [True, False])
def test_the_remote_monitor_posts_every_epoch(as_json):
    bodies = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Keep)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        run(losses(1, 2), c.RemoteMonitor(f"http://127.0.0.1:{server.server_port}", send_as_json=as_json))
    finally:
        server.shutdown()
        server.server_close()
    assert len(bodies) == 2
    if as_json:
        assert json.loads(bodies[1]) == {"epoch": 1, "val_loss": 2.0}
    else:
        assert bodies[1].startswith("data=%7B")


def test_the_remote_monitor_warns_if_nobody_answers():
    with pytest.warns(UserWarning, match="could not reach"):
        run(losses(1), c.RemoteMonitor("http://127.0.0.1:9"))


# ----------------------------------------------------------------------------------- the progress bar


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """What is printed, as if to a terminal; only the console sees it, since pytest has a standard output of its own."""
    stream = Terminal()
    monkeypatch.setattr(console, "sys", SimpleNamespace(stdout=stream, modules={}))
    return stream


@pytest.mark.parametrize("steps", [3, None])
@pytest.mark.parametrize("verbose", [1, 2, "auto"])
def test_every_epoch_ends_with_one_whole_line(terminal, verbose, steps):
    run([{"accuracy": 0.5, "loss": 0.25}, {"accuracy": 0.75, "loss": 1e-5}], verbose=verbose, steps=steps)
    lines = [line.rsplit("\r", 1)[-1] for line in terminal.getvalue().removesuffix("\n").split("\n")]
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    assert lines[1].startswith("3/3 ") and " - accuracy: 0.5000 - loss: 0.2500" in lines[1]
    assert " - accuracy: 0.7500 - loss: 1.0000e-05" in lines[3]


def test_in_a_terminal_the_bar_is_drawn_at_once_and_then_rarely(terminal):
    model = run(losses(1, name="loss"), verbose=1, batches=1000)
    drawings = terminal.getvalue().split("\r")[1:]
    assert drawings[0].startswith("   1/1000 ") and "loss: 1.0000" in drawings[0]
    assert all(drawing.startswith("1000/1000 ━━━━━━━━━━━━━━━━━━━━ ") for drawing in drawings[-2:])
    assert model.asked == len(drawings) - 1 < 20


def test_elsewhere_there_are_plain_lines_only(capsys):
    model = run(losses(1, 2, name="loss"), verbose=1)
    out = capsys.readouterr().out
    assert "\r" not in out and "\x1b" not in out and "━" not in out
    assert out.count("\n") == 4 and model.asked == 0


def test_silence_is_silent(terminal):
    run(losses(1), verbose=0)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("phase", ["test", "predict"])
def test_evaluation_and_prediction_have_a_bar_of_their_own(terminal, phase):
    calls = c.CallbackList(add_progbar=True, model=Model(), verbose=1, epochs=1, steps=2)
    getattr(calls, f"on_{phase}_begin")()
    for batch in range(2):
        getattr(calls, f"on_{phase}_batch_end")(batch, {"loss": 0.5} if phase == "test" else {"outputs": np.zeros(3)})
    getattr(calls, f"on_{phase}_end")({"loss": 0.5})
    last = terminal.getvalue().rsplit("\r", 1)[-1]
    assert last.startswith("2/2 ") and last.endswith("\x1b[K\n")
    assert ("loss" in last) is (phase == "test")


def test_validation_within_fit_draws_nothing(terminal):
    calls = c.CallbackList(add_progbar=True, model=Model(), verbose=1, epochs=1, steps=2)
    calls.on_train_begin()
    calls.on_epoch_begin(0)
    calls.on_test_begin()
    assert not calls.has_test_batch_hooks
    calls.on_test_end({"loss": 1.0})
    assert terminal.getvalue() == ""
    calls.on_epoch_end(0, {"loss": 0.5, "val_loss": 1.0})
    assert "loss: 0.5000 - val_loss: 1.0000" in terminal.getvalue()


AVERAGED = [({}, 2.0), ({"stateful_metrics": ["a"]}, 3.0), ({"stateless_metrics": ["b"]}, 3.0)]


@pytest.mark.parametrize(("arguments", "expected"), AVERAGED)
def test_the_bar_averages_what_it_is_told_to(terminal, arguments, expected):
    bar = Progbar(2, interval=0, **arguments)
    bar.update(1, [("a", 1.0)])
    bar.add(1, [("a", 3.0)])
    assert f"a: {expected:.4f}" in terminal.getvalue().rsplit("\r", 1)[-1]
    assert bar.finished


def test_a_narrow_terminal_never_wraps(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    Progbar(9, interval=0).update(1, [(f"metric_{i}", 1.0) for i in range(9)])
    assert 20 < len(terminal.getvalue().strip("\r").removesuffix("\x1b[K")) < 40


def test_a_terminal_without_the_characters_gets_others(terminal, monkeypatch):
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    Progbar(2, interval=0).update(1)
    assert "==========.........." in terminal.getvalue()


def test_messages_go_to_the_log_when_asked(caplog, capsys):
    console.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, "amalthea"):
            run(losses(1, 1), verbose=1)
        assert not console.is_interactive_logging_enabled()
    finally:
        console.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert caplog.messages[0] == "Epoch 1/2" and "val_loss" in caplog.messages[1]
