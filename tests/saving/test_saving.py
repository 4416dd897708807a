"""Model files: what is written comes back, and training goes on from it; files of Keras give Keras's predictions."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Model, layers, models, ops, tree
from amalthea.errors import UnknownNameError, UnsafeFileError
from amalthea.saving import register_keras_serializable
from tests.samples import MODELS, trained

every_model = pytest.mark.parametrize("name", MODELS)


def predictions(model, x):
    return tree.flatten(model.predict(x, verbose=0))


def assert_equal(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@every_model
@pytest.mark.parametrize("zipped", [True, False])
def test_a_model_comes_back_with_its_predictions_and_its_optimizer(name, zipped, tmp_path):
    model, x, y = trained(name)
    path = tmp_path / ("model.keras" if zipped else "folder")
    model.save(path, zipped=zipped)
    found = amalthea.saving.load_model(path)
    assert type(found) is type(model)
    assert_equal(predictions(found, x), predictions(model, x))
    assert_equal([v.numpy() for v in found.optimizer.variables], [v.numpy() for v in model.optimizer.variables])
    assert found.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


@every_model
def test_training_goes_on_as_if_it_had_not_been_interrupted(name, tmp_path):
    model, x, y = trained(name)
    model.save(tmp_path / "model.keras")
    found = amalthea.saving.load_model(tmp_path / "model.keras")
    options = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0}
    assert found.fit(x, y, **options).history == model.fit(x, y, **options).history
    assert_equal(found.get_weights(), model.get_weights())


@every_model
def test_weights_alone_go_into_a_model_of_the_same_make(name, tmp_path):
    model, x, _ = trained(name)
    model.save_weights(tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.keras")
    for file in ("m.weights.h5", "m.keras"):
        other, _, _ = trained(name, seed=2)
        assert any((a != b).any() for a, b in zip(predictions(other, x), predictions(model, x), strict=True))
        other.load_weights(tmp_path / file)
        assert_equal(predictions(other, x), predictions(model, x))


@every_model
def test_saving_what_was_loaded_gives_the_same_file(name, tmp_path):
    model, _, _ = trained(name)
    model.save(tmp_path / "1.keras")
    amalthea.saving.load_model(tmp_path / "1.keras").save(tmp_path / "2.keras")
    configs = [json.loads(zipfile.ZipFile(tmp_path / f"{i}.keras").read("config.json")) for i in (1, 2)]
    assert configs[0] == configs[1]


@every_model
def test_an_architecture_goes_through_json_and_gets_new_weights(name):
    model, x, _ = trained(name)
    found = models.model_from_json(model.to_json())
    assert [w.shape for w in found.weights] == [w.shape for w in model.weights]
    found.set_weights(model.get_weights())
    assert_equal(predictions(found, x), predictions(model, x))


def test_a_model_can_be_loaded_without_being_compiled(tmp_path):
    model, x, _ = trained("sequential")
    model.save(tmp_path / "m.keras")
    found = amalthea.saving.load_model(tmp_path / "m.keras", compile=False)
    assert not found.compiled
    assert_equal(predictions(found, x), predictions(model, x))


def test_a_file_that_is_there_is_kept_if_asked(tmp_path):
    model, _, _ = trained("sequential")
    model.save(tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()
    with pytest.raises(ValueError, match="there already"):
        model.save(tmp_path / "m.keras", overwrite=False)
    assert (tmp_path / "m.keras").read_bytes() == before


def test_nothing_is_left_where_writing_fails(tmp_path):
    model, _, _ = trained("sequential")
    model.layers[0].activation = lambda x: x  # a function that no file can name
    model.layers[0].get_config = lambda: {"activation": object()}
    with pytest.raises(TypeError):
        model.save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------- files of Keras

FILES = Path(__file__).parent / "keras_files"


@register_keras_serializable("my_pkg")
def my_act(x):
    return 2.0 * ops.tanh(x)


@register_keras_serializable("my_pkg")
class Scale(layers.Layer):
    def __init__(self, factor, act, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.act = factor, amalthea.activations.get(act)
        self.sub = layers.Dense(2, name="subdense")
        self.stack = [layers.Dense(2), {"inner": layers.Dense(2)}]

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1],), "ones")
        self.sub.build(input_shape)
        self.stack[0].build((None, 2))
        self.stack[1]["inner"].build((None, 2))

    def call(self, x):
        return self.stack[1]["inner"](self.stack[0](self.sub(self.act(x * self.w * self.factor))))


@register_keras_serializable("my_pkg")
class Sub(Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.d1, self.bn = layers.Dense(units), layers.BatchNormalization()
        self.blocks = [layers.Dense(units, "relu") for _ in range(2)]

    def call(self, x, training=False):
        x = self.bn(self.d1(x), training=training)
        for block in self.blocks:
            x = block(x)
        return x


def arrays(name, letter):
    return [np.load(path) for path in sorted(FILES.glob(f"{name}.{letter}*.npy"))]


@pytest.mark.parametrize("name", sorted(p.stem for p in FILES.glob("*.keras") if p.stem != "lambda_unsafe"))
def test_a_file_of_keras_gives_its_predictions(name):
    missing = sorted(classes_in(FILES / f"{name}.keras") - set(vars(layers)))
    if missing:
        pytest.skip(f"there is no layer {', '.join(missing)} yet")
    model = amalthea.saving.load_model(FILES / f"{name}.keras")
    x = arrays(name, "x")
    for found, want in zip(predictions(model, x if len(x) > 1 else x[0]), arrays(name, "y"), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


def classes_in(path):
    """The classes of ``keras.layers`` that a file names."""
    found = set()

    def visit(data):
        if isinstance(data, dict):
            if data.get("module") == "keras.layers":
                found.add(data["class_name"])
            for value in data.values():
                visit(value)
        elif isinstance(data, list):
            for value in data:
                visit(value)

    visit(json.loads(zipfile.ZipFile(path).read("config.json")))
    return found


@pytest.mark.parametrize("name", sorted(p.name.removesuffix(".weights.h5") for p in FILES.glob("*.weights.h5")))
def test_a_weights_file_of_keras_goes_into_the_model(name):
    if classes_in(FILES / f"{name}.keras") - set(vars(layers)):
        pytest.skip("a layer of it does not exist yet")
    model = amalthea.saving.load_model(FILES / f"{name}.keras")
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    model.load_weights(FILES / f"{name}.weights.h5")
    x = arrays(name, "x")
    for found, want in zip(predictions(model, x if len(x) > 1 else x[0]), arrays(name, "y"), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(not hasattr(layers, "DepthwiseConv2D"), reason="there is no layer DepthwiseConv2D yet")
def test_the_optimizer_of_a_file_of_keras_comes_along():
    model = amalthea.saving.load_model(FILES / "conv_bn_adam.keras")
    assert int(model.optimizer.iterations) > 0
    assert any(np.abs(v.numpy()).max() > 0 for v in model.optimizer.variables[2:])


def test_a_lambda_is_refused():
    with pytest.raises(UnsafeFileError, match="safe_mode=False") as caught:
        amalthea.saving.load_model(FILES / "lambda_unsafe.keras")
    assert "lambda_unsafe.keras" in "\n".join(caught.value.__notes__)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="its code was written by Python 3.11")
def test_a_lambda_runs_where_the_file_is_trusted():
    model = amalthea.saving.load_model(FILES / "lambda_unsafe.keras", safe_mode=False)
    assert np.isfinite(model.predict(np.ones((2, *model.input_shape[1:]), "float32"), verbose=0)).all()


def test_a_name_that_is_not_known_is_refused_with_what_to_do(tmp_path):
    model, _, _ = trained("sequential")
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        config = archive.read("config.json").replace(b'"Dense"', b'"Dance"')
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", weights)
    with pytest.raises(UnknownNameError, match="custom_objects"):
        amalthea.saving.load_model(tmp_path / "m.keras")
