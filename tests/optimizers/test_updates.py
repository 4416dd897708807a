"""All counters count updates: gradients of micro-batches add up to one update of the whole, for every optimizer."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import amalthea
from amalthea import Variable, jit, layers, optimizers
from amalthea.callbacks import LearningRateScheduler, ReduceLROnPlateau, SwapEMAWeights
from amalthea.errors import ArgumentError
from amalthea.optimizers import SGD, LossScaleOptimizer, schedules
from tests.arrays import numbers

WRAPPERS = ("LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")  # which leave updates to others
NAMES = [
    name
    for name in optimizers.__all__
    if inspect.isclass(getattr(optimizers, name))
    and name not in ("Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")
]
SHAPES = ((3, 2), (4,))
RATES = schedules.PiecewiseConstantDecay([1], [0.1, 0.01])  # updates 0 and 1, then the rest
OPTIONS = {
    "plain": {},
    "schedule": {"learning_rate": RATES},
    "averages": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "decay": {"weight_decay": 0.1},
    "clipped": {"global_clipnorm": 0.5},
    "scaled": {"loss_scale_factor": 8.0},
    "older decay": {"learning_rate": 0.1, "decay": 0.5},
}


def make(name, scaled=False, **options):
    options = {"learning_rate": 0.1, **options}
    optimizer = getattr(optimizers, name)(**options)
    return LossScaleOptimizer(optimizer, initial_scale=4.0) if scaled else optimizer


def variables(dtype="float32"):
    kind = amalthea.engine.dtypes.to_numpy(dtype)
    return [Variable(numbers(*shape, seed=i).astype(kind), name=f"v{i}") for i, shape in enumerate(SHAPES)]


def state(optimizer):
    """Slots, the averages among them, and what else changes with updates; not what waits for one."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    waiting = [*inner._slots.get("gradient_accumulator", ()), inner._variables[0]]
    waiting = {id(v) for v in (*waiting, *(v for v in optimizer.variables if v.name == "accumulated_weight"))}
    return [v.numpy() for v in inner.variables if id(v) not in waiting]


def assert_same(found, wanted):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=1e-6)


