"""Files that are damaged, do not fit, or mean harm: refused in words, with nothing changed, called or imported."""

from __future__ import annotations

import sys
import warnings
import zipfile

import h5py
import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, layers
from amalthea.errors import ArgumentError, ModelFileError, UnknownNameError
from tests.samples import trained
from tests.saving.archives import rewritten, with_config, with_weights

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


# --------------------------------------------------------------------------------------------- damaged


def removed(file, name):
    del file[name]
    return name


def without(name):
    return lambda path: with_weights(path, lambda file: file.__delitem__(name))


DAMAGED = {
    "not_a_zip": (lambda p: p.write_bytes(b"nothing"), "format of this file is not known"),
    "empty": (lambda p: p.write_bytes(b""), "format of this file is not known"),
    "cut_in_half": (lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), "whole .keras file"),
    "no_config": (lambda p: rewritten(p, config=None), "lacks config.json"),
    "no_weights": (lambda p: rewritten(p, model=None), "lacks model.weights.h5"),
    "config_is_no_json": (lambda p: rewritten(p, config=lambda d: d[:50]), "no JSON"),
    "config_is_binary": (lambda p: rewritten(p, config=lambda d: b"\xff\xfe\x00"), "no JSON"),
    "config_is_a_list": (lambda p: rewritten(p, config=lambda d: b"[]"), "no model"),
    "config_is_a_number": (lambda p: rewritten(p, config=lambda d: b"3"), "no model"),
    "config_is_no_model": (
        lambda p: rewritten(
            p, config=lambda d: b'{"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}'
        ),
        "no model",
    ),
    "config_without_layers": (lambda p: with_config(p, lambda c: c["config"].pop("layers")), "layers"),
    "weights_are_no_hdf5": (lambda p: rewritten(p, model=lambda d: b"nothing"), "no HDF5"),
    "weights_are_cut": (lambda p: rewritten(p, model=lambda d: d[:600]), "damaged|HDF5"),
    "a_layer_without_weights": (without("layers/dense_1"), "number of variables"),
    "a_value_is_missing": (without("layers/dense/vars/1"), "number of variables"),
    "a_group_for_a_value": (
        lambda p: with_weights(p, lambda f: f.create_group(removed(f, "layers/dense/vars/1"))),
        "not kept in the file itself",
    ),
    "text_for_a_value": (
        lambda p: with_weights(p, lambda f: replaced(f, "layers/dense/vars/1", np.array([b"a"] * 5))),
        "numeric elements",
    ),
    "another_shape": (
        lambda p: with_weights(p, lambda f: replaced(f, "layers/dense_1/vars/0", np.zeros((3, 3)))),
        "does not fit",
    ),
}


def replaced(file, name, value):
    del file[name]
    file[name] = value


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_refused_with_its_name(kind, path):
    damage, says = DAMAGED[kind]
    damage(path)
    with pytest.raises(ModelFileError, match=says) as caught:
        amalthea.saving.load_model(path)
    assert str(path) in str(caught.value) + "\n".join(getattr(caught.value, "__notes__", ()))


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(ArgumentError, match="does not exist"):
        amalthea.saving.load_model(tmp_path / "model.keras")


WEIGHTS = [k for k in DAMAGED if k.startswith(("a_", "another", "text", "weights"))]


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_that_do_not_fit_change_nothing(kind, path, model):
    DAMAGED[kind][0](path)
    other, x, _ = trained("sequential", seed=5)
    before = other.get_weights() + other.optimizer.get_weights()
    with pytest.raises(ModelFileError):
        other.load_weights(path)
    for found, want in zip(other.get_weights() + other.optimizer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, want)


