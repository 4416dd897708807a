"""Models as files, and a client of a server of them."""

import pytest

from amalthea import serve
from tests.serve import nets


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
    testclient = pytest.importorskip("starlette.testclient", reason="the extra serve is not installed")
    app = serve.application(files, serve.Settings(max_batch=8, max_body=100_000))
    with testclient.TestClient(app, raise_server_exceptions=False) as client:
        yield client