def assert_micro_batches_make_the_update_of_the_whole(name, options, scaled=False, apply=lambda f: f, weights=None):
    """Four updates of three micro-batches each; between them nothing moves."""
    micro, whole = make(name, scaled, gradient_accumulation_steps=3, **options), make(name, scaled, **options)
    ours, theirs = variables(), variables()
    for optimizer, own in ((micro, ours), (whole, theirs)):
        optimizer.build(own)
    weights = weights or [32.0, 32.0, 5.0]
    step = apply(lambda grads, weight: micro.apply(grads, ours, weight=weight))
    for update in range(4):
        given = [[numbers(*s, seed=10 * update + i + j) for j, s in enumerate(SHAPES)] for i in range(3)]
        before = [*(v.numpy() for v in ours), *state(micro)]
        for i, grads in enumerate(given):
            assert_same([*(v.numpy() for v in ours), *state(micro)], before)
            assert int(micro.iterations) == update
            step(grads, np.float32(weights[i]))
        whole.apply([np.average(g, axis=0, weights=weights).astype("float32") for g in zip(*given)], theirs)
        assert int(micro.iterations) == int(whole.iterations) == update + 1
        assert_same([*(v.numpy() for v in ours), *state(micro)], [*(v.numpy() for v in theirs), *state(whole)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", OPTIONS)
def test_micro_batches_make_the_update_of_the_whole(name, option):
    assert_micro_batches_make_the_update_of_the_whole(name, OPTIONS[option])


@pytest.mark.parametrize("name", NAMES)
def test_micro_batches_of_a_scaled_loss_make_the_update_of_the_whole(name):
    assert_micro_batches_make_the_update_of_the_whole(name, OPTIONS["averages"], scaled=True)


@pytest.mark.parametrize("name", NAMES)
def test_compiled_micro_batches_make_the_update_of_the_whole(name):
    assert_micro_batches_make_the_update_of_the_whole(name, OPTIONS["averages"], apply=jit)


def test_a_micro_batch_whose_gradient_overflowed_counts_nowhere():
    w = Variable(np.float32([1.0]))
    optimizer = LossScaleOptimizer(SGD(1.0, gradient_accumulation_steps=2), initial_scale=2.0)
    for gradient in (2.0, np.inf, 4.0):
        optimizer.apply([np.float32([gradient])], [w])
    assert w.numpy() == 1 - (2.0 / 2 + 4.0 / 1) / 2  # the scale was halved in between
    assert int(optimizer.iterations) == 1


# ------------------------------------------------------------------------------------- with a model


def line(rows):
    x = numbers(rows, 3)
    return x, (x @ np.float32([[1], [-2], [0.5]])).astype("float32")


def small(optimizer, loss="mse", **options):
    amalthea.utils.set_random_seed(0)
    model = amalthea.Sequential([layers.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile(optimizer, loss, **options)
    return model


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight"])
def test_a_shorter_last_micro_batch_counts_by_its_rows(reduction):
    x, y = line(40)
    weight = np.abs(numbers(40, seed=8))
    whole = small(SGD(0.1), amalthea.losses.MeanSquaredError(reduction))
    parts = small(SGD(0.1, gradient_accumulation_steps=3), amalthea.losses.MeanSquaredError(reduction))
    wanted = whole.fit(x, y, sample_weight=weight, batch_size=40, epochs=3, shuffle=False, verbose=0).history
    found = parts.fit(x, y, sample_weight=weight, batch_size=16, epochs=3, shuffle=False, verbose=0).history
    assert_same(parts.get_weights(), whole.get_weights())
    np.testing.assert_allclose(found["loss"], wanted["loss"], rtol=1e-5)


def padded(steps):
    words = np.random.default_rng(0).integers(1, 9, (12, 6))
    for row, length in zip(words, [6, 1, 2, 6, 6, 6, 1, 1, 1, 3, 2, 6]):
        row[length:] = 0
    amalthea.utils.set_random_seed(0)
    model = amalthea.Sequential(
        [layers.Input((6,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True), layers.Dense(3, "softmax")]
    )
    model.compile(SGD(0.5, gradient_accumulation_steps=steps), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, words, (words + 1) % 3


def test_masked_steps_count_by_what_the_mask_leaves():
    whole, x, y = padded(None)
    parts, *_ = padded(3)
    wanted = whole.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0).history
    found = parts.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    assert_same(parts.get_weights(), whole.get_weights())
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, err_msg=name)
    for size in (1, 5, 12):
        np.testing.assert_allclose(
            parts.evaluate(x, y, batch_size=size, verbose=0), whole.evaluate(x, y, batch_size=12, verbose=0), rtol=1e-5
        )


def test_averages_are_given_only_after_an_update():
    x, y = line(8)
    for optimizer in (SGD(0.1, use_ema=True, gradient_accumulation_steps=4), SGD(0.1, use_ema=True)):
        model = small(optimizer)
        model.evaluate(x, y, verbose=0)
        before = model.get_weights()
        wanted = model.evaluate(x, y, verbose=0)
        assert model.evaluate(x, y, verbose=0, callbacks=[SwapEMAWeights()]) == wanted
        model.optimizer.finalize_variable_values(model.trainable_weights)
        assert_same(model.get_weights(), before)


@pytest.mark.parametrize("waiting", [0, 1])
def test_the_state_of_an_accumulating_optimizer_is_saved_and_goes_on(waiting, tmp_path):
    x, y = line(8)

    def run(model, steps):
        for i in steps:
            model.train_on_batch(x[: 3 + i], y[: 3 + i])
        return model.get_weights()

    wanted = run(small(SGD(0.1, momentum=0.5, gradient_accumulation_steps=2)), range(5))
    model = small(SGD(0.1, momentum=0.5, gradient_accumulation_steps=2))
    run(model, range(2 + waiting))
    model.save(tmp_path / "m.keras")
    store = {}
    model.optimizer.save_own_variables(store)
    assert len(store) == len(model.optimizer.variables) - (not waiting)
    assert_same(run(amalthea.saving.load_model(tmp_path / "m.keras"), range(2 + waiting, 5)), wanted)


# --------------------------------------------------------------------------- decay apart from the rate


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_decay_is_apart_from_the_rate(name):
    decayed, scheduled = make(name, decay=0.5), make(name, learning_rate=schedules.InverseTimeDecay(0.1, 1, 0.5))
    a, b = variables(), variables()
    for i in range(3):
        grads = [numbers(*s, seed=i) for s in SHAPES]
        decayed.apply(grads, a)
        scheduled.apply(grads, b)
        assert float(decayed.learning_rate) == np.float32(0.1)
    assert_same([v.numpy() for v in a], [v.numpy() for v in b])
    again = optimizers.deserialize(optimizers.serialize(decayed))
    assert again.get_config() == decayed.get_config() and again._decay_rate == 0.5
    again.learning_rate = 0.2
    assert float(again.learning_rate) == np.float32(0.2)


def test_callbacks_set_the_rate_of_an_optimizer_with_decay(tmp_path):
    x, y = line(8)
    model = small(SGD(0.1, decay=0.5))
    model.fit(x, y, epochs=2, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: rate / 2)])
    assert float(model.optimizer.learning_rate) == np.float32(0.025)
    model.save(tmp_path / "m.keras")
    model = amalthea.saving.load_model(tmp_path / "m.keras")
    assert int(model.optimizer.iterations) == 2
    model.fit(x, y, epochs=3, verbose=0, callbacks=[ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=1e9)])
    assert float(model.optimizer.learning_rate) == np.float32(0.025 / 4)


# ---------------------------------------------------------------------------------- half precision


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", [0, 70_000])
def test_an_update_of_half_precision_weights_is_that_of_single_precision(name, dtype, start):
    """Gradients whose squares float16 does not hold; and more updates than float16 counts."""
    values = {}
    for kind in ("float32", dtype):
        optimizer, own = make(name), variables(dtype)
        own = own if kind == dtype else [Variable(v.numpy().astype("float32"), name=v.name) for v in own]
        optimizer.build(own)
        optimizer._variables[0].assign(start)
        for i in range(3):
            grads = [np.asarray(numbers(*s, seed=i) * 1e-4, amalthea.engine.dtypes.to_numpy(kind)) for s in SHAPES]
            optimizer.apply(grads, own)
        values[kind] = [v.numpy().astype("float32") for v in own]
        assert all(v.dtype != dtype for v in optimizer.variables)
    for found, wanted in zip(values[dtype], values["float32"]):
        np.testing.assert_allclose(found, wanted, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_a_norm_beyond_half_precision_clips(clip):
    w = Variable(np.zeros(4, "float16"))
    SGD(1.0, **{clip: 1.0}).apply([np.full(4, 3e4, "float16")], [w])
    np.testing.assert_allclose(w.numpy(), -0.5, rtol=1e-3)


def test_options_of_the_inner_optimizer_are_refused_outside():
    with pytest.raises(ArgumentError, match="inner"):
        LossScaleOptimizer(SGD(), clipnorm=1.0)


# -------------------------------------------------------------------------------- gradients of any size

CONSTANT_SCENARIOS = [
    {},
    {"learning_rate": 0.0},
    {"centered": True},
    {"amsgrad": True},
    {"momentum": 0.9},
    {"clipnorm": 1.0},
]
CONSTANT_SCENARIOS += [{"initial_accumulator_value": 0.0}]


@pytest.mark.parametrize("size", [0.0, 1e-20, 1e3, 1e15])
@pytest.mark.parametrize("name", NAMES)
def test_weights_stay_finite_whatever_the_size_of_constant_gradients(name, size):
    known = inspect.signature(getattr(optimizers, name)).parameters
    for options in (o for o in CONSTANT_SCENARIOS if set(o) <= set(known)):
        optimizer, own = make(name, **options), variables()
        optimizer.build(own)
        step = jit(lambda *grads, o=optimizer, own=own: o.apply(grads, own))
        before = [v.numpy() for v in own]
        for _ in range(60):
            step(*(np.full(shape, size, "float32") for shape in SHAPES))
        assert all(np.isfinite(v.numpy()).all() for v in own), options
        if options == {"learning_rate": 0.0}:
            assert_same([v.numpy() for v in own], before)
