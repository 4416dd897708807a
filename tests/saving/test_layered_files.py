"""Files of weights of Keras 1 and 2: in one attribute or several, by order or by name, damaged or of another model."""

import random

import h5py
import numpy as np
import pytest

from amalthea import Sequential, layers
from amalthea.errors import ModelFileError


def network(units=3, name="last"):
    return Sequential(
        [
            layers.Input((4,)),
            layers.Dense(5, name="first"),
            layers.Activation("relu", name="between"),
            layers.BatchNormalization(name="middle"),
            layers.Dense(units, name=name),
        ]
    )


def write(path, model, pieces=1, inner=None, ending=":0", change=lambda root: None):
    """The model's weights in that format, as Keras 2 wrote it with names of TensorFlow, and a change of the file."""
    with h5py.File(path, "w") as file:
        root = file.create_group(inner) if inner else file
        names = [layer.name.encode() for layer in model.layers]
        if pieces == 1:
            root.attrs["layer_names"] = names
        for i, piece in enumerate(np.array_split(names, pieces) if pieces > 1 else ()):
            root.attrs[f"layer_names{i}"] = piece
        for layer in model.layers:
            group = root.create_group(layer.name)
            weights = [*layer.trainable_weights, *layer.non_trainable_weights]
            keys = [f"{layer.name}/{weight.name}{ending}" for weight in weights]
            group.attrs["weight_names"] = [key.encode() for key in keys]
            for key, weight in zip(keys, weights):
                group[key] = weight.numpy()
        change(root)
    return path


def equal(one, other):
    return all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


FORMS = {
    "one attribute": {},
    "three attributes": {"pieces": 3},
    "a whole model": {"inner": "model_weights"},
    "names of Keras 3": {"ending": ""},
}


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_read_in_the_order_of_layers(form, tmp_path):
    model, other = network(), network(name="another")
    path = write(tmp_path / "net.h5", model, **FORMS[form])
    assert not equal(model, other)
    other.load_weights(path)
    assert equal(model, other)


@pytest.mark.parametrize("ending", ["hdf5", "weights.h5"])
def test_the_contents_tell_the_kind_of_file(ending, tmp_path):
    model, other = network(), network()
    other.load_weights(write(tmp_path / f"net.{ending}", model))
    assert equal(model, other)


def test_layers_are_found_by_name_and_others_stay(tmp_path):
    model, other = network(), network(units=7, name="new")
    before = other.get_layer("new").get_weights()
    other.load_weights(write(tmp_path / "net.h5", model), by_name=True)
    for name in ("first", "middle"):
        for one, two in zip(model.get_layer(name).get_weights(), other.get_layer(name).get_weights()):
            np.testing.assert_array_equal(one, two)
    for one, two in zip(before, other.get_layer("new").get_weights()):
        np.testing.assert_array_equal(one, two)


def test_layers_that_do_not_fit_are_skipped_with_a_warning(tmp_path):
    model, other = network(), network(units=7)
    with pytest.warns(UserWarning, match="shape"):
        other.load_weights(write(tmp_path / "net.h5", model), skip_mismatch=True)
    np.testing.assert_array_equal(model.get_layer("first").get_weights()[0], other.get_layer("first").get_weights()[0])


def lost(root):
    del root["first/first"]


def renamed(root):
    root["first"].attrs["weight_names"] = [b"first/kernel:0", b"elsewhere/bias:0"]


def linked(root):
    del root["first/first/kernel:0"]
    root["first/first/kernel:0"] = h5py.ExternalLink("/etc/hostname", "/")


def fewer(root):
    root["first"].attrs["weight_names"] = [b"first/kernel:0"]


def unnamed(root):
    root.attrs["layer_names"] = [b"first", b"gone"]


def unlisted(root):
    root.attrs["layer_names"] = [b"first"]


def climbing(root):
    root.attrs["layer_names"] = [b"../first"]


def numbers(root):
    root.attrs["layer_names"] = [1.5, 2.5]


def text(root):
    del root["first/first/kernel:0"]
    root["first/first/kernel:0"] = "text"


@pytest.mark.parametrize(
    "change", [lost, renamed, linked, fewer, unnamed, unlisted, climbing, numbers, text], ids=lambda x: x.__name__
)
def test_a_damaged_file_is_refused_and_changes_nothing(change, tmp_path):
    path = write(tmp_path / "net.h5", network(), change=change)
    model = network()
    before = model.get_weights()
    with pytest.raises(ModelFileError):
        model.load_weights(path)
    for one, two in zip(before, model.get_weights()):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("seed", range(2))
def test_damage_anywhere_leaves_the_model_as_it_was_or_is_not_seen(seed, tmp_path):
    whole = write(tmp_path / "net.h5", network()).read_bytes()
    model, rng, refused = network(), random.Random(seed), 0
    for _ in range(40):
        data, before = bytearray(whole), model.get_weights()
        for _ in range(rng.choice((1, 4, 40))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "damaged.h5").write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)
        try:
            model.load_weights(tmp_path / "damaged.h5")
        except ModelFileError:
            refused += 1
            for one, two in zip(before, model.get_weights()):
                np.testing.assert_array_equal(one, two)
    assert refused


def test_a_file_of_another_model_is_refused_and_changes_nothing(tmp_path):
    path, model = write(tmp_path / "net.h5", network()), network(units=7)
    before = model.get_weights()
    with pytest.raises(ModelFileError, match="shape"):
        model.load_weights(path)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    with pytest.raises(ModelFileError, match="another model"):
        Sequential([layers.Input((4,)), layers.Dense(5)]).load_weights(path)


def test_the_ending_does_not_matter(tmp_path):
    model, other = network(), network()
    other.load_weights(write(tmp_path / "net.h6", model))
    assert equal(model, other)
