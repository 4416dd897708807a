"""A ``model.json`` of TensorFlow.js whose list of weights is damaged, or that is no model of layers."""

from __future__ import annotations

import json
import shutil

import pytest

import amalthea
from amalthea.errors import ModelFileError
from tests.saving.test_tensorflow_files import FILES


def weight(**changes):
    """A file whose first weight, of 4 x 5 elements, is described in another way."""
    return lambda data: data["weightsManifest"][0]["weights"][0].update(changes)


def quantized(**changes):
    return weight(quantization={"dtype": "float32", "scale": 1.0, "min": 0.0, **changes})


DAMAGED = {
    "a negative shape": (weight(shape=[-4, -5]), "of a kind that is not read"),
    "a shape of halves": (weight(shape=[4.0, 5.0]), "the shape of a weight"),
    "a shape that is none": (weight(shape="45"), "the shape of a weight"),
    "a huge shape": (weight(shape=[1 << 40, 1 << 40]), "not of the size"),
    "an unknown dtype": (weight(dtype="float31"), "of a kind that is not read"),
    "text": (weight(dtype="string"), "of a kind that is not read"),
    "a dtype that is a list": (weight(dtype=["float32"]), "of a kind that is not read"),
    "no name": (weight(name=None), "of a kind that is not read"),
    "a scale that is no number": (quantized(scale="1"), "of a kind that is not read"),
    "a scale that is not finite": (quantized(scale=float("nan")), "of a kind that is not read"),
    "a quantization that is a list": (weight(quantization=["uint8"]), "the shape of a weight"),
    "no list of weights": (lambda data: data["weightsManifest"][0].update(weights=None), "its list of weights"),
    "no list of groups": (lambda data: data.update(weightsManifest={}), "its list of weights"),
    "a group that is none": (lambda data: data.update(weightsManifest=[3]), "its list of weights"),
    "no list of files": (lambda data: data["weightsManifest"][0].update(paths="x"), "its list of files"),
    "files that are no text": (lambda data: data["weightsManifest"][0].update(paths=[3]), "its list of files"),
    "a graph of operations": (lambda data: data.update(format="graph-model"), "no model of layers"),
    "weights alone": (lambda data: data.update(modelTopology=None), "weights alone"),
    "no configuration": (lambda data: data.update(modelTopology={"model_config": []}), "no configuration"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_model_json_that_is_damaged_is_refused(kind, tmp_path):
    change, words = DAMAGED[kind]
    shutil.copytree(FILES / "dense" / "tfjs", tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(ModelFileError, match=words):
        amalthea.saving.load_model(path)
