"""Layers that read text against real Keras: outputs, vocabularies, configurations, and forms of one input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from amalthea import Input, layers, ops
from amalthea.errors import AmaltheaError
from tests.oracles.read import held

RECORDS = held("text")
every_record = pytest.mark.parametrize("record", RECORDS, ids=[r["id"] for r in RECORDS])


def made(record):
    config = {k: tuple(v) if k == "ngrams" and isinstance(v, list) else v for k, v in record["config"].items()}
    layer = getattr(layers, record["class_name"])(**config)
    if record["adapt"] is not None:
        layer.adapt(np.array(batch) for batch in record["adapt"])
    return layer


def given(record, convert=np.array):
    if record["features"]:
        return [convert(f) for f in record["features"]]
    return np.array([], str) if record["inputs"] == [] else convert(record["inputs"])


def values_of(output):
    array = np.asarray(output) if isinstance(output, np.ndarray) else ops.convert_to_numpy(output)
    return array


def hold(found, record):
    wanted = record["output"]
    array = values_of(found)
    assert list(array.shape) == wanted["shape"]
    if array.dtype.kind == "f":
        np.testing.assert_allclose(array.ravel(), wanted["values"], rtol=1e-6)
        assert array.dtype.name == "float32"  # in Keras int64 for some calls on arrays, and float32 for symbols
    else:
        assert array.ravel().tolist() == wanted["values"]
        assert array.dtype.name == wanted["dtype"]


@every_record
def test_outputs_are_those_of_keras(record):
    hold(made(record)(given(record)), record)


@every_record
def test_vocabularies_are_those_of_keras(record):
    layer = made(record)
    if record["vocabulary"] is not None:
        assert layer.get_vocabulary() == record["vocabulary"]
        assert layer.vocabulary_size() == len(record["vocabulary"])
        assert layer.get_vocabulary(include_special_tokens=False) == [
            token for token in record["vocabulary"] if token not in layer_specials(layer)
        ]


def layer_specials(layer):
    return getattr(layer, "_lookup_layer", layer)._special()


@every_record
def test_configurations_are_those_of_keras(record):
    config = json.loads(json.dumps(made(record).get_config()))
    wanted = {**record["get_config"], "name": config["name"]}
    assert set(config) == set(wanted)
    assert "config" in record["exceptions"] or config == wanted


@every_record
def test_a_layer_of_a_configuration_of_keras_computes_the_same(record):
    if record["adapt"] is not None:
        return
    hold(getattr(layers, record["class_name"]).from_config(record["get_config"])(given(record)), record)


def listed(value):
    return np.array(value).tolist()


FORMS = {
    "a list": listed,
    "an array of objects": lambda value: np.array(value, object if holds_text(value) else None),
    "an array of bytes": lambda value: np.char.encode(value, "utf-8") if holds_text(value) else np.array(value),
}


def holds_text(value):
    return np.array(value).dtype.kind == "U"


@pytest.mark.parametrize("form", FORMS)
@every_record
def test_every_form_of_an_input_gives_the_same(record, form):
    hold(made(record)(given(record, FORMS[form])), record)


@every_record
def test_symbolic_outputs_have_the_shape_and_dtype_of_computed_ones(record):
    inputs = given(record)
    arrays = inputs if record["features"] else [inputs]
    if arrays[0].ndim == 0:
        return
    symbols = [Input(a.shape[1:], dtype="string" if a.dtype.kind == "U" else "int64") for a in arrays]
    layer = made(record)
    symbol = layer(symbols if record["features"] else symbols[0])
    output = layer(inputs)
    assert len(symbol.shape) == len(output.shape)
    assert all(a is None or a == b for a, b in zip(symbol.shape[1:], output.shape[1:]))
    assert symbol.dtype == ("string" if values_of(output).dtype == object else values_of(output).dtype.name)


BAD = {
    "a repeated token": lambda: layers.StringLookup(vocabulary=["a", "b", "a"]),
    "no tokens": lambda: layers.StringLookup(vocabulary=[]),
    "a mask among tokens": lambda: layers.StringLookup(vocabulary=["a", "m"], mask_token="m"),
    "too many tokens": lambda: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2),
    "max_tokens of 1": lambda: layers.StringLookup(max_tokens=1),
    "negative unknown indices": lambda: layers.StringLookup(num_oov_indices=-1),
    "an unknown mode": lambda: layers.StringLookup(output_mode="onehot"),
    "inverted vectors": lambda: layers.StringLookup(invert=True, output_mode="count"),
    "padding without a size": lambda: layers.StringLookup(output_mode="count", pad_to_max_tokens=True),
    "tf_idf without weights": lambda: layers.StringLookup(output_mode="tf_idf", vocabulary=["a"]),
    "weights without tf_idf": lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]),
    "weights of another length": lambda: layers.StringLookup(
        vocabulary=["a"], output_mode="tf_idf", idf_weights=[1.0, 2.0, 3.0]
    ),
    "weights without tokens": lambda: layers.StringLookup(output_mode="tf_idf", idf_weights=[1.0]),
    "sparse": lambda: layers.StringLookup(sparse=True, output_mode="count"),
    "a salt of text": lambda: layers.StringLookup(salt="ab"),
    "a file that is not there": lambda: layers.StringLookup(vocabulary="/nowhere/words.txt"),
    "numbers as texts": lambda: layers.StringLookup(vocabulary=["a"])(np.array([1, 2])),
    "None as text": lambda: layers.StringLookup(vocabulary=["a"])(np.array(["a", None], object)),
    "no vocabulary yet": lambda: layers.StringLookup()(["a"]),
    "no index for unknown": lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]),
    "no data": lambda: layers.StringLookup().adapt(None),
    "empty data": lambda: layers.StringLookup().adapt([["[UNK]"]]),
    "rows of unequal lengths": lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]),
    "no steps": lambda: layers.StringLookup().adapt(["a"], steps=0),
    "floats in a vocabulary": lambda: layers.IntegerLookup(vocabulary=[1.5]),
    "floats as input": lambda: layers.IntegerLookup(vocabulary=[1])(np.array([1.5])),
    "texts as numbers": lambda: layers.IntegerLookup(vocabulary=[1])(["1"]),
    "unknown numbers": lambda: layers.IntegerLookup(vocabulary=[1], num_oov_indices=0)(np.array([2])),
    "a salt for floormod": lambda: layers.IntegerLookup(salt=5),
    "an unknown method": lambda: layers.IntegerLookup(oov_method="md5"),
    "an unknown standardization": lambda: layers.TextVectorization(standardize="upper"),
    "an unknown split": lambda: layers.TextVectorization(split="comma"),
    "n-grams of 0": lambda: layers.TextVectorization(ngrams=0),
    "n-grams of text": lambda: layers.TextVectorization(ngrams="2"),
    "a length of vectors": lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
    "a negative length": lambda: layers.TextVectorization(output_sequence_length=-1),
    "ragged": lambda: layers.TextVectorization(ragged=True),
    "several texts in a row": lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]),
    "rows lost by split": lambda: layers.TextVectorization(vocabulary=["a"], split=lambda x: [["a"]])(["a", "b"]),
    "texts lost by standardize": lambda: layers.TextVectorization(vocabulary=["a"], standardize=lambda x: x[:1])(
        ["a", "b"]
    ),
    "no bins": lambda: layers.Hashing(0),
    "one bin and a mask": lambda: layers.Hashing(1, mask_value=0),
    "floats to hash": lambda: layers.Hashing(4)(np.array([1.5])),
    "vectors of crosses that do not exist": lambda: layers.HashedCrossing(4, output_mode="count"),
    "one feature": lambda: layers.HashedCrossing(4)((["a"],)),
    "features of two shapes": lambda: layers.HashedCrossing(4)((["a"], ["a", "b"])),
    "features of several values": lambda: layers.HashedCrossing(4)(([["a", "b"]], [["a", "b"]])),
    "floats to cross": lambda: layers.HashedCrossing(4)(([1.5], [2.5])),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_have_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD[case]()
