"""Whole models: names, nestings, sizes, precisions, endpoints; and what is refused before anything is written."""

from __future__ import annotations

import json
import os

import numpy as np
import onnx
import onnxruntime
import pytest

import amalthea
from amalthea import Input, InputSpec, Model, Sequential, export, layers, ops
from amalthea.errors import ArgumentError, ExportError, NotBuiltError, UnknownNameError
from amalthea.export import targets
from amalthea.export.targets import TARGETS, Target
from tests.export.layers_tried import HERE
from tests.samples import MODELS, trained


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def rows_of(target):
    """The number of rows to export for: any, or one if the target needs to know."""
    return None if targets.target(target).has_symbols else 1


def small():
    return Sequential([Input((4,), name="features"), layers.Dense(3, name="scores")])


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_trained_model_predicts_the_same_from_its_file(name, target, tmp_path):
    model, x, _ = trained(name)
    path = tmp_path / f"model{TARGETS[target].ending}"
    model.export(path, target, verbose=False, batch_size=rows_of(target))
    if target == "onnx":
        onnx.checker.check_model(str(path), full_check=True)
    for rows in (1, 7):
        some = amalthea.tree.map_structure(lambda a, rows=rows: a[:rows], x)
        found = export.check_export(model, path, target, inputs=some)
        assert found.difference <= 2e-5 * max(found.scale, 1.0)


def test_names_and_sizes_are_those_of_the_model(tmp_path):
    words, number = Input((None,), dtype="int32", name="words"), Input((2,), name="number")
    text = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(words))
    model = Model({"words": words, "number": number}, {"sum": text, "side": layers.Dense(1)(number)})
    model.export(tmp_path / "m.onnx", verbose=False)
    there = session(tmp_path / "m.onnx")
    described = {x.name: (x.shape, x.type) for x in there.get_inputs()}
    assert described == {
        "words": (["batch", "words_1"], "tensor(int32)"),
        "number": (["batch", 2], "tensor(float)"),
    }
    assert [x.name for x in there.get_outputs()] == ["side", "sum"]
    for rows, length in ((2, 5), (3, 1)):
        feeds = {"words": np.ones((rows, length), "int32"), "number": np.ones((rows, 2), "float32")}
        for name, value in zip(("side", "sum"), there.run(["side", "sum"], feeds)):
            np.testing.assert_allclose(value, ops.convert_to_numpy(model(feeds)[name]), rtol=1e-5, atol=1e-6)


def test_sizes_that_follow_from_symbols_are_computed_in_the_file(tmp_path):
    image = Input((None, None, 2))
    x = layers.Conv2D(3, 3, strides=2, padding="same")(image)
    x = layers.Concatenate()([x, layers.AveragePooling2D(2, padding="same")(image)])
    x = layers.UpSampling2D(2)(layers.ZeroPadding2D(1)(x))
    model = Model(image, layers.Conv2DTranspose(2, 3, strides=2, padding="same")(x))
    model.export(tmp_path / "m.onnx", verbose=False)
    for shape in ((1, 6, 9, 2), (2, 7, 4, 2)):
        x = np.random.default_rng(0).normal(size=shape).astype("float32")
        assert export.check_export(model, tmp_path / "m.onnx", inputs=x).difference < 1e-5


def test_files_hold_operators_of_the_standard_alone(tmp_path):
    query = Input((None, 4))
    model = Model(query, layers.MultiHeadAttention(2, 3)(query, query))
    model.export(tmp_path / "m.onnx", verbose=False)
    file = onnx.load(tmp_path / "m.onnx")
    assert [(x.domain, x.version) for x in file.opset_import] == [("", 20)] and file.ir_version == 9
    assert {node.domain for node in file.graph.node} == {""}


def test_a_fixed_number_of_rows(tmp_path):
    model = small()
    model.export(tmp_path / "m.onnx", verbose=False, batch_size=2)
    assert session(tmp_path / "m.onnx").get_inputs()[0].shape == [2, 4]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_names_of_classes_are_in_the_metadata(dtype, tmp_path):
    model = Sequential([Input((4,)), layers.Dense(3, "softmax")])
    path = str(tmp_path / "m.onnx")
    model.export(path, verbose=False, class_labels=["cat", "dog", "fish"], dtype=dtype)
    assert json.loads(session(path).get_modelmeta().custom_metadata_map["class_labels"]) == ["cat", "dog", "fish"]
    with pytest.raises(ArgumentError, match="one label"):
        model.export(str(tmp_path / "n.onnx"), verbose=False, class_labels=["cat"])
    assert not (tmp_path / "n.onnx").exists()


def test_weights_keep_their_paths(tmp_path):
    model = small()
    model.export(tmp_path / "m.onnx", verbose=False)
    names = {x.name for x in onnx.load(tmp_path / "m.onnx").graph.initializer}
    assert {v.path for v in model.weights} <= names


