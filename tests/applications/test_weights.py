"""Weights of architectures: files that Keras wrote, files from an address, and what does not fit."""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from amalthea import applications, models
from amalthea.applications import building, mobilenet
from amalthea.errors import AmaltheaError, ArgumentError, ModelFileError, ShapeError
from amalthea.utils.files import DownloadError
from tests.oracles.architectures import images, scaled
from tests.oracles.cases.applications import NAMES

KERAS_FILES = Path(__file__).parent / "keras_files"
ARGUMENTS = {"input_shape": (32, 32, 3), "alpha": 0.05, "classes": 3, "classifier_activation": None}
FILES = ("mobilenet.weights.h5", "mobilenet.h5")


@pytest.fixture(params=FILES)
def file(request, tmp_path):
    """A file that Keras wrote: of weights alone, and of the whole model in the format of Keras 1 and 2."""
    path = tmp_path / request.param
    path.write_bytes(gzip.decompress((KERAS_FILES / f"{request.param}.gz").read_bytes()))
    return path


def assert_predicts_as_keras(model):
    expected = np.load(KERAS_FILES / "mobilenet.y0.npy")
    found = model.predict(scaled("MobileNet", images((32, 32, 3))), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_file_of_keras_gives_its_predictions(file):
    assert_predicts_as_keras(applications.MobileNet(**ARGUMENTS, weights=file))
    assert_predicts_as_keras(applications.MobileNet(**ARGUMENTS, weights=str(file)))


def test_a_file_is_fetched_from_an_address_and_kept(file, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    assert_predicts_as_keras(applications.MobileNet(**ARGUMENTS, weights=file.as_uri()))
    assert (tmp_path / "home" / "models" / file.name).exists()


def test_weights_of_imagenet_are_fetched_kept_and_checked(file, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    digest = hashlib.md5(file.read_bytes()).hexdigest()
    right = building.Files(building.File(file.as_uri(), digest), building.File(file.as_uri(), "0" * 32))
    monkeypatch.setattr(mobilenet, "_files", lambda *arguments: right)
    monkeypatch.setattr(building, "CLASSES", 3)
    arguments = {**ARGUMENTS, "input_shape": (224, 224, 3)}
    model = applications.MobileNet(**arguments, weights="imagenet")
    assert model.name == "mobilenet_0.05_224"
    small = applications.MobileNet(**ARGUMENTS, weights=None)
    small.set_weights(model.get_weights())
    assert_predicts_as_keras(small)
    with pytest.raises(DownloadError):
        applications.MobileNet(alpha=0.05, include_top=False)


def test_without_a_network_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    gone = building.File((tmp_path / "gone.h5").as_uri())
    monkeypatch.setattr(mobilenet, "_files", lambda *arguments: building.Files(gone, gone))
    with pytest.raises(DownloadError, match=r"gone\.h5"):
        applications.MobileNet(alpha=0.25, include_top=False)


def test_a_file_of_another_model_is_refused(file):
    with pytest.raises(ModelFileError):
        applications.MobileNet(**{**ARGUMENTS, "classes": 4}, weights=file)
    with pytest.raises(ModelFileError):
        applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=file)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("Mobile")])
def test_every_architecture_names_two_files_with_hashes(name, monkeypatch):
    plans = []

    def begin(plan, arguments, files, *rest, **options):
        plans.append(files)
        raise StopIteration

    monkeypatch.setattr(building.Plan, "__init__", begin)
    with pytest.raises(StopIteration):
        getattr(applications, name)()
    for file in plans[0]:
        assert file.origin.startswith("https://storage.googleapis.com/") and file.origin.endswith(".h5")
        assert len(file.file_hash) in (32, 64) and int(file.file_hash, 16)


