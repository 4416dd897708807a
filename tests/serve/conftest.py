"""Models as files, and clients of a server of them."""

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="TestClient needs it")

from starlette.testclient import TestClient  # noqa: E402

from amalthea import serve  # noqa: E402
from tests.serve import nets  # noqa: E402


@pytest.fixture(scope="session")
def models():
    return {name: make() for name, make in nets.NETS.items()}


@pytest.fixture(scope="session")
def files(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    return [str(folder / f"{name}.keras") for name in models]


@pytest.fixture(scope="session")
def client(files):
    app = serve.application(files, serve.Settings(max_batch=8, max_body=100_000))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
