"""Ops on networks and images answer as Keras does: eager and compiled."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import amalthea
from amalthea import ops
from tests.oracles.cases.vocabulary import CALLS
from tests.oracles.read import held

RECORDS = held("vocabulary")


def check(found, want):
    found = [ops.convert_to_numpy(x) for x in (found if isinstance(found, (tuple, list)) else [found])]
    for a, b in zip(found, want, strict=True):
        b = b.reshape(a.shape) if a.shape == () else b  # a number is stored as a vector
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a.astype("float64"), b.astype("float64"), rtol=3e-5, atol=1e-5)


@pytest.mark.parametrize("record", RECORDS, ids=[record["id"] for record in RECORDS])
def test_an_op_answers_as_keras_does(record):
    name, args, kwargs = CALLS[record["id"]]
    op = operator.attrgetter(name)(ops)
    check(op(*args, **kwargs), record["outputs"])
    compiled = amalthea.jit(lambda x: op(x, *args[1:], **kwargs))
    check(compiled(args[0]), record["outputs"])
