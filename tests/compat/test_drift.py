"""Old snippets of Python and its libraries: they fail as they are, and print the right thing with ``--drift``."""

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
from amalthea.compat.drift import hints, running, tables
from amalthea.compat.drift.met import MET, Met
from amalthea.compat.drift.names import is_module, stand_in
from amalthea.errors import ArgumentError, MissingLibraryError

pytest.importorskip("fissix")
NP = "import numpy as np\n"
# A snippet, and what it prints.
SYNTAX = {
    "print": ("print 'a', 1,\nprint 'b'", "a 1 b"),
    "print with an end": ("import sys\nprint >>sys.stdout, 'a'", "a"),
    "except": ("try:\n    1 // 0\nexcept ZeroDivisionError, e:\n    print(e.__class__.__name__)", "ZeroDivisionError"),
    "raise": ("try:\n    raise ValueError, 'bad'\nexcept ValueError as e:\n    print(e)", "bad"),
    "backticks": ("print(`[1]`)", "[1]"),
    "octal": ("print(0777)", "511"),
    "long": ("print(10L)", "10"),
    "ur": ("print(ur'a\\d')", "a\\d"),
    "exec": ("exec 'x = 3'\nprint(x)", "3"),
    "not equal": ("print(1 <> 2)", "True"),
    "parameters in parts": ("print((lambda (a, b): a + b)((1, 2)))", "3"),
    "tabs and spaces": ("if 1:\n        x = 1\n\tprint x", "1"),
}
BUILTINS = {
    "xrange": ("print([i for i in xrange(2)])", "[0, 1]"),
    "unicode": ("print(isinstance('a', unicode), isinstance('a', basestring))", "True True"),
    "long": ("print(long(3) + unichr(97).count('a'))", "4"),
    "reduce": ("print(reduce(lambda a, b: a * b, [2, 3]))", "6"),
    "cmp": ("print(sorted([1, 3, 2], cmp=lambda a, b: cmp(b, a)))", "[3, 2, 1]"),
    "iteritems": ("print([k + v for k, v in {1: 2}.iteritems()], list({1: 2}.itervalues()))", "[3] [2]"),
    "has_key": ("print({1: 2}.has_key(1))", "True"),
    "zip": ("print(zip([1], [2])[0])", "(1, 2)"),
    "map": ("print(len(map(str, [1, 2])))", "2"),
    "filter": ("print(filter(None, [0, 1])[0])", "1"),
    "range": ("x = range(3)\nx.append(xrange(1)[0])\nprint(x)", "[0, 1, 2, 0]"),
    "keys": ("k = {2: 0, 1: 0}.keys()\nk.sort()\nprint(k, xrange(1)[0])", "[1, 2] 0"),
    "keys at once": ("print({2: 0}.keys()[0], {2: 3}.items()[0])", "2 (2, 3)"),
    "next": ("print(iter([4]).next())", "4"),
    "own iterator": (
        "class Two(object):\n    n = 0\n    def __iter__(self):\n        return self\n    def next(self):\n"
        "        self.n += 1\n        if self.n > 2:\n            raise StopIteration\n        return self.n\n"
        "print(list(Two()))",
        "[1, 2]",
    ),
    "own truth": ("class No(object):\n    def __nonzero__(self):\n        return False\nprint(bool(No()))", "False"),
    "maxint": ("import sys\nprint(sys.maxint > 2 ** 31)", "True"),
    "setdefaultencoding": ("import sys\nreload(sys)\nsys.setdefaultencoding('utf8')\nprint(1)", "1"),
    "string": ("import string\nprint(string.letters[:2], string.join(['a', 'b'], ''))", "ab ab"),
    "translate": ("import string\nprint('a.b'.translate(string.maketrans('a', 'c'), string.punctuation))", "cb"),
    "itertools": ("from itertools import izip, imap\nprint(list(izip([1], imap(abs, [-2]))))", "[(1, 2)]"),
    "decode": ("print(unicode('a').decode('utf8'))", "a"),
}
IMPORTS = {
    "cPickle": ("import cPickle\nprint(cPickle.loads(cPickle.dumps([1])))", "[1]"),
    "as another": ("import cPickle as pickle, os.path\nprint(pickle.loads(pickle.dumps(os.sep)) == os.sep)", "True"),
    "Queue": ("from Queue import Queue\nq = Queue()\nq.put(1)\nprint(q.get())", "1"),
    "StringIO": (
        "from StringIO import StringIO\nimport cStringIO\n"
        "print(StringIO('a').read() + cStringIO.StringIO('b').read())",
        "ab",
    ),
    "urllib2": ("import urllib2\nprint(urllib2.Request('http://a/b').host)", "a"),
    "urllib": (
        "import urllib\nfrom urllib import urlretrieve\nprint(urllib.urlencode({'a': 1}), callable(urlretrieve))",
        "a=1 True",
    ),
    "urlparse": ("from urlparse import urlparse\nprint(urlparse('http://a/b').path)", "/b"),
    "ConfigParser": ("import ConfigParser\nprint(ConfigParser.ConfigParser().sections())", "[]"),
    "HTMLParser": ("from HTMLParser import HTMLParser\nprint(HTMLParser.__name__)", "HTMLParser"),
    "__builtin__": ("import __builtin__\nprint(__builtin__.len([1]))", "1"),
    "all names": ("from Queue import *\nprint(Queue().empty())", "True"),
    "collections": (
        "import collections\nfrom collections import Mapping\n"
        "print(isinstance({}, Mapping), isinstance([], collections.Sequence))",
        "True True",
    ),
    "clock": ("import time\nprint(time.clock() >= 0)", "True"),
    "getargspec": ("import inspect\nprint(inspect.getargspec(lambda a, b=1: 0).args)", "['a', 'b']"),
    "getcwdu": ("import os\nprint(os.getcwdu() == os.getcwd())", "True"),
    "gcd": ("from fractions import gcd\nprint(gcd(4, 6))", "2"),
}  # fmt: skip
DIVISION = {
    "of Python 2": ("n = 7\nprint n / 2, -7 / 2, 7 / 2.0", "3 -4 3.5"),
    "by its names": ("print(list(xrange(7))[3] / 2, 1)", "1 1"),
    "of arrays": (NP + "print (np.arange(4) / 2).tolist(), np.float32(3) / 2", "[0, 0, 1, 1] 1.5"),
    "in place": (NP + "n = 7\nn /= 2\nx = np.ones(2)\ny = x\nx /= 2\nprint n, y.tolist()", "3 [0.5, 0.5]"),
    "of an attribute": ("class A(object):\n    n = 7\na = A()\na.n /= 2\nprint a.n", "3"),
    "as it is from the future": ("from __future__ import division\nprint 7 / 2", "3.5"),
    "as a bound": ("x = [1, 2, 3, 4]\nhalf = len(x) / 2\nprint(x[:half], x[len(x) / 4])", "[1, 2] 2"),
    "as a range": ("print(list(range(5 / 2)))", "[0, 1]"),
    "as a shape": (NP + "n = 7\nprint(np.zeros((n / 2, 2)).shape, np.ones(n / 2).shape)", "(3, 2) (3,)"),
    "as a new shape": (NP + "print(np.arange(6).reshape(6 / 2, 2).shape)", "(3, 2)"),
    "as a number of times": ("print([0] * (4 / 2))", "[0, 0]"),
    "of an array's bounds": (NP + "n = 4\nprint(np.arange(9).reshape(3, 3)[n / 2, : n / 4].tolist())", "[6]"),
    "as a count of draws": (
        NP + "n = 5\nprint(np.random.rand(n / 2).shape, np.random.normal(0, 1, size=n / 2).shape)",
        "(2,) (2,)",
    ),
    "float sizes": (NP + "print(np.zeros(2.0).shape, len(np.random.permutation(1e1)))", "(2,) 10"),
}  # fmt: skip
NUMPY = {
    "dtypes": (
        NP + "print(np.zeros(1, np.int).dtype.kind, np.zeros(1, np.float_).dtype, np.object is object)",
        "i float64 True",
    ),
    "numbers": (NP + "print(np.NaN, np.Inf, np.NINF)", "nan inf -inf"),
    "functions": (
        NP + "print(np.product([2, 3]), np.alltrue([1, 0]), np.sometrue([1, 0]), np.cumproduct([2, 3]).tolist())",
        "6 False True [2, 6]",
    ),
    "more functions": (
        NP + "print(np.row_stack([[1], [2]]).shape, np.asscalar(np.ones(1)), np.rank([[1]]), np.msort([2,"
        " 1]).tolist())",
        "(2, 1) 1.0 2 [1, 2]",
    ),
    "in1d": (NP + "print(np.in1d([[1], [2]], [2]).tolist(), np.trapz([1, 1]), np.float(2))", "[False, True] 1.0 2.0"),
    "fromstring": (NP + "print(np.fromstring(b'ab', dtype=np.uint8).tolist())", "[97, 98]"),
    "imported": ("from numpy import float_, product as times\nprint(times([float_(2)]))", "2.0"),
    "random_integers": (
        NP + "np.random.seed(0)\nprint(set(np.random.random_integers(1, 2, 50).tolist()), np.float(0))",
        "{1, 2} 0.0",
    ),
    "ragged": (NP + "print(np.array([[1, 2], [3]]).dtype)", "object"),
    "tostring": (NP + "print(np.uint8([97]).tostring())", "b'a'"),
}  # fmt: skip
LIBRARIES = {
    "imresize": (
        NP + "from scipy.misc import imresize\nprint(imresize(np.arange(16.).reshape(4, 4), (2, 3)).shape)",
        "(2, 3)",
    ),
    "a module": (
        NP + "from scipy import misc\nprint(misc.toimage(np.zeros((2, 3))).size, misc.comb(5, 2))",
        "(3, 2) 10.0",
    ),
    "by its full name": (
        "import scipy.misc\nprint(scipy.misc.factorial(3), round(float(scipy.misc.logsumexp([0, 0])), 3))",
        "6.0 0.693",
    ),
    "grid_search": (
        "from sklearn.grid_search import GridSearchCV, ParameterGrid\nprint(len(ParameterGrid({'a': [1, 2]})))",
        "2",
    ),
    "cross_validation": (
        "from sklearn.cross_validation import KFold\nprint([t.tolist() for _, t in KFold(4, n_folds=2)])",
        "[[0, 1], [2, 3]]",
    ),
    "by its module": (
        "from sklearn import cross_validation\nprint(len(cross_validation.train_test_split([1, 2])[0]))",
        "1",
    ),
    "stratified": (
        "import sklearn.cross_validation as cv\n"
        "print([sorted(t.tolist()) for _, t in cv.StratifiedKFold([0, 0, 1, 1], 2)])",
        "[[0, 2], [1, 3]]",
    ),
    "joblib": ("from sklearn.externals import joblib\nprint(joblib.__name__)", "joblib"),
    "Imputer": (
        "from sklearn.preprocessing import Imputer\n"
        "print(Imputer().fit_transform([[1.0], [float('nan')]]).tolist())",
        "[[1.0], [1.0]]",
    ),
}  # fmt: skip
SNIPPETS = {
    f"{table}: {name}": row
    for table, rows in {"syntax": SYNTAX, "builtins": BUILTINS, "imports": IMPORTS, "division": DIVISION,
                        "numpy": NUMPY, "libraries": LIBRARIES}.items()
    for name, row in rows.items()
}  # fmt: skip


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
    "a way by version": "import sys\nif sys.version_info[0] < 3:\n    input = raw_input\nprint(7 / 2)",
    "an own name": "def cmp(a, b):\n    return 'own'\nprint(cmp(1, 2), 7 / 2)",
    "views": "print(type({}.keys()).__name__, type(zip()).__name__, 1 / 2)",
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


def test_what_was_met_is_said_in_one_line():
    _printed(lambda: running.compiled("print 1\nprint 2\nfor i in xrange(1):\n    print 7 / 2", "old.py"))
    assert str(MET) == "drift: 3 print statements, 1 integer division, xrange"


def test_lines_of_a_traceback_are_those_of_the_file():
    source = "'''Text.'''\nimport cPickle\nprint 'a'\n\nx = [\n    1 / 0,\n]\n"
    error = _printed(lambda: running.compiled(source, "old.py"))
    frames = error.__traceback__
    while frames.tb_next is not None and frames.tb_frame.f_code.co_filename != "old.py":
        frames = frames.tb_next
    assert isinstance(error, ZeroDivisionError) and frames.tb_lineno == 6


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
