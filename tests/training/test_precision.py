"""Mixed precision: half-precision arithmetic on full-precision weights, in training and in files."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers, optimizers
from tests.arrays import integers, numbers
from tests.backends import every_base_backend
from tests.training.small import line, small


@pytest.fixture
def policy():
    before = amalthea.dtype_policies.dtype_policy()
    yield amalthea.dtype_policies.set_dtype_policy
    amalthea.dtype_policies.set_dtype_policy(before)


@every_base_backend
@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_full_precision_weights(name, backend, policy):
    x, y = line(128)
    with amalthea.use_backend(backend):
        policy(name)
        model = small(optimizer=optimizers.SGD(0.1))
        assert model.layers[0].compute_dtype == name.removeprefix("mixed_")
        assert {v.dtype for v in model.weights} == {"float32"}
        curve = model.fit(x, y, epochs=8, verbose=0).history["loss"]
        assert curve[-1] < 0.2 * curve[0]
        assert model.output.dtype == amalthea.engine.dtypes.name_of(model(x)) == name.removeprefix("mixed_")


@pytest.mark.parametrize("kind", [layers.Conv2D, layers.LSTM, layers.BatchNormalization, layers.Embedding])
@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_layers_of_every_family_train_in_mixed_precision(kind, name):
    x, arguments = {
        layers.Conv2D: (numbers(8, 5, 5, 2), (3, 3)),
        layers.LSTM: (numbers(8, 4, 2), (3,)),
        layers.BatchNormalization: (numbers(8, 3), ()),
        layers.Embedding: (integers(5, 8, 3), (5, 2)),
    }[kind]
    model = Sequential([kind(*arguments, dtype=name), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model(x)
    before = model.trainable_weights[0].numpy()
    assert np.isfinite(model.fit(x, np.ones((8, 1)), epochs=2, verbose=0).history["loss"]).all()
    assert (model.trainable_weights[0].numpy() != before).any()


def test_half_precision_scales_the_loss_unless_told_not_to(policy):
    policy("mixed_float16")
    assert isinstance(small().optimizer, optimizers.LossScaleOptimizer)
    assert not isinstance(small(auto_scale_loss=False).optimizer, optimizers.LossScaleOptimizer)
    wrapped = optimizers.LossScaleOptimizer("sgd")
    assert small(optimizer=wrapped).optimizer is wrapped
    policy("mixed_bfloat16")
    assert not isinstance(small().optimizer, optimizers.LossScaleOptimizer)


def test_a_scaled_model_is_saved_and_trains_on(policy, tmp_path):
    policy("mixed_float16")
    x, y = line()
    model = small()
    model.fit(x, y, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    found = amalthea.saving.load_model(tmp_path / "m.keras")
    assert isinstance(found.optimizer, optimizers.LossScaleOptimizer)
    wanted = model.fit(x, y, shuffle=False, verbose=0).history["loss"]
    assert found.fit(x, y, shuffle=False, verbose=0).history["loss"] == wanted