SMALL = {"weights": None, "input_shape": (32, 32, 3)}
REFUSED = {
    "weights misspelt": ("ResNet50", {"weights": "imagnet"}, ArgumentError),
    "weights of a number": ("ResNet50", {"weights": 1}, ArgumentError),
    "classes of ImageNet": ("ResNet50", {"classes": 10}, ArgumentError),
    "no weights for alpha": ("MobileNet", {"alpha": 0.3}, ArgumentError),
    "no weights for the multiplier": ("MobileNet", {"depth_multiplier": 2}, ArgumentError),
    "no weights for alpha of V2": ("MobileNetV2", {"alpha": 0.3}, ArgumentError),
    "no weights for alpha of V3": ("MobileNetV3Small", {"alpha": 0.3}, ArgumentError),
    "shape of ImageNet": ("ResNet50", {"input_shape": (200, 200, 3)}, ShapeError),
    "channels of ImageNet": ("ResNet50", {"input_shape": (224, 224, 1), "include_top": False}, ShapeError),
    "too small": ("ResNet50", {"weights": None, "input_shape": (31, 32, 3)}, ShapeError),
    "too small for Xception": ("Xception", {"weights": None, "input_shape": (70, 71, 3)}, ShapeError),
    "too small for Inception": ("InceptionV3", {"weights": None, "input_shape": (75, 74, 3)}, ShapeError),
    "unknown size": ("VGG16", {"weights": None, "input_shape": (None, None, 3)}, ShapeError),
    "unknown size of NASNet": (
        "NASNetMobile",
        {"weights": None, "include_top": False, "input_shape": (None, None, 3)},
        ShapeError,
    ),
    "two sizes": ("VGG16", {"weights": None, "input_shape": (32, 32)}, ShapeError),
    "a size alone": ("VGG16", {"weights": None, "input_shape": 32}, ShapeError),
    "negative size": ("VGG16", {"weights": None, "input_shape": (-32, 32, 3)}, ShapeError),
    "zero channels": ("VGG16", {"weights": None, "input_shape": (32, 32, 0)}, ShapeError),
    "text as size": ("VGG16", {"weights": None, "input_shape": ("32", 32, 3)}, ShapeError),
    "pooling misspelt": ("VGG16", {**SMALL, "pooling": "mean"}, ArgumentError),
    "pooling of a list": ("VGG16", {**SMALL, "pooling": ["avg"]}, ArgumentError),
    "no classes": ("VGG16", {**SMALL, "classes": 0}, ArgumentError),
    "classes of a float": ("VGG16", {**SMALL, "classes": 2.5}, ArgumentError),
    "include_top of text": ("VGG16", {**SMALL, "include_top": "no"}, ArgumentError),
    "activation misspelt": ("MobileNet", {**SMALL, "classifier_activation": "sofmax"}, AmaltheaError),
    "negative alpha": ("MobileNet", {**SMALL, "alpha": -1.0}, ArgumentError),
    "alpha too small": ("MobileNet", {**SMALL, "alpha": 0.001}, ArgumentError),
    "alpha of text": ("MobileNetV2", {**SMALL, "alpha": "1"}, ArgumentError),
    "dropout above one": ("MobileNet", {**SMALL, "dropout": 1.5}, ArgumentError),
    "tensor that is none": ("MobileNet", {"weights": None, "input_tensor": "image"}, AmaltheaError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arguments_that_do_not_fit_are_refused(case):
    name, arguments, error = REFUSED[case]
    with pytest.raises(error, match="expected|try"):
        getattr(applications, name)(**arguments)


def test_images_of_unusual_channels_are_built_with_a_warning():
    with pytest.warns(UserWarning, match="channels"):
        model = applications.MobileNet((32, 32, 5), alpha=0.1, weights=None, classes=2)
    assert model.input_shape == (None, 32, 32, 5)


MADE_HERE = {
    "ConvNeXtTiny": ("keras.src.applications.convnext", "LayerScale", SMALL),
    "InceptionResNetV2": (
        "keras.src.applications.inception_resnet_v2",
        "CustomScaleLayer",
        {**SMALL, "input_shape": (75, 75, 3)},
    ),
}


@pytest.mark.parametrize("name", MADE_HERE)
def test_layers_of_an_architecture_are_in_files_as_keras_writes_them(name, undrawn):
    module, layer, arguments = MADE_HERE[name]
    text = getattr(applications, name)(**arguments, include_top=False).to_json()
    written = [x for x in json.loads(text)["config"]["layers"] if x["class_name"] == layer]
    assert {x["module"] for x in written} == {module}
    code = "import sys; from amalthea import models; print(len(models.model_from_json(sys.stdin.read()).layers))"
    found = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    assert int(found.stdout) == len(models.model_from_json(text).layers)
