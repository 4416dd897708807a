"""JSON of requests and answers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson

from amalthea.errors import brief
from amalthea.serve.refusals import RequestError


def parsed(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds. As in TensorFlow Serving, NaN, Infinity and -Infinity are numbers.

    Raises:
        RequestError: it is not JSON, or not an object.
    """
    try:
        value = _loads(body)
    except RecursionError:
        raise RequestError(400, "The JSON of the body is nested too deeply.", expected="at most 64 axes") from None
    except ValueError as error:  # of the syntax, of the encoding, of a number with thousands of digits
        raise RequestError(400, "The body is not JSON.", expected="an object", got=str(error)) from None
    return mapping(value, "The body")


def _loads(body: bytes) -> Any:
    """Read JSON by orjson, which takes a fifth of the time; by ``json`` what it refuses, such as NaN."""
    try:
        return orjson.loads(body)
    except ValueError:
        return json.loads(body)


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return a value that has to be a JSON object."""
    if not isinstance(value, dict):
        raise RequestError(400, f"{what} is a JSON object.", expected="{...}", got=brief(value))
    return value


def listed(value: Any, what: str) -> list[Any]:
    """Return a value that has to be a JSON list."""
    if not isinstance(value, list):
        raise RequestError(400, f"{what} is a JSON list.", expected="[...]", got=brief(value))
    return value


def written(value: Any) -> bytes:
    """Return the JSON of an answer, with NaN, Infinity and -Infinity as TensorFlow Serving and Python write them."""
    return json.dumps(value, separators=(",", ":")).encode()


def nested(array: np.ndarray) -> Any:
    """Return an array as nested lists that JSON can say."""
    return (array.astype(np.float32) if array.dtype.name == "bfloat16" else array).tolist()


def may_be_infinite(body: bytes) -> bool:
    """Whether a body has the word Infinity: without it, an infinite number was written too large."""
    return b"Infinity" in body
