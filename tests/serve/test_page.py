"""The requests in docs/serving.md work as they stand there."""

import re
import shlex
from pathlib import Path

import pytest

from amalthea import serve
from amalthea.cli.serve import LIMITS
from tests.serve import nets

PAGE = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
LINES = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def pages_client(tmp_path_factory):
    testclient = pytest.importorskip("starlette.testclient", reason="the extra serve is not installed")
    folder = tmp_path_factory.mktemp("page")
    for name in ("net", "digits"):
        nets.constant(1).save(folder / f"{name}.keras")
    with testclient.TestClient(serve.application([str(path) for path in folder.iterdir()])) as client:
        yield client


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_page_is_answered(pages_client, line):
    *options, address = shlex.split(line)[1:]
    path = re.fullmatch(r"localhost:8501(/.*)", address)
    assert path is not None
    body = options[options.index("-d") + 1] if "-d" in options else None
    answer = pages_client.request("POST" if body else "GET", path[1], content=body)
    assert answer.status_code == 200, answer.text


def test_the_page_names_every_option_and_metric(pages_client):
    page = PAGE.read_text("utf-8")
    options = {"--host", "--grpc-port", "--workers", *(f"--{name.replace('_', '-')}" for name in LIMITS)}
    families = set(re.findall(r"# TYPE (\w+)", pages_client.get("/metrics").text))
    families = {name for name in families if not name.endswith("_created")}
    assert len(families) == 5
    assert [word for word in options | families if word not in page] == []
