"""Primitives that draw random numbers from an explicit key.

A key is ``uint32[2]``: a seed and a counter. The same key gives the same numbers on the same backend. A backend uses
its library's own generator, or the decomposition, a hash of key and position.

Source: the hash is the 32-bit finalizer of MurmurHash3 (Appleby, 2011, public domain), applied twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import (
    add,
    bitwise_xor,
    cast,
    cos,
    log,
    multiply,
    negative,
    right_shift,
    sqrt,
)
from amalthea.engine.primitives.movement import check_sizes, iota, reshape, slice
from amalthea.engine.primitives.table import Family, primitive, sample
from amalthea.errors import ShapeError


def _drawn(key: Type, *, shape, dtype) -> Type:
    if key != Type((2,), "uint32"):
        raise ShapeError("A random key is not a seed and a counter.", expected="uint32[2]", got=key)
    check_sizes(shape)
    return Type(tuple(shape), dtype)


draw = Family(_drawn, lambda primitive: [sample(np.array([7, 3], "uint32"), shape=(4, 500), dtype="float32")])


def _generator(key: np.ndarray) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=int(key[0]) << 32 | int(key[1])))


def _native(dtype: str) -> Any:
    return dtype if dtype in ("float32", "float64") else "float32"


@primitive(draw)
def random_uniform(key, *, shape, dtype):
    """Uniform numbers from 0 up to, not including, 1."""
    return _generator(key).random(shape, _native(dtype)).astype(dtypes.to_numpy(dtype))


@primitive(draw)
def random_normal(key, *, shape, dtype):
    """Normal numbers with mean 0 and standard deviation 1."""
    return _generator(key).standard_normal(shape, _native(dtype)).astype(dtypes.to_numpy(dtype))


def _mix(h):
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = multiply(bitwise_xor(h, right_shift(h, np.uint32(shift))), np.uint32(factor))
    return bitwise_xor(h, right_shift(h, np.uint32(16)))


def _bits(key, count: int, stream: int):
    seed, counter = (reshape(slice(key, starts=(i,), limits=(i + 1,), strides=(1,)), shape=()) for i in (0, 1))
    start = _mix(add(_mix(add(seed, np.uint32(stream))), counter))
    return _mix(bitwise_xor(_mix(iota(shape=(count,), axis=0, dtype="uint32")), start))


def _uniform(key, shape, stream: int, open_at_zero: bool = False):
    """float32 in [0, 1), or (0, 1] with ``open_at_zero``: the upper 24 bits of a hash."""
    bits = right_shift(_bits(key, shapes.substitute(shapes.size(shape), {}), stream), np.uint32(8))
    whole = cast(cast(bits, dtype="int32"), dtype="float32")
    return reshape(multiply(add(whole, 1.0) if open_at_zero else whole, 2.0**-24), shape=shape)


def _normal(key, shape):
    """The Box-Muller transform of two uniform numbers."""
    radius = sqrt(multiply(negative(log(_uniform(key, shape, 1, open_at_zero=True))), 2.0))
    return multiply(radius, cos(multiply(_uniform(key, shape, 2), 2 * np.pi)))


random_uniform.decomposition = lambda key, *, shape, dtype: cast(_uniform(key, shape, 0), dtype=dtype)
random_normal.decomposition = lambda key, *, shape, dtype: cast(_normal(key, shape), dtype=dtype)
