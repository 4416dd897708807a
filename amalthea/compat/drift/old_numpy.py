"""Functions of NumPy before 2.0 that do something else today, or are gone."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.compat.drift.met import MET

NINF, NZERO, PZERO = -np.inf, -0.0, 0.0


def array(values: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.array``; rows of several lengths make an array of objects.

    Example:
        >>> array([[1, 2], [3]]).dtype
        dtype('O')
    """
    try:
        return np.array(values, *args, **kwargs)
    except ValueError as error:
        if "inhomogeneous" not in str(error) or args or kwargs.get("dtype") is not None:
            raise
        MET.line("ragged array")
        return np.array(values, dtype=object)


def asarray(values: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.asarray``; rows of several lengths make an array of objects."""
    if isinstance(values, np.ndarray):
        return np.asarray(values, *args, **kwargs)
    return array(values, *args, **kwargs)


def fromstring(text: Any, dtype: Any = float, count: int = -1, sep: str = "") -> np.ndarray:
    """``np.fromstring``, of bytes too: elements as they lie in memory, in an array of their own.

    Example:
        >>> fromstring(b"ab", "uint8"), fromstring("1 2", int, sep=" ")
        (array([97, 98], dtype=uint8), array([1, 2]))
    """
    if sep:
        return np.fromstring(text, dtype, count, sep=sep)
    MET.name("np.fromstring of bytes")
    data = text.encode("latin1") if isinstance(text, str) else text
    return np.frombuffer(data, dtype, count).copy()


def asfarray(values: Any, dtype: Any = np.float64) -> np.ndarray:
    """The values as floats."""
    dtype = np.dtype(dtype)
    return np.asarray(values, dtype if dtype.kind in "fc" else np.float64)


def asscalar(values: Any) -> Any:
    """The number in an array of one element."""
    return values.item()


def in1d(ar1: Any, ar2: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    """Whether each element of the first is in the second, as an array of one axis."""
    return np.isin(np.ravel(ar1), ar2, *args, **kwargs)


def msort(values: Any) -> np.ndarray:
    """The values, sorted along the first axis."""
    return np.sort(values, axis=0)


def random_integers(low: int, high: int | None = None, size: Any = None) -> Any:
    """Whole numbers from ``low`` to ``high``, both included; from 1 to ``low`` without ``high``."""
    first, last = (1, low) if high is None else (low, high)
    return np.random.randint(first, last + 1, size)
