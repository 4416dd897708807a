"""Plots of models, sessions, configs, Keras 2's configurations, and where tensors come from."""

from __future__ import annotations

import os
import pickle
import stat

import numpy as np
import pytest

from amalthea import Input, Model, Sequential, initializers, layers, ops, utils
from amalthea.errors import AmaltheaError, MissingLibraryError


def branched():
    x = Input((4,), name="x")
    inner = Sequential([Input((4,)), layers.Dense(3, "relu", name="deep")], name="inner")
    a = inner(x)
    return Model(x, layers.Add(name="sum")([layers.Dense(3, name="side")(x), a]) * 2.0)


def edges(dot):
    return [line for line in dot.to_string().splitlines() if "->" in line]


def test_a_plot_has_a_node_for_each_layer_and_an_edge_for_each_tensor():
    text = utils.model_to_dot(branched()).to_string()
    assert all(f"<b>{name}</b>" in text for name in ("x", "inner", "side", "sum")) and "deep" not in text
    assert len(edges(utils.model_to_dot(branched()))) == 5


OPTIONS = {
    "show_shapes": "Output: (None, 3)",
    "show_dtype": "dtype: float32",
    "show_layer_activations": "Activation: linear",
    "show_trainable": "trainable",
    "expand_nested": "Activation",
}


def test_options_show_more():
    plain = utils.model_to_dot(branched()).to_string()
    for option, word in list(OPTIONS.items())[:4]:
        assert word in utils.model_to_dot(branched(), **{option: True}).to_string() and word not in plain
    nested = utils.model_to_dot(branched(), expand_nested=True)
    assert "deep" in nested.to_string() and len(edges(nested)) == 6
    assert "rankdir=LR" in utils.model_to_dot(branched(), rankdir="LR").to_string()
    assert utils.model_to_dot(branched(), subgraph=True).to_string().startswith("subgraph")
    part = utils.model_to_dot(branched(), layer_range=("inner", "sum")).to_string()
    assert "<b>sum</b>" in part and "<b>x</b>" not in part
    assert "<b>side</b>" not in utils.model_to_dot(branched(), show_layer_names=False).to_string()


def test_a_plot_as_text_needs_no_program(tmp_path):
    utils.plot_model(branched(), tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text().startswith("digraph")


def program(folder, script):
    (folder / "dot").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "dot").chmod(stat.S_IRWXU)


def test_graphviz_draws_the_picture(tmp_path, monkeypatch):
    program(tmp_path, 'echo "$1"; cat')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    utils.plot_model(branched(), tmp_path / "m.svg")
    assert (tmp_path / "m.svg").read_text().startswith("-Tsvg\ndigraph")
    program(tmp_path, "echo no such format >&2; exit 1")
    with pytest.raises(AmaltheaError, match="Graphviz"):
        utils.plot_model(branched(), tmp_path / "m.xyz")


def test_without_graphviz_the_command_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingLibraryError, match="graphviz"):
        utils.plot_model(branched(), tmp_path / "m.png")


def test_names_with_signs_of_the_language_are_escaped():
    model = Sequential([Input((2,)), layers.Dense(1, name='a"<b>&\\')])
    text = utils.model_to_dot(model).to_string()
    assert "&lt;b&gt;&amp;" in text and '\\"' in text


BAD = {
    "a layer": lambda: utils.model_to_dot(layers.Dense(1)),
    "a model that is not built": lambda: utils.model_to_dot(Sequential([layers.Dense(1)])),
    "an unknown direction": lambda: utils.model_to_dot(branched(), rankdir="XX"),
    "an unknown argument": lambda: utils.model_to_dot(branched(), colour=1),
    "a range of unknown layers": lambda: utils.model_to_dot(branched(), layer_range=("a", "b")),
    "no ending": lambda: utils.plot_model(branched(), "model"),
    "an array without a source": lambda: utils.get_source_inputs(np.ones(3)),
    "a frozen config": lambda: frozen().update(a=1),
    "an attribute of a frozen config": lambda: setattr(frozen(), "a", 1),
    "a name that is not there": lambda: utils.Config().a,
    "a value without JSON": lambda: utils.Config(a=object()).to_json(),
    "a config without a class": lambda: utils.legacy.deserialize_keras_object({"config": {}}),
    "an unknown class": lambda: utils.legacy.deserialize_keras_object("Nope", {}),
    "something to serialize": lambda: utils.legacy.serialize_keras_object(3),
}


def frozen():
    config = utils.Config(b=1)
    config.freeze()
    return config


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_have_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD[case]()


def test_names_begin_anew_after_a_session():
    utils.clear_session()
    assert [layers.Dense(1).name for _ in range(2)] == ["dense", "dense_1"]
    utils.clear_session(free_memory=False)
    assert layers.Dense(1).name == "dense"


def test_source_inputs_are_found_through_layers_and_ops():
    a, b, c = (Input((2,), name=name) for name in "abc")
    out = layers.Add()([ops.sin(a), layers.Dense(2)(b)]) + a
    assert [t.name for t in utils.get_source_inputs(out)] == ["a", "b"]
    assert utils.get_source_inputs(c) == [c]


def test_a_config_is_attributes_and_items():
    config = utils.Config(rate=0.1)
    config.units, config["depth"] = 8, 2
    assert dict(config.items()) == {"rate": 0.1, "units": 8, "depth": 2} and "units" in config and len(config) == 3
    copy = pickle.loads(pickle.dumps(config))
    assert copy.as_dict() == config.as_dict() and copy.pop("rate") == 0.1 and "rate" in config


def test_configurations_of_keras_2_come_back():
    made = utils.legacy.serialize_keras_object(initializers.Constant(3.0))
    again = utils.legacy.deserialize_keras_object(made, vars(initializers))
    assert again.get_config() == {"value": 3.0}
    assert utils.legacy.deserialize_keras_object("Zeros", vars(initializers)).__class__ is initializers.Zeros
    assert utils.legacy.deserialize_keras_object("f", custom_objects={"f": abs}) is abs
