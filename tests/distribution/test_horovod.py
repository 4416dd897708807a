"""Horovod's words: gradients of ranks are averaged, values exchanged, rates scheduled."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from amalthea import Input, Sequential, Variable, layers, optimizers
from amalthea.distribution import horovod as hvd
from amalthea.distribution.communicators import threads
from amalthea.engine import backends
from amalthea.errors import ArgumentError, DistributionError, NotBuiltError
from tests.distribution.launched import HERE, LAUNCHERS, _run, environment, told_in
from tests.distribution.test_law import MAKING

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(64, 6)).astype("float32"), RNG.normal(size=(64, 1)).astype("float32")
in_threads = pytest.mark.skipif(
    backends.current().name in ("jax", "tensorflow"),
    reason="they call Python in two threads, which wait for each other",
)


@pytest.fixture(autouse=True)
def joined():
    hvd.init()
    yield
    hvd.shutdown()


def model_of(optimizer):
    model = Sequential([Input((6,)), layers.Dense(5, "tanh"), layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def on_ranks(make, x=X, y=Y, batch=8, epochs=2, size=2, **options):
    """The weights after training on two ranks, each on its own rows."""

    def run(group):
        with MAKING:
            model = model_of(hvd.DistributedOptimizer(make(), **options))
            model.set_weights([np.full(v.shape, 0.1 * (i + 1), "float32") for i, v in enumerate(model.weights)])
        own = slice(group.rank, None, size)
        model.fit(x[own], y[own], batch_size=batch, epochs=epochs, shuffle=False, verbose=0)
        return model.get_weights()

    return threads.run(run, size)


def alone(make, x=X, y=Y, batch=16, epochs=2):
    model = model_of(make())
    model.set_weights([np.full(v.shape, 0.1 * (i + 1), "float32") for i, v in enumerate(model.weights)])
    model.fit(x, y, batch_size=batch, epochs=epochs, shuffle=False, verbose=0)
    return model.get_weights()


OPTIMIZERS = {
    "plain": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.01),
    "clipped": lambda: optimizers.SGD(0.1, clipnorm=0.1),
    "global": lambda: optimizers.Adam(0.01, global_clipnorm=0.05, use_ema=True),
    "accumulated": lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2),
}


@in_threads
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_ranks_train_as_one_with_the_batches_joined(name):
    for weights in on_ranks(OPTIMIZERS[name]):
        for got, want in zip(weights, alone(OPTIMIZERS[name])):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@in_threads
def test_options_of_the_exchange():
    plain, want = OPTIMIZERS["plain"], alone(OPTIMIZERS["plain"])
    for options in ({"gradient_predivide_factor": 4.0}, {"compression": hvd.Compression.fp16}):
        for got, exact in zip(on_ranks(plain, **options)[1], want):
            np.testing.assert_allclose(got, exact, rtol=3e-3 if "compression" in options else 1e-5, atol=1e-3)
    doubled = alone(lambda: optimizers.SGD(0.2))
    for got, exact in zip(on_ranks(plain, op=hvd.Sum)[0], doubled):
        np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-6)
    half = on_ranks(plain, batch=4, backward_passes_per_step=2, average_aggregated_gradients=True)
    both = on_ranks(lambda: optimizers.SGD(0.05), batch=4, backward_passes_per_step=2)
    for got, same, exact in zip(half[0], both[0], want):
        np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(same, exact, rtol=1e-5, atol=1e-6)


@in_threads
def test_batches_of_unequal_sizes_count_alike():
    """A mean of means: the law of Horovod, not that of DataParallel."""

    def run(group):
        w = Variable([1.0])
        hvd.DistributedOptimizer(optimizers.SGD(1.0)).apply([np.float32([3.0 if group.rank else 1.0])], [w])
        return w.numpy()

    assert [x.tolist() for x in threads.run(run, 2)] == [[-1.0], [-1.0]]


def _sum_of_ranks(group):
    return hvd.allreduce(group.rank, op=hvd.Sum), hvd.allreduce(np.float32([group.rank, 1])), hvd.allreduce([1, 2.5])


VALUES = {
    "numbers": (_sum_of_ranks, lambda got: got[0] == 3 and got[1].tolist() == [1.0, 1.0] and got[2] == [1, 2.5]),
    "whole": (lambda g: hvd.allreduce(np.int32([g.rank, 4])), lambda got: got.tolist() == [1, 4]),
    "factors": (lambda g: hvd.allreduce(1.0, average=False, prescale_factor=2, postscale_factor=3), lambda x: x == 18),
    "parts": (lambda g: hvd.allgather(np.full((g.rank, 2), g.rank)), lambda x: x[:, 0].tolist() == [1, 2, 2]),
    "nothing": (lambda g: hvd.allgather(np.zeros((0, 2))), lambda x: x.shape == (0, 2)),
    "root": (lambda g: hvd.broadcast({0: 1.5, 1: 2.5, 2: 3.5}[g.rank], 1), lambda x: x == 2.5),
    "places": (lambda g: (hvd.rank(), hvd.size(), hvd.local_rank(), hvd.local_size()), lambda x: x[1::2] == (3, 3)),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_all_ranks(name):
    run, holds = VALUES[name]

    def with_hosts(group):
        hvd.init()
        group.barrier()
        return run(group)

    results = threads.run(with_hosts, 3)
    assert all(holds(x) for x in results), results


def test_weights_of_the_root_are_everybodys():
    def run(group):
        with MAKING:
            model = model_of(hvd.DistributedOptimizer(optimizers.Adam(0.0)))
            model.set_weights([np.full(v.shape, group.rank + 1.0, "float32") for v in model.weights])
            own = model.weights[-1]
        callback = hvd.callbacks.BroadcastGlobalVariablesCallback(1, local_variables=[own])
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_train_batch_end(0)
        return [x.flat[0] for x in model.get_weights()]

    assert threads.run(run, 2) == [[2, 2, 2, 1], [2, 2, 2, 2]]


def test_metrics_are_averaged():
    def run(group):
        logs = {"loss": float(group.rank), "a": 3.0}
        hvd.callbacks.MetricAverageCallback().on_epoch_end(0, logs)
        return logs

    assert threads.run(run, 2) == [{"loss": 0.5, "a": 3.0}] * 2


def rates(callback, size=1, epochs=3, momentum=0.0):
    """The learning rates of all steps, and the weights' path, on a rank of a group."""
    seen = []

    def run(group):
        model = model_of(optimizers.SGD(0.1, momentum=momentum))
        callback.set_model(model), callback.set_params({"steps": 4, "epochs": epochs})
        callback.on_train_begin()
        for epoch in range(epochs):
            callback.on_epoch_begin(epoch)
            for batch in range(4):
                callback.on_train_batch_begin(batch)
                seen.append(float(model.optimizer.learning_rate.numpy()))
            callback.on_epoch_end(epoch, {})

    with threads.joined(threads.Threads(0, [None] * size, None)):
        run(None)
    return seen


