"""Both protocols answer with the numbers of predict."""

import json
import struct

import numpy as np
import pytest

from amalthea.engine.dtypes import to_numpy
from tests.serve import nets

HEADER = "Inference-Header-Content-Length"
NAMES = {"float16": "FP16", "float32": "FP32", "int32": "INT32"}
DTYPES = {"FP16": "float16", "FP32": "float32", "BF16": "bfloat16"}
every_model = pytest.mark.parametrize("name", nets.NETS)
every_count = pytest.mark.parametrize("rows", (1, 3, 8, 19))


def expected(models, name, given):
    """The outputs of predict, by name."""
    model = models[name]
    flat = list(given.values())
    rows = len(flat[0])
    if name == "fixed":
        flat = [np.concatenate([x, np.zeros((-rows % 4, *x.shape[1:]), x.dtype)]) for x in flat]
    outputs = model.predict(flat if len(flat) > 1 else flat[0], verbose=0)
    if not isinstance(outputs, dict):
        outputs = dict(zip(model.output_names, outputs if isinstance(outputs, list) else [outputs]))
    return {key: np.asarray(outputs[key])[:rows].astype("float32") for key in sorted(outputs)}


def assert_same(found, wanted):
    assert list(found) == list(wanted)
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-6)


def ask(client, name, body, status=200):
    answer = client.post(f"/v1/models/{name}:predict", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@every_model
@every_count
def test_rows_are_answered_by_rows(client, models, name, rows):
    given = nets.inputs(name, rows)
    wanted = expected(models, name, given)
    lists = [{key: x[i].tolist() for key, x in given.items()} for i in range(rows)]
    found = ask(client, name, {"instances": lists, "signature_name": "serving_default"})["predictions"]
    if len(wanted) == 1:
        found = [{key: row for key in wanted} for row in found]
    assert_same({key: np.array([row[key] for row in found]) for key in wanted}, wanted)


@every_model
@every_count
def test_columns_are_answered_by_columns(client, models, name, rows):
    given = nets.inputs(name, rows)
    wanted = expected(models, name, given)
    found = ask(client, name, {"inputs": {key: x.tolist() for key, x in given.items()}})["outputs"]
    assert_same(found if len(wanted) > 1 else dict.fromkeys(wanted, found), wanted)


def test_one_input_goes_without_its_name(client, models):
    given = nets.inputs("single", 2)
    wanted = expected(models, "single", given)["y"]
    for key, answer in (("instances", "predictions"), ("inputs", "outputs")):
        np.testing.assert_allclose(ask(client, "single", {key: given["x"].tolist()})[answer], wanted, atol=1e-6)


def element(word):
    """A text in bytes: its length, then itself."""
    data = word.encode()
    return struct.pack("<I", len(data)) + data


@pytest.mark.parametrize("binary_in", (False, True))
@pytest.mark.parametrize("binary_out", (False, True))
@every_model
def test_tensors_go_and_come_as_json_or_bytes(client, models, name, binary_in, binary_out):
    given = nets.inputs(name, 3)
    tensors, tail = [], b""
    for key, x in given.items():
        tensor = {"name": key, "shape": list(x.shape), "datatype": NAMES.get(x.dtype.name, "BYTES")}
        if binary_in:
            sent = x.tobytes() if x.dtype.kind != "U" else b"".join(map(element, x.ravel().tolist()))
            tensor["parameters"] = {"binary_data_size": len(sent)}
            tail += sent
        else:
            tensor["data"] = x.ravel().tolist()
        tensors.append(tensor)
    head = json.dumps({"id": "7", "inputs": tensors, "parameters": {"binary_data_output": binary_out}}).encode()
    headers = {HEADER: str(len(head))} if binary_in else {}
    answer = client.post(f"/v2/models/{name}/infer", content=head + tail, headers=headers)
    assert answer.status_code == 200, answer.text
    assert (HEADER in answer.headers) == binary_out
    size = int(answer.headers.get(HEADER, len(answer.content)))
    told, rest = json.loads(answer.content[:size]), answer.content[size:]
    assert (told["model_name"], told["model_version"], told["id"]) == (name, "1", "7")
    found = {}
    for tensor in told["outputs"]:
        if binary_out:
            own = tensor["parameters"]["binary_data_size"]
            values = np.frombuffer(rest[:own], to_numpy(DTYPES[tensor["datatype"]]))
            found[tensor["name"]], rest = values.astype("float32").reshape(tensor["shape"]), rest[own:]
        else:
            found[tensor["name"]] = np.array(tensor["data"]).reshape(tensor["shape"])
    assert rest == b""
    assert_same(found, expected(models, name, given))


def test_one_output_is_asked_for_by_name(client, models):
    given = nets.inputs("double", 2)
    tensors = [
        {"name": k, "shape": x.shape, "datatype": NAMES[x.dtype.name], "data": x.tolist()} for k, x in given.items()
    ]
    body = {"inputs": tensors, "outputs": [{"name": "b"}]}
    told = client.post("/v2/models/double/versions/1/infer", json=body).json()
    assert [x["name"] for x in told["outputs"]] == ["b"]
    np.testing.assert_allclose(told["outputs"][0]["data"], expected(models, "double", given)["b"].ravel(), atol=1e-6)


def test_names_come_in_any_order(client, models):
    given = nets.inputs("double", 2)
    turned = dict(reversed(given.items()))
    found = ask(client, "double", {"inputs": {key: x.tolist() for key, x in turned.items()}})["outputs"]
    assert_same(found, expected(models, "double", given))
    tensors = [
        {"name": k, "shape": x.shape, "datatype": NAMES[x.dtype.name], "data": x.tolist()} for k, x in turned.items()
    ]
    told = client.post("/v2/models/double/infer", json={"inputs": tensors}).json()["outputs"]
    assert_same({x["name"]: np.reshape(x["data"], x["shape"]) for x in told}, expected(models, "double", given))


def test_nan_and_infinity_are_written_as_in_python(client):
    rows = [[float("nan"), 0, 0, 0], [0, 0, 0, 0]]
    answer = client.post("/v1/models/single:predict", content=json.dumps({"instances": rows}))
    first, second = json.loads(answer.content)["predictions"]
    assert "NaN" in answer.text and np.isnan(first).all() and np.isfinite(second).all()


@pytest.mark.parametrize("version", ("", "/versions/1"))
def test_state_and_metadata(client, version):
    (state,) = client.get(f"/v1/models/double{version}").json()["model_version_status"]
    assert state == {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    told = client.get(f"/v1/models/double{version}/metadata").json()
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["word"]["dtype"] == "DT_INT32"
    assert [d["size"] for d in signature["outputs"]["a"]["tensor_shape"]["dim"]] == ["-1", "2"]
    told = client.get(f"/v2/models/double{version}").json()
    assert told["versions"] == ["1"]
    assert told["inputs"][1] == {"name": "word", "datatype": "INT32", "shape": [-1, 2]}
    assert client.get(f"/v2/models/double{version}/ready").json()["ready"] is True


def test_the_server_is_live_and_ready(client):
    assert client.get("/v2").json()["name"] == "amalthea"
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}


def test_metrics_count_requests_batches_and_the_queue(client):
    def value(line):
        found = [row for row in client.get("/metrics").text.splitlines() if row.startswith(line + " ")]
        return float(found[0].split()[-1]) if found else 0.0

    counted = 'amalthea_requests_total{code="200",model="open_sizes"}'
    timed = value('amalthea_request_seconds_count{model="open_sizes"}')
    before = value(counted), value('amalthea_batch_rows_sum{model="open_sizes"}')
    ask(client, "open_sizes", {"instances": nets.inputs("open_sizes", 3)["x"].tolist()})
    assert (value(counted), value('amalthea_batch_rows_sum{model="open_sizes"}')) == (before[0] + 1, before[1] + 3)
    assert value('amalthea_request_seconds_count{model="open_sizes"}') == timed + 1
    assert value('amalthea_queue_requests{model="open_sizes"}') == 0
