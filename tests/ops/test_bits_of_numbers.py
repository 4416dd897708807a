"""Bits of numbers read as other numbers: exact, eager and compiled, whatever a backend has for it."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import ops
from amalthea.errors import DtypeError, ShapeError

DRAWN = np.random.default_rng(0).integers(-(2**31), 2**31, 500).astype("int32")
FLOATS = DRAWN.view("float32")
FLOATS = FLOATS[np.isfinite(FLOATS) & (np.abs(FLOATS) > 2e-38)]  # some backends flush the smallest numbers to 0
SPECIAL = np.float32([0, -0.0, 1, -1, np.inf, -np.inf, 3.4028235e38, -1.1754944e-38])
HALVES = np.arange(0x0400, 0x7C00, 7).astype("uint16").view("float16")
MODES = {"eager": lambda f: f, "compiled": amalthea.jit}
PAIRS = {
    "float32 as int32": (FLOATS, "int32"),
    "special float32 as int32": (SPECIAL, "int32"),
    "int32 as float32": (FLOATS.view("int32"), "float32"),
    "float16 as int16": (HALVES, "int16"),
    "int16 as float16": (HALVES.view("int16"), "float16"),
    "float64 as int64": (np.float64([0.1, -2.5e300, 1e-300, np.inf]), "int64"),
    "int64 as float64": (np.float64([0.1, -2.5e300, 1e-300, np.inf]).view("int64"), "float64"),
    "int32 as uint32": (DRAWN, "uint32"),
    "float32 as bytes": (SPECIAL, "uint8"),
    "bytes as float32": (SPECIAL.view("uint8"), "float32"),
    "int16 as int64": (np.arange(-8, 8, dtype="int16").reshape(2, 8), "int64"),
    "bools as bytes": (np.array([True, False]), "uint8"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PAIRS)
def test_a_view_has_the_bits_of_numpys(name, mode):
    x, dtype = PAIRS[name]
    found = ops.convert_to_numpy(MODES[mode](lambda x: ops.view(x, dtype))(x))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, x.view(dtype))


@pytest.mark.parametrize("mode", MODES)
def test_signs_of_zeros_are_told_apart(mode):
    assert ops.convert_to_numpy(MODES[mode](ops.signbit)(SPECIAL)).tolist() == np.signbit(SPECIAL).tolist()
    assert ops.convert_to_numpy(ops.signbit(np.int8([-1, 0]))).tolist() == [True, False]


@pytest.mark.parametrize("mode", MODES)
def test_the_next_float_is_numpys(mode):
    x, to = np.r_[FLOATS, SPECIAL[2:-1]][:, None], np.float32([-np.inf, -1, 1, 3, np.inf, np.nan])
    found = ops.convert_to_numpy(MODES[mode](ops.nextafter)(x, to))
    with np.errstate(all="ignore"):
        want = np.nextafter(x, to)
    np.testing.assert_array_equal(found, want)


def test_what_has_no_such_view_is_refused():
    with pytest.raises(ShapeError):
        ops.view(np.zeros(3, "uint8"), "int16")
    with pytest.raises(ShapeError):
        ops.view(np.float32(1), "int8")
    with pytest.raises(DtypeError):
        ops.view(np.zeros(3, "uint8"), "bool")
