"""Bodies and addresses that a server refuses: a status, and a sentence that says what was expected."""

import json

import numpy as np
import pytest

from tests.serve import nets

ROW = [0.0, 0.0, 0.0, 0.0]
X = {"name": "x", "shape": [1, 4], "datatype": "FP32"}


def rows(*values, **more):
    return json.dumps({"instances": list(values), **more}).encode()


def tensor(*, drop=(), **changes):
    given = {k: v for k, v in {**X, "data": ROW, **changes}.items() if k not in drop}
    return json.dumps({"inputs": [given]}).encode()


TENSORFLOW = {
    "nothing": (b"", "not JSON"),
    "no JSON": (b"{instances", "not JSON"),
    "no object": (b"[1]", "JSON object"),
    "not UTF-8": (b'{"instances": "\xff"}', "not JSON"),
    "deep JSON": (b'{"instances": ' + b"[" * 40_000 + b"]" * 40_000 + b"}", "nested too deeply"),
    "deep lists": (b'{"instances": ' + b"[" * 500 + b"]" * 500 + b"}", "(rows, 4)"),
    "deep values": (b'{"instances": ' + b"[" * 500 + b"1" + b"]" * 500 + b"}", "(rows, 4)"),
    "thousands of digits": (b'{"instances": [[' + b"1" * 5000 + b"]]}", "not JSON"),
    "too large for floats": (rows([1e39, 0, 0, 0]), "too large"),
    "too large for floats beside infinity": (rows([float("inf"), 1e39, 0, 0]), "too large"),
    "too large for JSON": (b'{"instances": [[1e999, 0, 0, 0]]}', "too large"),
    "hundreds of digits": (rows([10**400, 0, 0, 0]), "cannot be used"),
    "hundreds of digits beside a fraction": (rows([10**400, 0.5, 0, 0]), "cannot be used"),
    "text": (rows(["1", "2", "3", "4"]), "text"),
    "text among numbers": (rows(["1", 2, 3, 4]), "text"),
    "booleans": (rows([True, False, True, True]), "true and false"),
    "null": (rows([None, 0, 0, 0]), "float32"),
    "a null row": (rows(None), "float32"),
    "rows of unequal length": (rows(ROW, [0.0]), "unequal length"),
    "axes of unequal number": (rows(ROW, 0.0), "unequal length"),
    "another shape": (rows([0.0]), "(rows, 4)"),
    "another number of axes": (rows([ROW]), "(rows, 4)"),
    "no rows": (rows(), "(rows, 4)"),
    "no rows of the shape": (b'{"inputs": {"x": []}}', "(rows, 4)"),
    "a number": (b'{"instances": 3}', "list"),
    "an object": (b'{"instances": {"x": [1]}}', "list"),
    "another name": (rows({"z": ROW}), "'x'"),
    "rows with and without names": (rows({"x": ROW}, ROW), "object"),
    "both places": (rows(ROW, inputs=[ROW]), "instances or inputs"),
    "neither place": (b"{}", "instances or inputs"),
    "another signature": (rows(ROW, signature_name="train"), "serving_default"),
    "a signature that is a list": (rows(ROW, signature_name=[[]]), "serving_default"),
}
INFERENCE = {
    "no inputs": (b"{}", "list"),
    "inputs that are an object": (b'{"inputs": {}}', "list"),
    "an input that is a list": (b'{"inputs": [[]]}', "object"),
    "too few inputs": (b'{"inputs": []}', "'x'"),
    "another name": (tensor(name="z"), "'x'"),
    "a name that is a list": (tensor(name=["x"]), "'x'"),
    "another datatype": (tensor(datatype="FP64"), "FP32"),
    "a datatype that is a list": (tensor(datatype=["FP32"]), "FP32"),
    "no shape": (tensor(drop=["shape"]), "list"),
    "a negative size": (tensor(shape=[-1, 4]), "whole numbers"),
    "a huge size": (tensor(shape=[10**30, 4]), "whole numbers"),
    "a size that is text": (tensor(shape=["1", 4]), "whole numbers"),
    "another count": (tensor(data=[0.0]), "fill"),
    "another shape": (tensor(shape=[4, 1]), "(rows, 4)"),
    "no rows": (tensor(shape=[0, 4], data=[]), "no rows"),
    "no data": (tensor(drop=["data"]), "binary_data_size"),
    "data that are text": (tensor(data="AAAA"), "list"),
    "data and bytes": (tensor(parameters={"binary_data_size": 16}), "one place"),
    "parameters that are a list": (tensor(parameters=[]), "object"),
    "another id": (json.dumps({"id": [], "inputs": [{**X, "data": ROW}]}).encode(), "id"),
    "another output": (json.dumps({"outputs": [{"name": "z"}], "inputs": [{**X, "data": ROW}]}).encode(), "y"),
}


def assert_refused(answer, says, status=400):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert says in error and "Traceback" not in error and "\n" not in error, error


