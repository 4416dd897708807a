"""Names and modules of older versions of Python and its libraries, as plain data.

A key is the full name of old, a value the full name that stands for it today. A value that begins with a point is in
this package. A name that the installed version still has is left alone.
"""

from __future__ import annotations

MODULES = {
    "__builtin__": "builtins", "BaseHTTPServer": "http.server", "commands": "subprocess",
    "ConfigParser": "configparser", "cookielib": "http.cookiejar", "copy_reg": "copyreg", "cPickle": "pickle",
    "cStringIO": ".old_python", "exceptions": "builtins", "htmlentitydefs": "html.entities",
    "HTMLParser": "html.parser", "httplib": "http.client", "Queue": "queue",
    "robotparser": "urllib.robotparser", "scipy.misc": ".old_scipy", "six": ".old_six", "six.moves": ".old_six.moves",
    "six.moves.cPickle": "pickle", "six.moves.urllib": "urllib", "six.moves.urllib.error": "urllib.error",
    "six.moves.urllib.parse": "urllib.parse", "six.moves.urllib.request": "urllib.request",
    "sklearn.cross_validation": ".old_sklearn", "sklearn.externals.joblib": "joblib",
    "sklearn.grid_search": ".old_sklearn", "sklearn.learning_curve": "sklearn.model_selection",
    "SocketServer": "socketserver", "StringIO": ".old_python", "thread": "_thread",
    "tkFileDialog": "tkinter.filedialog", "Tkinter": "tkinter", "tkMessageBox": "tkinter.messagebox",
    "urllib2": ".old_urllib", "urlparse": "urllib.parse", "xmlrpclib": "xmlrpc.client",
}  # fmt: skip
_URLLIB = {"quote": "parse", "quote_plus": "parse", "unquote": "parse", "unquote_plus": "parse", "urlencode": "parse",
           "urlopen": "request", "urlretrieve": "request", "urlcleanup": "request", "URLopener": "request",
           "FancyURLopener": "request", "pathname2url": "request", "url2pathname": "request"}  # fmt: skip
_STRING = ("atof", "atoi", "count", "find", "join", "joinfields", "lower", "lstrip", "maketrans", "replace", "rstrip",
           "split", "splitfields", "strip", "upper", "zfill")  # fmt: skip
_IMAGES = ("ascent", "bytescale", "comb", "face", "factorial", "fromimage", "imread", "imresize", "imrotate", "imsave",
           "imshow", "lena", "logsumexp", "toimage")  # fmt: skip
_PYTHON = {
    "base64.decodestring": "base64.decodebytes", "base64.encodestring": "base64.encodebytes",
    "cgi.escape": "html.escape", "fractions.gcd": "math.gcd", "inspect.getargspec": ".old_python.getargspec",
    "itertools.ifilter": "builtins.filter", "itertools.ifilterfalse": "itertools.filterfalse",
    "itertools.imap": "builtins.map", "itertools.izip": "builtins.zip",
    "itertools.izip_longest": "itertools.zip_longest", "operator.div": ".helpers.divided",
    "operator.isCallable": "builtins.callable", "os.errno": "errno", "os.getcwdu": "os.getcwd",
    "string.letters": "string.ascii_letters",
    "string.lowercase": "string.ascii_lowercase", "string.uppercase": "string.ascii_uppercase",
    "sys.exc_clear": ".old_python.nothing", "sys.maxint": "sys.maxsize",
    "sys.setdefaultencoding": ".old_python.nothing", "time.clock": "time.perf_counter",
    "types.BooleanType": "builtins.bool", "types.ClassType": "builtins.type", "types.DictType": "builtins.dict",
    "types.FloatType": "builtins.float", "types.IntType": "builtins.int", "types.ListType": "builtins.list",
    "types.LongType": "builtins.int", "types.NoneType": ".old_python.NoneType", "types.StringType": "builtins.str",
    "types.StringTypes": "builtins.str", "types.TupleType": "builtins.tuple", "types.UnicodeType": "builtins.str",
    **{f"string.{name}": f".old_strings.{name}" for name in _STRING},
    **{f"urllib.{name}": f"urllib.{module}.{name}" for name, module in _URLLIB.items()},
}  # fmt: skip
_NUMPY = {
    "Inf": "inf", "Infinity": "inf", "NAN": "nan", "NINF": ".old_numpy.NINF", "NZERO": ".old_numpy.NZERO",
    "NaN": "nan", "PINF": "inf", "PZERO": ".old_numpy.PZERO", "VisibleDeprecationWarning":
    "exceptions.VisibleDeprecationWarning", "alltrue": "all", "asfarray": ".old_numpy.asfarray",
    "asscalar": ".old_numpy.asscalar", "bool": "builtins.bool", "bool8": "bool_", "cfloat": "complex128",
    "complex": "builtins.complex", "complex_": "complex128", "cumproduct": "cumprod", "float": "builtins.float",
    "float_": "float64", "in1d": ".old_numpy.in1d", "infty": "inf", "int": "builtins.int", "int0": "intp",
    "issubclass_": "builtins.issubclass", "long": "builtins.int", "longfloat": "longdouble", "mat": "asmatrix",
    "msort": ".old_numpy.msort", "object": "builtins.object", "product": "prod",
    "random.random_integers": ".old_numpy.random_integers", "rank": "ndim", "round_": "round", "row_stack": "vstack",
    "singlecomplex": "complex64", "sometrue": "any", "str": "builtins.str", "string_": "bytes_", "trapz": "trapezoid",
    "unicode": "builtins.str", "unicode_": "str_",
}  # fmt: skip
_LIBRARIES = {
    **{f"numpy.{old}": new if "builtins" in new or new[0] == "." else f"numpy.{new}" for old, new in _NUMPY.items()},
    **{f"scipy.misc.{name}": f".old_scipy.{name}" for name in _IMAGES},
    "scipy.integrate.cumtrapz": "scipy.integrate.cumulative_trapezoid",
    "scipy.integrate.simps": "scipy.integrate.simpson", "scipy.integrate.trapz": "scipy.integrate.trapezoid",
    "scipy.ndimage.imread": ".old_scipy.imread", "scipy.stats.nanmean": "numpy.nanmean",
    "scipy.stats.nanmedian": "numpy.nanmedian", "scipy.stats.nanstd": "numpy.nanstd",
    "sklearn.datasets.fetch_mldata": ".old_sklearn.fetch_mldata",
    "sklearn.preprocessing.Imputer": ".old_sklearn.Imputer",
    "matplotlib.cm.get_cmap": "matplotlib.pyplot.get_cmap", "matplotlib.cm.spectral": "matplotlib.cm.nipy_spectral",
    "matplotlib.pyplot.cm.get_cmap": "matplotlib.pyplot.get_cmap",
    "matplotlib.pyplot.cm.spectral": "matplotlib.cm.nipy_spectral", "matplotlib.pyplot.hold": ".old_python.nothing",
    "matplotlib.pyplot.ishold": ".old_python.nothing",
}  # fmt: skip
NAMES = {**_PYTHON, **_LIBRARIES}
# Modules that gave their names to another: a name that is missing in the first is looked for in the second.
FAMILIES = {"collections": "collections.abc", "scipy": "numpy", "scipy.signal": "scipy.signal.windows"}
# Names that are still there, and do less than they did.
CHANGED = {
    "numpy.array": ".old_numpy.array", "numpy.asarray": ".old_numpy.asarray",
    "numpy.fromstring": ".old_numpy.fromstring", "pickle.load": ".old_python.load", "cPickle.load": ".old_python.load",
    "pickle.loads": ".old_python.loads", "cPickle.loads": ".old_python.loads",
}  # fmt: skip

BUILTINS = ("apply", "basestring", "buffer", "cmp", "execfile", "file", "intern", "long", "raw_input", "reduce",
            "reload", "unichr", "unicode", "xrange")  # fmt: skip
LISTED = ("filter", "map", "range", "zip")  # which returned lists
OTHERWISE = (*LISTED, "round")  # builtins of today that Python 2 had with another meaning
METHODS = ("decode", "has_key", "iteritems", "iterkeys", "itervalues", "next", "tostring", "translate", "viewitems",
           "viewkeys", "viewvalues")  # fmt: skip
VIEWS = ("items", "keys", "values")
SPECIAL = {"next": "__next__", "__nonzero__": "__bool__", "__div__": "__truediv__", "__rdiv__": "__rtruediv__",
           "__idiv__": "__itruediv__", "__unicode__": "__str__"}  # fmt: skip
# Comparisons by __cmp__: special methods of today, and functions of helpers.py.
COMPARED = {"__lt__": "less", "__le__": "less_equal", "__gt__": "greater", "__ge__": "greater_equal",
            "__eq__": "equal", "__ne__": "not_equal", "__hash__": "identity"}  # fmt: skip

# Calls whose arguments were whole numbers or shapes, and took floats: positions, and names.
SHAPES = {
    "numpy.empty": (0, "shape"), "numpy.eye": (0, 1, "N", "M"), "numpy.full": (0, "shape"), "numpy.identity": (0, "n"),
    "numpy.linspace": (2, "num"), "numpy.ones": (0, "shape"), "numpy.reshape": (1, "newshape"),
    "numpy.tile": (1, "reps"), "numpy.zeros": (0, "shape"), "numpy.random.normal": (2, "size"),
    "numpy.random.rand": (0, 1, 2, 3), "numpy.random.randn": (0, 1, 2, 3), "numpy.random.random": (0, "size"),
    "numpy.random.random_sample": (0, "size"), "numpy.random.uniform": (2, "size"),
    "numpy.random.randint": (0, 1, 2, "low", "high", "size"), "numpy.random.binomial": (2, "size"),
}  # fmt: skip
COUNTS = {
    "numpy.random.permutation": (0,), "numpy.random.choice": (1, "size"), "numpy.repeat": (1, "repeats"),
    "numpy.split": (1,), "numpy.array_split": (1,),
}  # fmt: skip
SIZED = ("Dense", "Embedding", "GRU", "LSTM", "RepeatVector", "SimpleRNN", "Convolution1D", "Convolution2D", "Conv1D",
         "Conv2D", "range", "xrange", "reshape", "repeat", "slice_X", "slice_arrays")  # fmt: skip
SIZE_KEYWORDS = ("batch_size", "epochs", "filters", "input_dim", "input_length", "maxlen", "nb_epoch", "nb_filter",
                 "nb_val_samples", "output_dim", "samples_per_epoch", "size", "steps", "steps_per_epoch", "units",
                 "val_samples", "validation_steps")  # fmt: skip
