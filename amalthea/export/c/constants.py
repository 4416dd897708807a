"""The constants of a file: ``static const`` arrays, whole or as integers of 8 bits with a scale for each channel."""

from __future__ import annotations

import numpy as np

from amalthea.engine import dtypes
from amalthea.export.c.text import c_type, elements

_FEW = 8  # elements of a channel; weights of fewer stay floats


class Stored:
    """A constant of the file.

    Args:
        name: the name of its array.
        scale: the name of the array of scales, or "".
    """

    def __init__(self, name: str, scale: str = ""):
        self.name, self.scale = name, scale

    def narrow(self, index: str, channel: str) -> str:
        """Return the expression of an element that is kept in 8 bits."""
        return f"((float){self.name}[{index}] * {self.scale}[{channel}])"


class Constants:
    """Collects the constants that code reads; equal ones are stored once.

    Args:
        narrow: whether weights are kept in 8 bits.
    """

    def __init__(self, narrow: bool = False):
        self.narrow = narrow
        self.code: list[str] = []
        self.bytes = 0
        self._stored: dict[tuple[str, bytes, int], Stored] = {}
        self._by_id: dict[int, tuple[Stored, np.ndarray]] = {}

    def is_narrow(self, array: np.ndarray) -> bool:
        """Whether an array is kept in 8 bits: a kernel or a table, of finite floats."""
        large = array.ndim > 1 and array.dtype == np.float32 and array.size >= _FEW * array.shape[-1]
        return self.narrow and large and array.size > 0 and bool(np.isfinite(array).all())

    def stored(self, array: np.ndarray) -> Stored:
        """Return the constant of an array, which is stored when it is first read."""
        found = self._by_id.get(id(array))
        if found is None:
            channels = array.shape[-1] if self.is_narrow(array) else 0
            key = (array.dtype.name, array.tobytes(), channels)
            if key not in self._stored:
                self._stored[key] = self._narrow(array) if channels else Stored(self._add(array))
            found = self._by_id[id(array)] = (self._stored[key], array)
        return found[0]

    def _narrow(self, array: np.ndarray) -> Stored:
        largest = np.abs(array).reshape(-1, array.shape[-1]).max(axis=0).astype("float64")
        scale = np.maximum(largest / 127, float(np.finfo("float32").tiny)).astype("float32")
        whole = np.clip(np.rint(array / scale), -127, 127).astype("int8")
        return Stored(self._add(whole), self._add(scale))

    def _add(self, array: np.ndarray) -> str:
        name, dtype = f"w{len(self.code)}", dtypes.standardize(array.dtype)
        array = array if array.size else np.zeros(1, array.dtype)  # C has no empty arrays
        sizes = " by ".join(map(str, array.shape))
        self.bytes += array.nbytes
        self.code.append(
            f"static const {c_type(dtype)} {name}[{array.size}] = {elements(array, dtype)};  /* {sizes} */"
        )
        return name
