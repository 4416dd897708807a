"""SavedModels: read back by our own readers, and where TensorFlow is installed, loaded, run and trained by it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

from amalthea import Input, InputSpec, Model, Sequential, export, layers, ops, optimizers, saving
from amalthea.engine.primitives import TABLE, Sample
from amalthea.errors import ArgumentError, ExportError, ModelFileError
from amalthea.export import targets
from amalthea.export.endpoint import Endpoint
from amalthea.export.saved_model.functions import LOWERINGS
from amalthea.export.tensorflow_graph.op_table import OUTPUTS, TYPES
from amalthea.saving import bundle, protobuf, string_table
from amalthea.saving.bundle import Bundle
from amalthea.saving.object_graph import ObjectGraph
from amalthea.saving.protobuf import Field
from amalthea.testing.primitives import TOLERANCE
from amalthea.testing.programs import Program, in_dtypes

FILES = ["saved_model.pb", "variables/variables.data-00000-of-00001", "variables/variables.index"]
needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def small():
    return Sequential(
        [Input((4,), name="features"), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2, name="scores")]
    )


def recurrent():
    return Sequential(
        [Input((None, 3)), layers.LSTM(4, return_sequences=True), layers.GRU(4), layers.Dense(2, name="scores")]
    )


def convolutional():
    stack = [
        layers.Conv2D(6, 3, strides=2, padding="same"), layers.DepthwiseConv2D(3),
        layers.Conv2DTranspose(2, 3, strides=2, padding="same"), layers.AveragePooling2D(2, padding="same"),
        layers.Conv2D(4, 3, groups=2, padding="same"), layers.GlobalMaxPooling2D(),
    ]  # fmt: skip
    return Sequential([Input((8, 8, 3)), *stack])


def exported(model, tmp_path, **options):
    path = str(tmp_path / "saved")
    model.export(path, verbose=False, **options)
    return path


def files(path):
    return sorted(os.path.relpath(os.path.join(at, name), path) for at, _, names in os.walk(path) for name in names)


def meta_graph(path):
    from tensorboard.compat.proto import meta_graph_pb2

    with open(os.path.join(path, "saved_model.pb"), "rb") as file:
        whole = protobuf.parse(file.read(), {"version": Field(1, "int"), "graphs": Field(2, "bytes", many=True)}, "it")
    assert whole["version"] == 1
    (data,) = whole["graphs"]
    return meta_graph_pb2.MetaGraphDef.FromString(data)


# ---------------------------------------------------------------- writers beside the readers of saving


@pytest.mark.parametrize("count", [0, 1, 64, 65, 300])
def test_a_table_that_is_written_is_read_back(count):
    rows = {b"key %d" % i: bytes([i % 256]) * (i % 200) for i in range(count)}
    assert string_table.read(string_table.table(rows)) == rows


def test_a_message_that_is_written_is_read_back():
    inner = {"x": Field(1, "int")}
    schema = {
        "a": Field(1, "int"), "b": Field(2, "text"), "c": Field(3, inner), "many": Field(4, inner, many=True),
        "d": Field(5, "bytes"), "e": Field(6, "fixed32"), "numbers": Field(7, "int", many=True),
    }  # fmt: skip
    values = {"a": 1 << 63, "b": "ä" * 99, "c": {"x": 5}, "many": [{"x": 0}, {"x": 128}], "d": b"\0", "e": 7}
    values["numbers"] = [0, 300]
    assert protobuf.parse(protobuf.message(values, schema), schema, "it") == values


def test_a_checkpoint_that_is_written_is_read_back(tmp_path):
    values = {
        "f": draws(3, 4), "empty": np.zeros((0, 3)), "scalar": np.int64(-3), "half": draws(5).astype("float16"),
        "brain": draws(5).astype(ml_dtypes.bfloat16), "truth": np.array([True, False]), "turned": draws(3, 4).T,
        "seed": np.array([1, 2**32 - 1], "uint32"), "ä/text": b"x" * 200, "no text": b"",
    }  # fmt: skip
    bundle.write(tmp_path / "ckpt", values)
    found = Bundle(tmp_path / "ckpt")
    assert set(found.entries) == set(values)
    for key, value in values.items():
        if isinstance(value, bytes):
            assert found.text(key) == value
        else:
            got = found.array(key)
            assert got.dtype == value.dtype
            np.testing.assert_array_equal(got, value)


# ---------------------------------------------------------------- the folder


def test_the_folder_holds_every_variable_by_its_path(tmp_path):
    model = small()
    path = exported(model, tmp_path)
    assert files(path) == FILES
    values = Bundle(tmp_path / "saved" / "variables" / "variables")
    graph = ObjectGraph(values)
    for name, members in (
        ("variables", model.variables),
        ("trainable_variables", model.trainable_variables),
        ("non_trainable_variables", model.non_trainable_variables),
    ):
        node = graph.child(0, name)
        assert len(graph.nodes[node].children) == len(members) > 0
        for i, variable in enumerate(members):
            at = graph.nodes[graph.child(node, str(i))]
            assert at.name == variable.path
            np.testing.assert_array_equal(values.array(at.key), variable.numpy())


def test_signatures_have_the_names_types_and_sizes_of_the_model(tmp_path):
    words, number = Input((None,), dtype="int32", name="words"), Input((2,), name="Number 1")
    text = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(words))
    model = Model({"words": words, "number": number}, {"sum": text, "side": layers.Dense(1)(number)})
    meta = meta_graph(exported(model, tmp_path))
    assert list(meta.meta_info_def.tags) == ["serve"]
    assert set(meta.signature_def) == {"serve", "serving_default"}
    for signature in meta.signature_def.values():
        assert signature.method_name == "tensorflow/serving/predict"
        described = {
            name: (x.dtype, [d.size for d in x.tensor_shape.dim])
            for part in (signature.inputs, signature.outputs)
            for name, x in part.items()
        }
        assert described == {
            "words": (3, [-1, -1]), "Number 1": (1, [-1, 2]), "sum": (1, [-1, 3]), "side": (1, [-1, 1])
        }  # fmt: skip


@pytest.mark.parametrize("make", [small, recurrent, convolutional])
def test_every_node_reads_what_is_there(make, tmp_path):
    meta = meta_graph(exported(make(), tmp_path))
    library = {f.signature.name: f for f in meta.graph_def.library.function}
    assert len(library) == len(meta.graph_def.library.function)
    for function in library.values():
        known = {a.name for a in function.signature.input_arg}
        names = {node.name for node in function.node_def}
        assert len(names) == len(function.node_def)
        for node in function.node_def:
            assert all(x in known or x.split(":")[0] in names for x in node.input), node
            known |= {f"{node.name}:{output.rstrip('*')}" for output in OUTPUTS[node.op]}
            assert {a.func.name for a in node.attr.values() if a.HasField("func")} <= set(library)
        assert set(function.ret) == {a.name for a in function.signature.output_arg}
    names = {node.name for node in meta.graph_def.node}
    assert len(names) == len(meta.graph_def.node)
    assert {x.lstrip("^").split(":")[0] for node in meta.graph_def.node for x in node.input} <= names
    assert set(meta.object_graph_def.concrete_functions) <= set(library)


def test_a_model_without_variables(tmp_path):
    path = exported(Sequential([Input((4,)), layers.Flatten()]), tmp_path)
    assert files(path) == FILES


def test_a_fixed_number_of_rows(tmp_path):
    meta = meta_graph(exported(small(), tmp_path, batch_size=2))
    assert [d.size for d in meta.signature_def["serve"].inputs["features"].tensor_shape.dim] == [2, 4]


def test_our_own_loader_says_what_the_folder_lacks(tmp_path):
    with pytest.raises(ModelFileError, match="SavedModel"):
        saving.load_model(exported(small(), tmp_path))


# ---------------------------------------------------------------- refused before anything is written


@pytest.mark.parametrize("there", ["a file", "a folder of files", "a folder with more than a SavedModel"])
def test_what_is_there_and_is_no_saved_model_is_kept(there, tmp_path):
    path = tmp_path / "saved"
    if there == "a file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine.txt").write_text("mine")
        if "SavedModel" in there:
            (path / "saved_model.pb").write_bytes(b"")
    before = files(tmp_path)
    with pytest.raises(ArgumentError, match="not replaced"):
        small().export(path, verbose=False)
    assert files(tmp_path) == before


def test_an_empty_folder_and_a_saved_model_are_replaced(tmp_path):
    (tmp_path / "saved").mkdir()
    first, second = small(), small()
    exported(first, tmp_path)
    path = exported(second, tmp_path)
    assert files(tmp_path) == [f"saved/{name}" for name in FILES]
    values = Bundle(tmp_path / "saved" / "variables" / "variables")
    key = f"variables/{second.variables.index(second.trainable_variables[0])}/.ATTRIBUTES/VARIABLE_VALUE"
    np.testing.assert_array_equal(values.array(key), second.trainable_variables[0].numpy())
    with pytest.raises(ArgumentError, match="already"):
        first.export(path, overwrite=False)


def test_calls_of_a_library_are_refused_and_nothing_is_written(tmp_path):
    x = Input((4,))
    y = layers.Lambda(lambda x: ops.native_call(lambda a: np.asarray(a) * 2, x, outputs=x))(x)
    with pytest.raises(ExportError, match="library's own functions"):
        Model(x, y).export(tmp_path / "saved")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["variables", "signatures", "trainable_variables", "mine"])
def test_names_that_the_loaded_object_needs_are_refused(name, tmp_path):
    model = small()
    archive = export.ExportArchive()
    archive.track(model)
    archive.add_variable_collection("mine", model.weights)
    archive.add_endpoint(name, model)
    with pytest.raises(ArgumentError, match="cannot have this name"):
        archive.write_out(tmp_path / "saved", verbose=False)
    assert os.listdir(tmp_path) == []


# ---------------------------------------------------------------- TensorFlow


def loaded(path):
    import tensorflow as tf

    return tf, tf.saved_model.load(path)


@needs_tensorflow
def test_operators_have_the_attributes_and_outputs_of_the_table():
    from tensorflow.python.framework import op_def_registry

    for name, types in TYPES.items():
        known = op_def_registry.get(name)
        star = ["*" if o.type_list_attr or o.number_attr else "" for o in known.output_arg]
        assert OUTPUTS[name] == [o.name + s for o, s in zip(known.output_arg, star)], name
        for attr, argument in zip(types, known.input_arg):
            assert attr == "_" or attr == argument.type_attr, name


@needs_tensorflow
def test_variables_are_restored_and_trainable(tmp_path):
    model = small()
    _, there = loaded(exported(model, tmp_path))
    for name in ("variables", "trainable_variables", "non_trainable_variables"):
        ours, theirs = getattr(model, name), getattr(there, name)
        assert [v.path for v in ours] == [v.name.removesuffix(":0") for v in theirs]
        assert [v.trainable for v in ours] == [v.trainable for v in theirs]
        for a, b in zip(ours, theirs):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    x = draws(5, 4)
    before = there.serve(x).numpy()
    there.variables[0].assign(there.variables[0] * 2)
    assert np.abs(there.serve(x).numpy() - before).max() > 1e-3


@needs_tensorflow
@pytest.mark.parametrize(("make", "shape"), [(recurrent, (3, 6, 3)), (convolutional, (2, 8, 8, 3))])
def test_a_tape_gives_the_gradients_of_our_own_training(make, shape, tmp_path):
    model, x = make(), draws(*shape)
    tf, there = loaded(exported(model, tmp_path))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.reduce_sum(there.serve(x) ** 2, axis=-1))
    found = tape.gradient(loss, list(there.trainable_variables))
    before = [v.numpy().copy() for v in model.trainable_variables]
    model.compile(optimizers.SGD(1.0), loss=lambda target, y: ops.sum(ops.square(y), axis=-1))
    model.train_on_batch(x, np.zeros((len(x), 1)))
    assert len(found) == len(before) > 0
    for gradient, old, new in zip(found, before, model.trainable_variables):
        np.testing.assert_allclose(gradient.numpy(), old - new.numpy(), rtol=1e-4, atol=1e-5)


@needs_tensorflow
def test_sizes_may_differ_from_call_to_call(tmp_path):
    model = recurrent()
    tf, there = loaded(exported(model, tmp_path))
    serve = there.signatures["serving_default"]
    assert serve.structured_outputs["scores"].shape.as_list() == [None, 2]
    assert there.serve.concrete_functions[0].outputs[0].shape.as_list() == [None, 2]
    for shape in ((1, 7, 3), (4, 2, 3)):
        x = draws(*shape)
        expected = ops.convert_to_numpy(model(x))
        for got in (there.serve(x), serve(tf.constant(x))["scores"]):
            np.testing.assert_allclose(got.numpy(), expected, rtol=1e-5, atol=1e-6)


@needs_tensorflow
def test_arguments_and_results_are_nested_as_in_the_model(tmp_path):
    a, b = Input((2,), name="a"), Input((3,), name="b")
    model = Model({"q": a, "r": [b]}, {"z": layers.Dense(2)(a), "y": [layers.Dense(2)(b), b]})
    tf, there = loaded(exported(model, tmp_path))
    x = {"q": draws(5, 2), "r": [draws(5, 3)]}
    ours, theirs = model(x), there.serve(x)
    tf.nest.assert_same_structure(ours, theirs)
    for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs)):
        np.testing.assert_allclose(other.numpy(), ops.convert_to_numpy(one), rtol=1e-5, atol=1e-6)


WITHOUT_KERNELS = {
    "dilated volumes in groups": ((7, 7, 7, 4), layers.Conv3D, {"dilation_rate": 2, "groups": 2}),
    "a filter a channel, uneven strides": ((7, 8, 4), layers.Conv2D, {"groups": 4, "strides": (1, 2)}),
    "a filter a channel, dilated": ((7, 8, 4), layers.Conv2D, {"groups": 4, "dilation_rate": 2}),
    "volumes, transposed": ((3, 4, 3, 4), layers.Conv3DTranspose, {"strides": 2, "padding": "same"}),
}


@needs_tensorflow
@pytest.mark.parametrize("case", WITHOUT_KERNELS)
def test_convolutions_that_tensorflow_has_no_kernels_for(case, tmp_path):
    shape, layer, options = WITHOUT_KERNELS[case]
    model = Sequential([Input(shape), layer(4, 3, bias_initializer="ones", **options)])
    found = export.check_export(model, exported(model, tmp_path))
    assert found.difference <= 1e-5 * found.scale


@needs_tensorflow
def test_more_than_ten_outputs_keep_their_order(tmp_path):
    x = Input((2,))
    model = Model(x, [layers.Rescaling(float(i))(x) for i in range(12)])
    assert export.check_export(model, exported(model, tmp_path)).difference < 1e-6


@needs_tensorflow
def test_an_archive_holds_several_endpoints(tmp_path):
    model = small()
    archive = export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("scores", model)
    specs = [InputSpec(shape=(None, 4), name="rows"), InputSpec(shape=(2,), name="bias")]
    archive.add_endpoint("best", lambda rows, bias: ops.argmax(model(rows) + bias, axis=-1), specs)
    archive.add_variable_collection("mine", model.weights[1:2])
    archive.write_out(tmp_path / "saved", verbose=False)
    tf, there = loaded(str(tmp_path / "saved"))
    assert set(there.signatures) == {"scores", "best", "serving_default"}
    assert [v.name for v in there.mine] == [f"{model.weights[1].path}:0"]
    x, bias = draws(5, 4), np.array([0.1, 0.0], "float32")
    scores = ops.convert_to_numpy(model(x))
    for name in ("scores", "serving_default"):
        (got,) = there.signatures[name](features=tf.constant(x)).values()
        np.testing.assert_allclose(got.numpy(), scores, rtol=1e-5, atol=1e-6)
    expected = (scores + bias).argmax(-1).tolist()
    assert there.best(x, bias).numpy().tolist() == expected
    named = there.signatures["best"](rows=tf.constant(x), bias=tf.constant(bias))
    assert named["output"].numpy().tolist() == expected and named["output"].dtype == tf.int32


@needs_tensorflow
def test_a_session_of_tensorflow_1_runs_it_and_saves(tmp_path):
    model, x = recurrent(), draws(3, 6, 3)
    path = exported(model, tmp_path)
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], path)
        signature = meta.signature_def["serving_default"]
        (given,), saver = signature.inputs.values(), meta.saver_def
        got = session.run(signature.outputs["scores"].name, {given.name: x})
        session.run(saver.save_tensor_name, {saver.filename_tensor_name: str(tmp_path / "again")})
    np.testing.assert_allclose(got, ops.convert_to_numpy(model(x)), rtol=1e-5, atol=1e-6)
    first, second = Bundle(tmp_path / "saved" / "variables" / "variables"), Bundle(tmp_path / "again")
    assert set(first.entries) == set(second.entries)
    for i in range(len(model.variables)):
        key = f"variables/{i}/.ATTRIBUTES/VARIABLE_VALUE"
        np.testing.assert_array_equal(first.array(key), second.array(key))


@needs_tensorflow
def test_tensorflow_saves_it_again(tmp_path):
    model, x = convolutional(), draws(2, 8, 8, 3)
    tf, there = loaded(exported(model, tmp_path))
    tf.saved_model.save(there, str(tmp_path / "again"), signatures=there.signatures["serve"])
    again = tf.saved_model.load(str(tmp_path / "again"))
    np.testing.assert_allclose(again.serve(x).numpy(), ops.convert_to_numpy(model(x)), rtol=1e-5, atol=1e-6)


@needs_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(p.name for p in LOWERINGS if p.samples))
def test_every_primitive_gives_its_reference(name, tmp_path):
    for number, sample in enumerate(TABLE[name].samples):
        for case in in_dtypes(
            Program(name, f"value {number}", *completed(TABLE[name], sample)), ("float64", "float32")
        ):
            graph = case.graph
            ins, outs = ([f"{s}{i}" for i in range(len(xs))] for s, xs in (("x", graph.inputs), ("y", graph.outputs)))
            path = str(tmp_path / f"{number}{case.dtype}")
            target = targets.target("tf_saved_model")
            target.write([Endpoint("serve", graph, ins, outs)], path, targets.Options())
            got = target.runner(path)({name: np.asarray(x) for name, x in zip(ins, case.inputs)})
            close = TOLERANCE.get(case.dtype, 1e-9)
            for out, wanted in zip(outs, case.wanted, strict=True):
                np.testing.assert_allclose(got[out].astype("float64"), wanted.astype("float64"), close, close)


def completed(primitive, sample):
    """A primitive and a sample of it, with the attributes that it leaves out."""
    return primitive, Sample(sample.inputs, {**primitive.defaults, **sample.attrs})


KERAS = """
import json, sys
import keras
import numpy as np

x = np.load(sys.argv[2])
layer = keras.layers.TFSMLayer(sys.argv[1], call_endpoint=sys.argv[3])
inputs = keras.Input(x.shape[1:])
outputs = layer(inputs)
model = keras.Model(inputs, outputs if sys.argv[3] == "serve" else outputs["scores"])
print(json.dumps([len(layer.trainable_weights), list(model.output_shape), model.predict(x, verbose=0).tolist()]))
"""


@needs_tensorflow
@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
@pytest.mark.parametrize("endpoint", ["serve", "serving_default"])
def test_keras_3_loads_it_as_a_layer(endpoint, tmp_path):
    model, x = recurrent(), draws(3, 6, 3)
    path = exported(model, tmp_path)
    np.save(tmp_path / "x.npy", x)
    names = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    out = subprocess.run(
        [sys.executable, "-c", KERAS, path, str(tmp_path / "x.npy"), endpoint],
        env={**os.environ, **names}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    count, shape, scores = json.loads(out.stdout.splitlines()[-1])
    assert count == len(model.trainable_variables) and shape == [None, 2]
    np.testing.assert_allclose(scores, ops.convert_to_numpy(model(x)), rtol=1e-5, atol=1e-6)
