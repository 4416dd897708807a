"""Images as networks take them, and the names of classes."""

import hashlib
import json

import numpy as np
import pytest

from amalthea import Input, Model, applications, config, ops
from amalthea.applications import imagenet_utils
from amalthea.errors import AmaltheaError, ArgumentError, ShapeError
from amalthea.utils.files import DownloadError

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
EXPECTED = {
    "caffe": lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68]),
    "tf": lambda x: x / 127.5 - 1,
    "torch": lambda x: (x / 255 - MEAN) / DEVIATION,
}
SHAPES = ((5, 4, 3), (2, 5, 4, 3), (0, 5, 4, 3))


def pixels(shape, dtype="float64"):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def channels_first(x):
    return np.moveaxis(x, -1, -3)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", EXPECTED)
def test_images_are_scaled_by_the_formula(mode, shape):
    x = pixels(shape)
    before = x.copy()
    found = imagenet_utils.preprocess_input(x, mode=mode)
    np.testing.assert_allclose(found, EXPECTED[mode](x), atol=1e-12)
    np.testing.assert_array_equal(x, before)
    first = imagenet_utils.preprocess_input(channels_first(x), "channels_first", mode)
    np.testing.assert_allclose(first, channels_first(found), atol=1e-12)


@pytest.mark.parametrize("mode", EXPECTED)
def test_tensors_are_scaled_as_arrays_are(mode):
    x = pixels((2, 5, 4, 3), "float32")
    expected = imagenet_utils.preprocess_input(x, mode=mode)
    eager = imagenet_utils.preprocess_input(ops.convert_to_tensor(x), mode=mode)
    np.testing.assert_allclose(ops.convert_to_numpy(eager), expected, atol=1e-4)
    image = Input((None, None, 3))
    model = Model(image, imagenet_utils.preprocess_input(image, mode=mode))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-4)
    listed = imagenet_utils.preprocess_input(x.tolist(), mode=mode)
    np.testing.assert_allclose(ops.convert_to_numpy(listed), expected, atol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", "float64"])
def test_ints_become_floatx_and_floats_keep_their_dtype(dtype):
    found = imagenet_utils.preprocess_input(pixels((5, 4, 3), dtype), mode="tf")
    assert found.dtype == (dtype if dtype.startswith("float") else config.floatx())


MODES = {
    "caffe": ("resnet", "resnet50", "vgg16", "vgg19"),
    "tf": ("inception_resnet_v2", "inception_v3", "mobilenet", "mobilenet_v2", "nasnet", "resnet_v2", "xception"),
    "torch": ("densenet",),
    None: ("convnext", "efficientnet", "efficientnet_v2", "mobilenet_v3"),
}


@pytest.mark.parametrize("mode, family", [(mode, family) for mode, families in MODES.items() for family in families])
def test_a_family_scales_by_its_mode(mode, family):
    module = getattr(applications, family)
    x = pixels((5, 4, 3))
    expected = x if mode is None else EXPECTED[mode](x)
    np.testing.assert_allclose(module.preprocess_input(x), expected, atol=1e-12)
    assert module.decode_predictions is imagenet_utils.decode_predictions
    with pytest.raises(ArgumentError):
        module.preprocess_input(x, data_format="channels_middle")


REFUSED = {
    "mode": (lambda: imagenet_utils.preprocess_input(pixels((5, 4, 3)), mode="pytorch"), ArgumentError),
    "rank 2": (lambda: imagenet_utils.preprocess_input(pixels((5, 4))), ShapeError),
    "rank 5": (lambda: imagenet_utils.preprocess_input(pixels((1, 2, 5, 4, 3))), ShapeError),
    "channels": (lambda: imagenet_utils.preprocess_input(pixels((5, 4, 1))), ShapeError),
    "None": (lambda: imagenet_utils.preprocess_input(None), AmaltheaError),
    "classes": (lambda: imagenet_utils.decode_predictions(np.zeros((2, 10))), ShapeError),
    "rank 1": (lambda: imagenet_utils.decode_predictions(np.zeros(1000)), ShapeError),
    "top": (lambda: imagenet_utils.decode_predictions(np.zeros((2, 1000)), top=0), ArgumentError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case):
    call, error = REFUSED[case]
    with pytest.raises(error):
        call()


@pytest.fixture
def index(tmp_path, monkeypatch):
    names = {str(i): [f"n{i:08}", f"class_{i}"] for i in range(1000)}
    (tmp_path / "index.json").write_text(json.dumps(names))
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", (tmp_path / "index.json").as_uri())
    monkeypatch.setattr(
        imagenet_utils, "CLASS_INDEX_MD5", hashlib.md5((tmp_path / "index.json").read_bytes()).hexdigest()
    )
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))


def test_predictions_are_named_the_likeliest_first(index):
    scores = np.zeros((2, 1000))
    scores[0, [7, 3]], scores[1, 999] = (0.5, 0.25), 1.0
    found = imagenet_utils.decode_predictions(scores, top=2)
    assert found[0] == [("n00000007", "class_7", 0.5), ("n00000003", "class_3", 0.25)]
    assert found[1][0] == ("n00000999", "class_999", 1.0)
    assert len(imagenet_utils.decode_predictions(ops.convert_to_tensor(scores))[1]) == 5
    assert len(imagenet_utils.decode_predictions(scores, top=2000)[0]) == 1000
    assert imagenet_utils.decode_predictions(scores[:0]) == []


def test_names_that_cannot_be_fetched_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", (tmp_path / "gone.json").as_uri())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(DownloadError, match="gone"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))
