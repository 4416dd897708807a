"""Calls of the backend's own library in a compiled step."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import amalthea
from amalthea import Input, Variable, ops, use_backend
from amalthea.engine import backends
from amalthea.errors import ArgumentError, BackendError, ShapeError
from tests.arrays import numbers

X = numbers(8, 3)
LIBRARIES = {"jax": "jax.numpy", "torch": "torch", "tensorflow": "tensorflow"}


@pytest.fixture(params=[*LIBRARIES])
def library(request):
    """The backend is in use; gives its module of functions."""
    found = pytest.importorskip(LIBRARIES[request.param])
    with use_backend(request.param):
        yield found


def close(found, wanted, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(backends.current().to_numpy(found), wanted, rtol, atol)


def test_a_native_call_gives_what_the_library_gives(library):
    function = lambda a, b: library.sin(a) * b  # noqa: E731
    call = lambda a, b: ops.native_call(function, a, b)  # noqa: E731
    for compute in (call, amalthea.jit(call)):
        close(compute(X, X + 1), np.sin(X) * (X + 1))


def test_the_library_differentiates_its_own_call(library):
    function = lambda a, b: library.sin(a) * b * b  # noqa: E731
    slopes = amalthea.grad(lambda a, b: ops.sum(ops.native_call(function, a, b) * 3.0), (0, 1))
    for take in (slopes, amalthea.jit(slopes)):
        by_a, by_b = take(X, X + 1)
        close(by_a, 3 * np.cos(X) * (X + 1) ** 2)
        close(by_b, 6 * np.sin(X) * (X + 1))


def test_a_native_call_has_a_second_derivative(library):
    first = amalthea.grad(lambda a: ops.sum(ops.native_call(lambda x: library.sin(x) * x, a)))
    second = amalthea.grad(lambda a: ops.sum(first(a) * a))
    close(amalthea.jit(second)(X), (np.sin(X) + X * np.cos(X)) + X * (2 * np.cos(X) - X * np.sin(X)), 1e-4, 1e-5)


def test_an_input_that_goes_in_twice_has_the_sum_of_both_gradients(library):
    variable = Variable(X)
    function = lambda a, b: library.sin(a) * b * b  # noqa: E731
    wanted = np.cos(X) * X * X + 2 * X * np.sin(X)
    _, (found,) = amalthea.value_and_grad(lambda: ops.sum(ops.native_call(function, variable, variable)), [variable])()
    close(found, wanted)
    close(amalthea.jit(amalthea.grad(lambda x: ops.sum(ops.native_call(function, x, x))))(X), wanted)


def rows(name, table, places):
    if name == "torch":
        return table[places.long()]
    library = importlib.import_module(LIBRARIES[name])
    return library.take(table, places, 0) if name == "jax" else library.gather(table, places)


def test_whole_numbers_go_in_and_have_no_gradient(library):
    name = backends.current().name
    places = np.array([0, 2, 2], "int32")
    call = lambda table, places: ops.native_call(lambda t, i: rows(name, t, i), table, places)  # noqa: E731
    close(amalthea.jit(call)(X, places), X[places])
    slopes = amalthea.jit(amalthea.grad(lambda table: ops.sum(call(table, places))))(X)
    close(slopes, np.array([1, 0, 2, 0, 0, 0, 0, 0], "float32")[:, None] * np.ones_like(X))


def test_inputs_and_outputs_may_be_nested(library):
    def function(both, more):
        return {"sum": both["a"] + both["b"], "rest": (more[0] * 2, None, "kept")}

    @amalthea.jit
    def call(a, b):
        found = ops.native_call(function, {"a": a, "b": b}, [a])
        assert found["rest"][1:] == (None, "kept")
        return found["sum"], found["rest"][0]

    total, double = call(X, X + 1)
    close(total, 2 * X + 1)
    close(double, 2 * X)


def test_a_batch_of_unknown_size_stays_unknown(library):
    a, b = Input((3,)), Input((4, 3))
    names = {"jax": ("concatenate", "sum"), "torch": ("cat", "sum"), "tensorflow": ("concat", "reduce_sum")}
    join, total = (getattr(library, name) for name in names[backends.current().name])

    def function(x, y):
        flat = library.reshape(y, (-1, 3))
        return x + 1, flat, join([x, flat], 0), total(x)

    shapes = [t.type.shape for t in ops.native_call(function, a, b)]
    batch = a.type.shape[0]
    assert shapes == [(batch, 3), (batch * 4, 3), (batch * 5, 3), ()]


def test_sizes_of_several_unknown_axes_are_told_apart(library):
    x = Input((None, 3))
    batch, time, _ = x.type.shape
    flat, swapped = ops.native_call(lambda x: (library.reshape(x, (-1, 3)), x[:, 1:]), x)
    assert flat.type.shape == (batch * time, 3)
    assert swapped.type.shape == (batch, time - 1, 3)


def test_a_size_that_follows_no_rule_is_an_error(library):
    with pytest.raises(ShapeError, match="outputs="):
        ops.native_call(lambda x: x[:, ::2], Input((None, 3)))


def test_an_error_in_the_trial_says_that_it_was_one(library):
    def fails(x):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        ops.native_call(fails, Input((3,)))
    assert any("trial on zeros" in note for note in caught.value.__notes__)


def test_a_call_whose_outputs_are_told_is_not_tried(library):
    calls = []

    def function(x):
        calls.append(x)
        return library.sin(x)

    x = Input((3,))
    assert ops.native_call(function, x, outputs=x).shape == (None, 3)
    assert not calls


def test_a_native_call_that_gives_no_array_is_refused(library):
    with pytest.raises(ArgumentError, match="nothing"):
        ops.native_call(lambda x: None, Input((3,)))


def test_numpy_computes_a_native_call_and_says_that_it_has_no_gradient_of_it():
    with use_backend("numpy"):
        call = lambda x: ops.sum(ops.native_call(np.sinc, x))  # noqa: E731
        close(amalthea.jit(call)(X), np.sinc(X).sum())
        with pytest.raises(BackendError, match="native call"):
            amalthea.jit(amalthea.grad(call))(X)


@pytest.mark.parametrize("backend", [n for n in ("onnxruntime", "openvino", "pytensor") if n in backends.installed()])
def test_sessions_call_a_function_of_numpy_between_them(backend):
    with use_backend(backend):
        call = lambda x: ops.sum(ops.exp(ops.native_call(np.sinc, x * 2.0)))  # noqa: E731
        for run in (call, amalthea.jit(call)):
            close(run(X), np.exp(np.sinc(X * 2)).sum())
        with pytest.raises(BackendError, match="native call"):
            amalthea.jit(amalthea.grad(call))(X)


def test_tensorflow_calls_and_differentiates_inside_its_own_function():
    tf = pytest.importorskip("tensorflow")
    with use_backend("tensorflow"):
        variable = Variable(X)

        @tf.function
        def step(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = ops.sum(ops.native_call(lambda a, b: tf.sin(a) * b, x, variable))
            return y, tape.gradient(y, x)

        value, slope = step(tf.constant(X))
        close(value, (np.sin(X) * X).sum())
        close(slope, np.cos(X) * X)
