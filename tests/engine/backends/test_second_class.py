"""The backends that say what primitives their library can: they train what the others train, and name their gaps."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers, ops, optimizers, testing
from amalthea.engine import backends, transforms
from amalthea.engine.primitives import TABLE, Primitive
from amalthea.errors import BackendError

SECOND = [name for name in backends.installed() if not backends.KNOWN[name].complete]
every_partial_backend = pytest.mark.parametrize("backend", SECOND)
STEPS, ROWS = 10, 8
CASES = [case for case in testing.cases() if not case[0].name.startswith("random")]


def mlp():
    net = [layers.Dense(16, "relu"), layers.Dense(8, "tanh"), layers.Dense(3, "softmax")]
    return Sequential([layers.Input((12,)), *net]), optimizers.Adam(0.01)


def convnet():
    net = [
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.BatchNormalization(),
        layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
        layers.Dropout(0.0),
        layers.Flatten(),
        layers.Dense(3, "softmax"),
    ]
    return Sequential([layers.Input((8, 8, 2)), *net]), optimizers.SGD(0.05, momentum=0.9)


def lstm():
    net = [layers.Embedding(20, 6), layers.LSTM(8), layers.Dense(3, "softmax")]
    return Sequential([layers.Input((7,), dtype="int32"), *net]), optimizers.RMSprop(0.01)


def simple_rnn():
    net = [layers.Embedding(20, 6), layers.SimpleRNN(8), layers.Dense(3, "softmax")]
    return Sequential([layers.Input((7,), dtype="int32"), *net]), optimizers.SGD(0.1)


MODELS = {"mlp": mlp, "convnet": convnet, "lstm": lstm, "simple_rnn": simple_rnn}
every_model = pytest.mark.parametrize("name", MODELS)


def made(name):
    amalthea.random.set_random_seed(3)
    model, optimizer = MODELS[name]()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data(name):
    rng = np.random.default_rng(0)
    shape = {"mlp": (12,), "convnet": (8, 8, 2)}.get(name)
    if shape is None:
        x = rng.integers(0, 20, (STEPS * ROWS, 7)).astype("int32")
    else:
        x = rng.normal(size=(STEPS * ROWS, *shape)).astype("float32")
    return x, rng.integers(0, 3, STEPS * ROWS).astype("int32")


def losses(model, name, first=0, last=STEPS):
    """The loss of each step: an epoch is a batch."""
    x, y = data(name)
    curve = []
    for step in range(first, last):
        rows = slice(step * ROWS, (step + 1) * ROWS)
        curve += model.fit(x[rows], y[rows], batch_size=ROWS, epochs=1, shuffle=False, verbose=0).history["loss"]
    return curve


@functools.cache
def reference(name):
    """What NumPy's backend makes of a model: its curve, then how it judges and what it predicts."""
    with backends.use_backend("numpy"):
        model = made(name)
        curve = losses(model, name)
        return curve, model.evaluate(*data(name), batch_size=ROWS, verbose=0), model.predict(data(name)[0], verbose=0)


@every_partial_backend
@every_model
def test_a_model_trains_evaluates_and_predicts_as_on_numpy(name, backend):
    curve, judged, predicted = reference(name)
    with backends.use_backend(backend):
        model = made(name)
        np.testing.assert_allclose(losses(model, name), curve, rtol=1e-4)
        np.testing.assert_allclose(model.evaluate(*data(name), batch_size=ROWS, verbose=0), judged, rtol=1e-4)
        np.testing.assert_allclose(model.predict(data(name)[0], verbose=0), predicted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("second", [*SECOND, "numpy", backends.DEFAULT])
@pytest.mark.parametrize("first", [*SECOND, "numpy", backends.DEFAULT])
def test_a_model_moves_in_the_middle_of_training(first, second):
    with backends.use_backend(first):
        model = made("mlp")
        begun = losses(model, "mlp", last=4)
    with backends.use_backend(second):
        ended = losses(model, "mlp", first=4)
        assert int(model.optimizer.iterations) == STEPS
    np.testing.assert_allclose([*begun, *ended], reference("mlp")[0], rtol=1e-4)


@every_partial_backend
@pytest.mark.parametrize(("row", "number", "sample"), CASES, ids=[f"{r.name}-{n}" for r, n, _ in CASES])
def test_every_primitive_agrees_with_float64(row, number, sample, backend):
    testing.check_agreement(row, sample, backend)


@every_partial_backend
def test_loops_and_branches_run(backend):
    x = np.linspace(-1, 1, 12).reshape(4, 3).astype("float32")

    def run(x):
        last, every = ops.scan(lambda c, v: (ops.tanh(c * v + 0.1), c + x[0]), x[1], x, reverse=True)
        doubled = ops.while_loop(lambda n, v: n < 3, lambda n, v: (n + 1, v * 2.0 + x[2]), (0, x[3]))[1]
        return last, every, doubled, ops.cond(ops.sum(x[0]) > 0, lambda: ops.exp(last), lambda: last * x[1])

    with backends.use_backend("numpy"):
        wanted = amalthea.jit(run)(x)
    with backends.use_backend(backend):
        found = amalthea.jit(run)(x)
        empty = amalthea.jit(lambda x: ops.scan(lambda c, v: (c + v, c * v), x[0, 0], x[:0, 0]))(x)
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)
    assert (float(empty[0]), empty[1].shape) == (-1, (0,))


