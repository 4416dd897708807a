"""Graphs of which a library runs only a part: the other nodes run on the host, between sessions."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, Variable, layers, ops, use_backend
from amalthea.engine import backends, transforms
from amalthea.engine.backends import segments
from amalthea.engine.primitives import TABLE, factorizations, linear_algebra
from tests.arrays import integers, numbers

SESSIONS = [name for name in ("onnxruntime", "openvino") if name in backends.installed()]
on_sessions = pytest.mark.parametrize("backend", SESSIONS)
HOST = {"cholesky", "solve", "triangular_solve", "lu", "qr", "svd", "eigh", "fft", "native_call"}
LIBRARY = {row for row in TABLE.values() if row.name not in HOST}
X = numbers(4, 4)


def definite(x):
    return ops.matmul(x, ops.transpose(x)) + 2.0 * ops.eye(4)


def chain(x):
    """Library, host, library, host."""
    return linear_algebra.cholesky(definite(ops.tanh(linear_algebra.cholesky(definite(x)))))


def sides(function, *inputs):
    """The sides of the segments of a function's graph: True on the host."""
    graph, _ = transforms.capture(function, (inputs, {}))
    return [host for host, _ in segments.segments_of(graph, LIBRARY)]


LAYOUTS = {
    "host alone": (linear_algebra.cholesky, [True]),
    "host first": (lambda x: ops.tanh(linear_algebra.cholesky(x)), [True, False]),
    "host last": (lambda x: linear_algebra.cholesky(ops.tanh(x)), [False, True]),
    "a branch that can wait": (lambda x: ops.exp(x) + ops.tanh(linear_algebra.cholesky(x)), [True, False]),
    "two of the host side by side": (
        lambda x: linear_algebra.cholesky(ops.exp(x)) + factorizations.qr(ops.tanh(x))[0],
        [False, True, False],
    ),
    "in turn": (chain, [False, True, False, True]),
    "a loop with one inside": (
        lambda x: ops.tanh(ops.scan(lambda c, v: (linear_algebra.cholesky(c) + v, v), x, ops.exp(x))[0]),
        [False, True, False],
    ),
    "a loop without": (
        lambda x: linear_algebra.cholesky(ops.scan(lambda c, v: (ops.tanh(c) + v, v), x, x)[0]),
        [False, True],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_segments_are_as_few_as_possible(name):
    function, wanted = LAYOUTS[name]
    assert sides(function, X) == wanted


def test_a_segment_has_what_others_need_as_inputs_and_outputs():
    graph, _ = transforms.capture(chain, ((X,), {}))
    known = set(graph.inputs)
    for _, part in segments.segments_of(graph, LIBRARY):
        assert set(part.inputs) <= known
        known.update(part.outputs)
    assert set(graph.outputs) <= known


@on_sessions
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_graph_in_segments_gives_the_numbers_of_numpy(name, backend):
    function = LAYOUTS[name][0]
    x = X @ X.T + np.eye(4, dtype="float32")
    with use_backend("numpy"):
        wanted = amalthea.jit(function)(x)
    with use_backend(backend):
        found = amalthea.jit(function)(x)
    np.testing.assert_allclose(found, wanted, 1e-4, 1e-5)


def test_a_graph_that_the_library_runs_is_one_session():
    with use_backend("onnxruntime"):
        entry = transforms.compiled(*transforms.capture(lambda x: ops.tanh(x) * 2.0, ((X,), {})))
    assert not isinstance(entry.executable, segments.SegmentedExecutable)


def test_outputs_are_not_shared_with_inputs_variables_or_each_other():
    with use_backend("onnxruntime"):
        variable = Variable(np.eye(4, dtype="float32"))
        given = np.array(X)

        @amalthea.jit
        def run(x):
            factor = linear_algebra.cholesky(variable)
            return x, variable.value, ops.transpose(factor), factor, ops.reshape(factor, (2, 8))

        found = run(given)
        for y in found:
            y[...] = 7.0
        np.testing.assert_array_equal(given, X)
        np.testing.assert_array_equal(variable.numpy(), np.eye(4))
        np.testing.assert_array_equal(run(given)[3], np.eye(4))


class Whitening(layers.Layer):
    """Features whose covariance in the batch is the unit matrix."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        x = x * self.scale
        covariance = ops.matmul(ops.transpose(x), x) / 8.0 + 0.5 * ops.eye(4)
        return ops.transpose(ops.solve_triangular(ops.cholesky(covariance), ops.transpose(x), lower=True))


def model(optimizer="adam"):
    amalthea.random.set_random_seed(1)
    made = Sequential([layers.Input((5,)), layers.Dense(4, "tanh"), Whitening(), layers.Dense(3, "softmax")])
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def trained(optimizer):
    x, y, made = numbers(64, 5), integers(3, 64), model(optimizer)
    curve = made.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
    return curve, made.evaluate(x, y, batch_size=8, verbose=0), made.predict(x, batch_size=8, verbose=0)


@on_sessions
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_model_with_a_layer_of_the_host_trains_as_on_numpy(optimizer, backend):
    with use_backend("numpy"):
        wanted = trained(optimizer)
    with use_backend(backend):
        found = trained(optimizer)
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a, b, 1e-3, 1e-4)


@on_sessions
def test_a_step_that_fails_changes_no_variable(backend):
    fails = [False]

    def function(x):
        if fails[0]:
            raise ZeroDivisionError("in the middle")
        return np.sinc(x)

    with use_backend(backend):
        first, second = Variable(np.float32([1, 2])), Variable(np.float32([3, 4]))

        @amalthea.jit
        def step(x):
            first.assign(first + 1.0)
            made = ops.native_call(function, ops.exp(x * second), outputs=x)
            second.assign(made)
            return made

        x = np.float32([0.5, 0.25])
        step(x)
        before = first.numpy(), second.numpy()
        fails[0] = True
        with pytest.raises(ZeroDivisionError):
            step(x)
        np.testing.assert_array_equal(first.numpy(), before[0])
        np.testing.assert_array_equal(second.numpy(), before[1])
        fails[0] = False
        step(x)
        assert first.numpy().tolist() == [3, 4]


@on_sessions
def test_variables_can_be_exchanged(backend):
    with use_backend(backend):
        a, b = Variable(np.float32([1, 2])), Variable(np.float32([3, 4]))

        @amalthea.jit
        def swap():
            x, y = a.value, b.value
            a.assign(ops.native_call(np.negative, y))
            b.assign(x)

        for _ in range(3):
            swap()
        assert (a.numpy().tolist(), b.numpy().tolist()) == ([3, 4], [-1, -2])


def test_threads_see_all_of_a_step_or_nothing():
    with use_backend("onnxruntime"):
        pair = [Variable(np.zeros((4, 4), "float32")) for _ in range(2)]

        @amalthea.jit
        def step():
            for variable in pair:
                variable.assign(linear_algebra.cholesky(ops.eye(4)) + variable)

        look = amalthea.jit(lambda: ops.max(ops.abs(pair[0] - linear_algebra.cholesky(ops.eye(4)) * pair[1][0, 0])))
        step(), look()
        differences, stop = [], threading.Event()

        def watch():
            with use_backend("onnxruntime"):
                while not stop.is_set():
                    differences.append(float(look()))

        thread = threading.Thread(target=watch)
        thread.start()
        for _ in range(200):
            step()
        stop.set()
        thread.join()
    assert pair[0].numpy()[0, 0] == pair[1].numpy()[0, 0] == 201
    assert differences and not any(differences)
