"""The progress bar: in a terminal, in a file, in silence, in the log."""

import io
import logging
from types import SimpleNamespace

import numpy as np
import pytest

from amalthea import callbacks as c
from amalthea.callbacks import console
from amalthea.callbacks.progbar import Progbar
from tests.callbacks.runs import Model, losses, run


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


def test_the_bar_in_a_terminal_is_drawn_at_once_and_then_rarely(terminal):
    model = run(losses(1, name="loss"), verbose=1, batches=1000)
    drawings = terminal.getvalue().split("\r")[1:]
    assert drawings[0].startswith("   1/1000 ") and "loss: 1.0000" in drawings[0]
    assert all(drawing.startswith("1000/1000 ━━━━━━━━━━━━━━━━━━━━ ") for drawing in drawings[-2:])
    assert model.asked == len(drawings) - 1 < 20


def test_output_to_a_file_has_plain_lines_only(capsys):
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