@pytest.mark.parametrize("body, says", TENSORFLOW.values(), ids=list(TENSORFLOW))
def test_a_bad_body_of_rows_is_refused(client, body, says):
    assert_refused(client.post("/v1/models/single:predict", content=body), says)


@pytest.mark.parametrize("body, says", INFERENCE.values(), ids=list(INFERENCE))
def test_a_bad_body_of_tensors_is_refused(client, body, says):
    assert_refused(client.post("/v2/models/single/infer", content=body), says)


@pytest.mark.parametrize("length", ("-1", "1e3", "", "99999", "\u00b2"))
def test_a_bad_length_of_the_json_is_refused(client, length):
    headers = {"Inference-Header-Content-Length": length.encode("latin-1")}
    assert_refused(client.post("/v2/models/single/infer", content=tensor(), headers=headers), "does not fit")


@pytest.mark.parametrize(
    "size, sent, says",
    (
        (16, 15, "too early"),
        (16, 17, "belong to no input"),
        (12, 12, "fill"),
        (-1, 0, "whole number"),
        (1 << 40, 16, "too early"),
        (1 << 70, 16, "whole number"),
        ("16", 16, "whole number"),
        (16.0, 16, "whole number"),
    ),
)
def test_bytes_that_do_not_fit_are_refused(client, size, sent, says):
    head = json.dumps({"inputs": [{**X, "parameters": {"binary_data_size": size}}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    assert_refused(client.post("/v2/models/single/infer", content=head + bytes(sent), headers=headers), says)


@pytest.mark.parametrize(
    "word, says",
    (
        ([0.5, 1], "fraction"),
        ([2**40, 1], "outside"),
        ([2**70, 1], "cannot be used"),
        ([float("nan"), 1], "fraction"),
        ([7, 1], "7"),
        ([-9, 1], "-9"),
    ),
)
def test_bad_whole_numbers_are_refused(client, word, says):
    answer = client.post(
        "/v1/models/double:predict", content=json.dumps({"instances": [{"x": [0, 0, 0], "word": word}]})
    )
    assert_refused(answer, says)


def test_several_inputs_have_names_and_as_many_rows(client):
    assert_refused(client.post("/v1/models/double:predict", json={"instances": [[1.0, 2.0]]}), "'x', 'word'")
    assert_refused(client.post("/v1/models/double:predict", json={"inputs": [[1.0, 2.0]]}), "'x', 'word'")
    uneven = {"x": nets.inputs("double", 2)["x"].tolist(), "word": [[0, 1]]}
    assert_refused(client.post("/v1/models/double:predict", json={"inputs": uneven}), "number of rows")


@pytest.mark.parametrize(
    "method, path, status",
    (
        ("POST", "/v1/models/none:predict", 404),
        ("GET", "/v1/models/none", 404),
        ("GET", "/v1/models/single/versions/2", 404),
        ("GET", "/v1/models/single/versions/x", 404),
        ("POST", f"/v1/models/single/versions/{'9' * 5000}:predict", 404),
        ("POST", "/v2/models/none/infer", 404),
        ("GET", "/v2/models/none/ready", 404),
        ("GET", "/", 404),
        ("GET", "/v1/models/../../etc/passwd", 404),
        ("POST", "/v1/models/single:classify", 405),
        ("GET", "/v1/models/single:predict", 405),
        ("GET", "/v1/models/single/versions/1:predict", 405),
        ("DELETE", "/v1/models/single", 405),
        ("GET", "/v2/models/single/infer", 405),
        ("POST", "/metrics", 405),
    ),
)
def test_unknown_addresses_and_methods_are_refused(client, method, path, status):
    answer = client.request(method, path, content=rows(ROW) if method == "POST" else None)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_long_body_is_refused_before_it_is_read(client):
    read = []

    def chunks():
        for _ in range(50):
            read.append(1)
            yield b" " * 10_000

    assert_refused(client.post("/v1/models/single:predict", content=b" " * 100_001), "100000 bytes", 413)
    assert_refused(client.post("/v1/models/single:predict", content=chunks()), "100000 bytes", 413)
    answer = client.post("/v1/models/single:predict", content=b"", headers={"Content-Length": "-5"})
    assert_refused(answer, "whole number")


def test_a_compressed_body_is_refused(client):
    answer = client.post("/v1/models/single:predict", content=b"", headers={"Content-Encoding": "gzip"})
    assert_refused(answer, "compressed", 415)


def test_a_fault_of_ours_says_nothing_of_itself(client, monkeypatch, caplog):
    version = client.app.state.registry.find("single")
    monkeypatch.setattr(version.batcher._runner, "function", lambda arrays: 1 / 0)
    answer = client.post("/v1/models/single:predict", content=rows(ROW))
    assert_refused(answer, "its log says why", 500)
    assert "ZeroDivisionError" in caplog.text


def test_the_server_answers_after_all_this(client):
    found = client.post("/v1/models/single:predict", content=rows(ROW)).json()["predictions"]
    assert np.isfinite(found).all()
