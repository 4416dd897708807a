"""Random calls of ops: drawn from a seed, the same with every version of NumPy, for two libraries to be compared on.

    python -m tests.oracles.fuzz.ops ask FIRST LAST FILE   # in an environment with Keras: its answers to these seeds
    python -m tests.oracles.fuzz.ops compare FILE          # where this package is: each difference, and a count

An entry of ``CALLS`` draws the arguments of one op. Calls that Keras refuses are stored as refused.
"""

from __future__ import annotations

import numpy as np

from .draw import ANY, FLOATS, NUMBERS, Bits, Draw


def _shape(x):
    return (x.array if isinstance(x, Bits) else x).shape


def _one(dtypes, **options):
    return lambda d: ((d.array(dtypes=dtypes, **options),), {})


def _two(dtypes, numbers=True):
    def draw(d):
        x = d.array(dtypes=dtypes)
        if numbers and d.chance(0.25):
            pair = [x, d.one(-1, 0, 1, 2, 0.5, -1.5, True)]
        else:
            pair = [x, d.array(d.beside(_shape(x)), dtypes)]
        return tuple(pair[::-1] if d.chance(0.3) else pair), {}

    return draw


def _reduced(dtypes, **options):
    def draw(d):
        x = d.array(dtypes=dtypes, **options)
        rank = len(_shape(x))
        kwargs = {}
        if d.chance(0.7):
            kwargs["axis"] = d.axis(rank)
            if rank > 1 and d.chance(0.2):
                kwargs["axis"] = (0, rank - 1)
        if d.chance(0.4):
            kwargs["keepdims"] = True
        return (x,), kwargs

    return draw


def _along(dtypes, keepdims=False, none=True, **options):
    def draw(d):
        x = d.array(d.shape(1), dtypes, **options)
        kwargs = {"axis": d.axis(len(_shape(x)), none)} if d.chance(0.7) else {}
        return (x,), kwargs

    return draw


def _clip(d):
    x = d.array(dtypes=NUMBERS)
    return (x, d.one(-1, 0, -2.5, 1), d.one(1, 2, 3.5, 100)), {}


def _full_like(d):
    x = d.array()
    return (x, d.one(-1, 2, 0.5, True)), ({"dtype": d.one(*NUMBERS)} if d.chance(0.4) else {})


def _scatter_update(d):
    x = d.array((4, d.one(1, 2, 3)), NUMBERS, special=0)
    n = d.rng.randint(1, 6)
    whole = d.chance(0.5)
    points = (
        d.rng.randint(0, 4, size=(n, 1))
        if whole
        else np.stack([d.rng.randint(0, 4, size=n), d.rng.randint(0, _shape(x)[1], size=n)], axis=-1)
    )
    reduction = d.one("add", "max", "min", "mul")
    if not whole or d.chance(0.5):
        points = np.unique(points, axis=0) if d.chance(0.5) else points
    updates = d.array(
        (len(points), *(_shape(x)[1:] if whole else ())),
        (x.dtype if not isinstance(x, Bits) else "float32",),
        special=0,
    )
    unique = len(np.unique(points, axis=0)) == len(points)
    kwargs = {"reduction": reduction} if not unique or d.chance(0.6) else {}
    return (x, points.astype("int32"), updates), kwargs


def _cast(d):
    return (d.array(special=0.1, low=0), d.one(*ANY)), {}


def _saturate(d):
    return (d.array(dtypes=NUMBERS, low=-300, high=300), d.one(*ANY)), {}


def _repeat(d):
    x = d.array()
    rank = len(_shape(x))
    return (x, d.one(0, 1, 2, 3)), ({"axis": d.axis(rank)} if d.chance(0.7) else {})


def _tile(d):
    x = d.array()
    return (x, d.one(0, 1, 2, (2,), (1, 2), (2, 1, 3))), {}


def _linspace(d):
    start, stop = d.one(0, 1, -1.5), d.one(1, 5, 2.5)
    kwargs = {"num": d.one(1, 2, 5, 7)}
    if d.chance(0.5):
        kwargs["endpoint"] = d.one(True, False)
    if d.chance(0.5):
        kwargs["dtype"] = d.one("int32", "float16", "float32", "float64")
    return (start, stop), kwargs