@every_partial_backend
@pytest.mark.parametrize("layer", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("units", [3, 8])
def test_a_recurrence_reads_its_state_before_it_writes_the_next(layer, units, backend):
    """A product of the state, carried on as it is, was written over the state while that was read."""
    amalthea.random.set_random_seed(1)
    model = Sequential([layers.Input((5, 4)), getattr(layers, layer)(units, return_sequences=True)])
    x = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
    wanted = model.to("numpy").predict(x, verbose=0)
    np.testing.assert_allclose(model.to(backend).predict(x, verbose=0), wanted, rtol=1e-4, atol=1e-5)


@every_partial_backend
@pytest.mark.parametrize("key", [[3, 1], [2**32 - 5, 7], [9, 2**31 + 1]], ids=str)
def test_random_numbers_are_the_hash_of_their_key(key, backend):
    """Where a library has no generator that takes a key: all 32 bits count, and the numbers are those of NumPy."""
    key = np.array(key, "uint32")
    for name in ("random_uniform", "random_normal"):
        row = TABLE[name]
        with backends.use_backend("numpy"):
            wanted = transforms.jit(lambda k, row=row: row.decomposition(k, shape=(40, 50), dtype="float32"))(key)
        with backends.use_backend(backend):
            found = transforms.jit(lambda k, row=row: row(k, shape=(40, 50), dtype="float32"))(key)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@every_partial_backend
@pytest.mark.parametrize("dtype", ["int32", "uint32"])
@pytest.mark.parametrize("name", "add subtract multiply bitwise_and bitwise_xor left_shift right_shift".split())
def test_whole_numbers_keep_all_their_bits(name, dtype, backend):
    row, limits, rng = TABLE[name], np.iinfo(dtype), np.random.default_rng(0)
    x, y = (rng.integers(limits.min, limits.max, 50, dtype, endpoint=True) for _ in range(2))
    y = rng.integers(0, 32, 50).astype(dtype) if name.endswith("shift") else y
    with backends.use_backend(backend):
        found = transforms.jit(row)(x, y)
    np.testing.assert_array_equal(found, row.reference(x, y))


@every_partial_backend
def test_a_running_sum_stays_in_its_dtype(backend):
    x = np.random.default_rng(0).integers(-(2**31), 2**31, (6, 5)).astype("int32")
    with backends.use_backend(backend):
        found = transforms.jit(lambda x: TABLE["cumsum"](x, axis=0, reverse=True))(x)
    np.testing.assert_array_equal(found, TABLE["cumsum"].reference(x, axis=0, reverse=True))


@every_partial_backend
def test_inputs_of_every_kind_are_taken_and_left_alone(backend):
    """One that nothing needs, one that is given back, one that may not be written, one that is not contiguous."""
    unused, given, fixed = np.float32([1, 2]), np.float32([3, 4]), np.broadcast_to(np.float32(5), (2,))
    with backends.use_backend(backend):
        step = amalthea.jit(lambda a, b, c, d: (b, b, c, d + 1.0))
        found = step(unused, given, fixed, np.arange(4, dtype="float32")[::2])
    given[:] = 0
    assert [x.tolist() for x in found] == [[3, 4], [3, 4], [5, 5], [1, 3]]


@every_partial_backend
def test_variables_can_change_places(backend):
    with backends.use_backend(backend):
        a, b = amalthea.Variable(np.float32([1, 2])), amalthea.Variable(np.float32([3, 4]))
        swap = amalthea.jit(lambda: (lambda x, y: (a.assign(y), b.assign(x)))(a.value, b.value))
        for _ in range(3):
            swap()
    assert (a.numpy().tolist(), b.numpy().tolist()) == ([3, 4], [1, 2])


def _meets(row: Primitive, dtype: str):
    """Inputs of that dtype, shaped as the first sample's."""
    return [np.ones(x.shape).astype(amalthea.engine.dtypes.to_numpy(dtype)) for x in row.samples[0].inputs]


@every_partial_backend
def test_a_gap_is_told_with_its_reason_and_a_cure(backend):
    gaps = backends.load(backend).gaps
    key = next(key for key in gaps if " " in key and TABLE[key.split()[0]].family.elementwise)
    row, dtype = TABLE[key.split()[0]], key.split()[1]
    with backends.use_backend(backend), pytest.raises(BackendError) as caught:
        transforms.jit(row)(*_meets(row, dtype))
    for part in (gaps[key], f"got:      {key}", "use_backend"):
        assert part in str(caught.value)
