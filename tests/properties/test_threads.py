"""Threads that share a model, and processes that are forked: each reader sees one whole version of the weights."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

import amalthea
from amalthea import Model, layers, ops, optimizers
from amalthea.engine import backends
from tests.backends import every_installed
from tests.properties.threads import PATIENCE, at_once, started, stopped_before_its_end

X, Y = np.zeros((2, 2), "float32"), np.zeros((2, 1), "float32")


class Numbers(layers.Layer):
    """Gives, for each row, the largest and the smallest number of each of its weights: small and large ones, some of
    which training never changes together with the others."""

    def build(self, input_shape):
        shapes = [(3,), (64, 64), (5, 2), (300, 300)]
        self.parts = [self.add_weight(shape, initializer="zeros", name=f"part_{i}") for i, shape in enumerate(shapes)]
        self.count = self.add_weight((), initializer="zeros", trainable=False, name="count")
        for i, part in enumerate(self.parts):
            setattr(self, f"part_{i}", part)

    def call(self, inputs):
        seen = [f(part) for part in (*self.parts, self.count) for f in (ops.max, ops.min)]
        return ops.stack(seen) + ops.zeros_like(ops.sum(inputs, axis=-1, keepdims=True))


class Counting(Model):
    """A model whose weights are all of one number: a step of training adds 1 to each."""

    def __init__(self):
        super().__init__()
        self.numbers = Numbers()

    def call(self, inputs, training=False):
        return self.numbers(inputs)

    def train_step(self, data):
        variables = self.trainable_variables
        _, gradients = amalthea.value_and_grad(lambda: -sum(ops.sum(v.value) for v in variables), variables)()
        self.optimizer.apply(gradients, variables)
        self.numbers.count.assign_add(1.0)
        return {"loss": self.numbers.count.value}


def counting(**options):
    model = Counting()
    model(X)
    model.compile(optimizers.SGD(1.0), "mse", **options)
    return model


def weights_of(model, number):
    return [np.full(w.shape, number, "float32") for w in model.weights]


def versions_in(found):
    """The numbers that a reader saw in one reading: more than one are halves of several versions."""
    return {float(x) for part in found for x in np.unique(ops.convert_to_numpy(part))}


READERS = {
    "predict": lambda model: [model.predict(X, verbose=0)],
    "predict_on_batch": lambda model: [model.predict_on_batch(X)],
    "call": lambda model: [model(X)],
    "get_weights": lambda model: model.get_weights(),
}
WRITERS = {  # each changes the weights a few times
    "fit": lambda model, folder: model.fit(np.zeros((32, 2), "float32"), np.zeros((32, 1)), batch_size=2, verbose=0),
    "train_on_batch": lambda model, folder: [model.train_on_batch(X, Y) for _ in range(16)],
    "set_weights": lambda model, folder: [model.set_weights(weights_of(model, i)) for i in range(16)],
    "load_weights": lambda model, folder: [model.load_weights(folder / f"{i % 2}.weights.h5") for i in range(8)],
}


@every_installed
@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("verb", WRITERS)
def test_every_reader_sees_one_version_while_another_thread_writes(verb, eagerly, backend, tmp_path):
    if eagerly and verb not in ("fit", "train_on_batch"):
        pytest.skip("it runs no step")
    with backends.use_backend(backend):
        model = counting(run_eagerly=eagerly)
        for number in range(2):
            model.set_weights(weights_of(model, number))
            model.save_weights(tmp_path / f"{number}.weights.h5")
        for run in (*READERS.values(), lambda model: WRITERS[verb](model, tmp_path)):
            run(model)  # compile
        done, begun = threading.Event(), threading.Barrier(1 + len(READERS))
        switch = sys.getswitchinterval()

        def write():
            begun.wait(PATIENCE)
            try:
                for _ in range(3):
                    WRITERS[verb](model, tmp_path)
            finally:
                done.set()

        def reading(read):
            def run():
                begun.wait(PATIENCE)
                found = []
                while not done.is_set():
                    found.append(versions_in(read(model)))
                return [seen for seen in found if len(seen) != 1]

            return run

        sys.setswitchinterval(1e-5)
        try:
            torn = at_once(write, *map(reading, READERS.values()))[1:]
        finally:
            sys.setswitchinterval(switch)
        assert dict(zip(READERS, torn)) == {name: [] for name in READERS}


@every_installed
@pytest.mark.parametrize("verb", READERS)
def test_a_step_that_has_computed_and_not_ended_is_not_seen(verb, backend):
    """Forced: the step stops when all is computed. A reader has the version before, or waits for the whole next one."""
    with backends.use_backend(backend):
        model = counting()
        model.train_on_batch(X, Y)
        READERS[verb](model)
        before = float(model.numbers.count)
        with stopped_before_its_end(model._compiled_step("train", alone=True)) as stop:
            training = started(model.train_on_batch, X, Y)
            assert stop.reached.wait(PATIENCE)
            found = []
            reading = started(lambda: found.append(versions_in(READERS[verb](model))))
            reading.join(0.3)  # longer if it waits
            stop.go.set()
            for thread in (training, reading):
                thread.join(PATIENCE)
        assert found in ([{before}], [{before + 1}])


@every_installed
def test_readers_and_a_writer_that_have_met_wait_for_each_other_no_more(backend):
    """Once a reader has waited for a step, the next steps leave it the version before."""
    with backends.use_backend(backend):
        model = counting()
        model.train_on_batch(X, Y)
        model.predict_on_batch(X)
        for meeting in range(3):
            with stopped_before_its_end(model._compiled_step("train", alone=True)) as stop:
                training = started(model.train_on_batch, X, Y)
                assert stop.reached.wait(PATIENCE)
                found = []
                reading = started(lambda: found.append(versions_in(model.predict_on_batch(X))))  # noqa: B023
                reading.join(0.3 if meeting == 0 else PATIENCE)
                ended_first = not reading.is_alive()
                stop.go.set()
                training.join(PATIENCE)
                reading.join(PATIENCE)
        assert ended_first
        assert found == [{3.0}]
        assert versions_in([model.predict_on_batch(X)]) == {4.0}


MANY = """
import threading, numpy as np
from amalthea import Sequential, jit, layers, ops
x = np.random.default_rng(0).normal(size=(8, 32, 8)).astype("float32")
model = Sequential([layers.Input((8,)), layers.Dense(4)])
double = jit(lambda x: ops.add(x, x))
want = [model.predict(a, verbose=0) for a in x]
wrong = []
def run(i):
    for _ in range(100):
        if not np.allclose(model.predict(x[i], verbose=0), want[i], atol=1e-6):
            wrong.append(i)
        if not np.array_equal(double(x[i]), x[i] + x[i]):
            wrong.append(i)
threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print("wrong:", wrong)
"""


@every_installed
def test_eight_threads_predict_as_one_does(backend):
    """In a process of its own: one that binds the same memory in all threads ends in a fault."""
    found = run_python(MANY, backend)
    assert (found.returncode, found.stdout) == (0, "wrong: []\n"), found.stderr


def run_python(code, backend, **environment):
    import os

    environment = {**os.environ, "AMALTHEA_BACKEND": backend, **environment}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True, timeout=PATIENCE
    )


FORK = """
import os, sys, numpy as np
from amalthea import Sequential, config, errors, layers, use_backend
model = Sequential([layers.Input((256,)), layers.Dense(512), layers.Dense(512), layers.Dense(1)])
x = np.ones((64, 256), "float32")
model.compile("sgd", "mse")
model.fit(x, x[:, :1], verbose=0)
want = model.predict(x, verbose=0)
child = os.fork()
if child == 0:
    print(np.allclose(model.predict(x, verbose=0), want, atol=1e-5))
    model.fit(x, x[:, :1], verbose=0)
    print("trained with", config.backend(), flush=True)
    try:
        with use_backend(os.environ["AMALTHEA_BACKEND"]):
            model(x)
    except errors.BackendError as error:
        print("spawn" in str(error))
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
print("parent goes on:", np.allclose(model.predict(x, verbose=0), want, atol=1e-5))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system does not fork")
@every_installed
def test_a_forked_child_goes_on_with_its_library_or_with_numpy(backend):
    found = run_python(FORK, backend, OMP_NUM_THREADS="2")  # with one thread, none would be missing in the child
    lost = issubclass(type(backends.load(backend)), backends.forks.DoesNotFork)
    told = ["True"] if lost else []  # the library itself is refused in words
    trained = f"trained with {'numpy' if lost else backend}"
    assert found.stdout.splitlines() == ["True", trained, *told, "parent goes on: True"], found.stderr
