"""Data sets of files in folders: which files, in which order, with which labels."""

from __future__ import annotations

import os
import wave

import numpy as np
import pytest

from amalthea import utils
from amalthea.errors import AmaltheaError
from amalthea.utils import audio_files

# Keras 3.15.1's order of these files for seed 3.
ORDER = ["b/1", "a/2", "b/2", "a/4", "b/0", "a/0", "a/3", "a/1", "b/3"]


@pytest.fixture
def folder(tmp_path):
    for name, count in (("b", 4), ("a", 5)):
        (tmp_path / name).mkdir()
        for i in range(count):
            (tmp_path / name / f"{i}.txt").write_text(f"{name} text {i}")
    (tmp_path / "a" / "skip.md").write_text("not this")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def texts(folder, **options):
    return utils.text_dataset_from_directory(folder, **{"format": None, "verbose": False, **options})


def names(dataset, folder):
    return [os.path.relpath(path, folder).removesuffix(".txt") for path in dataset.file_paths]


def test_files_are_in_keras_order_for_a_seed(folder):
    assert names(texts(folder, seed=3), folder) == ORDER


@pytest.mark.parametrize("subset", ["training", "validation", "both"])
def test_the_end_of_the_order_is_for_validation(subset, folder):
    found = texts(folder, seed=3, validation_split=0.3, subset=subset)
    wanted = {"training": ORDER[:7], "validation": ORDER[7:]}
    if subset == "both":
        assert [names(d, folder) for d in found] == list(wanted.values())
    else:
        assert names(found, folder) == wanted[subset]


def all_of(dataset):
    return sorted((t, np.asarray(y).tolist()) for batch, labels in dataset for t, y in zip(batch, labels))


MODES = {
    "int": ({}, lambda c: c),
    "binary": ({"label_mode": "binary"}, lambda c: [float(c)]),
    "categorical": ({"label_mode": "categorical"}, lambda c: [1.0 - c, float(c)]),
    "other order": ({"class_names": ["b", "a"]}, lambda c: 1 - c),
}


@pytest.mark.parametrize("mode", MODES)
def test_labels_are_the_folders(mode, folder):
    options, label = MODES[mode]
    dataset = texts(folder, batch_size=4, seed=1, **options)
    wanted = [(f"a text {i}", label(0)) for i in range(5)] + [(f"b text {i}", label(1)) for i in range(4)]
    assert all_of(dataset) == sorted(wanted) and len(dataset) == 3
    assert dataset.class_names == options.get("class_names", ["a", "b"])


def test_labels_can_be_given_or_left_out(folder):
    given = texts(folder, labels=list(range(9)), shuffle=False)
    assert [y.tolist() for _, y in given] == [list(range(9))]
    without = texts(folder, labels=None, label_mode=None, shuffle=False, batch_size=None)
    assert list(without)[0] == "a text 0" and without.class_names is None
    assert next(iter(texts(folder, max_length=3, shuffle=False)))[0].tolist()[0] == "a t"


def test_each_pass_has_another_order(folder):
    dataset = texts(folder, seed=3, batch_size=9)
    orders = [next(iter(dataset))[0].tolist() for _ in range(3)]
    assert len(set(map(tuple, orders))) > 1 and len(set(map(frozenset, orders))) == 1


BAD = {
    "no folder": lambda f: texts(f / "nowhere"),
    "no files": lambda f: utils.audio_dataset_from_directory(f, format=None, verbose=False),
    "unknown labels": lambda f: texts(f, labels="x"),
    "an unknown mode": lambda f: texts(f, label_mode="x"),
    "a split without a subset": lambda f: texts(f, validation_split=0.3),
    "a subset without a split": lambda f: texts(f, subset="training"),
    "a split above 1": lambda f: texts(f, validation_split=1.5, subset="training", seed=1),
    "a split without a seed": lambda f: texts(f, validation_split=0.3, subset="training"),
    "a class that is not there": lambda f: texts(f, class_names=["a", "z"]),
    "too few labels": lambda f: texts(f, labels=[1, 2]),
    "binary labels of nine classes": lambda f: texts(f, labels=list(range(9)), label_mode="binary"),
    "a batch of 0": lambda f: texts(f, batch_size=0),
    "an unknown format": lambda f: texts(f, format="x"),
    "names of given labels": lambda f: texts(f, labels=list(range(9)), class_names=["a"]),
    "modes without labels": lambda f: texts(f, labels=None, label_mode="binary"),
    "ragged sounds": lambda f: utils.audio_dataset_from_directory(f, ragged=True),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_have_errors_of_ours(case, folder):
    with pytest.raises(AmaltheaError):
        BAD[case](folder)


def write_wav(path, samples, width, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    scale = 1 << (8 * width - 1)
    whole = np.clip(np.round(samples * scale), -scale, scale - 1).astype("int64")
    data = (
        (whole + 128).astype("uint8").tobytes()
        if width == 1
        else b"".join(int(n).to_bytes(width, "little", signed=True) for n in whole.ravel())
    )
    with wave.open(str(path), "wb") as file:
        file.setparams((samples.shape[1], width, rate, 0, "NONE", ""))
        file.writeframes(data)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_sounds_of_every_width_are_floats_from_minus_1_to_1(width, channels, tmp_path):
    samples = np.linspace(-1, 0.99, 12).reshape(-1, channels)
    write_wav(tmp_path / "a.wav", samples, width)
    found, rate = audio_files.read_wav(str(tmp_path / "a.wav"))
    np.testing.assert_allclose(found, samples, atol=2.0 ** (1 - 8 * width) + 1e-7)
    assert rate == 8000 and found.dtype == "float32"


def sounds(folder, **options):
    return utils.audio_dataset_from_directory(folder, **{"format": None, "verbose": False, "shuffle": False, **options})


def test_sounds_are_padded_cut_and_resampled(tmp_path):
    for name, length in (("a", 8), ("b", 6)):
        write_wav(tmp_path / name / "1.wav", np.full((length, 1), 0.5), 2)
    x, y = next(iter(sounds(tmp_path)))
    assert x.shape == (2, 8, 1) and y.tolist() == [0, 1] and x[1, :, 0].tolist() == [0.5] * 6 + [0, 0]
    assert next(iter(sounds(tmp_path, output_sequence_length=7)))[0].shape == (2, 7, 1)
    assert next(iter(sounds(tmp_path, sampling_rate=16000, batch_size=1)))[0].shape == (1, 16, 1)
    assert [len(x) for x, _ in sounds(tmp_path, batch_size=None)] == [8, 6]


def test_a_resampled_tone_keeps_its_frequency():
    time = np.arange(64) / 64
    tone = np.sin(2 * np.pi * 5 * time)[:, None].astype("float32")
    np.testing.assert_allclose(
        audio_files.resampled(tone, 128)[:, 0], np.sin(2 * np.pi * 5 * np.arange(128) / 128), atol=1e-5
    )


def test_what_is_not_a_sound_is_an_error_of_ours(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(AmaltheaError, match="WAV"):
        next(iter(sounds(tmp_path)))
