"""gRPC answers with the numbers of predict, and refuses what HTTP refuses, in the same words."""

import asyncio
import json
import threading

import numpy as np
import pytest

from amalthea.engine.dtypes import to_numpy
from amalthea.serve.settings import Settings
from tests.serve import nets
from tests.serve.test_protocols import DTYPES, NAMES, assert_same, every_count, expected

grpc = pytest.importorskip("grpc", reason="the extra serve-grpc is not installed")
pytest.importorskip("starlette", reason="the extra serve is not installed")
FIELDS = {"FP32": "fp32_contents", "INT32": "int_contents", "BYTES": "bytes_contents"}


@pytest.fixture(scope="module")
def address(files):
    """A server of gRPC in a thread with a loop of its own."""
    from amalthea.serve.app import Server
    from amalthea.serve.process import free_port
    from amalthea.serve.rpc import Service

    server = Server(files, Settings(max_batch=8, max_body=100_000))
    where, loop, ready = f"127.0.0.1:{free_port('127.0.0.1', 0)}", asyncio.new_event_loop(), threading.Event()

    async def live(ended):
        service = Service(server, where)
        await service.start()
        ready.set()
        await ended.wait()
        await service.stop()
        server.registry.close()

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(live(ended),))
    thread.start()
    assert ready.wait(20)
    yield where
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def call(address):
    """Sends a message to a method, or the bytes of one."""
    from amalthea.serve.grpc_messages import message

    with grpc.insecure_channel(address) as channel:

        def call(method, request=None, **fields):
            data = message(f"{method}Request")(**fields).SerializeToString() if request is None else request
            path = f"/inference.GRPCInferenceService/{method}"
            return message(f"{method}Response").FromString(channel.unary_unary(path)(data, timeout=20))

        yield call


def datatype(array):
    return "BYTES" if array.dtype.kind == "U" else NAMES[array.dtype.name]


def packed(array):
    if array.dtype.kind != "U":
        return array.tobytes()
    return b"".join(len(x.encode()).to_bytes(4, "little") + x.encode() for x in array.ravel())


def asked(name, given, raw):
    """The fields of a ModelInferRequest."""
    inputs = [{"name": k, "datatype": datatype(x), "shape": list(x.shape)} for k, x in given.items()]
    if raw:
        return {"model_name": name, "inputs": inputs, "raw_input_contents": [packed(x) for x in given.values()]}
    for tensor, x in zip(inputs, given.values()):
        values = [t.encode() for t in x.ravel()] if x.dtype.kind == "U" else x.ravel().tolist()
        tensor["contents"] = {FIELDS[datatype(x)]: values}
    return {"model_name": name, "inputs": inputs}


def told(response):
    """The outputs of a ModelInferResponse, by name."""
    found = {}
    for i, tensor in enumerate(response.outputs):
        if response.raw_output_contents:
            x = np.frombuffer(response.raw_output_contents[i], to_numpy(DTYPES[tensor.datatype])).astype("float32")
        else:
            x = np.array(getattr(tensor.contents, FIELDS[tensor.datatype]))
        found[tensor.name] = x.reshape(tensor.shape)
    return found


@pytest.mark.parametrize(
    "name, raw",
    [(name, raw) for name in nets.NETS for raw in (True, False) if raw or name != "fixed"],  # float16: bytes alone
)
@every_count
def test_infer_answers_as_predict(call, models, name, rows, raw):
    given = nets.inputs(name, rows)
    response = call("ModelInfer", **asked(name, given, raw), id="7")
    assert (response.model_name, response.model_version, response.id) == (name, "1", "7")
    assert bool(response.raw_output_contents) == raw
    assert_same(told(response), expected(models, name, given))


def test_one_output_of_one_version_is_asked_for(call, models):
    given = nets.inputs("double", 2)
    response = call("ModelInfer", **asked("double", given, True), model_version="1", outputs=[{"name": "b"}])
    assert_same(told(response), {"b": expected(models, "double", given)["b"]})


