"""Branches, loops and scans: values, gradients, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Variable, ops
from amalthea.engine import backends
from amalthea.errors import BackendError, ShapeError, TraceError
from tests.backends import every_backend


def differences(function, x, step=1e-6):
    """The gradient of a scalar function of one array, by central differences in float64."""
    slope = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        way = np.zeros_like(x)
        way[place] = step
        slope[place] = (float(function(x + way)) - float(function(x - way))) / (2 * step)
    return slope


def running_product(x):
    last, every = ops.scan(lambda c, v: (ops.tanh(c * v + 0.1), c + v), x[0], x)
    return ops.sum(last * 2.0 + ops.sum(every * every, axis=0))


def shared_weight(w):
    """A scan whose body uses a value from outside at every step."""
    xs = np.linspace(-1, 1, 12).reshape(4, 3)
    last, every = ops.scan(lambda h, v: (ops.tanh(ops.matmul(h, w) + v),) * 2, np.zeros((3,)), xs)
    return ops.sum(last) + ops.sum(every * every)


def loop_of_a_known_length(x):
    return ops.sum(ops.fori_loop(0, 3, lambda i, v: v * ops.sin(v) + ops.cast(i, "float64"), x))


def branches(x):
    return ops.cond(ops.sum(x) > 0.2, lambda: ops.sum(ops.exp(x)), lambda: ops.sum(x * x * 3.0))


def mapped(x):
    return ops.sum(ops.map(lambda row: ops.sum(row * row * row), x))


SMOOTH = {
    "scan": (running_product, np.array([[0.3, -0.2], [0.5, 0.7], [-0.4, 0.9]])),
    "scan with a shared weight": (shared_weight, np.array([[0.2, -0.5, 0.1], [0.4, 0.3, -0.2], [0.6, 0.1, 0.5]])),
    "fori_loop": (loop_of_a_known_length, np.array([0.3, 1.1])),
    "cond, first": (branches, np.array([0.3, 0.4])),
    "cond, second": (branches, np.array([-0.3, 0.1])),
    "map": (mapped, np.array([[0.3, 1.0], [2.0, -1.0]])),
}


@every_backend
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_subgraphs_match_central_differences(name, backend):
    function, x = SMOOTH[name]
    with backends.use_backend("numpy"):
        want = differences(function, x)
        eager = amalthea.grad(function)(x)
    np.testing.assert_allclose(eager, want, rtol=1e-5, atol=1e-7)
    with backends.use_backend(backend):
        compiled = amalthea.jit(amalthea.grad(function))(x)
    np.testing.assert_allclose(compiled, want, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivatives_of_subgraphs_match_central_differences(name):
    function, x = SMOOTH[name]

    def slope_sum(v):
        return ops.sum(amalthea.grad(function)(v))

    with backends.use_backend("numpy"):
        found = amalthea.grad(slope_sum)(x)
        want = differences(slope_sum, x, step=1e-5)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


@every_backend
def test_while_loop_runs_until_its_condition_fails(backend):
    def power_of_two_above(limit):
        return ops.while_loop(lambda n, steps: n < limit, lambda n, steps: (n * 2, steps + 1), (1, 0))

    with backends.use_backend(backend):
        for limit in (1, 2, 100):
            compiled = amalthea.jit(power_of_two_above)(np.int32(limit))
            assert [int(v) for v in compiled] == [int(v) for v in power_of_two_above(np.int32(limit))]
        stopped = amalthea.jit(lambda n: ops.while_loop(lambda i: i < n, lambda i: i + 1, 0, maximum_iterations=3))
        assert int(stopped(np.int32(10))) == 3


def test_a_loop_of_unknown_length_has_no_gradient_and_says_so():
    with pytest.raises(BackendError, match="fori_loop"):
        amalthea.grad(lambda x: ops.while_loop(lambda v: v < 10.0, lambda v: v * 2.0, x))(np.float32(1))


@every_backend
def test_switch_and_scan_backwards(backend):
    with backends.use_backend(backend):
        pick = amalthea.jit(lambda i, x: ops.switch(i, [lambda v: v + 1, lambda v: v * 10, lambda v: -v], x))
        assert [float(pick(np.int32(i), np.float32(3))) for i in (-1, 0, 1, 2, 5)] == [4, 4, 30, -3, -3]
        sums = amalthea.jit(lambda x: ops.scan(lambda c, v: (c + v, c + v), np.float32(0), x, reverse=True)[1])
        assert np.asarray(sums(np.float32([1, 2, 3]))).tolist() == [6, 5, 3]


def test_a_carry_that_changes_its_type_is_told():
    with pytest.raises(ShapeError, match="carries"):
        ops.scan(lambda c, x: (ops.concatenate([c, c]), None), np.float32([1.0]), np.float32([1, 2]))


def test_branches_of_different_types_are_told():
    with pytest.raises(ShapeError, match="branches"):
        amalthea.jit(lambda x: ops.cond(x > 0, lambda: x, lambda: ops.stack([x, x])))(np.float32(1))


def test_assigning_in_a_loop_is_told():
    v = Variable(0.0)
    with pytest.raises(TraceError, match="assigned inside"):
        amalthea.jit(lambda xs: ops.scan(lambda c, x: (v.assign(x), c)[::-1], np.float32(0), xs)[0])(np.float32([1, 2]))
