"""Requests a second and times to answer of ``amalthea serve`` beside MLServer and KServe, with the same network.

``python -m benchmarks.serving --mlserver PYTHON --kserve PYTHON`` starts the servers that are there, each bound to one
core, and asks each in turn by ``wrk``, on the other cores, for the class of one digit: the same bytes to all of them,
in the Open Inference Protocol. A server that is not installed is left out, and said so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

from amalthea.cli import demo
from amalthea.datasets import digits
from benchmarks import machine

HERE = Path(__file__).resolve().parent
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Server(NamedTuple):
    """A server that runs: its name and its port."""

    name: str
    port: int


class Sample(NamedTuple):
    """Requests a second, the time that 99 of 100 requests stay below, in seconds, and requests that failed.

    ``refused`` counts answers other than 200, ``late`` those that took more than two seconds or a lost connection.
    """

    rate: float
    p99: float
    refused: int
    late: int


def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--mlserver", metavar="PYTHON", help="a Python that has mlserver and onnxruntime")
    parser.add_argument("--kserve", metavar="PYTHON", help="a Python that has kserve and onnxruntime")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=3, help="turns of all servers (%(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (%(default)s)")
    arguments = parser.parse_args(argv)
    if shutil.which("wrk") is None:
        print("wrk is not installed (Debian: apt-get install wrk): nothing is measured.")
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        script = _files(Path(folder))
        pythons = {"amalthea": sys.executable, "mlserver": arguments.mlserver, "kserve": arguments.kserve}
        servers = [s for name, python in pythons.items() if (s := _started(name, python, Path(folder), stack))]
        print(json.dumps(machine.describe()))
        samples = measured(servers, script, arguments)
    print(table(servers, samples, arguments.connections))


def _files(folder: Path) -> Path:
    """Write the network for all servers, and the request; return the script of wrk."""
    model = demo.build()
    model.save(folder / "digits.keras")
    model.export(str(folder / "digits.onnx"), verbose=False)
    image = digits.load_data()[1][0][0] / 255
    tensor = {"name": _input_name(folder), "shape": [1, 28, 28, 1], "datatype": "FP32"}
    body = json.dumps({"id": "1", "inputs": [{**tensor, "data": [round(float(x), 4) for x in image.ravel()]}]})
    (folder / "body.json").write_text(body)
    lines = ['wrk.method = "POST"', f"wrk.body = {body!r}", 'wrk.headers["Content-Type"] = "application/json"']
    (folder / "ask.lua").write_text("\n".join(lines))
    return folder / "ask.lua"


def _input_name(folder: Path) -> str:
    import onnx

    return onnx.load(str(folder / "digits.onnx")).graph.input[0].name


def _command(name: str, python: str, folder: Path, port: int) -> list[str]:
    if name == "amalthea":
        return [python, "-m", "amalthea", "serve", str(folder / "digits.keras"), "--port", str(port)]
    if name == "kserve":
        return [python, str(HERE / "servers/kserve_onnx.py"), str(folder / "digits.onnx"), str(port), str(_free())]
    home = folder / "mlserver"
    home.mkdir(exist_ok=True)
    shutil.copy(HERE / "servers/mlserver_onnx.py", home)
    ports = {"http_port": port, "grpc_port": _free(), "metrics_port": _free()}
    # On one core a process of its own for the model is slower, so that there is none.
    (home / "settings.json").write_text(json.dumps({**ports, "parallel_workers": 0, "debug": False}))
    facts = {"uri": str(folder / "digits.onnx"), "version": "1"}
    model = {"name": "digits", "implementation": "mlserver_onnx.OnnxRuntime", "parameters": facts}
    (home / "model-settings.json").write_text(json.dumps(model))
    return [python, "-m", "mlserver.cli.main", "start", str(home)]


def _started(name: str, python: str | None, folder: Path, stack: contextlib.ExitStack) -> Server | None:
    """Start a server that ends with the stack; None if it is not installed."""
    if not python or subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode:
        print(f"{name} is not installed: left out.")
        return None
    server = Server(name, _free())
    log = stack.enter_context((folder / f"{name}.log").open("w+"))
    environment = {**os.environ, **machine.environment(1)}
    command = _command(name, python, folder, server.port)
    first = machine.cores()[:1]
    process = subprocess.Popen(
        [*_bound(first), *command], stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=_home(name, folder)
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    for _ in range(240):
        with contextlib.suppress(OSError):
            _ask(server, (folder / "body.json").read_bytes())
            return server
        if process.poll() is not None:
            break
        time.sleep(0.25)
    log.seek(0)
    raise SystemExit(f"{name} does not answer:\n{log.read()[-2000:]}")


def _home(name: str, folder: Path) -> Path:
    return folder / "mlserver" if name == "mlserver" else HERE.parent


def _bound(cores: list[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores))] if shutil.which("taskset") else []


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/v2/models/digits/infer"


def _ask(server: Server, body: bytes) -> None:
    request = urllib.request.Request(_url(server), body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert len(json.load(answer)["outputs"][0]["data"]) == 10


def measured(servers: list[Server], script: Path, arguments: argparse.Namespace) -> dict[tuple[str, int], list[Sample]]:
    """Return samples by server and number of connections; the servers take turns."""
    samples: dict[tuple[str, int], list[Sample]] = {}
    for _ in range(arguments.rounds):
        for connections in arguments.connections:
            for server in servers:
                text = _wrk(server, script, connections, arguments.seconds)
                samples.setdefault((server.name, connections), []).append(parsed(text))
    return samples


def _wrk(server: Server, script: Path, connections: int, seconds: int) -> str:
    others = machine.cores()[1:] or machine.cores()
    options = ["-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency", "-s", str(script)]
    return subprocess.run(
        [*_bound(others), "wrk", *options, _url(server)], capture_output=True, text=True, check=True
    ).stdout


def parsed(text: str) -> Sample:
    """Read the report of wrk.

    >>> parsed("   99%    1.50ms\\nRequests/sec:   2000.5\\n  Non-2xx or 3xx responses: 3")
    Sample(rate=2000.5, p99=0.0015, refused=3, late=0)
    """
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", text)
    assert rate and late, text
    refused = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
    lost = sum(sum(map(int, re.findall(r"\d+", line))) for line in re.findall(r"Socket errors: (.*)", text))
    return Sample(float(rate[1]), float(late[1]) * _SECONDS[late[2]], refused, lost)


def table(servers: list[Server], samples: dict[tuple[str, int], list[Sample]], connections: list[int]) -> str:
    """Return medians as a Markdown table, and how many times the others' rate ours is."""
    lines = [
        "| server | connections | requests a second | p99, ms | refused | over 2 s | our rate : theirs |",
        "|---|---|---|---|---|---|---|",
    ]
    for n in connections:
        for server in servers:
            found = samples[server.name, n]
            rate = statistics.median(s.rate for s in found)
            ratios = [ours.rate / s.rate for ours, s in zip(samples["amalthea", n], found)]
            p99 = 1000 * statistics.median(s.p99 for s in found)
            refused, lost = sum(s.refused for s in found), sum(s.late for s in found)
            ratio = statistics.median(ratios)
            lines.append(f"| {server.name} | {n} | {rate:,.0f} | {p99:.1f} | {refused} | {lost} | {ratio:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