def test_learning_rates():
    staircase = hvd.callbacks.LearningRateScheduleCallback(0.1, 0.1, start_epoch=1)
    np.testing.assert_allclose(rates(staircase), [0.1] * 8 + [0.01] * 4, rtol=1e-6)
    smooth = hvd.callbacks.LearningRateScheduleCallback(multiplier=lambda e: e, staircase=False, end_epoch=1)
    np.testing.assert_allclose(rates(smooth), [0.0, 0.025, 0.05, 0.075] + [0.075] * 8, rtol=1e-6)
    warmup = hvd.callbacks.LearningRateWarmupCallback(0.1, warmup_epochs=2)
    want = [0.1 / 4 * ((i + 1) / 4 * 3 / 2 + 1) for i in range(8)]
    np.testing.assert_allclose(rates(warmup, size=4), want + [0.1] * 4, rtol=1e-6)


def test_momentum_is_corrected_where_the_rate_changes():
    """v = 0.9 * (new / old) * v - new * g, by hand."""
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(0.1, momentum=0.9), lambda y, p: p)  # the gradient of the mean is 1
    half = hvd.callbacks.LearningRateScheduleCallback(0.1, lambda epoch: 0.5**epoch)
    model.fit(np.ones((2, 1)), np.ones((2, 1)), batch_size=2, epochs=3, verbose=0, callbacks=[half])
    w = v = 0.0
    for epoch in range(3):
        v = 0.9 * (0.5 if epoch else 1) * v - 0.1 * 0.5**epoch
        w += v
    np.testing.assert_allclose(model.get_weights()[0], [[w]], rtol=1e-6)


