"""Errors of requests: a status of HTTP and a sentence."""

from __future__ import annotations

import re

from amalthea.errors import AmaltheaError, BackendError


class RequestError(AmaltheaError, ValueError):
    """A request that is refused.

    Args:
        status: int; the status of HTTP, such as 400.
        sentence: str; the fault.
        expected: object; facts that would fit. Defaults to None.
        got: object; facts of the request. Defaults to None.
        cure: str; a way out. Defaults to nothing.
    """

    def __init__(self, status: int, sentence: str, *, expected: object = None, got: object = None, cure: str = ""):
        super().__init__(sentence, expected=expected, got=got, cure=cure)
        self.status = status


def status_of(error: Exception) -> int:
    """The status that an error is answered with: 400 for what the library says of the data, 500 for a fault of ours."""
    if isinstance(error, RequestError):
        return error.status
    is_of_data = isinstance(error, AmaltheaError) and isinstance(error, (ValueError, TypeError))
    return 400 if is_of_data and not isinstance(error, BackendError) else 500


def sentence_of(error: Exception) -> str:
    """The text of an error in a line; of a fault of ours, nothing that it says.

    >>> sentence_of(RequestError(400, "No rows.", expected="a row", got=0))
    'No rows. expected: a row got: 0'
    """
    if status_of(error) == 500:
        return "The server failed at this request; its log says why."
    return re.sub(r"\s*\n\s*(\w+:)\s+", r" \1 ", str(error))
