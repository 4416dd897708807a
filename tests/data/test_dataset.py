"""``Dataset``: transforms, passes, lengths, pickles, and training from it."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from amalthea import Sequential, layers
from amalthea.data import Dataset
from amalthea.errors import AmaltheaError

COUNT = 7


def numbers():
    return Dataset.range(COUNT)


def values(dataset):
    return [x.tolist() if hasattr(x, "tolist") else x for x in dataset.as_numpy_iterator()]


def double(x):
    return x * 2


SCENARIOS = {
    "map": (lambda d: d.map(double), [0, 2, 4, 6, 8, 10, 12]),
    "map in threads": (lambda d: d.map(double, num_parallel_calls=-1), [0, 2, 4, 6, 8, 10, 12]),
    "filter": (lambda d: d.filter(lambda x: x % 2), [1, 3, 5]),
    "batch": (lambda d: d.batch(3), [[0, 1, 2], [3, 4, 5], [6]]),
    "whole batches": (lambda d: d.batch(3, drop_remainder=True), [[0, 1, 2], [3, 4, 5]]),
    "unbatch": (lambda d: d.batch(3).unbatch(), list(range(7))),
    "take": (lambda d: d.take(2), [0, 1]),
    "take more": (lambda d: d.take(99), list(range(7))),
    "take all": (lambda d: d.take(-1), list(range(7))),
    "skip": (lambda d: d.skip(5), [5, 6]),
    "skip more": (lambda d: d.skip(99), []),
    "repeat": (lambda d: d.take(2).repeat(2), [0, 1, 0, 1]),
    "endless": (lambda d: d.take(2).repeat().take(5), [0, 1, 0, 1, 0]),
    "cache": (lambda d: d.cache(), list(range(7))),
    "prefetch": (lambda d: d.prefetch(3), list(range(7))),
    "prefetch nothing": (lambda d: d.prefetch(0), list(range(7))),
    "concatenate": (lambda d: d.take(1).concatenate(d.skip(6)), [0, 6]),
    "several": (lambda d: d.skip(1).map(double).batch(2).prefetch().take(2), [[2, 4], [6, 8]]),
}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("passes", [1, 2])
def test_elements_are_transformed_in_every_pass(name, passes):
    transform, wanted = SCENARIOS[name]
    dataset = transform(numbers())
    for _ in range(passes):
        assert values(dataset) == wanted
    if dataset.cardinality() >= 0:
        assert len(dataset) == len(wanted)


@pytest.mark.parametrize("buffer", [None, 3, 7, 99])
def test_each_pass_has_its_own_order_which_a_seed_repeats(buffer):
    one, other = (numbers().shuffle(buffer, seed=5) for _ in range(2))
    passes = [values(one) for _ in range(3)]
    assert [values(other) for _ in range(3)] == passes
    assert all(sorted(p) == list(range(COUNT)) for p in passes) and len(set(map(tuple, passes))) > 1
    fixed = numbers().shuffle(buffer, seed=5, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)


def test_a_data_set_in_the_middle_of_a_pass_can_be_pickled():
    dataset = numbers().shuffle(7, seed=1).map(double).batch(2)
    copy = pickle.loads(pickle.dumps(dataset))
    assert values(copy) == values(dataset)


def test_nested_elements_keep_their_nesting():
    dataset = Dataset.from_tensor_slices({"a": np.arange(3), "b": (np.arange(3.0), ["x", "y", "z"])}).batch(2)
    first = next(iter(dataset))
    assert first["a"].tolist() == [0, 1] and first["b"][1].tolist() == ["x", "y"]


def test_a_cache_computes_once():
    calls = []
    dataset = numbers().map(lambda x: calls.append(1) or x).cache()
    values(dataset), values(dataset)
    assert len(calls) == COUNT


def test_an_error_in_a_thread_is_raised_and_threads_end():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        values(numbers().map(lambda x: 1 // int(x), num_parallel_calls=2))
    iterator = iter(numbers().prefetch(3))
    next(iterator)
    iterator.close()
    assert threading.active_count() == before


def test_models_train_from_it_for_several_epochs():
    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
    dataset = Dataset.from_tensor_slices((x, 3 * x)).shuffle(32, seed=0).batch(8)
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    losses = model.fit(dataset, epochs=3, validation_data=dataset, verbose=0).history["loss"]
    assert losses[2] < losses[0] and model.predict(dataset, verbose=0).shape == (32, 1)
    assert len(model.fit(dataset.repeat(), steps_per_epoch=6, verbose=0).history["loss"]) == 1


BAD = {
    "a misspelt option": lambda: numbers().batch(2, drop_remaindr=True),
    "a batch of 0": lambda: numbers().batch(0),
    "a function that is none": lambda: numbers().map(3),
    "a generator that was called": lambda: Dataset.from_generator(iter([1])),
    "rows of two lengths": lambda: Dataset.from_tensor_slices((np.arange(2), np.arange(3))),
    "a scalar": lambda: Dataset.from_tensor_slices(3),
    "a negative count": lambda: numbers().take(-2),
    "a cache in a file": lambda: numbers().cache("x"),
    "elements of two shapes": lambda: list(Dataset.from_source([np.ones(1), np.ones(2)]).batch(2)),
    "something else to follow": lambda: numbers().concatenate([1]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_have_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD[case]()


def test_a_data_set_without_an_end_has_no_length():
    with pytest.raises(TypeError):
        len(numbers().repeat())
    assert numbers().repeat().cardinality() == -1 and numbers().filter(bool).cardinality() == -2
