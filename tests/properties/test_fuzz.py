"""Random calls of ops: real Keras's stored answers, and what every way of running gives of one call.

Any other seeds by hand: see ``tests/oracles/fuzz/ops.py``.
"""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import jit, ops
from amalthea.engine import backends, dtypes
from tests.oracles.fuzz import ops as fuzz
from tests.oracles.fuzz.draw import WHOLE as INTEGERS
from tests.oracles.fuzz.draw import Bits
from tests.oracles.read import load
from tests.thinned import thinned

ANSWERS = load("ops")
TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2}


def _arrays(value):
    """Arguments as NumPy's arrays."""
    if isinstance(value, Bits):
        return value.array.astype(dtypes.to_numpy(value.dtype))
    if isinstance(value, (list, tuple)):
        return type(value)(map(_arrays, value))
    return value


def _flat(args):
    for x in args:
        yield from _flat(x) if isinstance(x, (list, tuple)) else (x,)


def _outputs(made):
    made = made if isinstance(made, (list, tuple)) else [made]
    return [(ops.dtype(x) if hasattr(x, "dtype") else "python", np.asarray(_numpy(x))) for x in made]


def _numpy(x):
    return ops.convert_to_numpy(x) if hasattr(x, "dtype") else x


def run(seed, compiled):
    """The outputs of a call with their dtypes; None where it is refused."""
    name, args, kwargs = fuzz.call(seed)
    args, function = list(_arrays(args)), getattr(ops, name)
    places = [i for i, x in enumerate(args) if isinstance(x, np.ndarray)]

    def called(*arrays):
        for i, x in zip(places, arrays):
            args[i] = x
        return function(*args, **kwargs)

    try:
        return _outputs((jit(called) if compiled else called)(*[args[i] for i in places]))
    except (ValueError, TypeError):
        return None


def difference(found, wanted, dtypes_too=True):
    """The first way in which two results differ, or an empty string."""
    if found is None or wanted is None:
        return "" if found is wanted else f"refused: {found is None} and {wanted is None}"
    if len(found) != len(wanted):
        return f"{len(found)} outputs, not {len(wanted)}"
    for (dtype, x), (other, y) in zip(found, wanted):
        if x.shape != y.shape:
            return f"shape {x.shape}, not {y.shape}"
        if dtypes_too and dtype != other and "python" not in (dtype, other):
            return f"{dtype}, not {other}"
        near = TOLERANCE.get(other, 2e-5)
        if not np.allclose(x.astype("float64"), y.astype("float64"), near, near, equal_nan=True):
            return f"{x.ravel()[:6]}, not {y.ravel()[:6]}"
    return ""


def _kinds(args):
    return {_arrays(x).dtype.name for x in _flat(args) if hasattr(x, "dtype")}


WHOLE = {*INTEGERS, "bool"}


def another_meaning(name, args, kwargs):
    """Why Keras's answer to a call is not held to; empty where it is."""
    kinds, numbers = _kinds(args), [x for x in _flat(args) if type(x) in (int, float)]
    if name in (*fuzz.SMOOTH, "softmax", "log_softmax", "normalize") and kinds & WHOLE:
        return "Keras computes some of these in whole numbers, where they wrap; here floats are computed with"
    if name in ("relu", "relu6") and kinds & WHOLE:
        return "Keras's backends differ in the dtype"
    if name == "sparsemax":
        return "Keras's answer does not sum to 1 where values are equal, nor along other axes than the last"
    if any(x < 0 for x in numbers if type(x) is int) and any(kind.startswith("uint") for kind in kinds):
        return "a negative number beside an unsigned array counts as itself; Keras's backends raise, or let it wrap"
    if name == "saturate_cast" and args[-1] == "bool":
        return "Keras makes no rule"
    if name == "round" and kinds == {"bool"}:
        return "Keras refuses truth values"
    if name in ("floor_divide", "mod", "divide", "true_divide") and kinds <= WHOLE:
        return "whole numbers divided by 0 give 0 here, and anything in XLA"
    if name in ("power", "reciprocal") and kinds <= WHOLE:
        return "whole numbers to negative powers"
    if name == "cast" and args[-1] in WHOLE and not kinds <= WHOLE:
        return "what a whole number cannot hold has no rule: NaN, infinities"
    if name == "median" and (not args[0].shape or not args[0].size):
        return "the median of a number keeps its shape, that of nothing is NaN"
    return ""


