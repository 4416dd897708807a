"""SavedModels and checkpoints of TensorFlow, and models of TF.js, as Keras 2 wrote them: read without TensorFlow."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers
from amalthea.errors import ArgumentError, ModelFileError, UnknownNameError

FILES = Path(__file__).parent / "saved_models"
MODELS = (
    "dense",
    "shared",
    "convolutional",
    "recurrent",
    "stacked",
    "attention",
    "nested",
    "legacy_adam",
    "keras24",
    "keras27",
    "keras212",
)
TFJS = {name: 1e-5 for name in MODELS if not name.startswith("keras")} | {"browser": 1e-5, "half": 1e-5}
# Quantized weights are the original ones to half a step of their quantization; those of "half" are halves.
QUANTIZED = {"float16": 1e-5, "uint16": 1e-4, "uint8": 0.02}


def stored(name):
    """Inputs, predictions, targets and the losses of further steps."""
    with np.load(FILES / f"{name}.npz") as data:
        inputs = [data[key] for key in sorted(data) if key[0] == "x"]
        rest = [data.get(key) for key in ("y", "t", "losses")]
    if name == "keras27":  # RMSprop, whose epsilon stood outside the root: only the first loss is of the same weights
        rest[2] = rest[2][:1]
    return (inputs if len(inputs) > 1 else inputs[0], *rest)


def trains_on(model, x, t, losses):
    found = [float(np.ravel(model.train_on_batch(x, t))[0]) for _ in losses]
    np.testing.assert_allclose(found, losses, rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_predicts_and_trains_on_as_it_did(name):
    x, y, t, losses = stored(name)
    model = amalthea.saving.load_model(FILES / name / "saved")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-5)
    trains_on(model, x, t, losses)


@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_gives_a_built_model_its_weights_and_its_optimizers_state(name):
    x, y, t, losses = stored(name)
    model = amalthea.saving.load_model(FILES / name / "saved")
    model.set_weights([w * 0 + 0.5 for w in model.get_weights()])
    for variable in model.optimizer.variables:
        variable.assign(variable.numpy() * 0)
    model.load_weights(FILES / name / "ckpt")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-5)
    trains_on(model, x, t, losses)


@pytest.mark.parametrize("name", TFJS)
def test_a_model_of_a_browser_predicts_as_it_did(name):
    folder = FILES / name if name == "browser" else FILES / name / "tfjs"
    x, y, *_ = stored(name)
    model = amalthea.saving.load_model(folder / "model.json")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=TFJS[name])
    other = type(model).from_config(model.get_config())
    other.load_weights(folder / "model.json")
    np.testing.assert_allclose(other.predict(x, verbose=0), y, atol=TFJS[name])


@pytest.mark.parametrize("kind", QUANTIZED)
def test_quantized_weights_of_a_browser_are_read_as_numbers(kind):
    x, y, *_ = stored("half")
    model = amalthea.saving.load_model(FILES / "half" / f"tfjs_{kind}" / "model.json")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=QUANTIZED[kind])
    assert {w.dtype.name for w in model.get_weights()} == {"float32"}


class TwoBlocks(Model):
    """The class of the model in ``subclassed``."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units, "relu")
        self.rest = [layers.Dense(units), layers.LayerNormalization()]
        self.scale = None

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(self.units,), initializer="ones")

    def call(self, x):
        x = self.first(x)
        for layer in self.rest:
            x = layer(x)
        return x * self.scale


@pytest.mark.parametrize("checkpoint", ["ckpt", "trained", "trained.index", "saved"])
def test_attributes_lead_to_the_weights_of_a_model_of_ones_own_class(checkpoint):
    x, y, *_ = stored("subclassed")
    model = TwoBlocks()
    model.build((None, 4))  # of a method that makes one weight, and leaves the layers as they are
    with pytest.raises(ModelFileError, match="first .which is not built"):
        model.load_weights(FILES / "subclassed" / checkpoint)
    model(x)
    model.load_weights(FILES / "subclassed" / checkpoint)
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-5)


def test_a_saved_model_of_ones_own_class_is_built_from_it():
    x, y, t, losses = stored("subclassed")
    path = FILES / "subclassed" / "saved"
    with pytest.raises(UnknownNameError, match="TwoBlocks"):
        amalthea.saving.load_model(path)
    model = amalthea.saving.load_model(path, custom_objects={"TwoBlocks": TwoBlocks})
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-5)
    trains_on(model, x, t, losses)


def test_vocabularies_are_found_among_the_constants_of_a_saved_model(tmp_path):
    x, y, *_ = stored("words")
    model = amalthea.saving.load_model(FILES / "words" / "saved")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-5)
    assert model.get_layer("text_vectorization").get_vocabulary() == ["", "[UNK]", "bird", "a", "the", "song", "sings"]
    model.set_weights([w * 0 for w in model.get_weights()])
    model.load_weights(FILES / "words" / "ckpt")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-5)
    shutil.copytree(FILES / "words" / "saved", tmp_path / "saved")
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ModelFileError, match="vocabulary of layer"):
        amalthea.saving.load_model(tmp_path / "saved")


def test_without_compile_a_saved_model_is_not_compiled():
    assert not amalthea.saving.load_model(FILES / "dense" / "saved", compile=False).compiled


