"""Changed bytes and cut files in every format of every Keras: errors of ours, and nothing has changed."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from amalthea import models
from amalthea.errors import AmaltheaError, ModelFileError
from amalthea.saving import heaps
from tests.saving import golden_files as golden

# A small model of each version and format.
SAMPLES = [
    *[(v, "mlp", e) for v, n, e in golden.names(".h5", ".keras") if n == "mlp"],
    ("2.15.1", "local_2", ".h5"),
    ("1.2.2", "merge_modes", ".h5"),
    ("1.2.2", "gru", ".h5"),
    ("2.15.0", "tf_ops", ".h5"),
    ("2.15.0", "nested", ".keras"),
    ("2.2.4", "cudnnlstm", ".h5"),
]


def damaged(whole, rng, count):
    """Copies of a file with some bytes changed, or cut off somewhere."""
    for _ in range(count):
        data = bytearray(whole)
        if rng.random() < 0.25:
            yield bytes(data[: rng.randrange(len(data))])
            continue
        start = rng.choice((0, 0, 2048, rng.randrange(len(data))))  # most of what HDF5 reads first is at the start
        for _ in range(rng.choice((1, 2, 8, 40))):
            data[min(start + rng.randrange(4096), len(data) - 1)] = rng.randrange(256)
        yield bytes(data)


@pytest.mark.parametrize("version, name, ending", SAMPLES, ids=["-".join((v, n + e)) for v, n, e in SAMPLES])
def test_a_damaged_model_loads_or_is_refused_by_an_error_of_ours(version, name, ending, tmp_path):
    whole = golden.archive(version).read(name + ending)
    rng, refused = random.Random(len(whole)), 0
    for i, data in enumerate(damaged(whole, rng, 12)):
        path = tmp_path / f"{i}{ending}"
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                models.load_model(path)
            except AmaltheaError:
                refused += 1
    assert refused


TEXTS = [(v, "mlp", e) for v, n, e in golden.names(".json") if n == "mlp"]


@pytest.mark.parametrize("version, name, ending", TEXTS, ids=[v for v, _, _ in TEXTS])
def test_a_damaged_text_is_refused_by_an_error_of_ours(version, name, ending):
    text = golden.archive(version).read(name + ending).decode()
    rng, refused = random.Random(1), 0
    for _ in range(40):
        at, size = rng.randrange(len(text)), rng.choice((1, 1, 3, 30))
        changed = text[:at] + rng.choice(("", '"', "[", "}", "null", "7")) + text[at + size :]
        try:
            models.model_from_json(changed)
        except AmaltheaError:
            refused += 1
    assert refused


WEIGHTS = [("0.3.3", "mlp", ".layered.h5"), ("2.2.4", "mlp", ".layered.h5"), ("2.15.0", "mlp", ".weights.h5")]


@pytest.mark.parametrize("version, name, ending", WEIGHTS, ids=[v for v, _, _ in WEIGHTS])
def test_damaged_weights_leave_the_model_as_it_was_or_are_not_seen(version, name, ending, tmp_path):
    model = models.model_from_json(golden.archive(version).read(f"{name}.json").decode())
    whole, refused = golden.archive(version).read(name + ending), 0
    for data in damaged(whole, random.Random(3), 60):
        (tmp_path / "damaged.h5").write_bytes(data)
        before = model.get_weights()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.load_weights(tmp_path / "damaged.h5")
        except AmaltheaError:
            refused += 1
            for one, two in zip(before, model.get_weights(), strict=True):
                np.testing.assert_array_equal(one, two)
    assert refused


def heap(*objects):
    """The bytes of a global heap with objects of these indices and sizes."""
    body = b"".join(i.to_bytes(8, "little") + size.to_bytes(8, "little") + bytes(min(size, 64)) for i, size in objects)
    return b"GCOL\x01\0\0\0" + (16 + len(body)).to_bytes(8, "little") + body


@pytest.mark.parametrize("objects", [[(0, 0)], [(1, 8), (0, 0)], [(1, 2**64 - 1)], [(1, 2**64 - 16)]], ids=str)
def test_heaps_in_which_the_library_would_loop_are_refused(objects):
    heaps.check(b"x" * 5 + heap((1, 8), (2, 64)))
    with pytest.raises(ModelFileError, match="heap"):
        heaps.check(b"x" * 5 + heap(*objects) + bytes(64))
