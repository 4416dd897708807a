"""Transforms of functions: jit, gradients, remat; and rewrites that they rely on."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Variable, ops
from amalthea.engine import backends, transforms
from amalthea.engine.passes.simplify import simplify
from amalthea.errors import ArgumentError, ShapeError, TraceError
from tests.backends import every_backend


@every_backend
def test_a_jitted_function_keeps_state_and_is_traced_once_a_signature(backend):
    traces = []
    with backends.use_backend(backend):
        count = Variable(np.zeros(2, "float32"))

        @amalthea.jit
        def step(x, scale=1.0):
            traces.append(x.shape)
            count.assign_add(x * scale)
            return ops.sum(count)

        results = [float(step(np.float32([1, 2]))) for _ in range(3)]
        assert results == [3, 6, 9]
        assert count.numpy().tolist() == [3, 6]
        count.assign([0.0, 0.0])
        assert float(step(np.float32([1, 2]))) == 3
    assert len(traces) == 1


@every_backend
def test_variables_are_shared_by_executables(backend):
    """Two executables that write different sets of variables see each other's values."""
    with backends.use_backend(backend):
        a, b, c = (Variable(np.float32(v)) for v in (1, 10, 100))
        both = amalthea.jit(lambda x: (a.assign_add(x), b.assign_add(x), ops.add(a, b))[2])
        one = amalthea.jit(lambda x: (b.assign_add(x), c.assign_add(b), ops.add(b, c))[2])
        read = amalthea.jit(lambda: ops.stack([a.value, b.value, c.value]))
        expected = [1.0, 10.0, 100.0]
        for step in range(6):
            if step % 3 == 1:
                one(np.float32(step))
                expected[1] += step
                expected[2] += expected[1]
            else:
                both(np.float32(step))
                expected[0] += step
                expected[1] += step
            assert np.asarray(read()).tolist() == expected
            assert [float(v.numpy()) for v in (a, b, c)] == expected


def test_gradients_by_argument_by_structure_and_by_variable():
    w = Variable(np.float32([2.0, 3.0]), name="w")
    x = {"a": np.float32([1, 2]), "b": [np.float32([3, 4])]}

    def loss(x, scale):
        return ops.sum(x["a"] * w * scale) + ops.sum(x["b"][0] * x["b"][0])

    by_x = amalthea.grad(loss)(x, np.float32(2))
    assert np.asarray(by_x["a"]).tolist() == [4, 6]
    assert np.asarray(by_x["b"][0]).tolist() == [6, 8]
    by_both = amalthea.grad(loss, wrt=(0, 1))(x, np.float32(2))
    assert float(by_both[1]) == 8
    value, (by_w,) = amalthea.value_and_grad(loss, wrt=[w])(x, np.float32(2))
    assert float(value) == 41
    assert np.asarray(by_w).tolist() == [2, 4]
    with pytest.raises(ShapeError, match="scalar"):
        amalthea.grad(lambda x: x * 2.0)(np.float32([1, 2]))
    with pytest.raises(ArgumentError, match="Variables"):
        amalthea.grad(loss, wrt="x")(x, 1.0)


def test_an_input_that_the_result_does_not_use_has_gradient_zero():
    slope = amalthea.grad(lambda x, y: ops.sum(y))(np.float32([1, 2]), np.float32([3]))
    assert np.asarray(slope).tolist() == [0, 0]


def test_stop_gradient_stops_it():
    slope = amalthea.grad(lambda x: ops.sum(x * amalthea.stop_gradient(x)))(np.float32([2, 3]))
    assert np.asarray(slope).tolist() == [2, 3]


@every_backend
def test_custom_gradient_replaces_the_rule(backend):
    @amalthea.custom_gradient
    def twice(x, y):
        return x * y, lambda g: (g * 100.0, g * y)

    with backends.use_backend(backend):
        found = amalthea.jit(amalthea.grad(lambda x, y: twice(x, y), wrt=(0, 1)))(np.float32(3), np.float32(4))
        assert [float(g) for g in found] == [100, 4]
        assert float(twice(np.float32(3), np.float32(4))) == 12


