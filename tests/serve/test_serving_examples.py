"""The examples of ``examples/serving`` answer with the numbers of predict.

Those whose libraries are missing are skipped; ``make test-serving`` installs all of them.
"""

import importlib.util
import io
import json
import socket
import subprocess
import sys
import types
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from amalthea import utils
from amalthea.cli import demo
from amalthea.datasets import digits
from tests.serve.test_process import ask, wait_until

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "serving"


def needs(name):
    return pytest.importorskip(name, reason=f"{name} is not installed: make test-serving")


def needs_elsewhere(name):
    """Skip without a library that only another process imports: two of them bring messages of the same names."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: make test-serving")


@pytest.fixture(scope="module")
def trained():
    """A network whose weights are drawn, which is all that these tests need."""
    utils.set_random_seed(0)
    return demo.build()


@pytest.fixture(scope="module")
def path(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("examples") / "digits.keras"
    trained.save(path)
    return path


@pytest.fixture(scope="module")
def x():
    return (digits.load_data()[1][0][:3, ..., None] / 255).astype("float32")


@pytest.fixture(scope="module")
def wanted(trained, x):
    return trained.predict(x, verbose=0)


def example(name, monkeypatch, model=None):
    """The module of an example."""
    if model is not None:
        monkeypatch.setenv("MODEL", str(model))
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_flask(path, x, wanted, monkeypatch):
    needs("flask")
    Image = needs("PIL.Image")
    client = example("flask_page", monkeypatch, path).app.test_client()
    assert b"<form" in client.get("/").data
    file = io.BytesIO()
    Image.fromarray(np.rint(x[0, ..., 0] * 255).astype("uint8")).save(file, "png")
    answer = client.post("/", data={"picture": (io.BytesIO(file.getvalue()), "digit.png")})
    shown = [float(part.split(" %")[0]) for part in answer.text.split("</meter> ")[1:]]
    np.testing.assert_allclose(shown, 100 * wanted[0], atol=0.06)
    for data in ({"picture": (io.BytesIO(b"no picture"), "digit.png")}, {}):
        answer = client.post("/", data=data)
        assert answer.status_code == 400 and "picture" in answer.text
    cut = io.BytesIO(file.getvalue()[:60])
    assert client.post("/", data={"picture": (cut, "digit.png")}).status_code == 400


def test_the_endpoint_of_fastapi(path, x, wanted, monkeypatch):
    needs("fastapi")
    testclient = needs("starlette.testclient")
    app = example("fastapi_endpoint", monkeypatch, f"digits={path}").app
    with testclient.TestClient(app) as client:
        told = client.post("/digit", json={"pixels": x[0, ..., 0].tolist()}).json()
        np.testing.assert_allclose(told["probabilities"], wanted[0], atol=1e-6)
        assert told["digit"] == wanted[0].argmax()
        assert client.post("/digit", json={"pixels": [[2.0] * 28] * 28}).status_code == 422
        told = client.post("/serving/v1/models/digits:predict", json={"instances": x.tolist()}).json()
        np.testing.assert_allclose(told["predictions"], wanted, atol=1e-6)


def test_the_server_of_kserve(path, x, wanted):
    needs_elsewhere("kserve")
    http, rpc = free(), free()
    command = [sys.executable, FOLDER / "kserve_model.py", "--model_name", "digits", "--model_path", path]
    command += ["--http_port", str(http), "--grpc_port", str(rpc)]
    with running(command):
        wait_until(lambda: is_answered(http, "/v2/health/ready"))
        told = ask(http, {"instances": x.tolist()}, "/v1/models/digits:predict")
        np.testing.assert_allclose(told["predictions"], wanted, atol=1e-6)
        tensor = {"name": "pixels", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel().tolist()}
        told = ask(http, {"id": "1", "inputs": [tensor]}, "/v2/models/digits/infer")
        np.testing.assert_allclose(told["outputs"][0]["data"], wanted.ravel(), atol=1e-6)
        for payload in ({}, {"instances": [[1], [1, 2]]}, {"instances": [[1.0, 2.0]]}):
            with pytest.raises(urllib.error.HTTPError, match="400") as caught:
                ask(http, payload, "/v1/models/digits:predict")
            caught.value.close()


def test_the_runtime_of_mlserver(path, x, wanted, tmp_path):
    needs_elsewhere("mlserver")
    (tmp_path / "mlserver_runtime.py").write_text((FOLDER / "mlserver_runtime.py").read_text())
    parameters = {"uri": str(path), "version": "1"}
    facts = {"name": "digits", "implementation": "mlserver_runtime.AmaltheaRuntime", "parameters": parameters}
    (tmp_path / "model-settings.json").write_text(json.dumps(facts))
    ports = {"http_port": free(), "grpc_port": free(), "metrics_port": free(), "parallel_workers": 0}
    (tmp_path / "settings.json").write_text(json.dumps(ports))
    with running([sys.executable, "-m", "mlserver.cli.main", "start", str(tmp_path)], cwd=tmp_path):
        wait_until(lambda: is_answered(ports["http_port"], "/v2/models/digits/ready"))
        tensor = {"name": "pixels", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel().tolist()}
        told = ask(ports["http_port"], {"inputs": [tensor]}, "/v2/models/digits/infer")
        np.testing.assert_allclose(told["outputs"][0]["data"], wanted.ravel(), atol=1e-6)


def free():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def is_answered(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20):
            return True
    except OSError:
        return False


class running:
    """A process that ends with the block."""

    def __init__(self, command, cwd=None):
        self.command, self.cwd = list(map(str, command)), cwd

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, cwd=self.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def stand_in():
    """Return a stand-in of ``triton_python_backend_utils``, which exists in Triton's processes alone."""

    class Tensor:
        def __init__(self, name, array):
            self._name, self._array = name, array

        def name(self):
            return self._name

        def as_numpy(self):
            return self._array

    class InferenceResponse:
        def __init__(self, output_tensors=(), error=None):
            self._tensors, self._error = list(output_tensors), error

        def output_tensors(self):
            return self._tensors

        def has_error(self):
            return self._error is not None

    module = types.ModuleType("triton_python_backend_utils")
    vars(module).update(Tensor=Tensor, InferenceResponse=InferenceResponse, TritonError=Exception)
    vars(module)["get_input_tensor_by_name"] = lambda request, name: next(x for x in request if x.name() == name)
    return module


def test_the_model_of_tritons_python_backend(path, x, wanted, monkeypatch):
    utils = stand_in()
    monkeypatch.setitem(sys.modules, utils.__name__, utils)
    model = example("triton_model", monkeypatch).TritonPythonModel()
    config = json.dumps({"parameters": {"file": {"string_value": path.name}}})
    version = path.parent / "1"
    version.mkdir(exist_ok=True)
    (version / path.name).write_bytes(path.read_bytes())
    model.initialize({"model_config": config, "model_repository": str(path.parent), "model_version": "1"})
    good, bad = [[utils.Tensor("pixels", x[:1])], [utils.Tensor("pixels", x[1:])]], [utils.Tensor("pixels", x[0])]
    first, fault, second = model.execute([good[0], bad, good[1]])
    assert fault.has_error() and not first.has_error()
    for response, rows in ((first, wanted[:1]), (second, wanted[1:])):
        (output,) = response.output_tensors()
        assert output.name() == "probabilities"
        np.testing.assert_allclose(output.as_numpy(), rows, atol=1e-6)
    assert model.execute([bad])[0].has_error()
