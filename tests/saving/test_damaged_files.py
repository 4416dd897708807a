"""Damage anywhere in a file, and a layer that fails to read: nothing has changed."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from amalthea import Input, Sequential, layers
from amalthea.errors import ModelFileError
from tests.samples import trained


def everything(found):
    return [v.numpy().copy() for v in (*found.variables, *found.optimizer.variables)]


@pytest.mark.parametrize("seed", range(2))
def test_damage_anywhere_leaves_the_model_as_it_was_or_is_not_seen(seed, tmp_path):
    source, _, _ = trained("sequential")
    source.save_weights(tmp_path / "w.weights.h5")
    whole = (tmp_path / "w.weights.h5").read_bytes()
    target, _, _ = trained("sequential", seed=7)
    before, rng, refused = everything(target), random.Random(seed), 0
    for _ in range(30):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 4, 40))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "d.weights.h5").write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.load_weights(tmp_path / "d.weights.h5")
        except ModelFileError:
            refused += 1
            for found, want in zip(everything(target), before, strict=True):
                np.testing.assert_array_equal(found, want)
        before = everything(target)
    assert refused


class Refusing(layers.Layer):
    """Its own way of reading fails."""

    def build(self, input_shape):
        self.w = self.add_weight((3,), "ones")

    def call(self, x):
        return x

    def load_own_variables(self, store):
        self.w.assign(np.zeros(3))
        raise RuntimeError("of another kind")


def test_a_layer_that_fails_to_read_leaves_all_others_as_they_were(tmp_path):
    made = Sequential([Input((4,)), layers.Dense(5), Refusing(), layers.Dense(3)])
    made.save_weights(tmp_path / "w.weights.h5")
    made.set_weights([w + 1 for w in made.get_weights()])
    before = made.get_weights()
    with pytest.raises(ModelFileError, match="of another kind"):
        made.load_weights(tmp_path / "w.weights.h5")
    for found, want in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, want)
