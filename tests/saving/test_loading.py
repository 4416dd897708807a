"""Files that are damaged or too large for what they say: refused at once, in readable words, with nothing changed."""

from __future__ import annotations

import io
import itertools
import json
import random
import re
import tarfile
import warnings
import zipfile

import h5py
import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, loading, ops, utils
from amalthea.errors import AmaltheaError, ArgumentError, ModelFileError, UnsafeFileError, nearest, visible
from amalthea.optimizers import patterns
from amalthea.saving import limits
from tests.samples import trained
from tests.saving.test_saving_safety import rewritten, with_config, with_weights


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A whole model in a file, as bytes: it is trained once."""
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    trained("sequential")[0].save(file)
    return file.read_bytes()


@pytest.fixture
def path(saved, tmp_path):
    (tmp_path / "model.keras").write_bytes(saved)
    return tmp_path / "model.keras"


# ------------------------------------------------------------------------------------- sizes in configurations


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


def test_what_a_file_holds_may_be_large(tmp_path, monkeypatch):
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


# ------------------------------------------------------------------------------------------ damaged weights


def everything(found):
    return [v.numpy().copy() for v in (*found.variables, *found.optimizer.variables)]


@pytest.mark.parametrize("seed", range(2))
def test_damage_anywhere_leaves_the_model_as_it_was_or_is_not_seen(seed, tmp_path):
    source, _, _ = trained("sequential")
    source.save_weights(tmp_path / "w.weights.h5")
    whole = (tmp_path / "w.weights.h5").read_bytes()
    target, _, _ = trained("sequential", seed=7)
    before, rng, refused = everything(target), random.Random(seed), 0
    for _ in range(30):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 4, 40))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "d.weights.h5").write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.load_weights(tmp_path / "d.weights.h5")
        except ModelFileError:
            refused += 1
            for found, want in zip(everything(target), before, strict=True):
                np.testing.assert_array_equal(found, want)
        before = everything(target)
    assert refused


class Refusing(layers.Layer):
    """Its own way of reading fails."""

    def build(self, input_shape):
        self.w = self.add_weight((3,), "ones")

    def call(self, x):
        return x

    def load_own_variables(self, store):
        self.w.assign(np.zeros(3))
        raise RuntimeError("of another kind")


def test_a_layer_that_fails_to_read_leaves_all_others_as_they_were(tmp_path):
    made = Sequential([Input((4,)), layers.Dense(5), Refusing(), layers.Dense(3)])
    made.save_weights(tmp_path / "w.weights.h5")
    made.set_weights([w + 1 for w in made.get_weights()])
    before = made.get_weights()
    with pytest.raises(ModelFileError, match="of another kind"):
        made.load_weights(tmp_path / "w.weights.h5")
    for found, want in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, want)


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
    self.held, self.left, self.waiting = 0, 1 << 30, []


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


# -------------------------------------------------------------------------------------- many steps for little


class Counted(layers.Layer):
    calls = 0

    def call(self, x):
        type(self).calls += 1
        return x


def nested(depth, inner):
    """Models within models, each called twice."""
    for i in range(depth):
        x = Input((3,))
        inner = Model(x, inner(inner(x)), name=f"m{i}")
    return inner


def test_a_nested_model_is_traced_once_for_each_type_of_its_inputs(tmp_path):
    x = Input((3,))
    Counted.calls = 0
    made = nested(6, Model(x, Counted()(x)))
    few = Counted.calls
    made = nested(4, made)
    assert Counted.calls - few == 0
    assert few <= 2
    made.save(tmp_path / "m.keras")
    Counted.calls = 0
    amalthea.saving.load_model(tmp_path / "m.keras", custom_objects={"Counted": Counted})
    assert Counted.calls <= 2


def test_a_nested_model_is_traced_anew_for_another_type():
    x = Input((None, 3))
    inner = Model(x, layers.GlobalAveragePooling1D(keepdims=True)(ops.concatenate([x, x], axis=1)))
    shapes = [inner(Input(shape)).shape for shape in ((5, 3), (None, 3), (7, 3))]
    assert shapes == [(None, 1, 3)] * 3
    again = Model(x, layers.ZeroPadding1D(1)(x))
    assert [again(Input(shape)).shape for shape in ((5, 3), (7, 3), (None, 3))] == [
        (None, 7, 3),
        (None, 9, 3),
        (None, None, 3),
    ]
    masked = Model(y := Input((4,)), layers.Embedding(5, 2, mask_zero=True)(y))
    assert all(masked(Input((4,)))._keras_mask is not None for _ in range(2))


@pytest.mark.parametrize("order", ["as written", "reversed"])
def test_the_work_of_loading_grows_with_the_number_of_layers(order, tmp_path):
    """Lookups are counted, not seconds: twice the layers make twice as many, in whatever order they stand."""
    counts = [_lookups(count, order, tmp_path) for count in (20, 40, 80)]
    assert (counts[2] - counts[1]) <= 2.2 * (counts[1] - counts[0])


def _lookups(count, order, folder):
    import sys

    x = first = Input((2,))
    for i in range(count):
        x = layers.Dense(2, use_bias=False, name=f"d{i}")(x)
    file = folder / "m.keras"
    Model(first, x).save(file)
    if order == "reversed":
        with_config(file, lambda config: config["config"]["layers"].reverse())
    lines = 0

    def count_lines(frame, event, argument):
        nonlocal lines
        lines += 1
        return count_lines

    before = sys.gettrace()
    sys.settrace(count_lines)
    try:
        amalthea.saving.load_model(file)
    finally:
        sys.settrace(before)
    return lines


def test_layers_are_added_in_a_time_that_does_not_depend_on_their_number():
    with pytest.raises(ArgumentError, match="named 'a' already"):
        Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="b"), layers.Dense(1, name="a")])
    made = Sequential([layers.Dense(1, name="a")])
    made.pop()
    made.add(layers.Dense(1, name="a"))


# ------------------------------------------------------------------------------------------------ patterns


PARTS = ["a", "b", ".", "a*", "b+", "a?", ".*", r"\d", r"\w+", "[ab]", "[^a]", "[0-9]*", r"\.", "1"]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_pattern_finds_what_a_regular_expression_finds(length):
    texts = ["", "a", "ab", "ba1", "aab.b", "1", "b_2a", "....", "bbb1bbb", "cab"]
    chosen = itertools.product(PARTS, repeat=length)
    for parts in itertools.islice(chosen, 0, None, 1 if length < 3 else 7):
        for form in ("{}", "^{}", "{}$", "^{}$", "{}|^1$"):
            pattern = form.format("".join(parts))
            for text in texts:
                assert patterns.found(pattern, text) == bool(re.search(pattern, text)), (pattern, text)


@pytest.mark.parametrize("pattern", ["(a+)+$", "a{2}", "*a", "[a", "a**", "x" * 2000, "(?i)a"])
def test_what_is_no_pattern_of_names_is_refused(pattern):
    with pytest.raises(ArgumentError, match=r"pattern"):
        patterns.found(pattern, "a" * 50)


def test_a_pattern_that_repeats_is_found_in_little_time():
    steps = [0]

    class Letter(str):
        def __eq__(self, other):
            steps[0] += 1
            return str(self) == str(other)

        __hash__ = str.__hash__

    text = [Letter("a")] * 200
    assert not patterns.found("a*" * 20 + "b$", text)
    assert steps[0] < 200 * 50


def test_an_optimizer_in_a_file_runs_no_regular_expression(tmp_path):
    made = Sequential([Input((4,)), layers.Dense(5, name="a" * 40)])
    made.compile(amalthea.optimizers.Muon(exclude_layers=["dense"]), "mse")
    made.save(tmp_path / "m.keras")
    with_config(
        tmp_path / "m.keras",
        lambda c: c["compile_config"]["optimizer"]["config"].__setitem__("exclude_layers", ["(a+)+$"]),
    )
    with pytest.raises(ArgumentError, match="pattern"):
        amalthea.saving.load_model(tmp_path / "m.keras")


# ------------------------------------------------------------------------------------------------ messages


NAMES = {
    "escape": "\x1b[2J\x1b[31mowned",
    "bell": "a\x07",
    "turned": "\u202egnp.exe",
    "unseen": "a\u200bb",
    "long": "x" * 2_000_000,
}


def first(change):
    """A change of the first layer with weights, and its configuration."""
    return lambda config, name: change(config["config"]["layers"][1], name)


SLOTS_OF_NAMES = {
    "a class": first(lambda dense, name: dense.update(class_name=name)),
    "a registered name": first(lambda dense, name: dense.update(registered_name=f"a>{name}")),
    "a module": first(lambda dense, name: dense.update(module=name)),
    "a layer": first(lambda dense, name: dense["config"].update(name=name, units=-1)),
    "an argument": first(lambda dense, name: dense["config"].update({name: 1})),
    "an activation": first(lambda dense, name: dense["config"].update(activation=name)),
    "an initializer": first(lambda dense, name: dense["config"].update(kernel_initializer=name)),
    "a dtype": first(lambda dense, name: dense["config"].update(dtype=name)),
    "a loss": lambda config, name: config["compile_config"].__setitem__("loss", name),
    "a metric": lambda config, name: config["compile_config"].__setitem__("metrics", [name]),
    "an optimizer": lambda config, name: config["compile_config"].__setitem__("optimizer", name),
}  # fmt: skip


@pytest.mark.parametrize("slot", SLOTS_OF_NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_names_from_a_file_are_short_and_visible_in_messages(name, slot, path):
    with_config(path, lambda config: SLOTS_OF_NAMES[slot](config, NAMES[name]))
    with pytest.raises(AmaltheaError) as caught:
        amalthea.saving.load_model(path)
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert len(text) < 8000
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)


def test_a_name_with_lines_cannot_look_like_a_line_of_ours():
    assert "\n  try:" not in str(ArgumentError("Layer 'a\n  try:      rm' is wrong.")).splitlines()[0]
    assert len(str(ArgumentError("Layer 'a\n  try:      rm' is wrong.")).splitlines()) == 1
    assert nearest("y" * 1_000_000, ["relu"]) == "one of relu"
    assert visible("plain ä 漢") == "plain ä 漢"


# ------------------------------------------------------------------------------------------------ downloads


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
