"""Arrays of text, which live on the host: what people pass as text, as NumPy arrays of ``str``.

Text comes as ``str``, ``bytes``, lists of them, NumPy arrays of the kinds ``U``, ``S``, ``T`` and ``O``, columns of
data frames, and string tensors of other libraries. Bytes are UTF-8; bytes that are not stay what they are when they
are written again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, DtypeError, brief

DTYPE = "string"  # the name under which an input declares text
_ERRORS = "surrogateescape"  # keeps bytes that are not text


def is_text(value: Any) -> bool:
    """Whether a value is text, or an array of text or of objects.

    >>> is_text("a"), is_text(np.array(["a"])), is_text(np.array([1])), is_text(["a"])
    (True, True, False, False)
    """
    if isinstance(value, (str, bytes)):
        return True
    dtype = getattr(value, "dtype", None)
    return dtype is not None and (getattr(dtype, "kind", None) in ("O", "U", "S", "T") or _name(dtype) == DTYPE)


def _name(dtype: Any) -> Any:
    return dtype if isinstance(dtype, str) else getattr(dtype, "name", None)


def as_text(value: Any, encoding: str = "utf-8", owner: str = "") -> np.ndarray:
    """Returns text as a NumPy array of dtype object whose elements are ``str``.

    Args:
        value: text, or nested lists or an array of it.
        encoding: str; how bytes are decoded. Defaults to ``"utf-8"``.
        owner: str; the layer in whose name an error speaks.

    Raises:
        DtypeError: an element is not text.
        ArgumentError: rows have unequal lengths.

    >>> as_text([[b"a", "b"]]).tolist()
    [['a', 'b']]
    """
    array = as_objects(value)
    flat = array.ravel().tolist()
    if any(type(x) is not str for x in flat):
        flat = [_decoded(x, encoding, owner) for x in flat]
    made = np.empty(len(flat), object)
    made[:] = flat
    return made.reshape(array.shape)


def as_objects(value: Any) -> np.ndarray:
    """Returns text, or a nested list of it, as an array of any kind of text.

    Raises:
        ArgumentError: rows have unequal lengths.
    """
    if not isinstance(value, np.ndarray) and hasattr(value, "to_numpy") and not hasattr(value, "__array__"):
        value = value.to_numpy()
    if isinstance(value, (list, tuple)) and any(hasattr(x, "dtype") for x in value):
        value = [np.asarray(x) for x in value]
    try:
        return value if isinstance(value, np.ndarray) else np.asarray(value)
    except ValueError:
        raise ArgumentError(
            "Rows of text have unequal lengths.",
            expected="as many texts in each row",
            got=brief(value),
            cure="utils.pad_sequences(rows, dtype=object, value='')",
        ) from None


def _decoded(element: Any, encoding: str, owner: str) -> str:
    if isinstance(element, str):
        return str(element)
    if isinstance(element, bytes):
        return element.decode(encoding, _ERRORS)
    raise DtypeError(
        f"{owner or 'This layer'} reads text.",
        expected="str or bytes",
        got=f"{brief(element)}, a {type(element).__name__}",
        cure="numpy.asarray(x).astype(str)",
    )


def encoded(token: str) -> bytes:
    """Returns the bytes of a text in UTF-8.

    >>> encoded("é")
    b'\\xc3\\xa9'
    """
    return token.encode("utf-8", _ERRORS)
