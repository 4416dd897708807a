"""Small files that ask for something huge, limits of loading, and archives."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, loading, utils
from amalthea.errors import AmaltheaError, ArgumentError, ModelFileError, UnsafeFileError
from amalthea.saving import limits
from tests.saving.archives import rewritten, with_weights


def layer(kind, **config):
    return {"module": "keras.layers", "class_name": kind, "config": {"name": "big", **config}}


def of_layers(*inner, shape=(4,), compile_config=None):
    """The configuration of a model of these layers in a row."""
    first = layer("InputLayer", batch_shape=[None, *shape])
    first["config"]["name"] = "first"
    config = {"name": "m", "layers": [first, *inner], "build_input_shape": [None, *shape]}
    whole = {"module": "keras", "class_name": "Sequential", "config": config}
    return {**whole, "compile_config": compile_config} if compile_config else whole


def of_op(kind, module="numpy", shape=(4,), args=("x",), **config):
    """The configuration of a functional model of one op; "x" among its arguments is the model's input."""
    tensor = {"shape": [None, *shape], "dtype": "float32", "keras_history": ["first", 0, 0]}
    tensor = {"class_name": "__keras_tensor__", "config": tensor}
    node = {"args": [tensor if a == "x" else a for a in args], "kwargs": {}}
    op = {"module": f"keras.src.ops.{module}", "class_name": kind, "config": {"name": "op", **config}}
    first = layer("InputLayer", batch_shape=[None, *shape])
    first["config"]["name"] = "first"
    both = [{**first, "name": "first", "inbound_nodes": []}, {**op, "name": "op", "inbound_nodes": [node]}]
    config = {"name": "m", "layers": both, "input_layers": [["first", 0, 0]], "output_layers": [["op", 0, 0]]}
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}


def compiled(**config):
    return of_layers(layer("Dense", units=1), compile_config={"optimizer": "sgd", "loss": "mse", **config})


def metric(kind, **config):
    return compiled(metrics=[{"module": "keras.metrics", "class_name": kind, "config": config}])


BILLION = 10**9
ORTHOGONAL = {"module": "keras.initializers", "class_name": "Orthogonal", "config": {}}
RELU = {"class_name": "function", "config": "relu", "module": "builtins"}
MUON = {"module": "keras.optimizers", "class_name": "Muon", "config": {"ns_steps": BILLION}}
HUGE = {
    "Dense": of_layers(layer("Dense", units=BILLION)),
    "Embedding": of_layers(layer("Embedding", input_dim=10**12, output_dim=8)),
    "LSTM": of_layers(layer("LSTM", units=10**5), shape=(3, 4)),
    "GRU": of_layers(layer("GRU", units=10**5), shape=(3, 4)),
    "Orthogonal": of_layers(layer("Dense", units=12000, kernel_initializer=ORTHOGONAL), shape=(12000,)),
    "unrolled": of_layers(layer("LSTM", units=2, unroll=True), shape=(10**6, 1)),
    "Conv": of_layers(layer("Conv1D", filters=4, kernel_size=BILLION), shape=(9, 4)),
    "spectrogram": of_layers(layer("STFTSpectrogram", frame_length=BILLION, frame_step=1), shape=(100, 1)),
    "mel bins": of_layers(layer("MelSpectrogram", num_mel_bins=BILLION), shape=(9000,)),
    "Discretization": of_layers(layer("Discretization", num_bins=BILLION)),
    "RepeatVector": of_layers(layer("RepeatVector", n=BILLION)),
    "UpSampling": of_layers(layer("UpSampling1D", size=BILLION), shape=(9, 4)),
    "ZeroPadding": of_layers(layer("ZeroPadding1D", padding=BILLION), shape=(9, 4)),
    "AdaptivePooling": of_layers(layer("AdaptiveAveragePooling1D", output_size=BILLION), shape=(9, 4)),
    "heads": of_layers(layer("GroupNormalization", groups=BILLION)),
    "Input": of_layers(layer("Flatten"), shape=(10**6, 10**6)),
    "shapes to build for": of_layers({**layer("Dense", units=2), "build_config": {"input_shape": [None, 10**12]}}),
    "AUC": metric("AUC", num_thresholds=BILLION),
    "PrecisionAtRecall": metric("PrecisionAtRecall", recall=0.5, num_thresholds=BILLION),
    "MeanIoU": metric("MeanIoU", num_classes=10**6),
    "steps of Muon": compiled(optimizer=MUON),
    "arange": of_op("Arange", args=[0, BILLION, 1]),
    "zeros": of_op("Zeros", args=[], shape_=[BILLION]),
    "tile": of_op("Tile", repeats=[1, BILLION]),
    "tile of little": of_op("Tile", args=[1.0], repeats=[BILLION]),
    "repeat": of_op("Repeat", repeats=BILLION, axis=1),
    "broadcast": of_op("BroadcastTo", broadcast_shape=[1, BILLION, BILLION], args=["x", [1, BILLION, BILLION]]),
    "split": of_op("Split", indices_or_sections=BILLION, axis=1),
    "diff": of_op("Diff", n=BILLION),
    "one hot": of_op("OneHot", module="nn", num_classes=BILLION),
    "pad": of_op("Pad", pad_width=[[0, 0], [0, BILLION]]),
    "fori_loop": of_op("ForiLoop", module="core", args=[0, BILLION, RELU, 1.0]),
    "while_loop": of_op("WhileLoop", module="core", args=[RELU, RELU, "x"], maximum_iterations=BILLION),
}


