"""Holes that were published of Keras's loading of files, and their kin: each file is refused, and nothing happens.

While a file is read, the process is watched: it starts no program, opens no connection, runs no pickle and does not
open the file ``secret`` that lies beside the model. Each case says which hole it is; those without a number are kin.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import marshal
import os
import pickle
import shutil
import sys
import tarfile
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

import amalthea
from amalthea import Input, Sequential, layers, loading, utils
from amalthea.errors import AmaltheaError, UnsafeFileError
from amalthea.saving import contents, formats
from tests.saving.archives import rewritten, with_config, with_weights
from tests.saving.bundles import message
from tests.saving.test_tensorflow_files import FILES

# ------------------------------------------------------------------------------------------------ the watch

_WATCHED = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "socket.getaddrinfo")
_SEEN: list[str] = []
_SECRET: list[str] = []


def _hook(event, args):
    if not _SECRET:
        return
    if event in (*_WATCHED, "pickle.find_class", "urllib.Request"):
        _SEEN.append(f"{event} {args}")
    elif event == "open" and isinstance(args[0], (str, bytes, os.PathLike)) and "secret" in os.fsdecode(args[0]):
        _SEEN.append(f"open {args[0]}")


sys.addaudithook(_hook)


@pytest.fixture
def watched(tmp_path):
    """Fails if anything of the kind happens, or if much memory is taken."""
    (tmp_path / "secret").write_text("word\nother\n")
    (tmp_path / "secret.bin").write_bytes(np.full(20, 7.0, "float32").tobytes())
    _SEEN.clear()
    _SECRET.append("secret")
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    _SECRET.clear()
    assert _SEEN == []
    assert not (tmp_path / "canary").exists()
    assert peak < 1 << 26
    assert loading.safe.get()


# ------------------------------------------------------------------------------------------------ the files


def code(folder):
    """The code of a function that leaves a trace, as files hold it."""
    source = f"lambda x: (__import__('os').makedirs({str(folder / 'canary')!r}, exist_ok=True), x)[1]"
    return base64.b64encode(marshal.dumps(eval(source).__code__)).decode()


def function(name, module=None, registered=None):
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered or name}


def thing(class_name, module="keras.layers", /, **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def saved(folder):
    """A plain model in a ``.keras`` file."""
    Sequential([Input((4,)), layers.Dense(5), layers.Dense(3)]).save(folder / "model.keras")
    return folder / "model.keras"


def with_layer(layer):
    """A ``.keras`` file with another layer in the place of its first Dense; ``layer`` is called with the folder."""

    def make(folder):
        path = saved(folder)
        return with_config(path, lambda config: config["config"]["layers"].__setitem__(1, layer(folder)))

    return make


def with_activation(found):
    return with_layer(lambda folder: thing("Dense", units=5, activation=found))


def new_lambda(folder):
    packed = {"class_name": "__lambda__", "config": {"code": code(folder), "defaults": None, "closure": None}}
    return thing("Lambda", name="l", function=packed)


def old_lambda(folder):
    function = [code(folder), None, None]
    return {"class_name": "Lambda", "config": {"name": "l", "function": function, "function_type": "lambda"}}


def old_model(*rows):
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "i", "dtype": "float32"}}
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [first, *rows]}}


def h5(folder, config, training=None, change=lambda file: None):
    with h5py.File(folder / "model.h5", "w") as file:
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(config), "2.15.0"
        file.attrs["backend"] = "tensorflow"
        if training:
            file.attrs["training_config"] = json.dumps(training)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"d"])
        layer = group.create_group("d")
        layer.attrs["weight_names"] = np.array([b"d/kernel:0", b"d/bias:0"])
        layer["d/kernel:0"], layer["d/bias:0"] = np.zeros((4, 5), "float32"), np.zeros(5, "float32")
        change(file)
    return folder / "model.h5"


DENSE = {"class_name": "Dense", "config": {"name": "d", "units": 5}}


def h5_with(change):
    """A whole ``.h5`` file of Keras 2 whose bias is made by another function."""

    def replaced(file, folder):
        del file["model_weights/d/d/bias:0"]
        change(file, "model_weights/d/d/bias:0", folder)

    return lambda folder: h5(folder, old_model(DENSE), change=lambda file: replaced(file, folder))


def keras_with(change):
    """A ``.keras`` file whose bias is made by another function."""

    def make(folder):
        def replaced(file):
            del file["layers/dense/vars/1"]
            change(file, "layers/dense/vars/1", folder)

        return with_weights(saved(folder), replaced)

    return make


def external_storage(file, name, folder):
    file.create_dataset(name, (5,), "float32", external=[(str(folder / "secret.bin"), 0, 20)])


def external_link(file, name, folder):
    file[name] = h5py.ExternalLink(str(folder / "secret.bin"), "value")


def huge(file, name, folder):
    file.create_dataset(name, (1 << 36,), "float32", chunks=(1 << 20,))


def virtual(file, name, folder):
    layout = h5py.VirtualLayout((5,), "float32")
    layout[:] = h5py.VirtualSource(str(folder / "secret.bin"), "value", (5,))
    file.create_virtual_dataset(name, layout)


class Trap:
    """Runs a program when it is unpickled."""

    def __reduce__(self):
        return os.system, ("true",)


def pickled_weights(folder):
    path = saved(folder)
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in ("metadata.json", "config.json")}
    memory = io.BytesIO()
    np.savez(memory, **{"layers/dense/vars": np.array([Trap()], object)})
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**kept, "model.weights.npz": memory.getvalue()}.items():
            archive.writestr(name, data)
    return path


def a_pickle(folder):
    (folder / "model.pkl").write_bytes(pickle.dumps(Trap()))
    return folder / "model.pkl"


def called_in_a_functional_model(folder):
    """CVE-2025-1550: a function of a module as a layer, called with text as its argument."""
    path = saved(folder)
    run = {**function("system", "os"), "name": "run", "inbound_nodes": [{"args": ["true"], "kwargs": {}}]}
    config = {"name": "f", "layers": [run], "input_layers": [], "output_layers": []}
    model = thing("Functional", "keras.src.models.functional") | {"config": config}
    return rewritten(path, config=lambda data: json.dumps(model).encode())


def unsafe_then_code(folder):
    """CVE-2025-9906: the file first calls the function that allows code."""
    path = saved(folder)
    allow = thing("Lambda", function=function("enable_unsafe_deserialization", "keras.config"))

    def change(config):
        config["config"]["layers"][1:1] = [allow, new_lambda(folder)]

    return with_config(path, change)


def saved_model(*rows):
    """A SavedModel of Keras 2 with these layers."""

    def make(folder):
        shutil.copytree(FILES / "dense" / "saved", folder / "saved")
        data = {"class_name": "Sequential", "model_config": old_model(*(row(folder) for row in rows))}
        node = message((3, "root"), (4, "_tf_keras_sequential"), (5, json.dumps(data)))
        (folder / "saved" / "keras_metadata.pb").write_bytes(message((1, node)))
        return folder / "saved"

    return make


def browser_model(*rows, paths=("weights.bin",)):
    def make(folder):
        config = old_model(*(row(folder) for row in rows))
        weights = [{"name": "d/kernel", "shape": [4, 5], "dtype": "float32"}]
        manifest = [{"paths": list(paths), "weights": weights}]
        (folder / "web").mkdir()
        (folder / "web" / "weights.bin").write_bytes(bytes(80))
        text = json.dumps({"modelTopology": {"model_config": config}, "weightsManifest": manifest})
        (folder / "web" / "model.json").write_text(text)
        return folder / "web" / "model.json"

    return make


def lookup(kind):
    return with_layer(lambda folder: thing(kind, vocabulary=str(folder / "secret"), name="l"))


GET_FILE = function("get_file", "keras.utils")
COMPILED = {"optimizer_config": {"class_name": "SGD", "config": {}}, "metrics": None}

HOLES = {
    "CVE-2024-3660: code in a Lambda of a .keras file": with_layer(new_lambda),
    "CVE-2024-3660: code in a Lambda of a SavedModel": saved_model(old_lambda),
    "CVE-2025-9905: code in a Lambda of an .h5 file": lambda f: h5(f, old_model(old_lambda(f), DENSE)),
    "code in a Lambda of a browser's model": browser_model(old_lambda),
    "code in an activation": lambda f: with_activation(new_lambda(f)["config"]["function"])(f),
    "CVE-2025-1550: a function of a module": called_in_a_functional_model,
    "CVE-2025-1550: a module's function as an activation": with_activation(function("system", "os")),
    "CVE-2025-8747: get_file in a Lambda": with_layer(
        lambda f: thing("Lambda", function=GET_FILE, arguments={"origin": "http://127.0.0.1:9/x", "fname": "x"})
    ),
    "CVE-2025-8747: get_file as an activation": with_activation(GET_FILE),
    "CVE-2025-9906: the file allows code": unsafe_then_code,
    "a registered name that is none": with_activation(function("eval", "builtins", "builtins>eval")),
    "CVE-2025-12058: a lookup reads a file": lookup("StringLookup"),
    "CVE-2025-12058: numbers": lookup("IntegerLookup"),
    "CVE-2025-12058: text": lookup("TextVectorization"),
    "CVE-2025-12058: an address": with_layer(
        lambda f: thing("StringLookup", vocabulary="http://127.0.0.1:9/secret", name="l")
    ),
    "CVE-2025-49655: a pickled module of PyTorch": with_layer(
        lambda f: thing("TorchModuleWrapper", name="t", module=base64.b64encode(pickle.dumps(Trap())).decode())
    ),
    "CVE-2026-1462: TensorFlow's functions as a layer": with_layer(
        lambda f: thing("TFSMLayer", name="t", filepath=str(f / "secret"))
    ),
    "CVE-2026-1669: values in another file": keras_with(external_storage),
    "CVE-2026-1669: values in another file, of an .h5 file": h5_with(external_storage),
    "values behind a link": h5_with(external_link),
    "values of a virtual dataset": h5_with(virtual),
    "CVE-2026-0897: a huge dataset": keras_with(huge),
    "CVE-2026-0897: a huge dataset in an .h5 file": h5_with(huge),
    "pickled weights in a .keras file": pickled_weights,
    "a pickle as a model": a_pickle,
    "a function as the loss of an .h5 file": lambda f: h5(f, old_model(DENSE), {**COMPILED, "loss": "os.system"}),
    "a class of a module as the loss": lambda f: h5(
        f, old_model(DENSE), {**COMPILED, "loss": {"class_name": "os>system", "config": {}}}
    ),
    "a huge layer in an .h5 file": lambda f: h5(
        f, old_model({"class_name": "Dense", "config": {"name": "d", "units": 10**9}})
    ),
    "a huge layer in a SavedModel": saved_model(
        lambda f: {"class_name": "Dense", "config": {"name": "d", "units": 10**9}}
    ),
    "a huge layer in a browser's model": browser_model(
        lambda f: {"class_name": "Dense", "config": {"name": "d", "units": 10**9}}
    ),
    "a browser's weights elsewhere": browser_model(lambda f: DENSE, paths=("../secret.bin",)),
    "a browser's weights at an address": browser_model(lambda f: DENSE, paths=("http://127.0.0.1:9/secret",)),
}


# Why a file is refused, by a part of the name of its hole; the first that fits.
REASONS = {
    "allows code": "called 'enable_unsafe_deserialization'",
    "code in": "holds Python code",
    "CVE-2025-1550": "called 'system'",
    "CVE-2025-8747": "called 'get_file'",
    "CVE-2025-12058": "names a file of this machine",
    "CVE-2025-49655": "a pickled PyTorch module",
    "CVE-2026-1462": "the path of a SavedModel",
    "CVE-2026-0897": "far more than the file can hold",
    "CVE-2026-1669": "not kept in the file itself",
    "a registered name": "called 'eval'",
    "behind a link": "is a link to elsewhere",
    "virtual": "not kept in the file itself",
    "pickled weights": "lacks model.weights.h5",
    "a pickle": "format of this file is not known",
    "a function as the loss": "no loss 'os.system'",
    "a class of a module": "called 'os>system'",
    "a huge layer": "of a size that it cannot mean",
    "a browser's weights": "lacks a file of weights beside",
}


@pytest.mark.parametrize("hole", HOLES)
def test_the_file_is_refused_and_nothing_happens(hole, tmp_path, watched):
    path = HOLES[hole](tmp_path)
    words = next(words for part, words in REASONS.items() if part in hole)
    with pytest.raises(AmaltheaError, match=words) as caught:
        amalthea.saving.load_model(path)
    if "code in" in hole:
        assert isinstance(caught.value, UnsafeFileError)


@pytest.mark.parametrize("hole", HOLES)
def test_looking_into_the_file_does_nothing_either(hole, tmp_path, watched):
    path = HOLES[hole](tmp_path)
    with contextlib.suppress(AmaltheaError):
        found = formats.find(path).reader("contents")(path)
        told = any(part in hole for part in ("code", "CVE-2025", "CVE-2026-1462", "registered", "a huge layer"))
        assert bool(contents.refusals(found)) is told


def test_code_is_refused_whatever_the_file_says_of_safe_mode(tmp_path, watched):
    path = with_layer(new_lambda)(tmp_path)
    with_config(path, lambda config: config.update(safe_mode=False, custom_objects={"system": "os"}))
    with pytest.raises(UnsafeFileError):
        amalthea.saving.load_model(path)


@pytest.mark.parametrize("kind", ["link", "hard link", "parent", "absolute", "long"])
def test_an_archive_that_is_fetched_writes_nothing_outside(kind, tmp_path):
    """CVE-2024-55459, CVE-2025-12060 and CVE-2025-12638: members of an archive of get_file."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("x")
        if kind in ("link", "hard link"):
            member.type = tarfile.SYMTYPE if kind == "link" else tarfile.LNKTYPE
            member.linkname = str(outside)
            archive.addfile(member)
        prefix = {"link": "x", "hard link": "x", "parent": "../../../outside", "absolute": str(outside)}
        deep = "/".join(["d" * 200] * 25) + "/" + "../" * 28 + "outside"  # longer than the longest path of the system
        inner = tarfile.TarInfo(f"{prefix.get(kind, deep)}/y")
        inner.size = 1
        archive.addfile(inner, io.BytesIO(b"1"))
    with pytest.raises(AmaltheaError):
        utils.get_file("b.tar", (tmp_path / "a.tar").as_uri(), extract=True, cache_dir=tmp_path / "cache")
    assert list(outside.iterdir()) == []


def test_the_watch_sees_what_it_watches(tmp_path):
    """A file that is trusted runs its code, and the watch sees it."""
    path = with_config(saved(tmp_path), lambda c: c["config"]["layers"].insert(1, new_lambda(tmp_path)))
    _SECRET.append("secret")
    try:
        (tmp_path / "secret").write_text("")
        os.system("true")
        amalthea.saving.load_model(path, safe_mode=False)
    finally:
        _SECRET.clear()
    assert any("secret" in seen for seen in _SEEN) and any("os.system" in seen for seen in _SEEN)
    assert (tmp_path / "canary").exists()
    _SEEN.clear()
