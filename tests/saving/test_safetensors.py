"""Weights in safetensors: every dtype there and back, and every size checked."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from amalthea import Input, Sequential, layers
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, ModelFileError
from amalthea.saving import safetensors
from tests.samples import MODELS, trained


@pytest.mark.parametrize("name", ["sequential", "recurrent", "nested", "subclassed"])
def test_weights_and_the_state_of_the_optimizer_come_back(name, tmp_path):
    assert name in MODELS
    made, _, _ = trained(name)
    made.save_weights(tmp_path / "w.safetensors")
    other, _, _ = trained(name, seed=5)
    other.load_weights(tmp_path / "w.safetensors")
    for a, b in zip(other.variables + other.optimizer.variables, made.variables + made.optimizer.variables):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("dtype", [*safetensors._NAMES])
def test_every_dtype_comes_back(dtype):
    values = np.array([[0, 1], [1, 0]]).astype(dtypes.to_numpy(dtype))
    arrays = {"a/0": values, "none": values[:0], "one": values[0, 0].reshape(()), "b": np.ones(3, "int8")}
    found = safetensors.read(safetensors.packed(arrays))
    assert set(found) == set(arrays)
    for key, array in arrays.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)


def test_a_file_as_other_libraries_write_it_is_read():
    """The bytes are those that the safetensors library writes for two arrays."""
    text = b'{"x":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},'
    text += b'"y":{"dtype":"I8","shape":[3],"data_offsets":[16,19]}}'
    text += b" " * (-len(text) % 8)
    data = struct.pack("<Q", len(text)) + text + np.ones(4, "float32").tobytes() + bytes([0, 1, 2])
    found = safetensors.read(data)
    assert found["x"].tolist() == [[1, 1], [1, 1]] and found["y"].tolist() == [0, 1, 2]


def file(header, data=bytes(8)):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def value(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


BROKEN = {
    "empty": b"",
    "a header beyond the end": struct.pack("<Q", 1 << 60) + b"{}",
    "no JSON": file(b"{nothing"),
    "no object": file(b"[1, 2]"),
    "a nest without end": file(b"[" * 100_000),
    "a name twice": file(b'{"a": 1, "a": 2}'),
    "no text": file(b'{"\xff": 1}'),
    "a value that is none": file({"a": 3}),
    "an unknown dtype": file({"a": value("F31")}),
    "a dtype that is a list": file({"a": value(["F32"])}),
    "a negative shape": file({"a": value(shape=(-2, -1))}),
    "a shape of halves": file({"a": value(shape=(2.0,))}),
    "a huge shape": file({"a": value(shape=(1 << 61, 4))}),
    "offsets the wrong way": file({"a": value(offsets=(8, 0))}),
    "offsets beyond the end": file({"a": value(shape=(4,), offsets=(0, 16))}),
    "a gap": file({"a": value(shape=(1,), offsets=(4, 8))}),
    "bytes left over": file({"a": value(shape=(1,), offsets=(0, 4))}),
    "an overlap": file({"a": value(), "b": value()}),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_damaged_is_refused(kind):
    with pytest.raises(ModelFileError):
        safetensors.read(BROKEN[kind])


def test_a_file_of_another_model_changes_nothing(tmp_path):
    made = Sequential([Input((4,)), layers.Dense(5)])
    made.save_weights(tmp_path / "w.safetensors")
    other = Sequential([Input((4,)), layers.Dense(6)])
    before = other.get_weights()
    with pytest.raises(ModelFileError, match="does not fit"):
        other.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(other.get_weights()[0], before[0])
    with pytest.raises(ArgumentError, match="by the paths"):
        made.load_weights(tmp_path / "w.safetensors", by_name=True)
    with pytest.raises(ArgumentError, match="safetensors"):
        made.save_weights(tmp_path / "w.bin")