PRECISE = [(name, dtype) for name in HERE for dtype in targets.target(name).dtypes if dtype != "float32"]


@pytest.mark.parametrize(("target", "dtype"), PRECISE)
def test_files_of_fewer_bits_are_smaller_and_near(target, dtype, tmp_path):
    model = Sequential(
        [
            Input((8, 8, 1)), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
            layers.Flatten(), layers.Dense(1024, activation="tanh"), layers.Dense(10),
        ]
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 1)).astype("float32")
    sizes = {}
    for kind in ("float32", dtype):
        model.export(tmp_path / kind, target, verbose=False, dtype=kind, calibration=x, batch_size=rows_of(target))
        paths = [file for path in tmp_path.glob(f"{kind}*") for file in (path, *path.rglob("*"))]
        sizes[kind] = sum(file.stat().st_size for file in paths if file.is_file())
    share, near = {"float16": (0.55, 5e-3), "int8": (0.4, 0.1)}[dtype]
    assert sizes[dtype] < share * sizes["float32"]
    found = export.check_export(model, tmp_path / dtype, target, inputs=x)
    assert 0 < found.difference < near * found.scale


def test_an_archive_holds_a_function_over_a_model(tmp_path):
    model = small()
    archive = export.ExportArchive(format="onnx")
    archive.track(model)

    def best(x):
        return {"class": ops.argmax(model(x), axis=-1)}

    archive.add_endpoint("best", best, [InputSpec(shape=(None, 4), name="rows")])
    archive.write_out(tmp_path / "m.onnx", verbose=False)
    assert archive.variables == model.variables
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    (got,) = session(tmp_path / "m.onnx").run(["class"], {"rows": x})
    assert got.tolist() == model.predict(x, verbose=0).argmax(-1).tolist()


def test_a_subclass_is_exported_as_it_was_called(tmp_path):
    class Doubling(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs) * 2

    model = Doubling()
    with pytest.raises(NotBuiltError, match="not known"):
        model.export(tmp_path / "m.onnx")
    model.export(tmp_path / "given.onnx", input_signature=[InputSpec(shape=(None, 3))], verbose=False)
    model(np.ones((2, 3), "float32"))
    model.export(tmp_path / "m.onnx", verbose=False)
    for name in ("m.onnx", "given.onnx"):
        assert session(tmp_path / name).get_inputs()[0].shape == ["batch", 3]
        assert export.check_export(model, tmp_path / name).difference < 1e-5


def test_dropout_and_noise_are_those_of_inference(tmp_path):
    model = Sequential([Input((4,)), layers.GaussianNoise(1.0), layers.Dropout(0.5)])
    model.export(tmp_path / "m.onnx", verbose=False)
    assert export.check_export(model, tmp_path / "m.onnx").difference == 0


REFUSED = {
    "no such format": (UnknownNameError, "format is unknown", {"format": "onx"}),
    "ending": (ArgumentError, "ending", {"filepath": "model.xyz"}),
    "option": (ArgumentError, "no such option", {"opset": 20}),
    "dtype": (ArgumentError, "no such dtype", {"dtype": "int4"}),
    "calibration": (ArgumentError, "typical inputs", {"dtype": "int8"}),
    "empty calibration": (ValueError, "rows for each input", {"dtype": "int8", "calibration": np.zeros((0, 4))}),
    "rows": (ArgumentError, "positive int", {"batch_size": 0}),
    "opset": (ArgumentError, "one opset", {"opset_version": 3}),
    "signature": (ArgumentError, "no shape", {"input_signature": [3]}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(case, tmp_path):
    error, words, arguments = REFUSED[case]
    path = tmp_path / arguments.pop("filepath", "model.onnx")
    with pytest.raises(error, match=words):
        small().export(path, **arguments)
    assert os.listdir(tmp_path) == []


def test_calls_of_a_library_are_refused_by_name(tmp_path):
    def host(x):
        return np.asarray(x) * 2

    x = Input((4,))
    y = layers.Lambda(lambda x: ops.native_call(host, x, outputs=x))(x)
    with pytest.raises(ExportError, match="library's own functions"):
        Model(x, y).export(tmp_path / "m.onnx")
    assert os.listdir(tmp_path) == []


def test_text_is_refused_by_the_name_of_its_input(tmp_path):
    lookup = layers.StringLookup(vocabulary=["a", "b"])
    words = Input((), dtype="string", name="words")
    numbers = lookup(words)
    model = Model(words, layers.Embedding(4, 2)(numbers))
    with pytest.raises(ExportError, match="'words' is text"):
        model.export(tmp_path / "m.onnx")
    behind = Model(numbers, model.output)
    behind.export(tmp_path / "m.onnx", verbose=False)
    assert export.check_export(behind, tmp_path / "m.onnx").difference < 1e-6


def test_a_path_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "m.onnx").mkdir()
    with pytest.raises(ArgumentError, match="folder of that name"):
        small().export(tmp_path / "m.onnx")
    with pytest.raises(ArgumentError, match="does not exist"):
        small().export(tmp_path / "none" / "m.onnx")
    assert os.listdir(tmp_path) == ["m.onnx"] and os.listdir(tmp_path / "m.onnx") == []


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "mixed_bfloat16", "float16"])
def test_models_of_other_precisions_keep_their_numbers(target, dtype, tmp_path):
    """A runtime without their arithmetic computes in floats of 32 bits."""
    amalthea.utils.set_random_seed(0)
    model = Sequential([Input((6,)), layers.Dense(5, "relu", dtype=dtype), layers.Dense(3, dtype=dtype)])
    path = tmp_path / f"m{TARGETS[target].ending}"
    model.export(path, target, verbose=False, batch_size=rows_of(target))
    found = export.check_export(model, path, target)
    assert found.difference <= {"float64": 1e-6, "mixed_bfloat16": 4e-2}.get(dtype, 3e-3) * max(found.scale, 1.0)


