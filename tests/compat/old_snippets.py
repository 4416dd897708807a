"""Old snippets of Python and its libraries, and what they print: for `test_drift.py`."""

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
    "round": ("print round(2.5), round(1e300), round(0.125, 2)", "3.0 1e+300 0.13"),
    "range": ("x = range(3)\nx.append(0)\nprint(x)", "[0, 1, 2, 0]"),
    "a range that is shuffled": ("import random\nx = range(1)\nrandom.shuffle(x)\nx[0] = 5\nprint(x)", "[5]"),
    "a sum of lists": ("print(range(2) + [5], 5 / 2)", "[0, 1, 5] 2"),
    "sorted later": ("x = zip([2, 1], 'ba')\nx.sort()\nprint(x)", "[(1, 'a'), (2, 'b')]"),
    "keys": ("k = {2: 0, 1: 0}.keys()\nk.sort()\nprint(k)", "[1, 2]"),
    "keys at once": ("print({2: 0}.keys()[0], {2: 3}.items()[0])", "2 (2, 3)"),
    "next": ("print(iter([4]).next())", "4"),
    "own iterator": (
        "class Two(object):\n    n = 0\n    def __iter__(self):\n        return self\n    def next(self):\n"
        "        self.n += 1\n        if self.n > 2:\n            raise StopIteration\n        return self.n\n"
        "print(list(Two()))",
        "[1, 2]",
    ),
    "own truth": ("class No(object):\n    def __nonzero__(self):\n        return False\nprint(bool(No()))", "False"),
    "own order": (
        "class A(object):\n    def __init__(self, n):\n        self.n = n\n    def __cmp__(self, other):\n"
        "        return cmp(self.n, other.n)\n"
        "print(sorted([A(2), A(1)])[0].n, A(1) == A(1), A(1) >= A(2), len({A(1)}))",
        "1 True False 1",
    ),
    "own metaclass": (
        "class Meta(type):\n    name = 'meta'\nclass A(object):\n    __metaclass__ = Meta\nprint type(A).name",
        "meta",
    ),
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
    "of elements": (NP + "x = np.arange(6)\nx[len(x) / 2 :] /= 2\nprint x.tolist()", "[0, 1, 2, 1, 2, 2]"),
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
    "fromstring": (NP + "print(np.fromstring(b'ab', dtype=np.uint8).tolist(), np.float(1))", "[97, 98] 1.0"),
    "imported": ("from numpy import float_, product as times\nprint(times([float_(2)]))", "2.0"),
    "random_integers": (
        NP + "np.random.seed(0)\nprint(set(np.random.random_integers(1, 2, 50).tolist()), np.float(0))",
        "{1, 2} 0.0",
    ),
    "ragged": (NP + "print(np.array([[1, 2], [3]]).dtype)", "object"),
    "tostring": (NP + "print(np.uint8([97]).tostring(), np.float(1))", "b'a' 1.0"),
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
