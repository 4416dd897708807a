"""Old snippets of Python and its libraries: they fail as they are, and print the right thing with ``--drift``."""

import ast
import gzip
import importlib.util
import io
import pickle
import subprocess
import sys
from contextlib import redirect_stdout

import numpy as np
import pytest

from amalthea.cli import main
from amalthea.compat.drift import hints, names, rewriting, running, tables
from amalthea.compat.drift.met import MET, Met
from amalthea.compat.drift.names import is_module, stand_in
from amalthea.errors import ArgumentError, MissingLibraryError
from tests.compat.old_snippets import NP, SNIPPETS

pytest.importorskip("fissix")


@pytest.fixture(autouse=True)
def nothing_met():
    MET.clear()


def _printed(code):
    """What code prints, words one space apart; the error, if it ends in one."""
    out = io.StringIO()
    with redirect_stdout(out):
        try:
            exec(code(), {"__name__": "__main__"})
        except Exception as error:
            return error
    return " ".join(out.getvalue().split())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
@pytest.mark.parametrize("name", SNIPPETS)
def test_an_old_snippet_runs(name):
    source, printed = SNIPPETS[name]
    assert _printed(lambda: running.compiled(source, "old.py")) == printed
    as_it_is = _printed(lambda: compile(source, "old.py", "exec", dont_inherit=True))
    assert as_it_is != printed, "it runs without"
    if isinstance(as_it_is, Exception):
        assert hints.is_cured(as_it_is, source), repr(as_it_is)
    if "division" not in name or "/" not in printed:
        assert str(MET) or "future" in name


UNCHANGED = {
    "division": "print(7 / 2, [1, 2, 3][int(4 / 2)])",
    "a way for both": "try:\n    xrange\nexcept NameError:\n    xrange = range\nprint(7 / 2, list(xrange(2)))",
    "a way to a name": "try:\n    input = raw_input\nexcept NameError:\n    pass\nprint(7 / 2)",
    "a way to a module": "try:\n    import cPickle as p\nexcept ImportError:\n    import pickle as p\nprint(7 / 2)",
    "a way by version": "import sys\nif sys.version_info[0] < 3:\n    input = raw_input\nprint(7 / 2)",
    "an own name": "def cmp(a, b):\n    return 'own'\nprint(cmp(1, 2), 7 / 2)",
    "views": "print(type({}.keys()).__name__, type(zip()).__name__, 1 / 2)",
    "a list made at once": "x = zip([2], [3])\nx = list(x)\nx.sort()\nprint(x, 1 / 2, len(range(2)), range(3)[1])",
    "a key that is a float": "d = {0.5: 'half'}\nprint(d[1 / 2])",
    "names that are there": NP + "print(np.prod([2]), np.sum([1.5]), np.array([1, 2])[:1].tolist())",
    "a map": "print(*map(str, range(2)))",
    "a docstring": '"""Text."""\nfrom __future__ import annotations\nprint(__doc__)',
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_script_of_today_stays_what_it_is(name):
    source = UNCHANGED[name]
    expected = _printed(lambda: compile(source, "new.py", "exec", dont_inherit=True))
    assert not isinstance(expected, Exception)
    assert _printed(lambda: running.compiled(source, "new.py")) == expected
    assert not str(MET) or "own" in name or "way" in name


PLOTS = {
    "colormap": ("plt.imshow(x, cmap='spectral')", "plt.imshow(x, cmap='nipy_spectral')"),
    "density": ("plt.hist(x, normed=True)", "plt.hist(x, density=True)"),
    "hold": ("plt.hold(True)", "__drift__.of('.old_python.nothing')(True)"),
    "a colormap of today": ("plt.imshow(x, cmap='gray')", "plt.imshow(x, cmap='gray')"),
}


@pytest.mark.parametrize("name", PLOTS)
def test_calls_of_matplotlib_are_those_of_today(name):
    old, today = PLOTS[name]
    tree = ast.parse(f"import matplotlib.pyplot as plt\n{old}")
    assert ast.unparse(rewriting.rewritten(tree, False, Met())).splitlines()[-1] == today


def test_what_was_met_is_said_in_one_line():
    _printed(lambda: running.compiled("print 1\nprint 2\nfor i in xrange(1):\n    print 7 / 2", "old.py"))
    assert str(MET) == "drift: 3 print statements, 1 integer division, xrange"


def test_lines_of_a_traceback_are_those_of_the_file():
    source = (
        "'''Text.'''\ndef f((a, b)):\n    print a,\nclass A(object):\n    __metaclass__ = type\n"
        "try:\n    f(1)\nexcept TypeError, (e,):\n    pass\nx = [\n    1 / 0,\n]\n"
    )
    error = _printed(lambda: running.compiled(source, "old.py"))
    frames = error.__traceback__
    while frames.tb_next is not None and frames.tb_frame.f_code.co_filename != "old.py":
        frames = frames.tb_next
    assert isinstance(error, ZeroDivisionError) and frames.tb_lineno == 11


def test_what_is_no_python_at_all_keeps_its_error():
    with pytest.raises(SyntaxError, match="neither Python 3 nor Python 2") as caught:
        running.compiled("print 'a' ((\n", "bad.py")
    assert caught.value.filename == "bad.py"
    assert not hints.is_cured(SyntaxError("invalid"), "x = = 3\n")


def test_without_fissix_python_2_is_refused_with_the_cure(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match=r"amalthea\[drift\]"):
        running.compiled("print 1\n", "old.py")
    assert hints.is_cured(SyntaxError("invalid"), "print 1\n")


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.datasets import fetch_mldata\nfetch_mldata('MNIST original')",
        "from scipy.misc import face\nface()",
    ],
)
def test_what_is_gone_for_good_is_refused_in_words(source):
    assert isinstance(_printed(lambda: running.compiled(source, "old.py")), ArgumentError)


