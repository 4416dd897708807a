"""Several processes at one port: all answer, a dead one is replaced, and a signal ends them in order."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest

from tests.serve import nets
from tests.serve.test_process import ask, folder, serving, wait_until

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="signals and shared ports of POSIX"),
    pytest.mark.slow,
]
ZEROS = {"instances": [[0.0, 0.0]]}
__all__ = ["folder"]  # a fixture


def children(process):
    """The processes of the workers, where the system says them."""
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    if not os.path.exists(path):
        pytest.skip("this system does not list the children of a process")
    with open(path) as file:
        return [int(number) for number in file.read().split()]


def metrics(port):
    """The samples of /metrics by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{number}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def test_workers_share_a_port_and_their_counts_are_added_and_a_signal_reaches_all(folder):
    with serving(folder, "--workers", 2, "--poll-seconds", 100) as (process, port):
        assert len(children(process)) == 2
        for _ in range(20):  # each connection is new, and one of the two takes it
            assert ask(port, ZEROS) == {"predictions": [[1.0]]}
        found = metrics(port)
        assert found['amalthea_requests_total{code="200",model="net"}'] == 20
        assert found['amalthea_batch_rows_sum{model="net"}'] == 20
        assert found["amalthea_workers"] == 2 and found['amalthea_queue_requests{model="net"}'] == 0
        nets.constant(2).save(folder / "2.keras")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: all(ask(port, ZEROS) == {"predictions": [[2.0]]} for _ in range(12)))


def test_a_worker_that_dies_is_started_again(folder):
    with serving(folder, "--workers", 2) as (process, port):
        old = children(process)
        os.kill(old[0], signal.SIGKILL)
        wait_until(lambda: len(new := children(process)) == 2 and old[0] not in new)
        wait_until(lambda: metrics(port)["amalthea_workers"] == 2)
        assert all(ask(port, ZEROS) == {"predictions": [[1.0]]} for _ in range(10))


def test_sigterm_finishes_what_every_worker_accepted(folder):
    grpc = pytest.importorskip("grpc", reason="the extra serve-grpc is not installed")
    from amalthea.serve.grpc_messages import message

    with serving(folder, "--workers", 2, "--grpc-port", 0, "--max-delay-ms", 2000) as (process, port, rpc):
        workers, found = children(process), []
        x = {"name": "x", "datatype": "FP32", "shape": [1, 2], "contents": {"fp32_contents": [0.0, 0.0]}}
        request = message("ModelInferRequest")(model_name="net", inputs=[x]).SerializeToString()

        def over_grpc():
            with grpc.insecure_channel(f"127.0.0.1:{rpc}") as channel:
                method = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
                answer = message("ModelInferResponse").FromString(method(request, timeout=20))
                found.append(answer.outputs[0].contents.fp32_contents[0])

        targets = [over_grpc, lambda: found.append(ask(port, ZEROS)["predictions"][0][0])] * 6
        threads = [threading.Thread(target=target) for target in targets]
        for thread in threads:
            thread.start()
        wait_until(lambda: metrics(port)['amalthea_queue_requests{model="net"}'] == 12)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert found == [1.0] * 12
        assert process.wait(20) == 0
        assert not any(map(is_alive, workers))


def test_workers_end_with_their_supervisor(folder):
    with serving(folder, "--workers", 2) as (process, _):
        workers = children(process)
        process.kill()
        wait_until(lambda: not any(map(is_alive, workers)))


def test_a_worker_that_cannot_start_is_one_sentence(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    command = [
        sys.executable,
        "-m",
        "amalthea",
        "serve",
        str(tmp_path / "broken.keras"),
        "--port",
        "0",
        "--workers",
        "2",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == ""
    assert "Traceback" not in done.stderr and "ModelFileError: " in done.stderr, done.stderr


def test_the_configuration_of_a_worker_is_json():
    from dataclasses import asdict

    from amalthea.serve.process import Address
    from amalthea.serve.settings import Settings

    given = json.loads(json.dumps({"settings": asdict(Settings()), "address": Address("::1", 1, None, True)}))
    assert Settings(**given["settings"]) == Settings() and Address(*given["address"]).at(1) == "[::1]:1"