def _arange(d):
    kwargs = {"dtype": d.one("float32", "int32", "float16")} if d.chance(0.4) else {}
    return d.one((5,), (1, 5), (0, 6, 2), (5, 0, -1), (0.5, 3.0), (0, 1, 0.25), (3, 3)), kwargs


def _nan_to_num(d):
    kwargs = {k: d.one(-1.0, 0.0, 7.0) for k in ("nan", "posinf", "neginf") if d.chance(0.4)}
    return (d.array(dtypes=ANY, special=0.9),), kwargs


def _round(d):
    return (d.array(dtypes=ANY),), ({"decimals": d.one(0, 1, 2)} if d.chance(0.5) else {})


def _where(d):
    c = d.array(dtypes=("bool",))
    if d.chance(0.5):
        return (c, d.array(d.beside(c.shape)), d.array(d.beside(c.shape))), {}
    return (c, d.array(d.beside(c.shape)), d.one(-1, 0.5, 2)), {}


def _take(d):
    x = d.array(d.shape(1, empty=False))
    axis = d.axis(len(_shape(x)))
    n = int(np.prod(_shape(x))) if axis is None else _shape(x)[axis]
    return (x, d.rng.randint(-n, n, size=d.shape(0, 2)).astype("int32")), {"axis": axis}


def _top_k(d):
    x = d.array(d.shape(1, empty=False), NUMBERS, special=0)
    return (x, d.rng.randint(1, _shape(x)[-1] + 1)), {}


def _flip(d):
    x = d.array()
    return (x,), ({"axis": d.axis(len(_shape(x)))} if d.chance(0.7) else {})


def _roll(d):
    x = d.array()
    return (x, d.one(0, 1, -2, 5)), ({"axis": d.axis(len(_shape(x)))} if d.chance(0.7) else {})


def _triangle(d):
    return (d.array(d.shape(2)),), ({"k": d.one(-1, 0, 1, 3)} if d.chance(0.6) else {})


def _one_hot(d):
    x = d.rng.randint(-1, 5, size=d.shape(0, 3)).astype(d.one("int32", "int8", "uint8"))
    kwargs = {"dtype": d.one("int32", "bool", "float16")} if d.chance(0.4) else {}
    return (x, 4), kwargs


def _matmul(d):
    k, batch = d.one(1, 2, 3, 0), d.shape(0, 2)
    x = d.array((*batch, d.one(1, 2, 3), k), special=0.05)
    y = d.array((*d.beside(batch), k, d.one(1, 2, 4)), special=0.05)
    if d.chance(0.2):
        return (d.array((k,), special=0), y), {}
    return (x, y), {}


def _concatenate(d):
    shape = d.shape(1, 3)
    axis = d.rng.randint(-len(shape), len(shape))
    parts = []
    for _ in range(d.rng.randint(1, 4)):
        sizes = list(shape)
        sizes[axis] = d.rng.randint(0, 3)
        parts.append(d.array(tuple(sizes)))
    return (parts,), {"axis": axis}


def _pad(d):
    x = d.array(d.shape(1, 3, empty=False))
    widths = [(d.rng.randint(0, 2), d.rng.randint(0, 3)) for _ in _shape(x)]
    if d.chance(0.3):
        return (x, widths), {"mode": d.one("reflect", "symmetric", "edge")} if min(_shape(x)) > 2 else {}
    return (x, widths), ({"constant_values": d.one(1, -1, 3)} if d.chance(0.4) else {})


def _diff(low=1):
    return lambda d: ((d.array(d.shape(low, empty=False), NUMBERS),), {})


