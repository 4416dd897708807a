"""Core ML: types of the saved program, images, labels, precisions, and what is refused before anything is written."""

from __future__ import annotations

import os

import numpy as np
import pytest

pytest.importorskip("coremltools")

from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.models import MLModel

from amalthea import Input, Model, Sequential, export, layers, ops
from amalthea.errors import ArgumentError, ExportError, MissingLibraryError
from amalthea.export import targets
from tests.export import (
    layers_tried,  # noqa: F401, with the stand-in of Core ML's runtime
    mil,
)
from tests.samples import trained


def image_model(channels=3):
    rng = np.random.default_rng(0)
    model = Sequential([Input((6, 5, channels), name="photo"), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    for v in model.weights:
        v.assign(rng.normal(size=v.shape) / 9)
    return model


def written(model, tmp_path, **options):
    path = tmp_path / "m.mlpackage"
    model.export(path, verbose=False, **options)
    return path


def reloaded(path):
    """The program of a package as coremltools reads it: each op is built, and its types are inferred, anew."""
    model = MLModel(str(path), skip_model_load=True)
    return load(model.get_spec(), specification_version=model.get_spec().specificationVersion,
                file_weights_dir=model.weights_dir)  # fmt: skip


@pytest.mark.parametrize("name", ["convolutional", "recurrent"])
def test_a_package_is_type_checked_by_its_own_library(name, tmp_path):
    model, _, _ = trained(name)
    program = reloaded(written(model, tmp_path))
    assert program.functions["main"].outputs


def test_open_sizes_have_a_range_and_others_are_refused(tmp_path):
    path = written(Sequential([Input((None, 4), name="words"), layers.GRU(3)]), tmp_path)
    program = mil.Program(path)
    (port,) = program.spec.description.input
    ranges = [(r.lowerBound, r.upperBound) for r in port.type.multiArrayType.shapeRange.sizeRanges]
    assert ranges == [(1, 4096), (1, 4096), (4, 4)]
    for shape in ((1, 2, 4), (3, 7, 4)):
        (got,) = program.run({"words": np.zeros(shape, "float32")}).values()
        assert got.shape == (shape[0], 3)
    with pytest.raises(AssertionError, match="is not"):
        program.run({"words": np.zeros((1, 2, 3), "float32")})


@pytest.mark.parametrize(("channels", "color"), [(3, "RGB"), (3, "BGR"), (1, "GRAYSCALE")])
def test_an_image_is_scaled_and_shifted(channels, color, tmp_path):
    bias = [0.5, -1.0, 0.25][:channels]
    model = image_model(channels)
    given = {"photo": {"scale": 1 / 127, "bias": bias, "color": color}}
    path = written(model, tmp_path, batch_size=1, image_inputs=given)
    program = mil.Program(path)
    (port,) = program.spec.description.input
    about = port.type.imageType
    assert (about.height, about.width) == (6, 5)
    assert about.ColorSpace.Name(about.colorSpace) == color
    pixels = np.random.default_rng(1).integers(0, 256, (1, channels, 6, 5)).astype("float32")
    elements = pixels.transpose(0, 2, 3, 1) / 127 + np.array(bias, "float32")
    wanted = model.predict(elements.astype("float32"), verbose=0)
    (got,) = program.run({"photo": pixels}).values()
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_a_classifier_answers_with_a_label(tmp_path):
    model = image_model()
    path = written(model, tmp_path, batch_size=1, class_labels=["cat", "dog", "fish"])
    program = mil.Program(path)
    x = np.random.default_rng(2).normal(size=(1, 6, 5, 3)).astype("float32")
    scores = model.predict(x, verbose=0)[0]
    label, shares = program.run({"photo": x}).values()
    assert label == ["cat", "dog", "fish"][scores.argmax()]
    assert shares == pytest.approx(dict(zip(["cat", "dog", "fish"], scores)), rel=1e-5)
    assert program.spec.description.predictedFeatureName == "classLabel"


def test_truths_and_names_are_those_that_a_program_has(tmp_path):
    flags, number = Input((3,), dtype="bool", name="on/off"), Input((3,), name="2nd")
    both = ops.logical_and(flags, ops.greater(number, 0.0))
    path = written(Model([flags, number], both), tmp_path)
    program = mil.Program(path)
    assert [x.name for x in program.spec.description.input] == ["on_off", "_2nd"]
    feeds = {"on_off": np.array([[1, 0, 1]]), "_2nd": np.array([[1.0, 1, -1]], "float32")}
    (got,) = program.run(feeds).values()
    assert got.tolist() == [[1, 0, 0]] and got.dtype == np.int32


def test_a_check_needs_a_mac(tmp_path, monkeypatch):
    model = image_model()
    path = written(model, tmp_path)
    target = targets.target("coreml")
    monkeypatch.delattr(target, "runner")
    with pytest.raises(MissingLibraryError, match="Mac"):
        export.check_export(model, path)


REFUSED = {
    "labels of another format": (ArgumentError, "no class_labels", {"format": "litert", "class_labels": ["a"]}),
    "too few labels": (ArgumentError, "one label", {"batch_size": 1, "class_labels": ["a"]}),
    "labels are a text": (ArgumentError, "list of texts", {"batch_size": 1, "class_labels": "abc"}),
    "labels of rows": (ExportError, "one row", {"class_labels": ["a", "b", "c"]}),
    "no such image": (ArgumentError, "no such input", {"image_inputs": ["foto"]}),
    "images of rows": (ExportError, "shape of one image", {"image_inputs": "photo"}),
    "color": (ArgumentError, "does not fit", {"batch_size": 1, "image_inputs": {"photo": {"color": "GRAYSCALE"}}}),
    "option of an image": (ArgumentError, "a scale, a bias", {"batch_size": 1, "image_inputs": {"photo": {"std": 2}}}),
    "bias": (ArgumentError, "for each channel", {"batch_size": 1, "image_inputs": {"photo": {"bias": [1, 2]}}}),
    "scale": (ArgumentError, "is a number", {"batch_size": 1, "image_inputs": {"photo": {"scale": "x"}}}),
    "int8": (ArgumentError, "no such dtype", {"dtype": "int8"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(case, tmp_path):
    error, words, options = REFUSED[case]
    with pytest.raises(error, match=words):
        image_model().export(tmp_path / "m.mlpackage", verbose=False, **options)
    assert os.listdir(tmp_path) == []


def wide_integers():
    x = Input((3,), dtype="int64")
    return Model(x, x + 1)


def many_axes():
    x = Input((2, 2, 2, 2))
    return Model(x, ops.transpose(ops.reshape(x, (-1, 2, 1, 2, 2, 2)), (0, 5, 4, 3, 2, 1)))


def wrapping():
    x = Input((3,))
    return Model(x, ops.cast(x, "uint8") * 100)


MODELS = {"64 bits": wide_integers, "6 axes": many_axes, "integers of 8 bits": wrapping}
WORDS = {"64 bits": "32 bits", "6 axes": "at most 5 axes", "integers of 8 bits": "32 bits alone"}


@pytest.mark.parametrize("case", MODELS)
def test_what_programs_do_not_have_is_refused_by_name(case, tmp_path):
    with pytest.raises(ExportError, match=WORDS[case]):
        MODELS[case]().export(tmp_path / "m.mlpackage", verbose=False)
    assert os.listdir(tmp_path) == []


def functions() -> Model:
    x = Input((5,))
    several = [ops.expm1, ops.log1p, ops.arcsinh, ops.arctan, ops.sinh, ops.softplus, ops.erf, ops.isnan, ops.isinf,
               ops.reciprocal, ops.floor, ops.sign, ops.rsqrt, ops.log, ops.round]  # fmt: skip
    with_axis = [ops.cumsum, ops.flip, ops.argmax, ops.sort]
    others = [ops.arctan2(x, ops.flip(x, -1)), ops.top_k(x, 2)[0], ops.log_softmax(x), x // 2, x % 2, ops.max(x)]
    others += [ops.any(x > 1, axis=-1)]
    return Model(x, [*(f(x) for f in several), *(f(x, axis=-1) for f in with_axis), *others])


def test_functions_of_ops(tmp_path):
    model = functions()
    path = written(model, tmp_path)
    x = np.array([[0.0, 0.25, 1e-9, 2.5, -3.0], [np.inf, -np.inf, np.nan, 0.5, 1e5]], "float32")
    got = list(mil.Program(path).run({model.inputs[0].name: x}).values())
    for value, wanted in zip(got, model(x), strict=True):
        np.testing.assert_allclose(value, np.asarray(ops.convert_to_numpy(wanted)), rtol=1e-5, atol=1e-6)
