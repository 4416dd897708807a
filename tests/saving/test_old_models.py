"""Models of Keras 1 and 2 that hold code, name a user's classes, or are damaged on purpose."""

from __future__ import annotations

import base64
import json
import marshal
import subprocess
import sys

import numpy as np
import pytest

from amalthea import layers, models
from amalthea.errors import MissingLibraryError, ModelFileError, UnknownNameError, UnsafeFileError
from amalthea.saving import texts


def sequential(*rows, era=2):
    """The text of a model of such layers."""
    made = [{"class_name": name, "config": config} for name, config in rows]
    made[0]["config"].setdefault("batch_input_shape", [None, 3])
    config = made if era == 1 else {"name": "m", "layers": made}
    return json.dumps({"class_name": "Sequential", "config": config, "keras_version": f"{era}.2.0"})


CODE = base64.b64encode(marshal.dumps((lambda x: x * 2).__code__)).decode()
LAMBDAS = [
    ("Lambda", {"name": "twice", "function": [CODE, None, None], "function_type": "lambda", "arguments": {}}),
    ("Lambda", {"name": "again", "function": "helper", "function_type": "function", "arguments": {}}),
]


def test_all_code_is_refused_at_once_with_the_names_that_supply_it():
    with pytest.raises(UnsafeFileError) as caught:
        models.model_from_json(sequential(*LAMBDAS))
    assert "'twice'" in str(caught.value) and "'again'" in str(caught.value) and "custom_objects" in str(caught.value)


def test_functions_of_the_users_stand_for_lambdas_by_the_names_of_layers_or_functions():
    own = {"twice": lambda x: x + 1, "helper": lambda x: x * 5}
    model = models.model_from_json(sequential(*LAMBDAS), custom_objects=own)
    assert model.predict(np.ones((1, 3), "float32"), verbose=0).tolist() == [[10.0, 10.0, 10.0]]


class Doubling(layers.Layer):
    def call(self, x):
        return x * 2


def test_all_unknown_classes_are_named_at_once_and_can_be_supplied():
    text = sequential(("Doubling", {"name": "a"}), ("Missing", {"name": "b"}))
    with pytest.raises(UnknownNameError) as caught:
        models.model_from_json(text)
    assert "Doubling" in str(caught.value) and "Missing" in str(caught.value)
    model = models.model_from_json(sequential(("Doubling", {"name": "a"})), custom_objects={"Doubling": Doubling})
    assert model.predict(np.ones((1, 3), "float32"), verbose=0).tolist() == [[2.0, 2.0, 2.0]]


def functional(function, **options):
    op = {"class_name": "TFOpLambda", "config": {"name": "op", "function": function}, "name": "op"}
    op["inbound_nodes"] = [["x", 0, 0, options]]
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "name": "x"}, "name": "x"}
    config = {"name": "m", "layers": [{**first, "inbound_nodes": []}, op]}
    config.update(input_layers=[["x", 0, 0]], output_layers=[["op", 0, 0]])
    return json.dumps({"class_name": "Functional", "config": config, "keras_version": "2.15.0"})


@pytest.mark.parametrize("function", ["io.read_file", "py_function", "numpy_function", "raw_ops.ReadFile", "system"])
def test_functions_outside_the_table_are_refused(function):
    with pytest.raises(UnsafeFileError, match=f"tf.{function}"):
        models.model_from_json(functional(function))


def test_options_that_the_table_does_not_have_are_refused():
    with pytest.raises(UnsafeFileError, match="exotic"):
        models.model_from_json(functional("nn.relu", exotic=3))
    assert models.model_from_json(functional("nn.relu", name=None)).output_shape == (None, 3)


def test_layers_that_only_old_keras_had_are_known_at_the_first_file():
    text = sequential(("MaxoutDense", {"output_dim": 2, "name": "a"}), era=1)
    code = f"from amalthea import models; print(models.model_from_json({text!r}).output_shape)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "(None, 2)"


STRANGE = {
    "a number": "7",
    "a list": "[]",
    "nothing": "",
    "no layers": '{"class_name": "Sequential", "config": {}}',
    "layers are a number": '{"class_name": "Sequential", "config": {"layers": 3}}',
    "a class that is a list": '{"class_name": ["Dense"], "config": {}}',
    "deep": "[" * 100_000,
    "a graph of 0.x": '{"name": "Graph", "nodes": []}',
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_texts_that_are_no_models_are_refused(text):
    with pytest.raises((ModelFileError, UnknownNameError)):
        models.model_from_json(text)


def test_a_huge_layer_is_refused_before_memory_is_taken():
    with pytest.raises(ModelFileError):
        models.model_from_json(sequential(("Dense", {"output_dim": 10**9}), era=1))


def test_yaml_that_would_make_objects_is_refused():
    pytest.importorskip("yaml")
    for tag in ("!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!python/module:os"):
        with pytest.raises(ModelFileError):
            models.model_from_yaml(f"class_name: Sequential\nconfig: {tag}\n")
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [{', '.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi")
    )
    with pytest.raises(ModelFileError, match="too often|no model"):
        models.model_from_yaml(bomb * 2)


def test_a_missing_library_of_yaml_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    with pytest.raises(MissingLibraryError, match="PyYAML"):
        texts.from_yaml("a: 1")


@pytest.mark.parametrize("mode", ("count", "multi_hot"))
def test_words_of_keras_2_are_counted_as_numbers(mode):
    """TextVectorization of Keras 2.15 said the dtype of its input, text, as its own."""
    options = {"output_mode": mode, "vocabulary": ["bird", "a"], "split": "whitespace", "has_input_vocabulary": True}
    words = {"name": "words", "trainable": True, "dtype": "string", "batch_input_shape": [None], **options}
    dense = {"name": "dense", "units": 2, "kernel_initializer": {"class_name": "Ones", "config": {}}}
    start = {"batch_input_shape": [None, 1], "dtype": "string", "name": "text"}
    layers = [("InputLayer", start), ("TextVectorization", words), ("Dense", dense)]
    config = {"name": "counted", "layers": [{"class_name": name, "config": own} for name, own in layers]}
    text = json.dumps({"class_name": "Sequential", "config": config, "keras_version": "2.15.0"})
    found = models.model_from_json(text).predict(np.array([["a bird a"], ["the song"]]), verbose=0)
    assert found.tolist() == ([[3, 3], [2, 2]] if mode == "count" else [[2, 2], [1, 1]])
