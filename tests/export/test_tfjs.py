"""TensorFlow.js: models of layers and graphs, the files of weights, and what is refused. Node executes some."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import amalthea
from amalthea import Input, InputSpec, Model, Sequential, export, layers, ops, saving, tree
from amalthea.errors import ArgumentError, ExportError, MissingLibraryError
from amalthea.export import checking, targets
from amalthea.export.tfjs import weights
from amalthea.export.tfjs.layer_table import ACTIVATIONS, TABLE
from tests.export.layers_tried import HERE, RECORDS, tried
from tests.layers.test_layers import call, made

TARGET = targets.target("tfjs")
executed = pytest.mark.skipif("tfjs" not in HERE, reason="Node or its packages are not here: make test-targets")


def read(path):
    return json.loads((path / "model.json").read_text())


def small():
    return Sequential([Input((4,), name="features"), layers.Dense(3, name="scores")])


def model_of(record):
    """A model of one layer and its inputs, if the case is a call on tensors alone."""
    if record["arguments"] or any(mask is not None for mask in record["masks"] or []):
        return None
    layer, mode = made(record), {"training": False} if "training" in record["call"] else {}
    arrays = [np.asarray(x) for x in record["inputs"]]
    inputs = [Input(x.shape[1:], dtype=str(x.dtype)) for x in arrays]
    try:
        outputs = call(layer, {**record, "call": {**record["call"], **mode}}, list(inputs), {})
        return Model(inputs, outputs), arrays
    except amalthea.errors.AmaltheaError:
        return None


def tried_as_layers(record, path):
    """The kind of the file, and the worst differences in Node and of the model that is loaded from it."""
    made = model_of(record)
    if made is None:
        return None
    model, arrays = made
    expected = [np.asarray(ops.convert_to_numpy(x)) for x in tree.flatten(model(arrays, training=False))]
    model.export(path, "tfjs", verbose=False)
    if read(path)["format"] == "graph-model":
        return None
    names = read(path)["userDefinedMetadata"]["inputs"]
    found = {}
    for backend in ("cpu", "wasm"):
        TARGET.backend = backend
        try:
            got = TARGET.runner(str(path))(dict(zip(names, arrays, strict=True)))
        finally:
            TARGET.backend = "cpu"
        found[backend] = checking.compared(expected, list(got.values()))
    loaded = saving.load_model(path / "model.json")(arrays, training=False)
    found["ours"] = checking.compared(expected, [np.asarray(ops.convert_to_numpy(x)) for x in tree.flatten(loaded)])
    return found


@executed
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*drops the mask of its input")
def test_models_of_layers_compute_what_the_layers_do(tmp_path):
    """Every row of the table, on two backends, and read back."""
    seen = set()
    for record in RECORDS:
        if record["class_name"] not in TABLE and record["class_name"] not in ("Bidirectional", "TimeDistributed"):
            continue
        found = tried_as_layers(record, tmp_path / "model")
        for where, checked in (found or {}).items():
            assert checked.difference <= 2e-5 * max(checked.scale, 1.0), (record["id"], where)
            seen.add(record["class_name"])
    assert seen == {*TABLE, "Bidirectional", "TimeDistributed"}


@executed
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*drops the mask of its input")
def test_graphs_compute_what_the_layers_do_on_the_wasm_backend():
    TARGET.backend = "wasm"
    try:
        for record in RECORDS:
            found = tried(record, "tfjs")
            assert found.difference <= 2e-5 * max(found.scale, 1.0), record["id"]
    finally:
        TARGET.backend = "cpu"


@executed
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_an_activation_is_the_same_function(name, tmp_path):
    model = Sequential([Input((5,)), layers.Activation(name)])
    model.export(tmp_path / "m", "tfjs", verbose=False)
    assert read(tmp_path / "m")["format"] == "layers-model"
    x = np.linspace(-4, 7, 15, dtype="float32").reshape(3, 5)
    assert export.check_export(model, tmp_path / "m", "tfjs", inputs=x).difference < 1e-5


@executed
def test_a_model_of_layers_has_several_inputs_and_outputs(tmp_path):
    a, b = Input((3,), name="b_first"), Input((3,), name="a_second")
    shared = layers.Dense(3, "tanh", name="shared")
    inner = Model(a, layers.Dense(3)(layers.ReLU()(a)), name="inner")
    sums = layers.Add(name="sums")([inner(shared(a)), shared(b), inner(b)])
    model = Model([a, b], {"z": sums, "last": layers.Dense(1, name="last")(layers.Concatenate()([sums, b]))})
    model.export(tmp_path / "m", "tfjs", verbose=False)
    assert read(tmp_path / "m")["format"] == "layers-model"
    assert export.check_export(model, tmp_path / "m", "tfjs").difference < 1e-5
    x = [np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")]
    for one, other in zip(saving.load_model(tmp_path / "m" / "model.json").predict(x, verbose=0), ("last", "z")):
        np.testing.assert_allclose(one, model.predict(x, verbose=0)[other], rtol=1e-5)


def one(layer, *shape):
    """A model of one layer, or function, over an input of this shape."""
    x = Input(shape)
    return lambda: Model(x, layer(x))


def of_two(layer):
    x = [Input((3,)), Input((3,))]
    return Model(x, layer(x))


def with_state():
    x, h, c = Input((4, 3)), Input((2,)), Input((2,))
    return Model([x, h, c], layers.LSTM(2)(x, initial_state=[h, c]))


class Secret(layers.Layer):
    """A layer that does not tell its configuration."""

    def call(self, inputs):
        return inputs + 1

    def get_config(self):
        raise NotImplementedError("secret")


GRAPHS = {
    "a layer that is not there": (lambda: of_two(layers.Subtract()), "no such layer"),
    "an op": (lambda: of_two(lambda x: x[0] * x[1]), "Multiply is an op"),
    "an option": (one(layers.GRU(2), 4, 3), "reset_after=True"),
    "an activation": (one(layers.Dense(2, "gelu"), 3), "activation='gelu'"),
    "a function": (one(layers.Lambda(lambda x: x + 1), 3), "Lambda"),
    "half precision": (one(layers.Dense(2, dtype="mixed_float16"), 3), "computes in mixed_float16"),
    "a configuration that raises": (lambda: one(Secret(), 3)(), "not one of JSON"),
    "a mask": (one(lambda x: layers.LSTM(2)(layers.Masking()(x)), 4, 3), "Masking"),
    "a state": (with_state, "more than its inputs"),
    "an input of one axis": (one(layers.Activation("relu")), "one axis"),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_other_models_are_graphs_and_the_report_says_why(case, tmp_path, capsys):
    function, reason = GRAPHS[case]
    model = function()
    model.export(tmp_path / "m", "tfjs")
    assert read(tmp_path / "m")["format"] == "graph-model"
    told = capsys.readouterr().out
    assert "a graph, because" in told and reason in told
    if "tfjs" in HERE:
        found = export.check_export(model, tmp_path / "m", "tfjs")
        assert found.difference <= (2e-3 if case == "half precision" else 1e-5)


def test_a_model_of_layers_is_one_of_keras_2_with_its_weights_by_name(tmp_path, capsys):
    small().export(tmp_path / "m", "tensorflowjs")
    assert "a model of layers: tf.loadLayersModel" in capsys.readouterr().out
    data = read(tmp_path / "m")
    first, dense = data["modelTopology"]["model_config"]["config"]["layers"]
    assert first["config"]["batch_input_shape"] == [None, 4] and dense["config"]["units"] == 3
    (group,) = data["weightsManifest"]
    assert [w["name"] for w in group["weights"]] == ["scores/kernel", "scores/bias"]
    assert sorted(os.listdir(tmp_path / "m")) == sorted(["model.json", *group["paths"]])


def test_an_endpoint_is_a_graph_with_named_ends(tmp_path):
    model = small()
    archive = export.ExportArchive(format="tfjs")
    archive.track(model)
    best = lambda x: {"class": ops.argmax(model(x), axis=-1)}  # noqa: E731
    archive.add_endpoint("best", best, [InputSpec(shape=(None, 4), name="Rows")])
    archive.write_out(tmp_path / "m", verbose=False)
    signature = read(tmp_path / "m")["signature"]
    assert signature["inputs"]["Rows"]["dtype"] == "DT_FLOAT"
    assert [d["size"] for d in signature["inputs"]["Rows"]["tensorShape"]["dim"]] == ["-1", "4"]
    assert signature["outputs"]["class"]["dtype"] == "DT_INT32"
    if "tfjs" in HERE:
        x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
        (got,) = TARGET.runner(str(tmp_path / "m"))({"Rows": x}).values()
        assert got.tolist() == model.predict(x, verbose=0).argmax(-1).tolist()


def test_weights_are_files_of_four_megabytes_at_most():
    array = np.arange(3 << 20, dtype="float32")
    files = weights.files_of({"a": array, "b": np.ones(3, "bool")}, "float32")
    assert [len(data) for data in files.shards.values()] == [4 << 20, 4 << 20, 4 << 20, 3]
    assert b"".join(files.shards.values()) == array.tobytes() + b"\1\1\1"
    assert list(files.shards)[0] == "group1-shard1of4.bin" and files.manifest[0]["paths"] == list(files.shards)


@pytest.mark.parametrize(("dtype", "near"), [("float32", 0.0), ("float16", 1e-3), ("int8", 8e-3)])
def test_weights_of_fewer_bits_are_read_back_near(dtype, near, tmp_path):
    model = Sequential([Input((40,)), layers.Dense(20)])
    model.export(tmp_path / "m", "tfjs", verbose=False, dtype=dtype)
    loaded = saving.load_model(tmp_path / "m" / "model.json")
    apart = np.abs(loaded.weights[0].numpy() - model.weights[0].numpy()).max()
    assert apart <= near * np.abs(model.weights[0].numpy()).max() and (apart > 0) == (near > 0)


ODD = {"infinite": [np.inf] * 300, "large": [1e30] * 300, "equal": [0.5] * 300, "none": []}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_weights_that_fewer_bits_cannot_hold_stay_floats(name, dtype):
    array = np.asarray(ODD[name], "float32").reshape(-1, 1)
    (row,) = weights.files_of({"w": array}, dtype).manifest[0]["weights"]
    assert ("quantization" in row) == (name == "equal" or (name == "large" and dtype == "int8"))


REFUSED = {
    "int64": (ExportError, "The input 'x' is of a dtype", lambda: (Input((3,), dtype="int64", name="x"), {})),
    "float64": (ExportError, "The input 'x' is of a dtype", lambda: (Input((3,), dtype="float64", name="x"), {})),
    "text": (ExportError, "is text", lambda: (Input((3,), dtype="string", name="x"), {})),
    "precision": (ArgumentError, "no such dtype", lambda: (Input((3,), name="x"), {"dtype": "bfloat16"})),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(case, tmp_path):
    error, words, build = REFUSED[case]
    x, options = build()
    with pytest.raises(error, match=words):
        Model(x, layers.Identity()(x)).export(tmp_path / "m", "tfjs", verbose=False, **options)
    assert os.listdir(tmp_path) == []


def test_operators_without_an_equivalent_are_refused_by_name(tmp_path):
    x = Input((3,), dtype="int32")
    with pytest.raises(ExportError, match="bitwise_xor"):
        Model(x, ops.bitwise_xor(x, x + 1)).export(tmp_path / "m", "tfjs", verbose=False)
    archive = export.ExportArchive(format="tfjs")
    for name in ("a", "b"):
        archive.add_endpoint(name, lambda x: x + 1, [InputSpec(shape=(None, 4))])
    with pytest.raises(ExportError, match="one endpoint"):
        archive.write_out(tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_a_model_replaces_its_own_kind_alone(tmp_path):
    small().export(tmp_path / "m", "tfjs", verbose=False)
    other = Sequential([Input((4,)), layers.Dense(300_000)])
    other.export(tmp_path / "m", "tfjs", verbose=False)
    small().export(tmp_path / "m", "tfjs", verbose=False)
    assert sorted(os.listdir(tmp_path / "m")) == ["group1-shard1of1.bin", "model.json"]
    (tmp_path / "m" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("m", "file"):
        with pytest.raises(ArgumentError, match="is not replaced"):
            small().export(tmp_path / name, "tfjs", verbose=False)
    assert (tmp_path / "m" / "notes.txt").read_text() == (tmp_path / "file").read_text() == "mine"


def test_packages_that_are_missing_are_named(tmp_path, monkeypatch):
    small().export(tmp_path / "m", "tfjs", verbose=False)
    monkeypatch.setenv(targets.NODE_MODULES, str(tmp_path))
    monkeypatch.delattr(TARGET, "_kept", raising=False)
    with pytest.raises(MissingLibraryError, match=r"npm install @tensorflow/tfjs"):
        TARGET.runner(str(tmp_path / "m"))({})


def test_a_folder_without_a_model_is_no_leak(tmp_path):
    for text in ("", "{", "[]", "{}"):
        (tmp_path / "model.json").write_text(text)
        with pytest.raises(ArgumentError, match="that export wrote"):
            export.check_export(small(), tmp_path, "tfjs")


@executed
def test_a_damaged_file_is_an_error_of_ours_and_the_next_one_runs(tmp_path):
    model = small()
    model.export(tmp_path / "m", "tfjs", verbose=False)
    data = read(tmp_path / "m")
    (tmp_path / "m" / "model.json").write_text(json.dumps({**data, "modelTopology": {}}))
    with pytest.raises(ExportError, match="cannot execute"):
        export.check_export(model, tmp_path / "m", "tfjs")
    (tmp_path / "m" / "model.json").write_text(json.dumps(data))
    assert export.check_export(model, tmp_path / "m", "tfjs").difference < 1e-6
