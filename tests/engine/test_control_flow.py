"""Branches, loops and the transforms of functions: values, gradients, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Variable, ops
from amalthea.engine import backends, transforms
from amalthea.engine.passes.simplify import simplify
from amalthea.errors import ArgumentError, BackendError, ShapeError, TraceError

every_backend = pytest.mark.parametrize("backend", backends.complete())


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
def test_gradients_of_held_graphs_match_central_differences(name, backend):
    function, x = SMOOTH[name]
    with backends.use_backend("numpy"):
        want = differences(function, x)
        eager = amalthea.grad(function)(x)
    np.testing.assert_allclose(eager, want, rtol=1e-5, atol=1e-7)
    with backends.use_backend(backend):
        compiled = amalthea.jit(amalthea.grad(function))(x)
    np.testing.assert_allclose(compiled, want, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivatives_of_held_graphs(name):
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


# ----------------------------------------------------------------------------------------- transforms


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


def test_what_is_not_reached_has_gradient_zero():
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
        monkeypatch.setattr("amalthea.engine.backends.tensorflow._by_xla", lambda graph: False)
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
