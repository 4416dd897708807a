"""A client that was not written here: tritonclient, over gRPC and HTTP. ``make test-serving`` installs it."""

import numpy as np
import pytest

from tests.serve import nets
from tests.serve.test_process import serving
from tests.serve.test_protocols import assert_same, every_count, every_model, expected

reason = "tritonclient is not installed: make test-serving"
triton_grpc = pytest.importorskip("tritonclient.grpc", reason=reason)
triton_http = pytest.importorskip("tritonclient.http", reason=reason)
triton = pytest.importorskip("tritonclient.utils", reason=reason)


@pytest.fixture(scope="module")
def ports(files):
    with serving(*files, "--grpc-port", "0") as (_, http, rpc):
        yield {"http": http, "grpc": rpc}


@pytest.fixture(params=("grpc", "http"))
def door(request, ports):
    """The module of a protocol, and a client of it."""
    module = {"grpc": triton_grpc, "http": triton_http}[request.param]
    with module.InferenceServerClient(f"127.0.0.1:{ports[request.param]}") as client:
        yield module, client


@every_model
@every_count
def test_triton_gets_the_numbers_of_predict(door, models, name, rows):
    module, client = door
    given, tensors = nets.inputs(name, rows), []
    for key, x in given.items():
        x = np.char.encode(x, "utf-8").astype(object) if x.dtype.kind == "U" else x
        tensors.append(module.InferInput(key, list(x.shape), triton.np_to_triton_dtype(x.dtype)))
        tensors[-1].set_data_from_numpy(x)
    answer = client.infer(name, tensors, model_version="1", request_id="5")
    wanted = expected(models, name, given)
    assert_same({key: answer.as_numpy(key) for key in wanted}, wanted)


def test_triton_reads_what_the_server_says_of_itself(door):
    _, client = door
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("double", "1")
    assert not client.is_model_ready("none")
    told = client.get_model_metadata("double")
    names = [
        x["name"] if isinstance(x, dict) else x.name
        for x in (told["inputs"] if isinstance(told, dict) else told.inputs)
    ]
    assert names == ["x", "word"]


def test_triton_raises_our_sentence(door):
    module, client = door
    x = module.InferInput("x", [1, 3], "FP32")
    x.set_data_from_numpy(np.zeros((1, 3), "float32"))
    with pytest.raises(triton.InferenceServerException, match=r"\(rows, 4\)"):
        client.infer("single", [x])


def test_the_messages_are_those_of_the_protocol():
    from amalthea.serve.grpc_messages import TABLE, message

    for name in TABLE:
        ours = message(name).DESCRIPTOR
        theirs = triton_grpc.service_pb2
        for part in name.split("."):
            theirs = getattr(theirs, part)
        numbers = {f.name: (f.number, f.type, getattr(f, "is_repeated", None)) for f in ours.fields}
        known = {f.name: (f.number, f.type, getattr(f, "is_repeated", None)) for f in theirs.DESCRIPTOR.fields}
        assert numbers.items() <= known.items(), name
