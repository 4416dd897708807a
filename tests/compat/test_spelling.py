"""``AMALTHEA_SPELLING=warn`` lists the old spellings of a script."""

import os
import subprocess
import sys

import numpy as np
import pytest

import amalthea
from amalthea.compat import importer, spelling

# era, code, the old spelling and today's
ROWS = {
    "a class": (1, "layers.Convolution2D(8, 3, 3)", "Convolution2D -> Conv2D"),
    "an argument": (1, "layers.Dense(output_dim=3)", "Dense(output_dim=) -> units="),
    "an argument of an old class": (
        1,
        "layers.Convolution2D(8, 3, 3, border_mode='same')",
        "(border_mode=) -> padding=",
    ),
    "arguments in one": (1, "layers.Convolution2D(8, nb_row=3, nb_col=3)", "(nb_row=) -> kernel_size="),
    "an argument without effect": (1, "layers.LSTM(3, consume_less='gpu')", "LSTM(consume_less=) -> "),
    "a value": (2, "layers.Dense(3, activation='hard_sigmoid')", "'hard_sigmoid') -> activation='keras2_hard_sigmoid'"),
    "a default of the era": (2, "layers.LSTM(3)", "LSTM() of Keras 2 -> recurrent_activation="),
    "an optimizer": (1, "optimizers.SGD(lr=0.1)", "SGD(lr=) -> learning_rate="),
    "an optimizer by its name": (1, "model.compile('adadelta', 'mse')", "Adadelta() of Keras 1 -> learning_rate=1.0"),
    "a regularizer": (1, "regularizers.activity_l2(0.1)", "activity_l2 -> L2"),
    "a loss": (2, "model.compile('sgd', 'kullback_leibler_divergence')", "loss 'kullback_leibler_divergence' -> "),
    "a metric": (2, "model.compile('sgd', 'mse', metrics=['cosine_proximity'])", "metric 'cosine_proximity' -> "),
    "a position": (
        2,
        "model.compile('sgd', 'mse', ['mae'])",
        "compile(optimizer, loss, metrics) of Keras 2 -> metrics=",
    ),
    "an argument of a method": (1, "model.fit(x, y, nb_epoch=1, verbose=0)", "nb_epoch= -> epochs="),
    "a default of a method": (1, "model.fit(x, y, verbose=0)", "fit() of Keras 1 -> epochs=10"),
    "a method": (2, "model.fit_generator(batches(), 1, verbose=0)", "fit_generator -> fit"),
    "counts of samples": (1, "model.fit_generator(batches(), 2, nb_epoch=1, verbose=0)", "nb_epoch= -> epochs="),
    "a prediction": (1, "model.predict_classes(x)", "predict_classes -> predict("),
    "an option without effect": (2, "model.fit(x, y, workers=2, verbose=0)", "workers= -> left out"),
    "a module": (1, "import keras.layers.convolutional", "keras.layers.convolutional -> keras.layers"),
    "merge": (1, "layers.merge([layers.Input((2,)), layers.Input((2,))], mode='mul')", "merge(mode='mul') -> Multiply"),
    "a callback": (2, "callbacks.ModelCheckpoint('a.h5', period=3)", "ModelCheckpoint(period=) -> save_freq="),
}
TODAYS = ("layers.Dense(3, activation='relu')", "model.fit(x, y, epochs=1, verbose=0)", "model.compile('sgd', 'mse')",
          "optimizers.Adam(learning_rate=0.1)", "import keras.layers")  # fmt: skip


@pytest.fixture
def warning(monkeypatch, keras):
    monkeypatch.setenv("AMALTHEA_SPELLING", "warn")
    yield keras
    importer.uninstall()
    assert spelling.listed() == ""


def _ran(era, code):
    names = {name: getattr(era, name) for name in ("layers", "optimizers", "regularizers", "callbacks")}
    x = np.ones((2, 3), "float32")
    if "model" in code:
        model = era.models.Sequential([amalthea.layers.Input((3,)), amalthea.layers.Dense(1)])
        model.compile(amalthea.optimizers.SGD(0.1), amalthea.losses.MeanSquaredError())
        spelling._found.clear()
        names.update(model=model, x=x, y=np.ones((2, 1)), batches=lambda: iter([(x, np.ones((2, 1)))] * 3))
    exec(compile(code, "script.py", "exec"), names)
    return spelling.listed()


@pytest.mark.parametrize("name", ROWS)
def test_an_old_spelling_is_listed_with_its_line(warning, name):
    era, code, expected = ROWS[name]
    lines = _ran(warning(era), f"\n{code}").splitlines()
    assert any(line.startswith("  script.py:2: ") and expected in line for line in lines), lines
    assert lines[-1] == "amalthea upgrade script.py rewrites these."


@pytest.mark.parametrize("code", TODAYS)
def test_a_spelling_of_today_is_not_listed(warning, code):
    assert _ran(warning(3), code) == ""


def test_a_spelling_is_listed_once_a_line(warning):
    text = _ran(warning(1), "for i in range(3):\n    layers.Dense(output_dim=3)\nlayers.Dense(output_dim=3)")
    assert [line.split(":")[1] for line in text.splitlines() if "output_dim" in line] == ["2", "3"]


def test_nothing_is_noted_without_the_variable(keras, monkeypatch):
    monkeypatch.delenv("AMALTHEA_SPELLING", raising=False)
    assert _ran(keras(1), "layers.Dense(output_dim=3)") == ""


def test_another_value_is_refused(keras, monkeypatch):
    monkeypatch.setenv("AMALTHEA_SPELLING", "error")
    with pytest.raises(amalthea.errors.ArgumentError, match="AMALTHEA_SPELLING"):
        keras(1)


@pytest.mark.slow
def test_the_list_is_shown_when_the_script_ends(tmp_path):
    (tmp_path / "old.py").write_text("from keras.layers.core import Dense\nDense(output_dim=3)\nprint('done')\n")

    environment = {**os.environ, "AMALTHEA_SPELLING": "warn"}
    command = [sys.executable, "-m", "amalthea", "run", "--keras", "1", "old.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "done\n"
    assert done.stderr.splitlines() == [
        "Old spellings:",
        "  old.py:1: keras.layers.core -> keras.layers",
        "  old.py:2: Dense(output_dim=) -> units=",
        "amalthea upgrade old.py rewrites these.",
    ]
