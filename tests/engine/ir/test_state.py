"""Variables of compiled functions: no two share memory, whatever was assigned to what, and nothing given is changed."""

from __future__ import annotations

import numpy as np

import amalthea
from amalthea import Variable, ops
from amalthea.engine import backends
from tests.backends import every_backend

ROWS = np.arange(9, dtype="float32").reshape(3, 3)


def pair():
    return Variable(ROWS, name="a"), Variable(ROWS * 10, name="b", trainable=False)


def assert_is(variable, wanted):
    np.testing.assert_allclose(variable.numpy(), wanted, rtol=1e-6)


@every_backend
def test_two_variables_change_places(backend):
    with backends.use_backend(backend):
        a, b = pair()

        def swap():
            old = a.value
            a.assign(b.value)
            b.assign(old)

        step = amalthea.jit(swap)
        for _ in range(3):
            step()
        assert_is(a, ROWS * 10)
        assert_is(b, ROWS)
        grow = amalthea.jit(lambda: a.assign_add(ops.ones((3, 3))))
        grow()
        assert_is(a, ROWS * 10 + 1)
        assert_is(b, ROWS)


@every_backend
def test_two_variables_assigned_the_same_value_do_not_share_memory(backend):
    with backends.use_backend(backend):
        a, b = pair()

        def same(x):
            a.assign(x)
            b.assign(x)
            return x

        given = ROWS + 5
        amalthea.jit(same)(given)
        amalthea.jit(lambda: a.assign_add(ops.ones((3, 3))))()
        assert_is(a, ROWS + 6)
        assert_is(b, ROWS + 5)
        np.testing.assert_array_equal(given, ROWS + 5)
        given[:] = 0
        assert_is(b, ROWS + 5)


@every_backend
def test_an_output_is_not_the_variable(backend):
    with backends.use_backend(backend):
        a, b = pair()

        def step():
            a.assign_add(ops.ones((3, 3)))
            return a.value, b.value, ops.transpose(a.value), a.value[0]

        step = amalthea.jit(step)
        first = [np.asarray(x).copy() for x in step()]
        kept = step()
        copies = [np.asarray(x).copy() for x in kept]
        step()
        for x, copy in zip(kept, copies):
            np.testing.assert_array_equal(np.asarray(x), copy)
        np.testing.assert_array_equal(first[0] + 1, copies[0])
        np.testing.assert_array_equal(copies[2], copies[0].T)
        assert_is(a, ROWS + 3)
        assert_is(b, ROWS * 10)


@every_backend
def test_views_and_constants_are_assigned_as_values(backend):
    with backends.use_backend(backend):
        a, b = pair()

        def turn():
            a.assign(ops.transpose(a.value))
            b.assign(ops.broadcast_to(a.value[:1], (3, 3)))

        def zero():
            b.assign(ops.zeros((3, 3)))
            a.assign(b.value + b.value)

        turn, zero = amalthea.jit(turn), amalthea.jit(zero)
        turn()
        assert_is(a, ROWS.T)
        assert_is(b, np.broadcast_to(ROWS.T[:1], (3, 3)))
        amalthea.jit(lambda: b.assign(b * 2.0 + a))()
        assert_is(b, np.broadcast_to(ROWS.T[:1], (3, 3)) * 2 + ROWS.T)
        for _ in range(2):
            zero()
            amalthea.jit(lambda: b.assign_add(ops.ones((3, 3))))()
            assert_is(b, np.ones((3, 3)))
        zero()
        assert_is(b, np.zeros((3, 3)))
        assert_is(a, np.zeros((3, 3)))


@every_backend
def test_a_value_that_is_used_after_its_update_is_the_old_one(backend):
    with backends.use_backend(backend):
        a, b = pair()

        def step(x):
            before = a.value
            a.assign(before * 2.0 + x)
            b.assign(before - a.value)
            return before

        out = np.asarray(amalthea.jit(step)(np.float32(1)))
        np.testing.assert_array_equal(out, ROWS)
        assert_is(a, ROWS * 2 + 1)
        assert_is(b, ROWS - (ROWS * 2 + 1))


@every_backend
def test_an_optimizer_leaves_the_gradients_and_data_alone(backend):
    with backends.use_backend(backend):
        w = Variable(ROWS, name="w")
        optimizer = amalthea.optimizers.Adam(0.1)
        optimizer.build([w])
        x = ROWS + 1

        def step(x):
            slope = x * 2.0
            optimizer.apply([slope], [w])
            return slope, x

        step = amalthea.jit(step)
        for _ in range(2):
            slope, same = step(x)
            np.testing.assert_array_equal(np.asarray(slope), (ROWS + 1) * 2)
            np.testing.assert_array_equal(np.asarray(same), ROWS + 1)
        np.testing.assert_array_equal(x, ROWS + 1)
        np.testing.assert_allclose(w.numpy(), ROWS - 0.2, atol=1e-5)
