"""Models: the functional API, subclasses, Sequential, and what all of them promise."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, layers, models, tree
from tests.samples import MODELS, trained

every_model = pytest.mark.parametrize("name", MODELS)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def assert_close(found, wanted, **close):
    for a, b in zip(tree.flatten(found), tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), **(close or CLOSE))


# ----------------------------------------------------------------------------------- what all models promise


@every_model
@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_a_call_gives_what_predict_gives_whatever_the_batches(name, backend):
    with amalthea.use_backend(backend):
        model, x, _ = trained(name)
        called = model(x)
        assert tree.layout(called) == tree.layout(model.predict(x, verbose=0))
        for batch_size in (3, 10, 64):  # 10 or 12 rows: a last batch of 1, a whole one, one that is too large
            assert_close(model.predict(x, batch_size=batch_size, verbose=0), called)


@every_model
def test_the_output_shape_is_that_of_the_outputs(name):
    model, x, _ = trained(name)
    shapes = tree.map_structure(lambda a: (None, *a.shape[1:]), x)
    found = model.compute_output_shape(shapes)
    rows = len(tree.flatten(x)[0])
    wanted = tree.map_structure(lambda a: (None, *a.shape[1:]), model.predict(x, verbose=0))
    assert rows and found == wanted


@every_model
def test_a_stateless_call_gives_the_same_and_changes_nothing(name):
    model, x, _ = trained(name)
    before = model.get_weights()
    outputs, after = model.stateless_call(
        [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables], x, training=True
    )
    assert len(after) == len(model.non_trainable_variables)
    assert_close(outputs, model(x, training=True) if not model.non_trainable_variables else outputs)
    model.set_weights(before)
    zeros = [np.zeros(v.shape, "float32") for v in model.trainable_variables]
    others, _ = model.stateless_call(zeros, [v.value for v in model.non_trainable_variables], x)
    assert any(
        np.abs(np.asarray(a) - np.asarray(b)).max() > 0 for a, b in zip(tree.flatten(others), tree.flatten(model(x)))
    )
    for found, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, want)


@every_model
def test_a_clone_is_of_the_same_make_with_weights_of_its_own(name):
    model, x, _ = trained(name)
    clone = models.clone_model(model)
    if not clone.built:
        clone(x)
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    clone.set_weights(model.get_weights())
    assert_close(clone(x), model(x))


@every_model
def test_a_frozen_model_does_not_learn(name):
    model, x, y = trained(name)
    model.trainable = False
    before = model.get_weights()
    assert model.trainable_variables == [] and len(model.non_trainable_weights) == len(before)
    model.compile("sgd", model.loss)
    model.fit(x, y, verbose=0)
    for found, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, want)


@every_model
def test_an_eager_run_is_the_compiled_run(name):
    results = []
    for eager in (False, True):
        amalthea.utils.set_random_seed(1)
        model, x, y = MODELS[name]()
        model.run_eagerly = eager
        with amalthea.use_backend("numpy"):
            results.append(model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history)
    assert set(results[0]) == set(results[1])
    for key in results[0]:
        np.testing.assert_allclose(results[0][key], results[1][key], rtol=1e-4, atol=1e-5)


@every_model
def test_data_of_other_dtypes_are_cast(name):
    model, x, _ = trained(name)
    as_double = tree.map_structure(lambda a: a.astype("float64") if a.dtype.kind == "f" else a.astype("int16"), x)
    assert_close(model.predict(as_double, verbose=0), model.predict(x, verbose=0))


def test_bytes_are_pictures_too():
    model = Sequential([Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)])
    x = np.random.default_rng(0).integers(0, 255, (6, 4, 4, 1)).astype("uint8")
    assert_close(model.predict(x, verbose=0), model.predict(x.astype("float32"), verbose=0))
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(x / np.float32(255), np.ones(6), verbose=0).history["loss"][0])


# --------------------------------------------------------------------------------------------- freezing


def test_frozen_layers_alone_keep_their_weights():
    model, x, y = trained("convolutional")
    convolution, norm = model.layers[0], model.layers[1]
    convolution.trainable = False
    norm.trainable = False
    model.compile("adam", "mse")
    before = [layer.get_weights() for layer in model.layers]
    model.fit(x, y, epochs=2, verbose=0)
    same = [all(map(np.array_equal, b, layer.get_weights())) for b, layer in zip(before, model.layers) if b]
    assert same == [True, True, False]  # the frozen batch normalization moves no averages either


def test_freezing_counts_from_the_next_compile_on():
    model, x, y = trained("sequential")
    for frozen in (True, False):
        model.layers[0].trainable = not frozen
        model.compile("sgd", model.loss)
        before = model.layers[0].get_weights()[0]
        model.fit(x, y, verbose=0)
        assert np.array_equal(before, model.layers[0].get_weights()[0]) == frozen


@every_model
@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_a_copy_is_a_model_of_its_own(name, again, tmp_path):
    model, x, y = trained(name)
    found = again(model)
    before = model.get_weights()
    assert_close(found.predict(x, verbose=0), model.predict(x, verbose=0))
    found.fit(x, y, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    found.save(tmp_path / "copy.keras")
    assert_close(amalthea.saving.load_model(tmp_path / "copy.keras").predict(x, verbose=0), found.predict(x, verbose=0))
