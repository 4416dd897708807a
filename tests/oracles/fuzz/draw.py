"""Random arguments: the same with every version of NumPy."""

from __future__ import annotations

import numpy as np

FLOATS = ("float32", "float16", "bfloat16", "float64")
SIGNED = ("int8", "int16", "int32")
UNSIGNED = ("uint8", "uint16", "uint32")
WHOLE = SIGNED + UNSIGNED
NUMBERS = FLOATS + WHOLE
ANY = (*NUMBERS, "bool")


class Bits:
    """A bfloat16 array as float32, and the name of what it shall be: NumPy alone does not have the dtype."""

    def __init__(self, array, dtype):
        self.array, self.dtype = array, dtype


class Draw:
    """Random arguments."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)

    def one(self, *choices):
        return choices[self.rng.randint(len(choices))]

    def chance(self, share):
        return self.rng.uniform() < share

    def shape(self, low=0, high=4, empty=True):
        sizes = [1, 2, 3, 4, 0] if empty and self.chance(0.3) else [1, 2, 3, 4]
        return tuple(self.one(*sizes) for _ in range(self.rng.randint(low, high + 1)))

    def array(self, shape=None, dtypes=ANY, special=0.25, low=-4, high=5):
        """An array with ties, and now and then NaN, infinities and the ends of the dtype."""
        shape = self.shape() if shape is None else shape
        dtype = self.one(*dtypes) if self.chance(0.6) else dtypes[0]
        if dtype == "bool":
            return self.rng.uniform(size=shape) < 0.5
        if dtype in WHOLE:
            info = np.iinfo(dtype)
            values = self.rng.randint(max(low, info.min), min(high, info.max), size=shape)
            values = np.asarray(values).astype(dtype)
            if special and self.chance(special):
                places = self.rng.uniform(size=shape) < 0.3
                values = np.where(places, np.asarray(self.one(info.max, info.min), dtype), values)
            return np.asarray(values, dtype)
        values = self.rng.randint(2 * low, 2 * high, size=shape) / 2.0
        if special and self.chance(special):
            places = self.rng.uniform(size=shape) < 0.3
            values = np.where(places, self.one(np.nan, np.inf, -np.inf, 0.0), values)
        if dtype == "bfloat16":
            return Bits(np.asarray(values, "float32"), dtype)
        return np.asarray(values, dtype)

    def axis(self, rank, none=True):
        if none and self.chance(0.3):
            return None
        return self.rng.randint(-rank, rank) if rank else None

    def beside(self, shape):
        """A shape that broadcasts with another."""
        shape = tuple(1 if self.chance(0.3) else d for d in shape)
        return shape[self.rng.randint(0, len(shape) + 1) :]
