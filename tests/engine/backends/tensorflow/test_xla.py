"""The rule that says which graphs XLA compiles."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

import amalthea
from amalthea import Variable, ops
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import TABLE
from amalthea.engine.transforms import capture

pytest.importorskip("tensorflow")

from amalthea.engine.backends import tensorflow as tensorflow_backend  # noqa: E402
from tests.arrays import numbers


def compiled_by_xla(function, *inputs):
    """Whether XLA compiles it on a CPU."""
    graph = capture(function, (inputs, {}))[0]
    with mock.patch("tensorflow.config.list_physical_devices", return_value=[]):
        return tensorflow_backend._uses_xla(simplify(graph))


def test_xla_predicts_where_calls_cost_more_than_the_computing():
    kernel = np.ones((3, 3, 3, 16), "float32")
    dense, blurred = lambda x: ops.tanh(x @ x), lambda x: ops.conv(x, kernel, padding="same")
    small, large = (np.ones((rows, 32, 32, 3), "float32") for rows in (1, 256))
    assert compiled_by_xla(dense, np.ones((2, 2), "float32"))
    assert compiled_by_xla(blurred, small)
    assert not compiled_by_xla(blurred, large)


def test_xla_trains_no_convolution_and_draws_no_numbers_outside_of_training():
    kernel, x = Variable(np.ones((3, 3, 3, 4), "float32")), np.ones((1, 8, 8, 3), "float32")
    assert not compiled_by_xla(
        lambda x: kernel.assign(amalthea.grad(lambda: ops.sum(ops.conv(x, kernel)), kernel)()), x
    )
    assert not compiled_by_xla(
        lambda key: TABLE["random_normal"](key, shape=(2,), dtype="float32"), np.zeros(2, "uint32")
    )


def test_a_prediction_goes_to_xla_when_it_was_called_often():
    x = numbers(3, 4)
    predict, traced = amalthea.jit(lambda x: ops.softmax(ops.matmul(x, ops.transpose(x)))), []
    trace = tensorflow_backend.Compiled._traced

    def spy(self, functions, jit_compile=False):
        traced.append(jit_compile)
        return trace(self, functions, jit_compile)

    with mock.patch.object(tensorflow_backend.Compiled, "_traced", spy):
        found = [np.asarray(predict(x)) for _ in range(tensorflow_backend.CALLS_BEFORE_XLA + 2)]
    assert traced == [False, True]
    np.testing.assert_allclose(found, np.broadcast_to(found[0], np.shape(found)), rtol=1e-5)


def test_xla_does_not_compile_what_takes_it_long():
    def deep(x):
        for _ in range(tensorflow_backend.MOST_NODES + 1):
            x = ops.tanh(x)
        return x

    assert not compiled_by_xla(deep, np.ones(2, "float32"))
