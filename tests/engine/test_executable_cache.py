"""The cache of executables: the least recently used are dropped."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import amalthea
from amalthea import config, ops
from amalthea.engine import backends
from amalthea.engine.executable_cache import Cache
from amalthea.errors import ArgumentError
from tests.backends import every_installed


@pytest.fixture
def three():
    """Three executables are kept."""
    before = config.max_executables()
    config.set_max_executables(3)
    yield
    config.set_max_executables(before)


def test_the_least_recently_used_is_dropped(three):
    cache = Cache()
    for key in "abc":
        cache[key] = key
    cache.get("a")
    cache["d"] = "d"
    assert [cache.get(key) for key in "abcd"] == ["a", None, "c", "d"]
    assert len(cache) == 3


@every_installed
def test_a_dropped_executable_is_freed_and_compiled_again(three, backend):
    """In every order of the shapes, results are right and executables few."""
    with backends.use_backend(backend):
        double, freed = amalthea.jit(lambda x: ops.add(x, x)), []
        with pytest.warns(UserWarning, match="pad_to_multiple"):
            for n in (1, 2, 3, 4, 5, 1, 6, 2):
                x = np.arange(float(n), dtype="float32")
                np.testing.assert_array_equal(ops.convert_to_numpy(double(x)), x + x)
                assert len(double.entries) <= 3
                freed += [weakref.ref(entry.executable) for entry in double.entries.values()]
        held = [entry.executable for entry in double.entries.values()]
        gc.collect()
        assert {id(ref()) for ref in freed if ref() is not None} == {id(x) for x in held}


def test_many_shapes_are_told_of_once(three, recwarn):
    double = amalthea.jit(lambda x: ops.add(x, x))
    for n in range(1, 10):
        double(np.ones(n, "float32"))
    assert len(recwarn) == 1


def test_eager_convolutions_of_many_shapes_are_few(three):
    with backends.use_backend("onnxruntime") as backend:
        for n in range(4, 10):
            ops.conv(np.ones((1, n, 1), "float32"), np.ones((2, 1, 1), "float32"))
        assert len(backend._eager) <= 3


@pytest.mark.parametrize("count", [0, -1, 1.5, "3", True, None])
def test_a_number_of_executables_is_a_positive_integer(count):
    with pytest.raises(ArgumentError, match="positive int"):
        config.set_max_executables(count)