SMOOTH = (
    "exp expm1 log log1p log2 log10 sqrt rsqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
    "sigmoid softplus erf silu gelu elu selu celu log_sigmoid softsign hard_sigmoid hard_silu hard_tanh tanh_shrink "
    "soft_shrink hard_shrink squareplus sparse_plus sparse_sigmoid leaky_relu reciprocal"
).split()
CALLS = {
    **{name: _one(ANY) for name in SMOOTH},
    **{name: _one(NUMBERS) for name in ("relu", "relu6", "negative", "square", "absolute", "sign")},
    **{name: _one(ANY) for name in ("floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "logical_not", "ravel")},
    **{name: _one(ANY) for name in ("zeros_like", "ones_like", "copy", "shape", "ndim", "size")},
    **{name: _two(ANY) for name in ("add", "multiply", "maximum", "minimum", "equal", "not_equal", "greater", "less")},
    **{name: _two(ANY) for name in ("greater_equal", "less_equal", "logical_and", "logical_or", "logical_xor")},
    **{name: _two(NUMBERS) for name in ("subtract", "divide", "true_divide", "floor_divide", "mod", "power")},
    **{name: _two(NUMBERS) for name in ("arctan2", "logaddexp", "divide_no_nan", "isclose")},
    **{name: _two(("int32", "uint8", "int16", "bool"), False) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{name: _reduced(ANY) for name in ("sum", "prod", "mean", "max", "min", "any", "all", "var", "std")},
    "amax": _reduced(ANY), "amin": _reduced(ANY),
    "logsumexp": _reduced(NUMBERS), "median": _reduced(ANY), "count_nonzero": _along(ANY), "average": _along(NUMBERS),
    "argmax": _along(ANY), "argmin": _along(ANY), "cumsum": _along(ANY), "cumprod": _along(ANY),
    "sort": _along(ANY, none=False), "argsort": _along(ANY, none=False), "softmax": _along(NUMBERS, none=False),
    "log_softmax": _along(NUMBERS, none=False), "sparsemax": _along(FLOATS, none=False, special=0),
    "normalize": _along(FLOATS, none=False, special=0), "clip": _clip, "full_like": _full_like,
    "scatter_update": _scatter_update, "cast": _cast, "saturate_cast": _saturate, "repeat": _repeat, "tile": _tile,
    "linspace": _linspace, "arange": _arange, "nan_to_num": _nan_to_num, "round": _round, "where": _where,
    "take": _take, "top_k": _top_k, "flip": _flip, "roll": _roll, "tril": _triangle, "triu": _triangle,
    "one_hot": _one_hot, "matmul": _matmul, "concatenate": _concatenate, "pad": _pad,
}  # fmt: skip


def call(seed):
    """The name of an op, its arguments, and its keyword arguments."""
    draw = Draw(seed)
    name = list(CALLS)[seed % len(CALLS)]
    args, kwargs = CALLS[name](draw)
    return name, args, kwargs


def arguments(library, value):
    """Arguments for a library: arrays of NumPy, and bfloat16 as its own."""
    if isinstance(value, Bits):
        return library.ops.cast(value.array, value.dtype)
    if isinstance(value, (list, tuple)):
        return type(value)(arguments(library, x) for x in value)
    return value


def answer(library, seed):
    """The answer of a library: ``("refused", words)``, or the outputs as pairs of a dtype and a NumPy array."""
    name, args, kwargs = call(seed)
    try:
        outputs = getattr(library.ops, name)(*arguments(library, args), **kwargs)
    except Exception as error:
        return "refused", f"{type(error).__name__}: {str(error)[:200]}"
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [_pair(library, x) for x in outputs]


def _pair(library, x):
    if isinstance(x, (bool, int, float)) or x is None:
        return "python", np.asarray(x)
    dtype = str(getattr(x.dtype, "name", x.dtype)).rsplit(".", 1)[-1]
    array = library.ops.convert_to_numpy(library.ops.cast(x, "float32") if dtype == "bfloat16" else x)
    return dtype, np.asarray(array)


def ask(first, last, path):
    """Write what Keras gives for some seeds."""
    import pickle

    import keras

    with open(path, "wb") as file:
        pickle.dump({seed: answer(keras, seed) for seed in range(int(first), int(last))}, file)


def compare(path):
    """Print where this package gives something else, but for what test_fuzz.py says is meant otherwise."""
    import pickle

    from tests.properties import test_fuzz

    with open(path, "rb") as file:
        answers = pickle.load(file)  # one's own file, just written
    different = 0
    for seed, found in answers.items():
        name, args, kwargs = call(seed)
        what = test_fuzz.judge(seed, None if found and found[0] == "refused" else found)
        different += bool(what)
        print(f"{seed} {name}: {what}\n" if what else "", end="")
    print(f"{different} of {len(answers)} calls differ")


if __name__ == "__main__":
    import sys

    {"ask": ask, "compare": compare}[sys.argv[1]](*sys.argv[2:])