def test_a_file_holds_the_optimizer_itself(tmp_path):
    model = model_of(hvd.DistributedOptimizer("adam"))
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = hvd.load_model(tmp_path / "m.keras")
    assert type(loaded.optimizer) is optimizers.Adam and hvd.DistributedOptimizer(loaded.optimizer) is loaded.optimizer
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
    hvd.broadcast_global_variables(0)


WRONG = {
    "op": (lambda: hvd.allreduce(1.0, op="Adasum"), ArgumentError),
    "optimizer's op": (lambda: hvd.DistributedOptimizer("sgd", op="max"), ArgumentError),
    "passes": (lambda: hvd.DistributedOptimizer("sgd", backward_passes_per_step=0), ArgumentError),
    "factor": (lambda: hvd.DistributedOptimizer("sgd", gradient_predivide_factor=0), ArgumentError),
    "root": (lambda: hvd.broadcast(1.0, root_rank=1), ArgumentError),
    "negative root": (lambda: hvd.callbacks.BroadcastGlobalVariablesCallback(-1).on_train_begin(), ArgumentError),
    "number": (lambda: hvd.allgather(1), ArgumentError),
    "no multiplier": (lambda: hvd.callbacks.LearningRateScheduleCallback(0.1), ArgumentError),
    "left out": (lambda: hvd.elastic, AttributeError),
}


@pytest.mark.parametrize("name", WRONG)
def test_refusals(name):
    call, error = WRONG[name]
    with pytest.raises(error):
        call()


def test_nothing_goes_before_init():
    hvd.shutdown()
    for call in (hvd.rank, hvd.size, hvd.local_rank, hvd.local_size, lambda: hvd.allreduce(1.0)):
        with pytest.raises(DistributionError, match="init"):
            call()


def test_variables_of_no_optimizer(monkeypatch):
    from amalthea.distribution.horovod import collectives

    monkeypatch.setattr(collectives, "optimizers", set())
    with pytest.raises(NotBuiltError):
        hvd.broadcast_global_variables(0)


SCRIPT = ["-m", "tests.distribution.horovod_script"]


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="no launcher is installed")
@pytest.mark.parametrize(("name", "backend"), HERE)
def test_a_script_for_horovod_under_every_launcher(name, backend, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    ran = _run([sys.executable, *SCRIPT, str(one)], environment(backend, one, PARTS="2"), 180)
    assert ran.returncode == 0, ran.stderr[-2000:]
    ran = _run([*LAUNCHERS[name].command(2), *SCRIPT, str(two)], environment(backend, two), 180)
    assert ran.returncode == 0, ran.stderr[-2000:]
    want, got = told_in(one)[0], told_in(two)
    assert [x["rank"] for x in got] == [0, 1] and [x["local"] for x in got] == [[0, 2], [1, 2]]
    for told in got:
        np.testing.assert_allclose(told["loss"], want["loss"], rtol=1e-5)
        np.testing.assert_allclose(told["score"], want["score"], rtol=1e-5)
        assert told["first"] == 6 and told["parts"] == [[0], [1], [1]]
    assert sorted(os.listdir(two))[:3] == [f"checkpoint-{i}.keras" for i in (1, 2, 3)]
    worst = max(abs(a - b) / b for told in got for a, b in zip(told["loss"], want["loss"]))
    print(f"{name} {backend}: losses differ by {worst:.1e} at most")