@pytest.fixture
def no_arrays(monkeypatch):
    """No array above 64 MiB is made while a file is refused, and no loop runs for long."""
    import tracemalloc

    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 26


@pytest.mark.parametrize("name", HUGE)
def test_a_small_file_that_asks_for_something_huge_is_refused(name, path, no_arrays):
    rewritten(path, config=lambda data: json.dumps(HUGE[name]).encode())
    with pytest.raises(AmaltheaError) as caught:
        amalthea.saving.load_model(path)
    assert len(str(caught.value)) < 1000


def test_values_in_a_file_may_be_large(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "elements", 100)
    monkeypatch.setattr(limits, "size", 10)
    big = Sequential([Input((200,)), layers.Dense(30)])
    big.save(tmp_path / "m.keras")
    found = amalthea.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(found.get_weights()[0], big.get_weights()[0])
    monkeypatch.setattr(limits, "copies", 0)
    with pytest.raises(ModelFileError, match="does not hold"):
        amalthea.saving.load_model(tmp_path / "m.keras")


def test_nothing_is_drawn_while_a_file_is_read(tmp_path, monkeypatch):
    big = Sequential([Input((40,)), layers.Dense(50, kernel_initializer="orthogonal"), layers.Dense(60)])
    big.compile(amalthea.optimizers.Adam(), "mse")
    big.fit(np.ones((4, 40)), np.ones((4, 60)), verbose=0)
    big.save(tmp_path / "m.keras")

    def draw(self, shape, dtype=None):
        raise AssertionError("an initial value was drawn")

    for kind in (amalthea.initializers.Orthogonal, amalthea.initializers.GlorotUniform):
        monkeypatch.setattr(kind, "__call__", draw)
    found = amalthea.saving.load_model(tmp_path / "m.keras")
    for a, b in zip(found.variables, big.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("optimizer", ["Adagrad", "ScheduleFreeAdamW", "Adam", "Ftrl"])
def test_state_that_the_file_does_not_hold_begins_as_it_would(optimizer, tmp_path):
    """An optimizer that was saved before it was built starts from its own initial values, and the weights as read."""
    made = Sequential([Input((40,)), layers.Dense(50)])
    made.compile(getattr(amalthea.optimizers, optimizer)(0.1), "mse")
    made.save(tmp_path / "m.keras")
    found = amalthea.saving.load_model(tmp_path / "m.keras")
    made.optimizer.build(made.trainable_variables)
    for a, b in zip(found.optimizer.variables, made.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


FILTERS = {"lzf": {"compression": "lzf"}, "fletcher32": {"fletcher32": True}, "scale": {"scaleoffset": 2}}


@pytest.mark.parametrize("name", [*FILTERS, "plugin"])
def test_filters_of_hdf5_that_are_not_known_are_refused_before_anything_is_read(name, path):
    value = np.arange(5, dtype="float32")

    def packed(file):
        del file["layers/dense/vars/1"]
        if name != "plugin":
            file.create_dataset("layers/dense/vars/1", data=value, chunks=(5,), **FILTERS[name])
            return
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((5,))
        properties.set_filter(305, h5py.h5z.FLAG_OPTIONAL, ())  # somebody's library
        space = h5py.h5s.create_simple((5,))
        h5py.h5d.create(file["layers/dense/vars"].id, b"1", h5py.h5t.NATIVE_FLOAT, space, properties)

    with_weights(path, packed)
    with pytest.raises(ModelFileError, match="gzip and shuffle"):
        amalthea.saving.load_model(path)


def test_gzip_and_shuffle_are_read(path):
    value = np.arange(5, dtype="float32")

    def packed(file):
        del file["layers/dense/vars/1"]
        file.create_dataset("layers/dense/vars/1", data=value, compression="gzip", shuffle=True)

    with_weights(path, packed)
    np.testing.assert_array_equal(amalthea.saving.load_model(path).get_weights()[1], value)


LIMITED = {
    "config_bytes": (10, "too large to be read"),
    "objects": (3, "too many parts"),
    "elements": (-(10**9), "does not hold"),
    "size": (1, "cannot mean"),
    "row": (0, "larger than any memory"),
}


@pytest.mark.parametrize("name", LIMITED)
def test_each_limit_is_held_and_can_be_set(name, tmp_path, monkeypatch):
    x = Input((4,))
    Model(x, layers.Dense(5)(x)).save(tmp_path / "m.keras")
    value, words = LIMITED[name]
    monkeypatch.setattr(loading, "limits", limits)
    if name == "size":
        monkeypatch.setattr(loading.Plan, "__init__", _holding_nothing)
    monkeypatch.setattr(limits, name, value)
    with pytest.raises(ModelFileError, match=words):
        amalthea.saving.load_model(tmp_path / "m.keras")


def _holding_nothing(self, held):
    self.in_file, self.left, self.waiting = 0, 1 << 30, []


def test_values_that_unpack_to_too_much_in_all_are_refused(path, monkeypatch):
    monkeypatch.setattr(limits, "unpacked_bytes", 1 << 16)

    def zeros(file):
        for i in range(4):
            file.create_dataset(f"more/{i}", data=np.zeros(1 << 16, "float32"), compression="gzip")

    with_weights(path, zeros)
    with pytest.raises(ModelFileError, match="far more"):
        amalthea.saving.load_model(path)


def test_every_limit_is_documented():
    assert {name for name in vars(type(limits)) if name[0] != "_"} | {"sizes"} == set(
        re.findall(r"^        (\w+):", loading.Limits.__doc__, re.MULTILINE)
    )


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..", "../datasets_other/x"])
def test_a_file_that_is_fetched_stays_in_the_cache(name, tmp_path):
    (tmp_path / "origin").write_bytes(b"1")
    with pytest.raises(ArgumentError, match="leads out"):
        utils.get_file(name, (tmp_path / "origin").as_uri(), cache_dir=tmp_path / "cache")
    assert [p.name for p in tmp_path.iterdir() if p.name != "origin"] == []
    inside = utils.get_file("deep/er/x", (tmp_path / "origin").as_uri(), cache_dir=tmp_path / "cache")
    assert inside == str(tmp_path / "cache" / "datasets" / "deep" / "er" / "x")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("limit", ["archive_bytes", "archive_members"])
def test_an_archive_that_unpacks_to_too_much_is_refused(kind, limit, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "archive_ratio", 2)
    monkeypatch.setattr(limits, limit, 3)
    zeros = bytes(100_000 if limit == "archive_bytes" else 0)
    file = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(5):
                archive.writestr(f"{i}", zeros)
    else:
        with tarfile.open(file, "w:gz") as archive:
            for i in range(5):
                member = tarfile.TarInfo(f"{i}")
                member.size = len(zeros)
                archive.addfile(member, io.BytesIO(zeros))
    with pytest.raises(UnsafeFileError, match="unpacks to more"):
        utils.get_file(f"b.{kind}", file.as_uri(), extract=True, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache" / "datasets" / "b_extracted").exists()
