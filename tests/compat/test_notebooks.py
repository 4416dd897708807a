"""``%load_ext amalthea`` in IPython's shell."""

import sys

import pytest

import amalthea
from amalthea.compat import eras, importer
from amalthea.compat.drift.met import MET

pytest.importorskip("IPython")
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from traitlets.config import Config  # noqa: E402


@pytest.fixture
def shell(monkeypatch, tmp_path):
    """A shell with the extension; it and ``keras`` are taken back after the test."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.delenv("AMALTHEA_KERAS", raising=False)
    real = {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] == "keras"}
    main, hook, display = sys.modules["__main__"], sys.excepthook, sys.displayhook
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell(config=config)
    _run(made, "%load_ext amalthea")
    yield made
    _run(made, "%unload_ext amalthea")
    importer.uninstall()
    sys.modules.update(real)
    sys.modules["__main__"], sys.excepthook, sys.displayhook = main, hook, display
    MET.clear()


def _run(shell, cell):
    done = shell.run_cell(cell)
    error = done.error_before_exec or done.error_in_exec
    if error is not None:
        raise error
    return done.result


def test_keras_means_amalthea_after_loading(shell):
    assert _run(shell, "import keras\nkeras.layers.Dense(3)").__class__ is amalthea.layers.Dense
    assert eras.era() == 3


@pytest.mark.parametrize("number, version", ((1, "1.2.2"), (2, "2.2.4")))
def test_the_era_is_chosen_by_a_magic(shell, number, version, capsys):
    _run(shell, f"%keras {number}")
    assert _run(shell, "import keras\nkeras.__version__") == version
    _run(shell, "%keras")
    assert f"Keras {number}" in capsys.readouterr().out


def test_the_era_is_found_by_the_signs_of_a_cell_once(shell, capsys):
    assert _run(shell, "x = 1\nx") == 1 and eras.era() == 3
    _run(shell, "%time\nfrom keras.layers import Dense\nlayer = Dense(3, init='uniform')")
    assert eras.era() == 1 and "Read as Keras 1: it has the argument 'init'" in capsys.readouterr().out
    _run(shell, "from keras.layers import CuDNNLSTM")
    assert eras.era() == 1


def test_an_era_that_was_chosen_stays(shell):
    _run(shell, "%keras 3")
    _run(shell, "from keras.layers import Dense\nlayer = Dense(3, init='uniform')")
    assert eras.era() == 3


def test_the_environment_chooses_the_era(monkeypatch, shell):
    _run(shell, "%unload_ext amalthea")
    monkeypatch.setenv("AMALTHEA_KERAS", "2")
    _run(shell, "%load_ext amalthea")
    assert _run(shell, "import keras\nkeras.__version__") == "2.2.4"


@pytest.mark.parametrize("line", ("%keras 4", "%keras one", "%drift maybe"))
def test_other_words_are_refused(shell, line):
    with pytest.raises(amalthea.errors.ArgumentError):
        _run(shell, line)


def test_cells_of_python_2_run_with_drift(shell, capsys):
    with pytest.raises(SyntaxError):
        _run(shell, "print 'a'")
    _run(shell, "%drift on")
    _run(shell, "import numpy as np\nprint 'half', 7 / 2")
    assert "half 3\n" in capsys.readouterr().out
    assert _run(shell, "[np.product([2, 3]) for i in xrange(1)][0] / 4") == 1
    _run(shell, "%drift off")
    assert _run(shell, "7 / 2") == 3.5


def test_unloading_takes_all_back(shell):
    _run(shell, "%drift on")
    _run(shell, "import keras")
    _run(shell, "%unload_ext amalthea")
    assert "keras" not in sys.modules and not shell.ast_transformers
    assert shell.find_line_magic("keras") is None and shell.find_line_magic("drift") is None
    assert shell.events.callbacks["pre_run_cell"] == [] or not any(
        "amalthea" in getattr(f, "__module__", "") for f in shell.events.callbacks["pre_run_cell"]
    )
