"""Scripts of old Keras in today's spelling: ``amalthea upgrade``."""

import os
import subprocess
import sys

import pytest

from amalthea.cli import main
from amalthea.compat import eras
from amalthea.errors import ArgumentError
from tests.compat.test_examples import STORED, band, path_of
from tests.compat.test_examples import home as home  # the folder of small data sets

upgrading = pytest.importorskip("amalthea.compat.upgrading")

# era, script of old, script of today
SCRIPTS = {
    "positions": (
        1,
        "from keras.layers import Convolution2D\nConvolution2D(8, 3, 3, border_mode='same')\n",
        "from amalthea.layers import Conv2D\nConv2D(8, (3, 3), padding='same')\n",
    ),
    "an expression stays": (
        1,
        "from keras.layers.core import Dense\nx = Dense(2 * n, init='uniform', bias=False)\n",
        "from amalthea.layers import Dense\nx = Dense(2 * n, kernel_initializer='random_uniform', use_bias=False)\n",
    ),
    "defaults of the era": (
        2,
        "from keras.optimizers import Adadelta\nAdadelta(rho=0.9)\n",
        "from amalthea.optimizers import Adadelta\nAdadelta(rho=0.9, learning_rate=1.0)\n",
    ),
    "what is as today stays": (
        2,
        "from keras.layers import Dense\nDense(3, activation='relu')  # here\n",
        "from amalthea.layers import Dense\nDense(3, activation='relu')  # here\n",
    ),
    "through the package": (
        1,
        "import keras\nkeras.layers.core.Dense(output_dim=3)\n",
        "import amalthea as keras\nkeras.layers.Dense(units=3)\n",
    ),
    "through tf": (
        2,
        "import tensorflow as tf\nx = tf.keras.layers.Conv2D(4, 3)\ny = tf.add(1, 2)\n",
        "import tensorflow as tf\nimport amalthea as keras\nx = keras.layers.Conv2D(4, 3)\ny = tf.add(1, 2)\n",
    ),
    "modules that moved": (
        2,
        "from keras.utils import np_utils\nfrom keras import objectives\nnp_utils.to_categorical(y)\nobjectives.mse\n",
        "from amalthea import utils as np_utils\nfrom amalthea import losses as objectives\n"
        "np_utils.to_categorical(y)\nobjectives.mse\n",
    ),
    "a name of the script's own": (
        1,
        "from keras.layers import Convolution2D\nConv2D = 3\nConvolution2D(8, 3, 3)\n",
        "from amalthea.layers import Conv2D as keras_Conv2D\nConv2D = 3\nkeras_Conv2D(8, (3, 3))\n",
    ),
    "all names of a module": (
        1,
        "from keras.layers import *\nMaxPooling1D(pool_length=4)\n",
        "from amalthea.layers import *\nMaxPooling1D(pool_size=4)\n",
    ),
    "merge": (
        1,
        "from keras.layers import merge\nx = merge([a, b], mode='concat', concat_axis=1)\n",
        "from amalthea.layers import Concatenate\nx = Concatenate(axis=1)([a, b])\n",
    ),
    "methods of models": (
        2,
        "import keras\nm.fit_generator(g, 10, epochs=3, workers=2)\nm.predict_proba(x)\nh.history['val_acc']\n",
        "import amalthea as keras\nm.fit(g, steps_per_epoch=10, epochs=3)\nm.predict(x)\nh.history['val_accuracy']\n",
    ),
    "compile": (
        1,
        "import keras\nm.compile('sgd', 'mse', ['acc'])\n",
        "import amalthea as keras\nm.compile('sgd', 'mse', metrics=['accuracy'])\n",
    ),
    "the activation of old": (
        2,
        "from keras.layers import LSTM\nLSTM(3)\n",
        "from amalthea.layers import LSTM\nfrom amalthea.layers.legacy import keras2_hard_sigmoid\n"
        "LSTM(3, recurrent_activation=keras2_hard_sigmoid)\n",
    ),
    "another package's": (2, "import re\nre.compile('a', 2)\n", "import re\nre.compile('a', 2)\n"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_of_old_in_todays_spelling(name):
    era, old, today = SCRIPTS[name]
    assert upgrading.upgraded(old, era).source == today
    assert eras.era() == 3


def test_what_cannot_be_told_is_left_with_a_note():
    made = upgrading.upgraded("from keras.layers import Dense\nx = Dense(*args)\n", 1)
    assert made.source == "from amalthea.layers import Dense\nx = Dense(*args)\n"
    assert made.notes == ["line 2: Dense is left as it is: its arguments are not known before it runs"]


def test_counts_of_samples_are_left_with_a_note():
    made = upgrading.upgraded("import keras\nm.fit_generator(g, samples_per_epoch=100, nb_epoch=2)\n", 1)
    assert "samples_per_epoch=100" in made.source
    assert "counts samples" in made.notes[0]


def test_python_2_is_refused_in_words():
    with pytest.raises(ArgumentError, match="not Python 3"):
        upgrading.upgraded("print 'a'\n", 1)


def test_the_command_shows_the_difference_and_writes_only_if_asked(tmp_path, capsys):
    path = tmp_path / "old.py"
    path.write_text("from keras.layers import Dense\nDense(output_dim=3)\n")
    assert main(["upgrade", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "-Dense(output_dim=3)\n" in shown and "+Dense(units=3)\n" in shown
    assert "output_dim" in path.read_text()
    assert main(["upgrade", "--write", str(path)]) == 0
    assert path.read_text() == "from amalthea.layers import Dense\nDense(units=3)\n"


def test_a_missing_script_is_refused(tmp_path, capsys):
    assert main(["upgrade", str(tmp_path / "none.py")]) == 1
    assert "does not exist" in capsys.readouterr().err


START = """
import hashlib, os, runpy, sys
from amalthea import utils
from amalthea.datasets import mnist
utils.set_random_seed(0)  # a seed of NumPy is none of today's layers
with open(os.path.join(os.environ["KERAS_HOME"], "datasets", "mnist.npz"), "rb") as file:
    mnist.SHA256 = hashlib.sha256(file.read()).hexdigest()
runpy.run_path(sys.argv[1], run_name="__main__")
"""
RUN = ("keras1/convnet", "keras1/mlp", "keras1/hierarchical_rnn", "keras1/babi_memnn", "keras2/mnist_acgan",
       "keras2/autoencoder", "keras2/grid_search")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_an_upgraded_example_is_plain_python_and_reaches_its_score(name, home, tmp_path):
    made = upgrading.upgraded(path_of(name).read_text(), int(name[5]))
    path = tmp_path / "script.py"
    path.write_text(made.source)
    ran = subprocess.run(
        [sys.executable, "-c", START, path],
        env={**os.environ, "KERAS_HOME": str(home), "HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    low, high = band(STORED[name])
    assert low <= float(ran.stdout.strip().splitlines()[-1].split()[1]) <= high