@pytest.mark.parametrize("target", HERE)
def test_a_quantized_model_keeps_its_numbers(target, tmp_path):
    amalthea.utils.set_random_seed(0)
    model = Sequential([Input((1500,)), layers.Dense(8, "relu"), layers.Dense(3)])
    model.quantize("int8")
    path = tmp_path / f"m{TARGETS[target].ending}"
    model.export(path, target, verbose=False, batch_size=rows_of(target))
    found = export.check_export(model, path, target)
    assert found.difference <= 1e-4 * max(found.scale, 1.0)


@pytest.mark.parametrize("target", HERE)
def test_a_gradient_is_exported_as_any_function(target, tmp_path):
    """A map of what an image's score depends on, for any number of rows."""
    net = [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten()]
    model = Sequential([Input((8, 8, 1)), *net, layers.Dense(3)])

    def saliency(x):
        return amalthea.grad(lambda x: ops.sum(ops.max(model(x, training=False), axis=-1)))(x)

    archive = export.ExportArchive(format=target)
    archive.track(model)
    archive.add_endpoint("serve", saliency, [InputSpec(shape=(rows_of(target), 8, 8, 1), name="x")])
    path = tmp_path / f"m{TARGETS[target].ending}"
    if target == "coreml":  # the gradient of the maxima compares tensors of six axes
        with pytest.raises(ExportError, match="at most 5 axes"):
            archive.write_out(path, verbose=False)
        return
    archive.write_out(path, verbose=False)
    x = np.random.default_rng(0).normal(size=(rows_of(target) or 3, 8, 8, 1)).astype("float32")
    (got,) = targets.target(target).runner(str(path))({"x": x}).values()
    np.testing.assert_allclose(got, ops.convert_to_numpy(saliency(x)), rtol=1e-4, atol=1e-6)


def test_a_file_that_is_there_may_be_kept(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(ArgumentError, match="already"):
        small().export(path, overwrite=False)
    assert path.read_bytes() == b"mine"
    small().export(path, verbose=False)
    assert path.read_bytes() != b"mine"


@pytest.mark.parametrize("target", HERE)
def test_no_file_of_an_export_is_replaced_unless_asked(target, tmp_path):
    """Formats of two files look for both."""
    for file in targets.target(target).files(str(tmp_path / f"net{TARGETS[target].ending}")):
        with open(file, "w") as made:
            made.write("mine")
        with pytest.raises(ArgumentError, match="already"):
            small().export(tmp_path / f"net{TARGETS[target].ending}", target, overwrite=False)
        assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]
        os.remove(file)


def test_every_target_says_the_files_that_it_writes(tmp_path):
    for name in HERE:
        folder = tmp_path / name
        folder.mkdir()
        path = folder / f"net{TARGETS[name].ending}"
        small().export(path, name, verbose=False, batch_size=1)
        assert sorted(str(p) for p in folder.iterdir()) == sorted(targets.target(name).files(str(path)))


def test_calibration_fits_a_fixed_number_of_rows(tmp_path):
    """Rows that do not fill a batch are left out; fewer than one batch are too few."""
    model, x = small(), np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    for name in HERE:
        if "int8" not in targets.target(name).dtypes:
            continue
        path = tmp_path / f"net{TARGETS[name].ending}"
        model.export(path, name, verbose=False, batch_size=2, dtype="int8", calibration=x)
        found = export.check_export(model, path, name, inputs=x[:2])
        assert found.difference < 0.1 * found.scale
    with pytest.raises(ValueError, match="fewer rows"):
        model.export(tmp_path / "n.onnx", batch_size=9, dtype="int8", calibration=x)


def test_every_target_is_complete():
    for name, known in TARGETS.items():
        if known.writes_with and name not in HERE:
            continue
        target = targets.target(name)
        assert isinstance(target, Target) and target.name == name
        assert type(target).write is not Target.write and type(target).runner is not Target.runner