def small():
    model = Sequential([Input((4,)), layers.Dense(5), layers.Dense(7)])
    model.compile("adam", "mse")
    return model


def load_weights(*path, **options):
    return lambda: small().load_weights(FILES.joinpath(*path), **options)


REFUSED = {
    "a SavedModel of functions": (lambda: amalthea.saving.load_model(FILES / "exported"), "functions for TensorFlow"),
    "a checkpoint as a model": (lambda: amalthea.saving.load_model(FILES / "dense" / "ckpt"), "load_model cannot"),
    "weights of functions": (load_weights("exported"), "no value for 4 of 4"),
    "a checkpoint by name": (load_weights("dense", "ckpt", by_name=True), "graph of its objects"),
    "another model": (load_weights("dense", "ckpt"), "another shape"),
    "another model's files of TF.js": (load_weights("dense", "tfjs", "model.json"), "do not fit it"),
    "nothing there": (load_weights("dense", "none"), "does not exist"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_files_that_do_not_fit_are_refused_in_words(kind):
    call, words = REFUSED[kind]
    with pytest.raises((ModelFileError, ArgumentError), match=words):
        call()


@pytest.mark.parametrize("path", ["ckpt", "tfjs/model.json"])
def test_a_file_that_does_not_fit_changes_nothing_or_is_skipped_in_part(path):
    model = small()
    before = model.get_weights()
    with pytest.raises(ModelFileError):
        model.load_weights(FILES / "dense" / path)
    for found, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, want)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.load_weights(FILES / "dense" / path, skip_mismatch=True)
    assert any("Skipped" in str(w.message) for w in said)
    kernel = amalthea.saving.load_model(FILES / "dense" / "saved").get_weights()[0]
    np.testing.assert_array_equal(model.get_weights()[0], kernel if path == "ckpt" else before[0])


def test_the_state_of_another_optimizer_is_left_out_with_a_warning():
    model = amalthea.saving.load_model(FILES / "dense" / "saved", compile=False)
    model.compile(amalthea.optimizers.SGD(momentum=0.9), "mse")
    with pytest.warns(UserWarning, match="optimizer state was left out"):
        model.load_weights(FILES / "dense" / "ckpt")


def test_layers_of_a_saved_model_are_found_by_name_where_their_order_differs(tmp_path):
    """Two layers of one shape: their names in the configuration tell which weights are whose."""
    x, y, *_ = stored("shared")
    model = amalthea.saving.load_model(FILES / "shared" / "saved")
    assert [layer.name for layer in model.layers if layer.weights] == ["both", "layer_normalization", "out"]
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-5)


def test_files_of_weights_are_looked_for_beside_the_model_alone(tmp_path):
    shutil.copytree(FILES / "dense" / "tfjs", tmp_path / "model")
    weights = tmp_path / "model" / "group1-shard1of1.bin"
    weights.rename(tmp_path / "weights.bin")
    text = (tmp_path / "model" / "model.json").read_text()
    for name in ("../weights.bin", str(tmp_path / "weights.bin"), "link.bin", "model.json/../../weights.bin"):
        (tmp_path / "model" / "model.json").write_text(text.replace(weights.name, name))
        if name == "link.bin":
            (tmp_path / "model" / name).symlink_to(tmp_path / "weights.bin")
        with pytest.raises(ModelFileError, match="lacks a file"):
            amalthea.saving.load_model(tmp_path / "model" / "model.json")


def test_weights_of_a_browser_in_several_files_and_groups_are_joined(tmp_path):
    shutil.copytree(FILES / "dense" / "tfjs", tmp_path / "model")
    model, x = tmp_path / "model", stored("dense")[0]
    data = json.loads((model / "model.json").read_text())
    (group,) = data["weightsManifest"]
    whole = (model / "group1-shard1of1.bin").read_bytes()
    first = sum(4 * int(np.prod(row["shape"])) for row in group["weights"][:2])
    for name, piece in {"a": whole[:7], "b": whole[7:first], "c": whole[first:]}.items():
        (model / name).write_bytes(piece)
    groups = [{"paths": ["a", "b"], "weights": group["weights"][:2]}, {"paths": ["c"], "weights": group["weights"][2:]}]
    (model / "model.json").write_text(json.dumps({**data, "weightsManifest": groups}))
    found = amalthea.saving.load_model(model / "model.json")
    np.testing.assert_allclose(found.predict(x, verbose=0), stored("dense")[1], atol=1e-5)
    for paths, words in {("a", "a"): "twice", ("a",): "few", ("a", "b", "c"): "many"}.items():
        groups[0]["paths"] = list(paths)
        (model / "model.json").write_text(json.dumps({**data, "weightsManifest": groups[:1]}))
        with pytest.raises(ModelFileError, match=words):
            amalthea.saving.load_model(model / "model.json")


@pytest.mark.parametrize("path", ["dense/tfjs/model.json", "dense/ckpt.index"])
def test_an_open_file_of_several_is_refused_in_words(path):
    with (FILES / path).open("rb") as file, pytest.raises(ModelFileError, match="format of this file is not known"):
        amalthea.saving.load_model(file)
