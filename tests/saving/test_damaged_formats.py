"""Damage anywhere in a SavedModel, checkpoint, model of TF.js or safetensors file: it ends in an error of ours, or is
not seen; nothing of a model that exists has changed, and no memory was taken that the file does not mean."""

from __future__ import annotations

import random
import shutil
import tracemalloc
import warnings

import numpy as np
import pytest

import amalthea
from amalthea.errors import AmaltheaError
from amalthea.saving import contents, formats
from tests.saving.test_tensorflow_files import FILES

# A folder, what is damaged in it, and what is opened then.
TARGETS = {
    "index": ("dense", "ckpt.index", "ckpt"),
    "data": ("dense", "ckpt.data-00000-of-00001", "ckpt"),
    "metadata": ("dense", "saved/keras_metadata.pb", "saved"),
    "old metadata": ("keras24", "saved/saved_model.pb", "saved"),
    "index of a SavedModel": ("dense", "saved/variables/variables.index", "saved"),
    "model.json": ("dense", "tfjs/model.json", "tfjs/model.json"),
    "weights of TF.js": ("dense", "tfjs/group1-shard1of1.bin", "tfjs/model.json"),
    "safetensors": ("dense", "w.safetensors", "w.safetensors"),
    "constants": ("words", "saved/saved_model.pb", "saved"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    for name in ("dense", "keras24", "words"):
        shutil.copytree(FILES / name, folder / name)
    model = amalthea.saving.load_model(FILES / "dense" / "saved")
    model.save_weights(folder / "dense" / "w.safetensors")
    return folder, model


def damaged(data, rng):
    """The bytes with one, some or many changed, or cut off."""
    data = bytearray(data)
    at = rng.randrange(len(data))
    kind = rng.choice(("bit", "byte", "many", "zeros", "cut", "twice"))
    if kind == "bit":
        data[at] ^= 1 << rng.randrange(8)
    elif kind == "byte":
        data[at] = rng.randrange(256)
    elif kind == "many":
        for _ in range(20):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == "zeros":
        data[at : at + 8] = bytes(len(data[at : at + 8]))
    elif kind == "twice":
        data[at:at] = data[at : at + 40]
    return data[:at] if kind == "cut" else data


def everything(model):
    return [v.numpy().copy() for v in (*model.variables, *model.optimizer.variables)]


def opened(path, model):
    """Opens a file in every way that its format has."""
    row = formats.find(path)
    looked = row.reader("contents")(path)
    contents.layers(looked.config)
    contents.refusals(looked)
    if row.reader("load_model"):
        amalthea.saving.load_model(path)
    model.load_weights(path)


@pytest.mark.parametrize("target", TARGETS)
def test_damage_is_refused_in_our_own_words_and_changes_nothing(target, made):
    folder, model = made
    name, path = (folder / TARGETS[target][0] / part for part in TARGETS[target][1:])
    whole, rng, refused = name.read_bytes(), random.Random(target), 0
    largest = 0
    before = everything(model)
    for _ in range(25):
        name.write_bytes(damaged(whole, rng))
        tracemalloc.start()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                opened(path, model)
        except AmaltheaError:
            refused += 1
            for found, want in zip(everything(model), before, strict=True):
                np.testing.assert_array_equal(found, want)
        largest = max(largest, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        before = everything(model)
    name.write_bytes(whole)
    assert refused > 5
    assert largest < 1 << 24