def _narrowed(outputs, kinds):
    """Dtypes without 64 bits, which Keras on JAX does not have."""
    short = {"float64": "float32", "int64": "int32", "uint64": "uint32"}
    return None if outputs is None else [(short.get(dtype, dtype), x) for dtype, x in outputs]


def judge(seed, wanted):
    """The difference between a call and Keras's answer (None: refused), in words; empty without one, or by decision."""
    name, args, kwargs = fuzz.call(seed)
    if another_meaning(name, args, kwargs):
        return ""
    return difference(_narrowed(run(seed, compiled=False), _kinds(args)), wanted)


@pytest.mark.parametrize("first", thinned(range(0, len(ANSWERS), len(fuzz.CALLS)), 5))
def test_random_calls_give_what_keras_gives(first):
    wrong = []
    for answer in ANSWERS[first : first + len(fuzz.CALLS)]:
        seed = int(answer["id"])
        wanted = None if answer["refused"] else [(dtype, np.reshape(x, shape)) for dtype, shape, x in answer["outputs"]]
        what = judge(seed, wanted)
        if what:
            wrong.append(f"{seed} {fuzz.call(seed)[0]}: {what}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("first", thinned(range(0, len(ANSWERS), 4 * len(fuzz.CALLS)), 3))
def test_random_calls_are_the_same_compiled_and_eager_and_on_numpy(first):
    wrong = []
    for seed in range(first, first + len(fuzz.CALLS)):
        with backends.use_backend("numpy"):
            wanted = run(seed, compiled=False)
        for how in ("compiled", "eager"):
            what = difference(run(seed, how == "compiled"), wanted)
            if what:
                wrong.append(f"{seed} {fuzz.call(seed)[0]}, {how}: {what}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", thinned([*sorted({*fuzz.SMOOTH} - {"hard_tanh"}), "softmax", "log_softmax"], 4))
def test_whole_numbers_are_computed_with_as_floats(name):
    """Keras computes some of these in whole numbers: log_sigmoid(uint8) of 1 is -255 there."""
    for dtype in (*INTEGERS, "bool"):
        x = np.array([[0, 1, 3], [100, 2, 1]]).astype(dtype)
        found, wanted = (ops.convert_to_numpy(getattr(ops, name)(v)) for v in (x, x.astype("float32")))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("name", "add subtract multiply minimum maximum equal less mod floor_divide".split())
@pytest.mark.parametrize("number", [-1, 300])
def test_a_whole_number_beside_an_unsigned_array_counts_as_itself(name, number):
    x = np.array([1, 2, 100], "uint8")
    for pair in ((x, number), (number, x)):
        found = ops.convert_to_numpy(getattr(ops, name)(*pair))
        np.testing.assert_array_equal(found, getattr(np, name)(*[np.asarray(v, "int64") for v in pair]))


@pytest.mark.parametrize("reduction", [None, "add", "max", "min", "mul"])
@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8", "bool"])
@pytest.mark.parametrize("compiled", [True, False])
def test_updates_of_one_point_meet_in_their_order(reduction, dtype, compiled):
    rng = np.random.default_rng(0)
    x, updates = rng.integers(0, 5, (4, 3)).astype(dtype), rng.integers(0, 5, (9, 3)).astype(dtype)
    points = rng.integers(-4, 4, (9, 1)).astype("int32")
    want = x.copy()
    for point, row in zip(points[:, 0], updates):
        combine = {None: lambda a, b: b, "add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}[
            reduction
        ]
        want[point] = combine(want[point], row)
    function = lambda *arrays: ops.scatter_update(*arrays, reduction=reduction)  # noqa: E731
    found = (jit(function) if compiled else function)(x, points, updates)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), want)


def test_updates_replace_infinities_exactly():
    x, updates = np.float32([np.inf, np.nan, 1e8]), np.float32([1, 2, 3.25])
    found = ops.convert_to_numpy(ops.scatter_update(x, np.array([[0], [1], [2]]), updates))
    np.testing.assert_array_equal(found, updates)
