"""SavedModels of TensorFlow as layers."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import layers, use_backend
from amalthea.errors import UnknownNameError, UnsafeFileError
from tests.layers.native.training import X, Y, close, saved_and_loaded, saved_linear, trained


@pytest.fixture
def tf():
    found = pytest.importorskip("tensorflow")
    with use_backend("tensorflow"):
        yield found


def test_a_saved_model_trains_as_in_its_own_loop(tf, tmp_path):
    theirs = tf.saved_model.load(saved_linear(tf, tmp_path))
    wanted = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((theirs.learn(tf.constant(X)) - Y) ** 2)
        theirs.kernel.assign_sub(0.1 * tape.gradient(loss, theirs.kernel))
        wanted.append(float(loss))
    layer = layers.TFSMLayer(str(tmp_path / "saved"), call_training_endpoint="learn", name="net")
    assert layer.built
    assert [v.path for v in layer.trainable_variables] == ["net/kernel"]
    assert [v.path for v in layer.non_trainable_variables] == ["net/average"]
    model, found = trained(layer)
    np.testing.assert_allclose(found, wanted, 1e-5)
    close(layer.weights[0].value, theirs.kernel.numpy())
    close(layer.weights[1].value, theirs.average.numpy())
    close(model.predict(X, verbose=0), theirs.serve(X).numpy())
    assert model.outputs[0].shape == (None, 2)


def test_a_saved_models_signature_is_an_endpoint_too(tf, tmp_path):
    layer = layers.TFSMLayer(saved_linear(tf, tmp_path), call_endpoint="other")
    (found,) = layer(X).values()
    close(found, np.tanh(X @ np.full((3, 2), 0.1)))
    with tf.GradientTape() as tape:
        (found,) = layer(tf.constant(X)).values()
        loss = tf.reduce_sum(found)
    slope = tape.gradient(loss, layer.weights[0].storage.variable)
    close(tf.convert_to_tensor(slope), X.T @ (1 - np.tanh(X @ np.full((3, 2), 0.1)) ** 2))
    with pytest.raises(UnknownNameError, match="other"):
        layers.TFSMLayer(str(tmp_path / "saved"), call_endpoint="nothing")


def test_a_frozen_saved_model_stays_as_it_is(tf, tmp_path):
    layer = layers.TFSMLayer(saved_linear(tf, tmp_path), trainable=False)
    assert not layer.trainable_variables and len(layer.non_trainable_variables) == 2


def test_a_saved_model_is_read_again_by_who_trusts_the_file(tf, tmp_path):
    layer = layers.TFSMLayer(saved_linear(tf, tmp_path), call_training_endpoint="learn")
    with pytest.raises(UnsafeFileError):
        layers.TFSMLayer.from_config(layer.get_config())
    model, _ = trained(layer)
    again = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
