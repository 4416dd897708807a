"""Choosing a backend, and changing it under a living model."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers
from amalthea.cli import doctor
from amalthea.engine import backends
from amalthea.errors import MissingLibraryError, UnknownNameError
from tests.arrays import numbers
from tests.backends import COMPLETE, every_backend

X = numbers(32, 6)
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


@pytest.mark.parametrize("first", COMPLETE)
@pytest.mark.parametrize("second", COMPLETE)
def test_a_model_trained_on_one_backend_goes_on_with_another(first, second, reference):
    """Weights, moving averages, optimizer slots and step count come along: the curve is that of one backend."""
    with backends.use_backend(first):
        model = network()
        begun = losses(model, 3)
    with backends.use_backend(second):
        ended = losses(model, 6, first=3)
        assert int(model.optimizer.iterations) == 24
    np.testing.assert_allclose([*begun, *ended], reference, rtol=1e-4)


@every_backend
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


@pytest.mark.parametrize("first", COMPLETE)
def test_an_executable_finds_its_variables_after_they_were_elsewhere(first):
    """Away to another backend and back: what the first one compiled goes on with the newest values."""
    count = amalthea.Variable(np.float32(0))
    step = amalthea.jit(lambda: (count.assign_add(1.0), count.value)[1])
    for name in (first, *COMPLETE, first):
        with backends.use_backend(name):
            step()
    assert float(count) == len(COMPLETE) + 2


@every_backend
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
    monkeypatch.setenv("KERAS_BACKEND", "nmpy")
    with pytest.raises(UnknownNameError, match="numpy"):
        backends.chosen()


def test_a_keras_json_that_names_a_missing_library_is_passed_over(monkeypatch):
    for name in ("AMALTHEA_BACKEND", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(backends.settings, "file_settings", lambda: {"backend": "numpy"})
    assert backends.chosen() == ("numpy", "keras.json")
    monkeypatch.setattr(backends, "installed", lambda: ["onnxruntime"])
    assert backends.chosen()[0] == backends.DEFAULT


UNUSABLE = {  # what a keras.json holds, and what is said of it
    "damaged": ("{", ("cannot be read", "keras.json")),
    "not_settings": ("[1]", ("list", "keras.json")),
    "unknown_backend": ('{"backend": "nmpy"}', ("'nmpy'", "use 'numpy'", "ONNX Runtime is used")),
    "unknown_dtype": ('{"floatx": "float99"}', ("'floatx' is left out", "float99")),
    "text_for_a_number": ('{"epsilon": "tiny"}', ("'epsilon' is left out", "tiny")),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_keras_json_is_reported_once(case, tmp_path):
    text, words = UNUSABLE[case]
    (tmp_path / "keras.json").write_text(text)
    code = "from amalthea import backend as b; print(b._BACKEND, b.backend(), b.floatx(), b.epsilon())"
    found = run_python(code, tmp_path)
    assert found.stdout.split() == [backends.DEFAULT, backends.DEFAULT, "float32", "1e-07"]
    assert len(found.stderr.splitlines()) == 1
    assert all(word in found.stderr for word in words)


@pytest.mark.parametrize("source", ["AMALTHEA_BACKEND", "KERAS_BACKEND"])
def test_an_unknown_name_in_the_environment_is_an_error_that_names_its_source(source, tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_python("from amalthea import backend; print(backend._BACKEND)", tmp_path, **{source: "nmpy"})
    assert all(word in caught.value.stderr for word in ("UnknownNameError", "use 'numpy'", f"{source}=nmpy"))


def test_asking_for_the_choice_tells_it_as_keras_does(tmp_path):
    code = "from amalthea import backend; print(backend._BACKEND)"
    told = run_python(code, tmp_path, KERAS_BACKEND="numpy")
    assert (told.stdout, told.stderr) == ("numpy\n", "Using NumPy backend. (chosen by KERAS_BACKEND)\n")
    told = run_python(code, tmp_path, {"backend": "numpy"})
    assert told.stderr == f"Using NumPy backend. (chosen by {tmp_path / 'keras.json'})\n"
    told = run_python(code, tmp_path, {"backend": backends.DEFAULT}, KERAS_BACKEND="")
    assert told.stdout == f"{backends.DEFAULT}\n"


def test_the_default_is_told_of_no_one(tmp_path):
    assert run_python("from amalthea import backend; print(backend._BACKEND)", tmp_path).stderr == ""


def test_a_missing_library_is_told_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(
        backends.KNOWN, "nowhere", backends.Known("nowhere", "amalthea.engine.backends.nowhere", "Nowhere")
    )
    with pytest.raises(MissingLibraryError, match=r"pip install amalthea\[nowhere\]"):
        backends.load("nowhere")


def test_executables_that_share_some_variables_soon_stop_regrouping_them():
    """Two steps in turn, one writing a and b, the other a alone: after the first round no memory is bound again."""
    with backends.use_backend("onnxruntime"):
        from amalthea.engine.backends.variable_groups import VariableGroup

        a, b = amalthea.Variable(np.float32(1)), amalthea.Variable(np.float32(10))
        both = amalthea.jit(lambda x: (a.assign_add(x), b.assign_add(x), a.value)[2])
        one = amalthea.jit(lambda x: (a.assign_add(x), a.value)[1])
        versions = []
        for _ in range(4):
            both(np.float32(1))
            one(np.float32(1))
            versions.append(VariableGroup.version)
        assert versions[1] == versions[-1]
        assert [float(a), float(b)] == [9, 14]


def run_python(code, tmp_path, settings=None, **environment):
    """What a fresh process prints, with a Keras home of its own."""
    if settings is not None:
        (tmp_path / "keras.json").write_text(json.dumps(settings))
    cleared = {k: v for k, v in os.environ.items() if k not in ("AMALTHEA_BACKEND", "KERAS_BACKEND")}
    environment = {**cleared, "KERAS_HOME": str(tmp_path), **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)


def test_keras_json_chooses_the_backend_and_the_settings(tmp_path):
    code = (
        "from amalthea import backend as b; import amalthea.layers as l; "
        "print(b.backend(), b._BACKEND, b.floatx(), b.epsilon(), b.image_data_format(), b.image_dim_ordering()); "
        "print(l.Dense(2)(l.Input((3,))).dtype)"
    )
    first = {"backend": "numpy", "floatx": "float64", "epsilon": 1e-5, "image_dim_ordering": "th"}
    found = run_python(code, tmp_path, first)
    assert found.stdout.split() == ["numpy", "numpy", "float64", "1e-05", "channels_first", "th", "float64"]
    newer = {"backend": "numpy", "floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
    found = run_python(code, tmp_path, newer, KERAS_BACKEND="onnxruntime")
    assert found.stdout.split() == ["onnxruntime", "onnxruntime", "float32", "1e-07", "channels_last", "tf", "float32"]


def test_a_choice_is_told_once_on_stderr_and_the_default_is_not(tmp_path):
    code = "import amalthea; [amalthea.ops.add(1.0, 2.0) for _ in range(2)]; amalthea.set_backend('numpy')"
    assert run_python(code, tmp_path).stderr == "Using NumPy backend. (chosen by the program)\n"
    told = run_python(code, tmp_path, AMALTHEA_BACKEND="numpy")
    assert (told.stdout, told.stderr) == ("", "Using NumPy backend. (chosen by AMALTHEA_BACKEND)\n")


def test_theano_lives_on_as_pytensor(monkeypatch):
    monkeypatch.delenv("AMALTHEA_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert backends.chosen() == ("pytensor", "KERAS_BACKEND")


def test_the_doctor_says_what_was_chosen_and_why(monkeypatch):
    monkeypatch.setenv("AMALTHEA_BACKEND", "numpy")
    backends._reset()
    facts = doctor.facts()
    assert facts["backend"] == "numpy (chosen by AMALTHEA_BACKEND)"
    assert facts["devices"] == "cpu:0"
    assert facts["numpy"] == np.__version__
    monkeypatch.setenv("AMALTHEA_BACKEND", "nmpy")
    backends._reset()
    assert facts["devices"] != doctor.facts()["devices"] == "-"
    monkeypatch.undo()
    backends._reset()


def test_the_config_sets_the_backend(tmp_path):
    code = "import amalthea; amalthea.config.set_backend('numpy'); print(amalthea.config.backend())"
    assert run_python(code, tmp_path).stdout == "numpy\n"


@every_backend
def test_a_model_that_was_moved_runs_there(backend, reference):
    with backends.use_backend("numpy"):
        model = network()
        begun = losses(model, 3)
        assert model.to(backend) is model
        ended = losses(model, 6, first=3)
        np.testing.assert_allclose([*begun, *ended], reference, rtol=1e-4)
        with backends.use_backend(backend) as there:
            kind = type(there.array([1.0], "float32"))
        assert isinstance(model(X), kind)
        assert type(model.weights[0].storage) is there.storage
        assert backends.current().name == "numpy"
        with pytest.raises(UnknownNameError):
            model.to("nmpy")


@every_backend
def test_devices_are_listed_and_chosen(backend):
    with backends.use_backend(backend):
        devices = amalthea.distribution.list_devices()
        assert "cpu:0" in devices
        assert amalthea.distribution.get_device_count("cpu") == len(amalthea.distribution.list_devices("CPU"))
        with amalthea.device("CPU") as name:
            assert name == backends.current().device == "cpu:0"
            model = network()
            first = losses(model, 1)
        with pytest.raises(UnknownNameError, match="cpu:0"), amalthea.device("abacus:1"):
            pass
    assert first[0] > 0


@pytest.mark.parametrize("first", COMPLETE)
@pytest.mark.parametrize("second", COMPLETE)
def test_arrays_go_from_one_library_to_another(first, second):
    for dtype in ("float32", "int32"):
        with backends.use_backend(first) as source:
            made = source.array([[1, 2], [3, 4]], dtype)
        with backends.use_backend(second) as target:
            doubled = amalthea.ops.add(target.array(made, dtype), made)
            assert isinstance(doubled, type(target.array([1], dtype)))
            np.testing.assert_array_equal(target.to_numpy(doubled), [[2, 4], [6, 8]])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@every_backend
def test_a_relu_before_a_mean_over_places_is_differentiated(backend, optimizer):
    """The cotangent of the mean is one value repeated, which the relu's gradient has to see in full; and the gradient
    of a convolution's kernel may lie in memory in another order than the kernel.
    """
    x = numbers(2, 6, 6, 3)

    def trained(name):
        with backends.use_backend(name):
            amalthea.random.set_random_seed(1)
            parts = [layers.Conv2D(2, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(1)]
            model = Sequential([layers.Input((6, 6, 3)), *parts])
            model.compile(optimizer, "mse")
            before = model.get_weights()
            for _ in range(3):
                model.train_on_batch(x, np.ones((2, 1), "float32"))
            return [after - start for after, start in zip(model.get_weights(), before)]

    for found, wanted in zip(trained(backend), trained("numpy"), strict=True):
        assert np.abs(wanted).max() > 1e-4
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7)
