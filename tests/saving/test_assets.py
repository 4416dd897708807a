"""Files of layers in model files: vocabularies, files of a user's layer, and names that lead elsewhere."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers
from amalthea.errors import ModelFileError, UnsafeFileError
from amalthea.saving import load_model
from tests.saving.archives import rewritten, with_config

FILES = Path(__file__).parent / "keras_files" / "text"
ANSWERS = json.loads((FILES / "text.json").read_text())
LISTED = "assets/layers/text_vectorization/vocabulary.txt"


@amalthea.saving.register_keras_serializable(package="assets")
class Noting(layers.Layer):
    """A layer with two files of its own."""

    note = ""

    def call(self, x):
        return x

    def save_assets(self, dir_path):
        (Path(dir_path) / "note.txt").write_text(self.note)
        (Path(dir_path) / "deep").mkdir()
        (Path(dir_path) / "deep" / "b.bin").write_bytes(b"\0\1")

    def load_assets(self, dir_path):
        self.note = (Path(dir_path) / "note.txt").read_text()
        assert (Path(dir_path) / "deep" / "b.bin").read_bytes() == b"\0\1"


def reading_text(**options):
    model = Sequential([Input((1,), dtype="string"), layers.TextVectorization(**options)])
    model.layers[0].adapt(["the cat sat", "the dog"])
    return model


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("times", [0, 1])
def test_files_of_keras_with_vocabularies_predict_the_same(name, times, tmp_path):
    model = load_model(FILES / f"{name}.keras")
    for _ in range(times):
        model.save(tmp_path / "again.keras")
        model = load_model(tmp_path / "again.keras")
    inputs = [np.array(x) for x in ANSWERS[name]["inputs"]]
    found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    np.testing.assert_allclose(found, ANSWERS[name]["outputs"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ANSWERS)
def test_assets_have_the_names_and_contents_that_keras_gives_them(name, tmp_path):
    load_model(FILES / f"{name}.keras").save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as ours, zipfile.ZipFile(FILES / f"{name}.keras") as theirs:
        assert sorted(ours.namelist()) == sorted(theirs.namelist())
        for member in ours.namelist():
            assert not member.startswith("assets/") or ours.read(member) == theirs.read(member)


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_a_users_layer_are_kept(zipped, tmp_path):
    inner = Sequential([Input((2,)), Noting(name="within")])
    x = Input((2,))
    model = Model(x, layers.Dense(1)(inner(Noting()(x))))
    model.get_layer(index=1).note, inner.layers[0].note = "outer", "inner"
    path = tmp_path / ("m.keras" if zipped else "m")
    model.save(path, zipped=zipped)
    again = load_model(path)
    assert again.get_layer(index=1).note == "outer"
    assert again.get_layer(inner.name).layers[0].note == "inner"


def test_files_of_an_earlier_model_in_the_folder_are_gone(tmp_path):
    reading_text().save(tmp_path / "m", zipped=False)
    assert (tmp_path / "m" / LISTED).exists()
    Sequential([Input((2,)), layers.Dense(1)]).save(tmp_path / "m", zipped=False)
    assert not (tmp_path / "m" / LISTED).exists()


STRANGE = ["../../../out.txt", "/abs.txt", "..\\out.txt", "C:/out.txt", "./out.txt"]


@pytest.mark.parametrize("name", STRANGE)
def test_names_that_lead_elsewhere_are_refused(name, tmp_path):
    path = tmp_path / "sub" / "m.keras"
    path.parent.mkdir()
    reading_text().save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"assets/layers/text_vectorization/{name}", "x")
    with pytest.raises(UnsafeFileError, match="leads elsewhere"):
        load_model(path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["m.keras", "sub"]


def test_links_are_refused(tmp_path):
    path = tmp_path / "m.keras"
    reading_text().save(path)
    entry = zipfile.ZipInfo("assets/layers/text_vectorization/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UnsafeFileError, match="link"):
        load_model(path)


DAMAGES = {
    "a token twice": b"\n[UNK]\na\na\nb\nc",
    "other numbers of tokens": b"\n[UNK]\na",
    "nothing": b"",
    "no text": b"\n[UNK]\n\xff\n\xff\nb\nc",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_vocabularies_are_refused(damage, tmp_path):
    path = tmp_path / "m.keras"
    reading_text().save(path)
    data = {name: zipfile.ZipFile(path).read(name) for name in zipfile.ZipFile(path).namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in data.items():
            archive.writestr(name, DAMAGES[damage] if name.endswith("vocabulary.txt") else content)
    with pytest.raises(ModelFileError):
        load_model(path)


def test_a_configuration_cannot_name_a_file_to_read(tmp_path):
    (tmp_path / "secret.txt").write_text("a\nb")
    path = tmp_path / "m.keras"
    reading_text().save(path)
    config = {"vocabulary": str(tmp_path / "secret.txt")}
    with_config(path, lambda c: c["config"]["layers"][1]["config"].update(config))
    with pytest.raises(UnsafeFileError, match="names a file"):
        load_model(path)


def test_assets_that_unpack_to_far_more_are_refused(tmp_path):
    path = tmp_path / "m.keras"
    reading_text().save(path)
    rewritten(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/layers/text_vectorization/more.txt", b"\0" * (1 << 25))
    with pytest.raises(ModelFileError, match="unpacks"):
        load_model(path)


VOCABULARIES = {
    "plain": ["a", "b"],
    "with spaces": ["a b", " "],
    "with line breaks": ["a\nb", "\r"],
    "an empty token": ["a", ""],
    "other alphabets": ["é", "日本", "😀"],
    "no text": [b"\xff\xfe".decode("utf-8", "surrogateescape"), "b"],
}


@pytest.mark.parametrize("label", VOCABULARIES)
@pytest.mark.parametrize("learnt", [True, False])
def test_every_vocabulary_comes_back(label, learnt, tmp_path):
    layer = layers.StringLookup() if learnt else layers.StringLookup(vocabulary=VOCABULARIES[label])
    if learnt:
        layer.adapt(np.array(VOCABULARIES[label], object))
    model = Sequential([Input((1,), dtype="string"), layer, layers.Embedding(9, 2)])
    model.save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras").layers[0].get_vocabulary() == layer.get_vocabulary()


def test_weights_of_a_large_vocabulary_come_back(tmp_path):
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt(np.arange(6000).astype(str).reshape(2, 3000))
    model = Sequential([Input((1,), dtype="string"), layer])
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    x = np.array([["17"], ["never seen"]])
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
