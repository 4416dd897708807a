"""The part of ``six`` that scripts of Keras use, which came with Keras 1 and 2; for where ``six`` is not installed."""

from __future__ import annotations

import builtins
import functools
import itertools
import pickle
import queue
import types
import urllib
from collections.abc import Iterator, Mapping
from typing import Any

PY2, PY3 = False, True
string_types, integer_types, text_type, binary_type, class_types = (str,), (int,), str, bytes, (type,)
moves = types.SimpleNamespace(
    cPickle=pickle, filter=builtins.filter, input=input, map=builtins.map, queue=queue, range=builtins.range,
    reduce=functools.reduce, urllib=urllib, xrange=builtins.range, zip=builtins.zip,
    zip_longest=itertools.zip_longest,
)  # fmt: skip


def iteritems(mapping: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """An iterator over keys and values.

    Example:
        >>> list(iteritems({1: 2}))
        [(1, 2)]
    """
    return iter(mapping.items())


def iterkeys(mapping: Mapping[Any, Any]) -> Iterator[Any]:
    """An iterator over keys."""
    return iter(mapping.keys())


def itervalues(mapping: Mapping[Any, Any]) -> Iterator[Any]:
    """An iterator over values."""
    return iter(mapping.values())
