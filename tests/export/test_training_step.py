"""The training step as files: another program trains with them alone, to the numbers of the model itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, export, layers
from amalthea.errors import ExportError, ModelFileError, NotCompiledError
from amalthea.saving import safetensors

# What a user writes where this library is not installed.
TRAINER = """
import json, struct, sys
import numpy as np, onnxruntime
folder = sys.argv[1]
about = json.load(open(f"{folder}/step.json"))
data = open(f"{folder}/{about['values']}", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
kinds = {"F32": "f4", "I32": "i4", "I64": "i8", "U32": "u4", "BOOL": "?"}
state = {}
for name, row in json.loads(data[8:8 + size]).items():
    if name != "__metadata__":
        begin, end = (8 + size + n for n in row["data_offsets"])
        state[name] = np.frombuffer(data[begin:end], kinds[row["dtype"]]).reshape(row["shape"])
step = onnxruntime.InferenceSession(f"{folder}/{about['step']['file']}")
logs, rows = about["step"]["logs"], about["state"]
reads = {x.name for x in step.get_inputs()}
batches = np.load(sys.argv[2])
for i in range(len(batches[about["step"]["inputs"][0]["name"]])):
    feeds = {x["name"]: batches[x["name"]][i].astype(x["dtype"]) for x in about["step"]["inputs"]}
    feeds |= {row["input"]: state[row["input"]] for row in rows if row["input"] in reads}
    out = step.run([*logs, *(row["output"] for row in rows)], feeds)
    print(json.dumps(dict(zip(logs, map(float, out)))))
    state = {row["input"]: value for row, value in zip(rows, out[len(logs):])}
np.savez(sys.argv[3], **{row["variable"].replace("/", "|"): state[row["input"]] for row in rows})
assert not any(name.startswith("amalthea") for name in sys.modules)
"""


def classifier():
    amalthea.utils.set_random_seed(1)
    model = Sequential(
        [
            Input((6, 6, 1)), layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(),
            layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.3), layers.Dense(5, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    return model, rng.normal(size=(6, 8, 6, 6, 1)).astype("float32"), rng.integers(0, 5, (6, 8)), None


def recurrent():
    amalthea.utils.set_random_seed(1)
    words = Input((7,), dtype="int32")
    model = Model(words, layers.Dense(1)(layers.LSTM(4)(layers.Embedding(9, 3, mask_zero=True)(words))))
    schedule = amalthea.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    model.compile(amalthea.optimizers.SGD(schedule, momentum=0.9, clipnorm=1.0), "mse", weighted_metrics=["mae"])
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, (6, 8, 7)).astype("int32"), rng.normal(size=(6, 8, 1)).astype("float32")
    return model, x, y, rng.uniform(size=(6, 8)).astype("float32")


@pytest.mark.parametrize("make", [classifier, recurrent])
def test_another_program_trains_to_the_same_losses_and_weights(make, tmp_path):
    model, x, y, weights = make()
    folder, given, after = tmp_path / "training", tmp_path / "batches.npz", tmp_path / "after.npz"
    export.export_training(model, folder, x[0], y[0], None if weights is None else weights[0])
    parts = {"x": x, "y": y, "sample_weight": weights}
    np.savez(given, **{name: part for name, part in parts.items() if part is not None})
    ran = subprocess.run(
        [sys.executable, "-c", TRAINER, str(folder), str(given), str(after)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    for i, logs in enumerate(told):
        want = model.train_on_batch(x[i], y[i], None if weights is None else weights[i], return_dict=True)
        for name, value in want.items():
            assert logs[name] == pytest.approx(float(value), rel=1e-4, abs=1e-5), (i, name)
    got = np.load(after)
    for variable in (*model.variables, *model.optimizer.variables):
        name = variable.path.replace("/", "|")
        if name in got.files:
            np.testing.assert_allclose(got[name], variable.numpy(), rtol=1e-3, atol=1e-5, err_msg=name)
    assert {v.path.replace("/", "|") for v in model.trainable_variables} <= set(got.files)


def without_dropout():
    model, x, y, weights = classifier()
    model = Sequential([layer for layer in model.layers if not isinstance(layer, layers.Dropout)])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y, weights


@pytest.mark.parametrize("make", [without_dropout, recurrent])
def test_a_step_takes_any_number_of_rows(make, tmp_path):
    import onnxruntime

    model, x, y, weights = make()
    example = (x[0], y[0], None if weights is None else weights[0])
    export.export_training(model, tmp_path / "t", *example, open_batch=True)
    about = json.loads((tmp_path / "t" / "step.json").read_text())
    assert {row["shape"][0] for row in about["step"]["inputs"]} == {None}
    state = safetensors.read((tmp_path / "t" / "state.safetensors").read_bytes())
    session = onnxruntime.InferenceSession(tmp_path / "t" / "step.onnx")
    reads, rows = {port.name for port in session.get_inputs()}, about["state"]
    for i, count in enumerate((8, 1, 5)):
        data = [None if part is None else part[i][:count] for part in (x, y, weights)]
        feeds = {port["name"]: a.astype(port["dtype"]) for port, a in zip(about["step"]["inputs"], data)}
        feeds |= {row["input"]: state[row["input"]] for row in rows if row["input"] in reads}
        loss, *new = session.run([about["step"]["logs"][0], *(row["output"] for row in rows)], feeds)
        state = {row["input"]: value for row, value in zip(rows, new)}
        assert float(loss) == pytest.approx(float(model.train_on_batch(*data, return_dict=True)["loss"]), rel=1e-4)


def test_noise_for_an_open_number_of_rows_is_refused(tmp_path):
    model, x, y, _ = classifier()
    with pytest.raises(ExportError, match="random numbers for each row"):
        export.export_training(model, tmp_path / "t", x[0], y[0], open_batch=True)
    assert os.listdir(tmp_path) == []


def test_what_was_trained_elsewhere_comes_back(tmp_path):
    model, x, y, _ = classifier()
    export.export_training(model, tmp_path / "t", x[0], y[0])
    other, *_ = classifier()
    values = safetensors.read((tmp_path / "t" / "state.safetensors").read_bytes())
    moved = {name: value + 1 if value.dtype == np.float32 else value for name, value in values.items()}
    (tmp_path / "new.safetensors").write_bytes(safetensors.packed(moved))
    export.load_trained(model, tmp_path / "new.safetensors")
    for variable, before in zip(model.trainable_variables, other.trainable_variables):
        np.testing.assert_allclose(variable.numpy(), before.numpy() + 1, rtol=1e-6)


def test_state_that_does_not_fit_changes_nothing(tmp_path):
    model, x, y, _ = classifier()
    before = [v.numpy() for v in model.variables]
    model.optimizer.build(model.trainable_variables)
    name = model.trainable_variables[0].path
    for values in ({"else": np.zeros(3, "float32")}, {name: np.zeros(3, "float32")}, {}):
        path = tmp_path / "bad.safetensors"
        path.write_bytes(safetensors.packed(values))
        with pytest.raises(ModelFileError):
            export.load_trained(model, path)
    path.write_bytes(b"\x00" * 5)
    with pytest.raises(ModelFileError):
        export.load_trained(model, path)
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, model.variables))


def test_a_model_that_is_not_compiled_is_refused(tmp_path):
    model = Sequential([Input((3,)), layers.Dense(1)])
    with pytest.raises(NotCompiledError):
        export.export_training(model, tmp_path / "t", np.zeros((2, 3)), np.zeros((2, 1)))
    assert os.listdir(tmp_path) == []


def test_the_prediction_takes_the_weights_of_the_state(tmp_path):
    import onnxruntime

    model, x, y, _ = classifier()
    export.export_training(model, tmp_path / "t", x[0], y[0])
    about = json.loads((tmp_path / "t" / "step.json").read_text())
    state = safetensors.read((tmp_path / "t" / "state.safetensors").read_bytes())
    session = onnxruntime.InferenceSession(tmp_path / "t" / about["predict"]["file"])
    feeds = {row["input"]: state[row["input"]] for row in about["state"] if row["predict"]}
    feeds[about["predict"]["inputs"][0]["name"]] = x[1][:3]
    (got,) = session.run([about["predict"]["outputs"][0]["name"]], feeds)
    np.testing.assert_allclose(got, model.predict(x[1][:3], verbose=0), rtol=1e-5, atol=1e-6)
