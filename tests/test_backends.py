"""Choosing a backend, and changing it under a living model."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, backends, layers
from amalthea.errors import MissingLibraryError, UnknownNameError

INSTALLED = backends.complete()
X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")


def network():
    amalthea.random.set_random_seed(3)
    model = Sequential(
        [layers.Input((6,)), layers.Dense(8, "tanh"), layers.BatchNormalization(), layers.Dense(2, "softmax")]
    )
    model.compile(amalthea.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def losses(model, epochs, first=0):
    return model.fit(X, Y, batch_size=8, epochs=epochs, initial_epoch=first, shuffle=False, verbose=0).history["loss"]


@pytest.fixture(scope="module")
def reference():
    with backends.use_backend("numpy"):
        return losses(network(), 6)


@pytest.mark.parametrize("first", INSTALLED)
@pytest.mark.parametrize("second", INSTALLED)
def test_a_model_trained_on_one_backend_goes_on_with_another(first, second, reference):
    """Weights, moving averages, optimizer slots and step count come along: the curve is that of one backend."""
    with backends.use_backend(first):
        model = network()
        begun = losses(model, 3)
    with backends.use_backend(second):
        ended = losses(model, 6, first=3)
        assert int(model.optimizer.iterations) == 24
    np.testing.assert_allclose([*begun, *ended], reference, rtol=1e-4)


@pytest.mark.parametrize("backend", INSTALLED)
def test_a_value_that_a_user_holds_outlives_the_steps_that_follow(backend):
    with backends.use_backend(backend):
        model = network()
        kernel = model.weights[0]
        model.train_on_batch(X, Y)
        for _ in range(2):
            held, copy = kernel.value, kernel.numpy()
            model.train_on_batch(X, Y)
            assert not np.array_equal(kernel.numpy(), copy)
            if backend != "torch":  # there a value is the live parameter, as torch.optim wants it
                np.testing.assert_array_equal(np.asarray(held), copy)


@pytest.mark.parametrize("first", INSTALLED)
def test_an_executable_finds_its_variables_after_they_were_elsewhere(first):
    """Away to another backend and back: what the first one compiled goes on with the newest values."""
    count = amalthea.Variable(np.float32(0))
    step = amalthea.jit(lambda: (count.assign_add(1.0), count.value)[1])
    for name in (first, *INSTALLED, first):
        with backends.use_backend(name):
            step()
    assert float(count) == len(INSTALLED) + 2


@pytest.mark.parametrize("backend", INSTALLED)
def test_the_same_seed_gives_the_same_weights(backend):
    with backends.use_backend("numpy"):
        want = network().get_weights()
    with backends.use_backend(backend):
        for a, b in zip(network().get_weights(), want, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_choice_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv("AMALTHEA_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    assert backends.chosen() == ("numpy", "KERAS_BACKEND")
    monkeypatch.setenv("AMALTHEA_BACKEND", "onnxruntime")
    assert backends.chosen() == ("onnxruntime", "AMALTHEA_BACKEND")
    monkeypatch.setenv("AMALTHEA_BACKEND", "nmpy")
    with pytest.raises(UnknownNameError, match="numpy"):
        backends.chosen()
    monkeypatch.delenv("AMALTHEA_BACKEND")
    monkeypatch.setenv("KERAS_BACKEND", "mxnet")
    assert backends.chosen()[0] == backends.DEFAULT


def test_a_keras_json_that_names_a_missing_library_is_passed_over(monkeypatch):
    for name in ("AMALTHEA_BACKEND", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(backends.config, "file_settings", lambda: {"backend": "numpy"})
    assert backends.chosen() == ("numpy", "keras.json")
    monkeypatch.setattr(backends, "installed", lambda: ["onnxruntime"])
    assert backends.chosen()[0] == backends.DEFAULT


def test_a_missing_library_is_told_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(backends.KNOWN, "nowhere", backends.Known("nowhere", "amalthea.backends.nowhere", "Nowhere"))
    with pytest.raises(MissingLibraryError, match=r"pip install amalthea\[nowhere\]"):
        backends.load("nowhere")


def test_executables_that_share_some_variables_soon_stop_regrouping_them():
    """Two steps in turn, one writing a and b, the other a alone: after the first round no memory is bound again."""
    with backends.use_backend("onnxruntime"):
        from amalthea.backends.groups import Group

        a, b = amalthea.Variable(np.float32(1)), amalthea.Variable(np.float32(10))
        both = amalthea.jit(lambda x: (a.assign_add(x), b.assign_add(x), a.value)[2])
        one = amalthea.jit(lambda x: (a.assign_add(x), a.value)[1])
        versions = []
        for _ in range(4):
            both(np.float32(1))
            one(np.float32(1))
            versions.append(Group.version)
        assert versions[1] == versions[-1]
        assert [float(a), float(b)] == [9, 14]
