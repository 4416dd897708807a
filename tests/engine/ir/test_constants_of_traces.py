"""Sizes, names of dtypes and the like inside compiled functions: they come out as they do without compiling."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import jit, ops, value_and_grad
from amalthea.engine.multi_step import jit_steps

X = np.arange(6, dtype="float32").reshape(2, 3)

FUNCTIONS = {
    "ndim": ops.ndim,
    "shape": ops.shape,
    "size": ops.size,
    "dtype": ops.dtype,
    "several": lambda x: (ops.ndim(x), tuple(ops.shape(x)), ops.dtype(x)),
    "one size": lambda x: ops.shape(x)[0],
    "a truth value": lambda x: ops.is_tensor(x),
    "nothing": lambda x: None,
    "text": lambda x: "text",
    "bytes": lambda x: b"text",
    "beside a tensor": lambda x: (ops.shape(x), x * 2, "last"),
    "before and after": lambda x: {
        "a": 1,
        "b": x + 1,
        "c": None,
        "d": [x, ops.ndim(x), True],
        "e": {"f": ops.dtype(x)},
    },
    "used": lambda x: ops.reshape(x, (ops.shape(x)[1], -1)) * ops.ndim(x),
    "chosen by": lambda x: x if ops.ndim(x) == 2 and ops.dtype(x) == "float32" else x * 0,
}


def same(found, wanted):
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted):
            same(a, b)
    elif wanted is None or isinstance(wanted, (str, bytes, int)):
        assert type(found) is type(wanted) and found == wanted
    else:
        np.testing.assert_array_equal(ops.convert_to_numpy(found), ops.convert_to_numpy(wanted))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_constants_come_out_of_compiled_functions_as_of_plain_ones(name):
    function = FUNCTIONS[name]
    compiled = jit(function)
    for x in (X, X, np.ones((4, 2), "float32")):
        same(compiled(x), function(ops.convert_to_tensor(x)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_constants_come_out_of_several_steps_and_beside_gradients(name):
    function = FUNCTIONS[name]
    same(jit_steps(jit(function))([X, X + 1]), function(ops.convert_to_tensor(X + 1)))
    both = value_and_grad(lambda x: (ops.sum(x * x), function(x)), has_aux=True)
    for run in (both, jit(both)):
        (value, aux), slope = run(X)
        assert float(value) == 55.0
        same(aux, function(ops.convert_to_tensor(X)))
        np.testing.assert_array_equal(ops.convert_to_numpy(slope), 2 * X)
