"""Weights by name for PyTorch and hubs: written, read back, and read by the library of the format."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from amalthea import Input, Sequential, export, layers
from amalthea.errors import ArgumentError, ExportError, ModelFileError
from amalthea.saving import safetensors
from tests.samples import trained


def net(units=3, name="net"):
    inner = [layers.Dense(units, name="head"), layers.BatchNormalization(name="norm")]
    return Sequential([Input((4,)), *inner], name=name)


def test_names_are_paths_with_dots_and_the_metadata_those_of_hubs(tmp_path):
    net().export(tmp_path / "m.safetensors", verbose=False)
    data = (tmp_path / "m.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert header.pop("__metadata__") == {"format": "pt"}
    assert set(header) == {v.path.replace("/", ".") for v in net().variables}
    assert {"net.head.kernel", "net.norm.moving_mean"} <= set(header)


def test_weights_come_back(tmp_path):
    one, other = net(), net()
    for v in one.variables:
        v.assign(np.random.default_rng(1).normal(size=v.shape))
    one.export(tmp_path / "m.safetensors", verbose=False)
    other.load_weights(tmp_path / "m.safetensors")
    for a, b in zip(one.variables, other.variables):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_file_of_another_library_without_metadata_is_read(tmp_path):
    model = net()
    arrays = {v.path.replace("/", "."): v.numpy() + 1 for v in model.variables}
    data = safetensors.packed(arrays)
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    del header["__metadata__"]
    text = json.dumps(header).encode()
    (tmp_path / "m.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    model.load_weights(tmp_path / "m.safetensors")
    for v in model.variables:
        np.testing.assert_array_equal(v.numpy(), arrays[v.path.replace("/", ".")])


@pytest.mark.parametrize("other", [lambda: net(5), lambda: net(name="other")])
def test_weights_that_do_not_fit_change_nothing(other, tmp_path):
    net().export(tmp_path / "m.safetensors", verbose=False)
    model = other()
    before = [v.numpy() for v in model.variables]
    with pytest.raises(ModelFileError):
        model.load_weights(tmp_path / "m.safetensors")
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, model.variables))
    model.load_weights(tmp_path / "m.safetensors", skip_mismatch=True)


def test_every_kind_of_model_is_written(tmp_path):
    for name in ("sequential", "convolutional", "recurrent", "nested"):
        model, _, _ = trained(name)
        model.export(tmp_path / f"{name}.safetensors", verbose=False)
        assert len(safetensors.read((tmp_path / f"{name}.safetensors").read_bytes())) == len(model.variables)


def test_variables_of_one_path_are_refused(tmp_path):
    model = Sequential([Input((4,)), layers.Dense(4, name="a"), layers.Dense(4, name="b")])
    model.layers[1].kernel.path = model.layers[0].kernel.path
    with pytest.raises(ArgumentError, match="same path"):
        model.export(tmp_path / "m.safetensors")
    assert os.listdir(tmp_path) == []


def test_weights_are_not_executed(tmp_path):
    model = net()
    model.export(tmp_path / "m.safetensors", verbose=False)
    with pytest.raises(ExportError, match="nothing that computes"):
        export.check_export(model, tmp_path / "m.safetensors")


def test_the_library_of_the_format_reads_it(tmp_path):
    library = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    model = net()
    model.export(tmp_path / "m.safetensors", verbose=False)
    found = library.load_file(tmp_path / "m.safetensors")
    for v in model.variables:
        np.testing.assert_array_equal(found[v.path.replace("/", ".")], v.numpy())


def test_a_module_of_torch_takes_the_file(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model, other = net(), net()
    model.export(tmp_path / "m.safetensors", verbose=False)
    module = export.to_torch_module(other)
    arrays = safetensors.read((tmp_path / "m.safetensors").read_bytes())
    module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
    x = np.ones((2, 4), "float32")
    got = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(got, model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