def test_the_server_and_its_models_are_described(call, client):
    assert call("ServerLive").live and call("ServerReady").ready
    assert call("ModelReady", name="double", version="1").ready
    assert not call("ModelReady", name="double", version="2").ready and not call("ModelReady", name="none").ready
    assert call("ServerMetadata").name == "amalthea"
    response = call("ModelMetadata", name="double")
    over_http = client.get("/v2/models/double").json()
    for field in ("inputs", "outputs"):
        found = [{"name": x.name, "datatype": x.datatype, "shape": list(x.shape)} for x in getattr(response, field)]
        assert found == over_http[field]
    rows = [{k: getattr(x, k) for k in ("name", "version", "state", "reason")} for x in call("RepositoryIndex").models]
    assert rows == client.post("/v2/repository/index", content=b"").json()
    assert {"name": "text", "version": "1", "state": "READY", "reason": ""} in rows


def tensor(**changes):
    return {"name": "x", "datatype": "FP32", "shape": [1, 4], "contents": {"fp32_contents": [0.0] * 4}, **changes}


SAME = {
    "another name": {"name": "z"},
    "another datatype": {"datatype": "FP64", "contents": {"fp64_contents": [0.0] * 4}},
    "no shape": {"shape": []},
    "a negative size": {"shape": [-1, 4]},
    "another shape": {"shape": [4, 1]},
    "no rows": {"shape": [0, 4], "contents": {}},
    "too few values": {"contents": {"fp32_contents": [0.0]}},
}


@pytest.mark.parametrize("changes", SAME.values(), ids=list(SAME))
def test_a_refusal_is_that_of_http(call, client, changes):
    with pytest.raises(grpc.RpcError) as caught:
        call("ModelInfer", model_name="single", inputs=[tensor(**changes)])
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    given = tensor(**changes)
    given["data"] = next(iter(given.pop("contents").values()), [])
    answer = client.post("/v2/models/single/infer", content=json.dumps({"inputs": [given]}))
    assert (answer.status_code, answer.json()["error"]) == (400, caught.value.details())


X = {k: v for k, v in tensor().items() if k != "contents"}
OWN = {
    "no bytes for an input": ({"inputs": [X, X], "raw_input_contents": [bytes(16)]}, "one element"),
    "too few bytes": ({"inputs": [X], "raw_input_contents": [bytes(15)]}, "fill"),
    "bytes and contents": ({"inputs": [tensor()], "raw_input_contents": [bytes(16)]}, "one place"),
    "contents of another kind": ({"inputs": [tensor(contents={"int_contents": [0] * 4})]}, "fp32_contents"),
    "contents of two kinds": (
        {"inputs": [tensor(contents={"fp32_contents": [0.0] * 4, "bool_contents": [True]})]},
        "bool_contents",
    ),
    "no inputs": ({}, "'x'"),
    "another output": ({"inputs": [tensor()], "outputs": [{"name": "z"}]}, "no such output"),
}


@pytest.mark.parametrize("fields, says", OWN.values(), ids=list(OWN))
def test_a_bad_message_is_refused(call, fields, says):
    with pytest.raises(grpc.RpcError, match=says) as caught:
        call("ModelInfer", model_name="single", **fields)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "method, fields, code",
    (
        ("ModelInfer", {"model_name": "none"}, "NOT_FOUND"),
        ("ModelInfer", {"model_name": "single", "model_version": "2"}, "NOT_FOUND"),
        ("ModelMetadata", {"name": "single", "version": "x"}, "NOT_FOUND"),
        ("ModelInfer", {"request": b"\xff\xff"}, "INVALID_ARGUMENT"),
        ("ModelInfer", {"model_name": "single", "raw_input_contents": [bytes(100_001)]}, "RESOURCE_EXHAUSTED"),
    ),
)
def test_the_status_says_whose_fault_it_is(call, method, fields, code):
    with pytest.raises(grpc.RpcError) as caught:
        call(method, **fields)
    assert caught.value.code().name == code


def test_text_that_is_not_utf8_is_refused(call):
    for fields in (
        {"inputs": [{**X, "datatype": "BYTES", "shape": [1, 1], "contents": {"bytes_contents": [b"\xff"]}}]},
        {"inputs": [{**X, "datatype": "BYTES", "shape": [1, 1]}], "raw_input_contents": [b"\1\0\0\0\xff"]},
    ):
        with pytest.raises(grpc.RpcError, match="UTF-8"):
            call("ModelInfer", model_name="text", **fields)


def test_a_port_that_is_taken_is_an_error(address, files):
    from amalthea.errors import ArgumentError
    from amalthea.serve.process import free_port

    with pytest.raises(ArgumentError, match="cannot listen"):
        free_port("127.0.0.1", int(address.rpartition(":")[2]))