@every_backend
def test_remat_changes_no_number(backend, monkeypatch):
    if backend == "tensorflow":  # XLA, which compiles no barrier, draws other numbers for the step without one
        monkeypatch.setattr("amalthea.engine.backends.tensorflow._uses_xla", lambda graph: False)
    w = Variable(np.float32([[0.1, 0.4], [0.3, -0.2]]))
    seeds = amalthea.random.SeedGenerator(1)

    def block(x):
        return ops.tanh(ops.matmul(amalthea.random.dropout(x, 0.5, seed=seeds), w))

    def gradients(function):
        def step(x):
            return amalthea.value_and_grad(lambda: ops.sum(ops.square(function(function(x)))), [w])()

        return step

    x = np.float32([[1, 2], [3, 4]])
    with backends.use_backend(backend):
        plain = amalthea.jit(gradients(block))(x)
        seeds.state.assign(np.array([1, 0], "uint32"))
        again = amalthea.jit(gradients(amalthea.remat(block)))(x)
    np.testing.assert_allclose(again[0], plain[0], rtol=1e-6)
    np.testing.assert_allclose(again[1][0], plain[1][0], rtol=1e-6)


def test_python_cannot_branch_on_a_symbol_and_is_told_what_can():
    with pytest.raises(TraceError, match=r"ops\.cond"):
        amalthea.jit(lambda x: x if x > 0 else -x)(np.float32(1))


def test_a_tensor_that_leaked_out_of_its_trace_is_told():
    kept = []
    amalthea.jit(lambda x: (kept.append(x), x)[1])(np.float32(1))
    with pytest.raises(TraceError, match="another"):
        amalthea.jit(lambda x: x + kept[0])(np.float32(1))


def test_a_compiled_function_tells_true_from_one_and_keys_from_places():
    kind = amalthea.jit(lambda x, option: x + (10.0 if option is True else 0.0))
    assert [float(kind(np.float32(1), option)) for option in (True, 1, False, 0)] == [11, 1, 1, 1]
    swapped = amalthea.jit(lambda parts: parts["a"] - parts["b"])
    one, two = np.float32(1), np.float32(2)
    assert float(swapped({"a": one, "b": two})) == float(swapped({"b": two, "a": one})) == -1
    nested = amalthea.jit(lambda parts: {"z": parts[0], "a": [parts[1], parts[0]]})
    found = nested((one, two))
    assert list(found) == ["z", "a"]
    assert [float(found["z"]), *map(float, found["a"])] == [1, 2, 1]


def test_the_gradient_of_a_split_is_joined_and_not_added_up():
    def loss(x):
        a, b, c = x[:, :2], x[:, 2:3], x[:, 3:]
        return ops.sum(a * a * a) + ops.sum(b * b) + ops.sum(ops.exp(c))

    x = np.arange(10, dtype="float32").reshape(2, 5) / 10
    graph = simplify(transforms.capture(amalthea.grad(loss), ((x,), {}))[0])
    names = [node.primitive.name for node in graph.nodes]
    assert "concatenate" in names
    assert "pad" not in names
    wanted = np.concatenate([3 * x[:, :2] ** 2, 2 * x[:, 2:3], np.exp(x[:, 3:])], axis=1)
    np.testing.assert_allclose(np.asarray(amalthea.jit(amalthea.grad(loss))(x)), wanted, rtol=1e-6)


def test_pieces_that_overlap_or_leave_a_place_out_are_added_up():
    x = np.arange(5, dtype="float32")
    for parts in (((0, 3), (2, 5)), ((0, 2), (3, 5)), ((0, 5), (1, 2))):
        wanted = sum(np.where((np.arange(5) >= a) & (np.arange(5) < b), i + 1.0, 0) for i, (a, b) in enumerate(parts))

        def loss(v, parts=parts):
            return sum(ops.sum(v[a:b]) * (i + 1.0) for i, (a, b) in enumerate(parts))

        found = amalthea.jit(amalthea.grad(loss))
        np.testing.assert_allclose(np.asarray(found(x)), wanted)


FACTORS = [([1], 0), ([0.01, 100], 0), ([2, 3], 2), ([0.5, 2, 3], 1), ([3, 1, 5], 2)]


@pytest.mark.parametrize(
    "dtype, factors, left",
    [(dtype, *case) for dtype in ("float32", "float16") for case in FACTORS]
    + [("int32", *case) for case in FACTORS if all(isinstance(factor, int) for factor in case[0])],
)
def test_factors_that_make_one_are_dropped(dtype, factors, left):
    x = np.arange(5).astype(dtype)
    factors = [np.array(factor, dtype) for factor in factors]

    def scaled(x):
        for factor in factors:
            x = ops.multiply(x, factor)
        return x

    graph = simplify(transforms.capture(scaled, ((x,), {}))[0])
    assert [node.primitive.name for node in graph.nodes] == ["multiply"] * left
    found = np.asarray(amalthea.jit(scaled)(x)).astype(float)
    np.testing.assert_allclose(found, x * np.prod([float(factor) for factor in factors]), rtol=1e-3)
