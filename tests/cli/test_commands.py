"""The command: its help, the doctor, the demo, and its errors."""

import numpy as np
import pytest

from amalthea import cli, load_model
from amalthea.datasets import digits
from amalthea.errors import ArgumentError


def test_the_command_alone_says_what_there_is(capsys):
    assert cli.main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out and line in out for name, line in cli.COMMANDS.items())


def test_the_doctor_names_versions_and_the_backend(capsys):
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert np.__version__ in out and "backend" in out


def test_an_unknown_command_names_those_there_are(capsys):
    with pytest.raises(SystemExit):
        cli.main(["dance"])
    assert "demo" in capsys.readouterr().err


def test_an_error_of_ours_is_shown_without_a_traceback(monkeypatch, capsys):
    def fail(arguments):
        raise ArgumentError("It failed.", cure="again")

    monkeypatch.setattr("amalthea.cli.doctor.run", fail)
    assert cli.main(["doctor"]) == 1
    assert "ArgumentError: It failed." in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_learns_saves_and_says_how_to_go_on(tmp_path, capsys):
    file = tmp_path / "digits.keras"
    assert cli.main(["demo", "--epochs", "1", "--save", str(file)]) == 0
    out = capsys.readouterr().out
    assert float(out.partition("Test accuracy: ")[2].split()[0]) > 0.9
    (_, _), (x_test, y_test) = digits.load_data()
    model = load_model(str(file))
    assert (model.predict(x_test[..., None] / 255, verbose=0).argmax(1) == y_test).mean() > 0.9
