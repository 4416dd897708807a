"""Anything that has numeric elements, into NumPy arrays that every backend takes.

Floats become ``floatx``; integers and booleans stay what they are. Data frames, tensors of other libraries and sparse
matrices are known by what they can do, so that none of those libraries is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import config
from amalthea.data.structure import Nest
from amalthea.engine import dtypes
from amalthea.errors import DataError
from amalthea.text import as_text


def to_arrays(data: Any, name: str, text: bool = False) -> Nest:
    """The nest of some data, every leaf as :func:`to_array` gives it. A :class:`Nest` is not walked again."""
    convert = to_array_or_text if text else to_array
    return data.each(convert) if isinstance(data, Nest) else Nest(data, name, convert)


def to_array_or_text(value: Any, name: str = "x") -> np.ndarray:
    """The same as :func:`to_array`, but text becomes an array of ``str``, for models that read it.

    >>> to_array_or_text(["a", b"b"]).tolist()
    ['a', 'b']
    """
    array = _as_numpy(value, name)
    is_strings = array.dtype.kind == "O" and all(isinstance(x, (str, bytes)) for x in array.ravel())
    return as_text(array) if is_strings or array.dtype.kind in "UST" else to_array(array, name)


def to_array(value: Any, name: str = "x") -> np.ndarray:
    """``value`` as a NumPy array whose floats are ``floatx``.

    Shapes: a pandas ``Series`` of n values becomes (n, 1); all else keeps its shape.

    Raises:
        DataError: ``value`` holds text, dates, objects, complex numbers or rows of unequal lengths.

    >>> to_array([1.5, 2.5]).dtype.name, to_array([1, 2]).dtype.kind
    ('float32', 'i')
    """
    array = _as_numpy(value, name)
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        return array.astype(dtypes.to_numpy(config.floatx()), copy=False)
    if array.dtype.kind not in "biu":
        raise _unusable(array, name)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _as_numpy(value: Any, name: str) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "to_numpy"):
        array = _of_columns(value)
        return array[:, None] if hasattr(value, "iloc") and array.ndim == 1 else array
    if hasattr(value, "toarray"):  # a sparse matrix
        return value.toarray()
    if hasattr(value, "detach"):  # a PyTorch tensor, which may have a gradient or live on a device
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{name} cannot become an array: its rows have unequal lengths, or its elements are not numbers.",
            got=f"a {type(value).__name__} ({error})",
            cure="utils.pad_sequences(rows), or a list with one array for each input",
        ) from None


def _of_columns(value: Any) -> np.ndarray:
    """The columns of a table, of pandas, polars or Arrow; those of pandas that hold numbers or NA have NaN for NA."""
    array = np.asarray(value) if hasattr(value, "__array__") else value.to_numpy()
    if array.dtype.kind != "O" or not hasattr(value, "iloc") or any(isinstance(x, (str, bytes)) for x in array.ravel()):
        return array
    try:
        return value.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):  # other objects, which are refused with a message
        return array


_CURES = {
    "O": "numbers of one kind, such as frame.astype('float32'); rows of unequal lengths go through utils.pad_sequences",
    "U": "turn text into numbers first: layers.TextVectorization, layers.StringLookup, or numpy.unique(..., "
    "return_inverse=True)",
    "M": "turn dates into numbers first, such as days since a start: (dates - start) / numpy.timedelta64(1, 'D')",
    "c": "pass real and imaginary parts as two inputs",
}
_CURES["S"], _CURES["T"], _CURES["m"] = _CURES["U"], _CURES["U"], _CURES["M"]


def _unusable(array: np.ndarray, name: str) -> DataError:
    return DataError(
        f"{name} does not hold numbers that a network can use.",
        expected="floats, integers or booleans",
        got=f"an array of dtype {array.dtype} and shape {array.shape}",
        cure=_CURES.get(array.dtype.kind, "array.astype('float32')"),
    )


def count_rows(*parts: Nest) -> int:
    """The number of rows, which must be equal in all parts.

    Raises:
        DataError: lengths differ, there is no row, or an array has no axis of rows.
    """
    arrays = [pair for part in parts for pair in zip(part.names, part.leaves)]
    for name, array in arrays:
        if array.ndim == 0:
            raise DataError(f"{name} is a single number.", expected="an array whose first axis counts the examples")
    lengths = {len(array) for _, array in arrays}
    if len(lengths) > 1:
        said = ", ".join(f"{name}: {len(array)}" for name, array in arrays)
        names = " and ".join(part.name for part in parts if part.leaves)
        raise DataError(f"{names} have different lengths.", expected="as many rows in each", got=said)
    if not lengths or lengths == {0}:
        raise DataError("There is no data: not one row.", got=", ".join(f"{n}: {a.shape}" for n, a in arrays) or "None")
    return lengths.pop()
