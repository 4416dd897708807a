"""Every architecture is Keras's: layers, names, order, configurations, shapes, weights; and the same predictions."""

import inspect
import json

import numpy as np
import pytest

from amalthea import applications, config
from amalthea.layers import Input
from amalthea.models import Model
from tests.oracles.architectures import images, outline, scaled, set_weights
from tests.oracles.cases.applications import NAMES, PREDICTIONS
from tests.oracles.read import load

STORED = {record["id"]: record for record in load("applications")}
LARGE = 600  # layers, from which on a comparison takes seconds


def build(row):
    return getattr(applications, row.partition("/")[0])(weights=None, **PREDICTIONS[row])


def expected_outline(name):
    return json.loads(STORED[name]["outline"].tobytes())


def sized(name):
    marks = [pytest.mark.slow] if len(expected_outline(name)) > LARGE else []
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [sized(name) for name in NAMES])
def test_each_architecture_has_the_layers_of_keras(name, undrawn):
    model = getattr(applications, name)(weights=None)
    for found, expected in zip(outline(model), expected_outline(name)):
        assert found == expected, found[0]
    assert len(outline(model)) == len(expected_outline(name))
    assert (model.name, model.count_params()) == (STORED[name]["name"], STORED[name]["parameters"])
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == STORED[name]["trainable"]


HEAVY = ("Inception", "Xception", "ConvNeXtTiny/features", "NASNet", "DenseNet", "ResNet50V2")


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=[pytest.mark.slow] if row.startswith(HEAVY) else []) for row in PREDICTIONS]
)
def test_predictions_with_the_same_weights_are_those_of_keras(row, undrawn):
    model = build(row)
    set_weights(model)
    expected = STORED[row]["outputs"]
    found = model.predict(scaled(row, images(PREDICTIONS[row]["input_shape"])), verbose=0)
    assert model.name == STORED[row]["name"]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4 * np.abs(expected).max())


def test_each_public_function_of_the_list_is_an_architecture():
    found = {name for name in applications.__all__ if callable(getattr(applications, name))}
    assert found == set(NAMES)


FAMILIES = (
    "convnext", "densenet", "efficientnet", "efficientnet_v2", "inception_resnet_v2", "inception_v3", "mobilenet",
    "mobilenet_v2", "mobilenet_v3", "nasnet", "resnet", "resnet50", "resnet_v2", "vgg16", "vgg19", "xception",
)  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_its_networks_and_the_two_functions_on_images(family):
    module = getattr(applications, family)
    for name in module.__all__:
        assert callable(getattr(module, name))
        if name in NAMES:
            assert getattr(module, name) is getattr(applications, name)
    assert {"preprocess_input", "decode_predictions"} <= set(module.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_those_of_keras(name):
    parameters = inspect.signature(getattr(applications, name)).parameters
    shared = {"include_top": True, "weights": "imagenet", "input_tensor": None, "input_shape": None, "pooling": None}
    for word, default in {**shared, "classes": 1000, "classifier_activation": "softmax"}.items():
        assert parameters[word].default == default
    assert parameters["name"].default in (STORED[name]["name"], None)


CHANNELS_FIRST = ("VGG16/features", "ResNet50/small", "MobileNet/small", "EfficientNetV2B0/features")


@pytest.mark.parametrize("row", CHANNELS_FIRST)
def test_channels_first_gives_the_same_predictions(row, undrawn):
    arguments = PREDICTIONS[row]
    height, width, channels = arguments["input_shape"]
    config.set_image_data_format("channels_first")
    try:
        model = getattr(applications, row.partition("/")[0])(
            weights=None, **{**arguments, "input_shape": (channels, height, width)}
        )
    finally:
        config.set_image_data_format("channels_last")
    set_weights(model)
    x = scaled(row, images(arguments["input_shape"]))
    found = model.predict(np.moveaxis(x, -1, 1), verbose=0)
    expected = STORED[row]["outputs"]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV3Small", "EfficientNetV2B0", "ResNet50"])
def test_features_of_images_of_any_size(name, undrawn):
    model = getattr(applications, name)(weights=None, include_top=False)
    assert model.input_shape == (None, None, None, 3)
    for height, width in ((32, 64), (64, 96)):
        found = model.predict(np.zeros((1, height, width, 3), "float32"), verbose=0)
        assert found.shape == (1, height // 32, width // 32, model.output_shape[-1])


def test_a_network_begins_at_a_tensor(undrawn):
    image = Input((32, 32, 3), name="image")
    model = applications.MobileNet(input_tensor=image * 2.0, alpha=0.25, include_top=False, weights=None)
    assert isinstance(model, Model) and model.inputs == [image]
    assert [layer.name for layer in model.layers][:1] == ["image"]
