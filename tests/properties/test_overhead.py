"""What a step costs besides computing: Python calls, which are stable where times are not, and memory that stays."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers
from amalthea.engine import backends

X, Y = np.zeros((320, 8), "float32"), np.zeros(320, "int32")
# NumPy and PyTorch call a function for each primitive, so the count grows with the network; TensorFlow enters some 300
# functions of its own to call one that is compiled.
WHOLE = [name for name in ("onnxruntime", "jax") if name in backends.installed()]


def network(depth):
    model = Sequential(
        [layers.Input((8,)), *(layers.Dense(8, "relu") for _ in range(depth)), layers.Dense(2, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def python_calls(function):
    """How many Python functions are entered."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(seen)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def calls_of(model):
    """Calls for each step of fit, for predict_on_batch, and for train_on_batch."""

    def fit(rows):
        return python_calls(lambda: model.fit(X[:rows], Y[:rows], batch_size=32, verbose=0))

    for _ in range(2):  # compile; then see that the others have moved the variables
        model.fit(X, Y, batch_size=32, verbose=0)
        model.predict_on_batch(X[:32])
        model.train_on_batch(X[:32], Y[:32])
    return (
        (fit(320) - fit(64)) / 8,
        python_calls(lambda: model.predict_on_batch(X[:32])),
        python_calls(lambda: model.train_on_batch(X[:32], Y[:32])),
    )


@pytest.mark.parametrize("backend", WHOLE)
def test_a_step_costs_few_calls_however_deep_the_network(backend):
    with backends.use_backend(backend):
        shallow, deep = calls_of(network(2)), calls_of(network(12))
    assert shallow == deep
    assert shallow[0] <= 60
    assert shallow[1] <= 80
    assert shallow[2] <= 90


def resident():
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(function, times):
    """Bytes that so many calls leave behind, with the garbage collector off, after some that may.

    What Python and NumPy allocate is counted; a library's own memory shows in what the process holds. The less of two
    times as many calls: what leaks does so both times, and what other tests have left in the process moves once.
    """
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(times // 10):
            function()
        held = [(tracemalloc.get_traced_memory()[0], resident())]
        for _ in range(2):
            for _ in range(times):
                function()
            held.append((tracemalloc.get_traced_memory()[0], resident()))
        return min(max(b - a for a, b in zip(before, after)) for before, after in zip(held, held[1:]))
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system tells memory in another way")
@pytest.mark.parametrize(("verb", "times"), [("predict", 10_000), ("fit", 1_000)])
def test_many_calls_leave_memory_flat(verb, times):
    """A thousand numbers kept by each call would be 8 MB for 1,000 and 80 MB for 10,000."""
    model = network(2)
    call = {
        "predict": lambda: model.predict(X[:32], verbose=0),
        "fit": lambda: model.fit(X[:64], Y[:64], batch_size=32, verbose=0),
    }[verb]
    assert growth(call, times) < 2_000_000


def test_memory_that_grows_is_seen():
    kept = []
    assert growth(lambda: kept.append(np.ones(1000)), 1000) > 2_000_000


def test_a_network_of_many_layers_is_traced_in_linear_time_and_calls():
    """Calls of tracing, differentiating and building the graph of one step, at 40 layers and at 80."""
    counts = []
    for depth in (40, 80):
        model = network(depth)
        model._ensure_built((X[:32], Y[:32], None))
        counts.append(
            python_calls(
                lambda model=model: amalthea.engine.transforms.capture(
                    model.train_step, (((X[:32], Y[:32], None),), {})
                )
            )
        )
    assert counts[1] < 2.2 * counts[0]