def test_weights_that_do_not_fit_can_be_skipped(path, model):
    other = Sequential([Input((4,)), layers.Dense(5, "relu"), layers.Dense(7)])
    before = other.get_weights()
    with pytest.raises(ModelFileError, match="does not fit"):
        other.load_weights(path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        other.load_weights(path, skip_mismatch=True)
    assert any("Skipped" in str(w.message) for w in said)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    np.testing.assert_array_equal(other.get_weights()[2], before[2])


def test_optimizer_state_of_another_optimizer_is_left_out_with_a_warning(path):
    other, _, _ = trained("sequential", seed=5)
    other.compile(amalthea.optimizers.SGD(momentum=0.9), "sparse_categorical_crossentropy")
    other.optimizer.build(other.trainable_variables)
    with pytest.warns(UserWarning, match="optimizer state"):
        other.load_weights(path)


# --------------------------------------------------------------------------------------------- harmful

CALLED = []


def spring(*args, **kwargs):
    """What no file may call."""
    CALLED.append((args, kwargs))


NAMES = [
    ("os", "system"),
    ("posix", "system"),
    ("builtins", "eval"),
    ("builtins", "function"),
    ("subprocess", "Popen"),
    ("this", "Zen"),
    ("antigravity", "Comic"),
    ("tests.saving.test_saving_safety", "spring"),
    ("keras.src.utils.file_utils", "copy"),
    ("keras.src.saving.saving_lib", "load_model"),
    ("keras.utils", "get_file"),
    ("amalthea.utils", "get_file"),
    ("numpy", "load"),
    ("keras.layers", "__init__"),
    ("keras.layers", "../Dense"),
    (None, "spring"),
]


def places(module, name):
    """Configurations that name it, wherever a file names things."""
    thing = {"module": module, "class_name": name, "config": {"command": "true", "x": "true"}, "registered_name": None}
    function = {"module": module, "class_name": "function", "config": name, "registered_name": name}

    def put(key, value):
        return lambda config: config["config"]["layers"][1]["config"].__setitem__(key, value)

    yield "as_a_layer", lambda config: config["config"]["layers"].__setitem__(1, thing)
    yield "as_an_activation", put("activation", thing)
    yield "as_a_function", put("activation", function)
    yield "as_an_initializer", put("kernel_initializer", thing)
    yield "as_the_dtype", put("dtype", thing)
    yield "as_the_loss", lambda config: config["compile_config"].__setitem__("loss", function)
    yield "as_a_metric", lambda config: config["compile_config"].__setitem__("metrics", [thing])
    yield "as_the_optimizer", lambda config: config["compile_config"].__setitem__("optimizer", thing)
    yield "as_the_model", lambda config: config.update(thing)


@pytest.mark.parametrize("module, name", NAMES)
def test_a_file_reaches_nothing_by_name(module, name, path):
    original = path.read_bytes()
    for place, change in places(module, name):
        path.write_bytes(original)
        with_config(path, change)
        before = set(sys.modules)
        CALLED.clear()
        with pytest.raises((UnknownNameError, ModelFileError, ArgumentError)):
            amalthea.saving.load_model(path)
        assert not CALLED, place
        assert "this" not in sys.modules and "antigravity" not in sys.modules, place
        assert {m for m in set(sys.modules) - before if not m.startswith("amalthea")} == set(), place


@pytest.mark.parametrize("safe_mode", [True, False])
def test_names_reach_no_further_where_code_is_allowed(safe_mode, path):
    with_config(path, dict(places("os", "system"))["as_a_function"])
    with pytest.raises(UnknownNameError):
        amalthea.saving.load_model(path, safe_mode=safe_mode)


@pytest.mark.parametrize("key", ["_layers", "built", "__class__", "call"])
def test_a_layers_configuration_sets_no_attributes(key, path):
    with_config(path, lambda config: config["config"]["layers"][1]["config"].__setitem__(key, "harm"))
    with pytest.raises(ArgumentError, match=key):
        amalthea.saving.load_model(path)


@pytest.mark.parametrize("kind", ["external", "soft", "group", "storage", "virtual"])
def test_links_in_weights_are_not_followed(kind, path, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["value"] = np.full(5, 7.0, "float32")
        file.create_group("vars")["0"] = np.zeros((4, 5), "float32")
        file["vars/1"] = np.full(5, 7.0, "float32")
    (tmp_path / "secret.bin").write_bytes(np.full(5, 7.0, "float32").tobytes())
    name = "layers/dense/vars/1"

    def link(file):
        del file[name]
        if kind == "external":
            file[name] = h5py.ExternalLink(str(secret), "value")
        elif kind == "soft":
            file["elsewhere"] = np.full(5, 7.0, "float32")
            file[name] = h5py.SoftLink("/elsewhere")
        elif kind == "group":
            del file["layers/dense/vars"]
            file["layers/dense/vars"] = h5py.ExternalLink(str(secret), "vars")
        elif kind == "storage":
            file.create_dataset(name, (5,), "float32", external=[(str(tmp_path / "secret.bin"), 0, 20)])
        else:
            layout = h5py.VirtualLayout((5,), "float32")
            layout[:] = h5py.VirtualSource(str(secret), "value", (5,))
            file.create_virtual_dataset(name, layout)

    with_weights(path, link)
    with pytest.raises(ModelFileError, match="link to elsewhere|not kept in the file"):
        amalthea.saving.load_model(path)


def test_a_bomb_is_not_unpacked(path):
    rewritten(path, config=lambda data: b"[" + b" " * 50_000_000 + b"]")
    with pytest.raises(ModelFileError, match="far more"):
        amalthea.saving.load_model(path)


def test_a_value_that_claims_to_be_huge_is_not_read(path):
    def huge(file):
        del file["layers/dense/vars/1"]
        file.create_dataset("layers/dense/vars/1", (1 << 40,), "float32", chunks=(1024,), compression="gzip")

    with_weights(path, huge)
    with pytest.raises(ModelFileError, match="far more"):
        amalthea.saving.load_model(path)


def test_a_nest_without_end_is_refused(path):
    rewritten(path, config=lambda data: b"[" * 200_000 + b"]" * 200_000)
    with pytest.raises(ModelFileError):
        amalthea.saving.load_model(path)


def test_members_with_paths_are_never_written(path, tmp_path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../outside.txt", "harm")
        archive.writestr("assets/../../outside.txt", "harm")
    amalthea.saving.load_model(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.keras"]
    assert not (tmp_path.parent / "outside.txt").exists()
