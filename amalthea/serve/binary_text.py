"""Text as bytes in the Open Inference Protocol: each element's length in 4 bytes, little-endian, then its UTF-8."""

from __future__ import annotations

import numpy as np

from amalthea.serve.refusals import RequestError


def packed_text(array: np.ndarray) -> bytes:
    """Return the bytes of an array of text.

    >>> packed_text(np.array(["ab", ""]))
    b'\\x02\\x00\\x00\\x00ab\\x00\\x00\\x00\\x00'
    """
    elements = [x if isinstance(x, bytes) else str(x).encode() for x in array.ravel().tolist()]
    return b"".join(len(x).to_bytes(4, "little") + x for x in elements)


def unpacked_text(data: bytes, name: str) -> list[str]:
    """Return the elements of an input.

    Raises:
        RequestError: a length is wrong, or an element is not UTF-8.
    """
    texts, start = [], 0
    try:
        while start < len(data):
            size = int.from_bytes(data[start : start + 4], "little")
            if start + 4 + size > len(data):
                raise RequestError(400, f"The text of input '{name}' ends too early.", expected=size, got=len(data))
            texts.append(data[start + 4 : start + 4 + size].decode())
            start += 4 + size
    except UnicodeDecodeError:
        raise RequestError(400, f"The text of input '{name}' is not UTF-8.") from None
    return texts