def _resolves(name):
    from amalthea.compat.drift.helpers import of

    library = name.lstrip(".").split(".")[0]
    if not name.startswith(".") and not is_module(library):
        return True
    return of(name) is not None or library in ("tkinter",)


@pytest.mark.parametrize("table", ["MODULES", "NAMES", "CHANGED"])
def test_every_name_of_the_tables_leads_to_one_of_today(table):
    skipped = ("tkinter", "matplotlib")
    for old, new in getattr(tables, table).items():
        if not new.startswith(skipped):
            assert _resolves(new), old


def test_a_name_that_is_still_there_is_left_alone():
    assert stand_in("numpy.prod") is None and stand_in("numpy.nothing") is None and stand_in("numpy") is None


def test_six_is_not_needed(monkeypatch):
    installed = names.is_module
    monkeypatch.setattr(names, "is_module", lambda name: name.split(".")[0] != "six" and installed(name))
    monkeypatch.setattr(names, "is_there", lambda name: False)
    source = (
        "import six\nfrom six.moves import range, cPickle as pickle\nfrom six.moves.urllib.parse import quote\n"
        "print(list(range(2)), list(six.iteritems({1: 2})), isinstance('a', six.string_types), quote('a b'), 7 / 2)"
    )
    assert _printed(lambda: running.compiled(source, "old.py")) == "[0, 1] [(1, 2)] True a%20b 3.5"


def test_a_pickle_of_python_2_is_read(tmp_path):
    # pickle.dumps(numpy.arange(2, dtype='uint8') + 254, 2) of Python 2, whose bytes are no ASCII
    data = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03U\x01bq\x04\x87q\x05Rq\x06(K\x01K\x02\x85q\x07cnumpy\ndtype\nq\x08U\x02u1q\tK\x00K\x01\x87q\nRq\x0b(K\x03U\x01|q\x0cNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\rb\x89U\x02\xfe\xffq\x0etq\x0fb."  # noqa: E501
    path = tmp_path / "a.pkl.gz"
    with gzip.open(path, "wb") as file:
        file.write(data)
    source = f"import cPickle, gzip\nprint(cPickle.load(gzip.open({str(path)!r}, 'rb')).tolist())"
    with pytest.raises(UnicodeDecodeError):
        pickle.loads(data)
    assert _printed(lambda: running.compiled(source, "old.py")) == "[254, 255]"


def test_images_are_written_and_read(tmp_path):
    pytest.importorskip("PIL")
    from amalthea.compat.drift import old_scipy

    image = np.arange(24, dtype="uint8").reshape(2, 4, 3) * 10
    old_scipy.imsave(tmp_path / "a.png", image)
    np.testing.assert_array_equal(old_scipy.imread(tmp_path / "a.png"), image)
    assert old_scipy.imread(tmp_path / "a.png", flatten=True).dtype == np.float32
    assert old_scipy.imread(tmp_path / "a.png", mode="L").shape == (2, 4)
    assert old_scipy.toimage(image.transpose(2, 0, 1)).size == (4, 2)
    assert old_scipy.imresize(image, 0.5).shape == (1, 2, 3) and old_scipy.imresize(image, 200).shape == (4, 8, 3)
    assert old_scipy.imrotate(image, 180, "nearest")[0, 0].tolist() == image[-1, -1].tolist()
    with pytest.raises(ArgumentError, match="two axes"):
        old_scipy.toimage(np.zeros(3))


def test_grid_scores_are_tuples():
    pytest.importorskip("sklearn")
    source = (
        "from sklearn.grid_search import GridSearchCV\nfrom sklearn.tree import DecisionTreeClassifier\n"
        "g = GridSearchCV(DecisionTreeClassifier(), {'max_depth': [1]}, cv=2, iid=False)\n"
        "g.fit([[0], [1]] * 4, [0, 1] * 4)\nprint(g.grid_scores_[0][:2], g.best_params_)"
    )
    assert (
        _printed(lambda: running.compiled(source, "old.py")) == "({'max_depth': 1}, np.float64(1.0)) {'max_depth': 1}"
    )


# ------------------------------------------------------------------------------------- the command

SCRIPT = """
import helper
from keras.layers.core import Dense
print helper.half(9), Dense(output_dim=7 / 2).units, __name__
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "helper.py").write_text("def half(n):\n    print 'in helper'\n    return n / 2\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def _run(folder, *arguments):
    command = [sys.executable, "-m", "amalthea", "run", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", (["script.py"], ["-m", "script"]))
def test_a_script_and_the_modules_beside_it_run(folder, arguments):
    done = _run(folder, "--drift", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["in helper", "4 3 __main__"]
    assert "Read as a script of Keras 1" in done.stderr and "drift: 2 print statements" in done.stderr
    assert (folder / "script.py").read_text() == SCRIPT and not (folder / "__pycache__").exists()


@pytest.mark.slow
def test_without_drift_the_error_ends_with_a_hint(folder):
    done = _run(folder, "script.py")
    assert done.returncode == 1 and done.stderr.strip().endswith("try: amalthea run --drift script.py")


def test_a_new_error_gets_no_hint(tmp_path, capsys, keras):
    (tmp_path / "new.py").write_text("{}['lost']\n")
    assert main(["run", str(tmp_path / "new.py")]) == 1
    assert "--drift" not in capsys.readouterr().err


def test_counts_in_the_plural():
    met = Met()
    met.count("float size", 2)
    assert str(met) == "drift: 2 float sizes" and str(Met()) == ""
