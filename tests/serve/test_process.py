"""The command as a process: signals, a folder that changes under load, hostile bytes."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.serve import nets

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@contextlib.contextmanager
def serving(*arguments):
    """A server in a process of its own, and its ports."""
    command = [sys.executable, "-m", "amalthea", "serve", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "Serving" in first, process.communicate()
        yield process, *map(int, re.findall(r":(\d+)", first))
    finally:
        process.terminate()  # its workers end with it
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.communicate()


def ask(port, body=None, path="/v1/models/net:predict"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def wait_until(holds):
    for _ in range(200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to hold")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net").mkdir()
    nets.constant(1).save(tmp_path / "net" / "1.keras")
    return tmp_path / "net"


def test_a_new_version_takes_over_without_a_lost_request(folder):
    with serving(folder, "--poll-seconds", 100) as (process, port):
        found, faults, ended = [], [], threading.Event()

        def load():
            while not ended.is_set():
                try:
                    found.append(ask(port, {"instances": [[0.0, 0.0]]})["predictions"][0][0])
                except Exception as error:
                    faults.append(error)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in (2, 3):
                nets.constant(number).save(folder / f"{number}.keras")
                if number == 3:
                    (folder / "1.keras").unlink()
                    (folder / "2.keras").unlink()
                process.send_signal(signal.SIGHUP)
                wait_until(lambda number=number: found[-1:] == [number])
            (folder / "4.keras").write_bytes(b"damaged")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(ask(port, path="/v1/models/net")["model_version_status"]) == 2)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        assert faults == []
        assert set(found) == {1.0, 2.0, 3.0}
        assert ask(port, {"instances": [[0.0, 0.0]]}) == {"predictions": [[3.0]]}
        states = {row["version"]: row["state"] for row in ask(port, path="/v1/models/net")["model_version_status"]}
        assert states == {"3": "AVAILABLE", "4": "END"}


def test_sigterm_finishes_the_accepted_and_refuses_new_ones(folder):
    with serving(folder, "--max-delay-ms", 1500) as (process, port):
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(ask(port, {"instances": [[0.0, 0.0]]}))) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        waiting = 'amalthea_queue_requests{model="net"} 5.0'

        def metrics():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
                return answer.read().decode()

        wait_until(lambda: waiting in metrics())
        process.send_signal(signal.SIGTERM)

        def refuses():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return True
            return False

        wait_until(refuses)
        for thread in threads:
            thread.join()
        assert found == [{"predictions": [[1.0]]}] * 5
        assert process.wait(20) == 0


RAW = {
    "a negative length": b"POST /v1/models/net:predict HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
    "a length that is text": b"POST /v1/models/net:predict HTTP/1.1\r\nHost: a\r\nContent-Length: five\r\n\r\n",
    "a huge length": b"POST /v1/models/net:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
    "a length beside chunks": b"POST /v1/models/net:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x00\xff" * 4 + b"\r\n\r\n",
}


def test_hostile_bytes_are_refused_and_the_server_goes_on(folder):
    with serving(folder, "--max-body", 1000) as (process, port):
        for name, raw in RAW.items():
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(raw)
                answer = connection.recv(4096)
            assert re.match(rb"HTTP/1.1 4\d\d ", answer), (name, answer)
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(port, {"instances": [[0.0] * 2] * 200})
        assert caught.value.code == 413
        caught.value.close()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:  # ends in the middle of a body
            connection.sendall(b"POST /v1/models/net:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{")
        assert ask(port, {"instances": [[0.0, 0.0]]}) == {"predictions": [[1.0]]}
        assert process.poll() is None


def test_answers_are_sent_at_once():
    from amalthea.serve.process import listening

    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as x,
    ):
        assert x.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.parametrize("part", (b"", b'{"instances'), ids=("nothing", "a part"))
def test_a_slow_body_is_cut_off(folder, part):
    with serving(folder, "--body-seconds", 0.3) as (_, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            head = b"POST /v1/models/net:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n"
            connection.sendall(head + part)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))  # until the server closes the connection
        assert answer.startswith(b"HTTP/1.1 408 ") and b"0.3 seconds" in answer, answer
        assert ask(port, {"instances": [[0.0, 0.0]]}) == {"predictions": [[1.0]]}


def test_errors_at_the_start_are_one_sentence(folder):
    for arguments in ([folder / "no.keras"], [folder, folder], [folder, "--max-batch", "0"], [folder, "--port", "-1"]):
        command = [sys.executable, "-m", "amalthea", "serve", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "Traceback" not in done.stderr and "Error: " in done.stderr


def test_importing_the_library_loads_no_server():
    code = "import sys, amalthea, amalthea.serve, amalthea.cli; print({'uvicorn', 'starlette'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr
