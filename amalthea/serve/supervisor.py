"""Several processes that share the ports of one server.

Each worker has its own models, queues and thread; the system gives each new connection to one of them (SO_REUSEPORT).
This process loads no model: it starts the workers, starts again those that die, passes signals on, holds the ports::

    supervisor ──stdin──▶ worker 0: the configuration, then nothing; its end tells that the supervisor is gone
               ◀─stdout── worker 0: one line, once it answers
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from prometheus_client import multiprocess

from amalthea import errors
from amalthea.engine import backends
from amalthea.errors import ArgumentError
from amalthea.serve.metrics import FOLDER
from amalthea.serve.process import Address, free_port, log_to_stderr
from amalthea.serve.settings import Settings

log = logging.getLogger("amalthea.serve")
_SECONDS_BETWEEN_STARTS = 1.0


def run(models: Sequence[str], address: Address, settings: Settings, count: int) -> None:
    """Serve by several processes until a signal.

    Raises:
        ArgumentError: the ports cannot be used, or this system does not share ports.
        AmaltheaError: a worker cannot start.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ArgumentError("Processes cannot share a port on this system.", got=f"{count} workers", cure="one worker")
    log_to_stderr()
    ports = [free_port(address.host, port) for port in (address.port, address.grpc_port)]
    address = Address(address.host, ports[0] or 0, ports[1], is_shared=True)
    with contextlib.ExitStack() as stack:
        for port in filter(None, ports):
            stack.enter_context(held(address.host, port))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="amalthea-serve-"))
        given = {"models": list(models), "address": address, "settings": asdict(settings)}
        Supervisor(json.dumps(given), environment(folder, count), count).run(address)


@contextlib.contextmanager
def held(host: str, port: int) -> Iterator[None]:
    """Hold a port for the workers, without listening at it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, port))
        yield


def environment(folder: str, count: int) -> dict[str, str]:
    """Return the environment of workers: our backend, a part of the cores, and a folder for metrics."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, cores // count))
    return {**os.environ, "AMALTHEA_BACKEND": backends.chosen()[0], "OMP_NUM_THREADS": threads, FOLDER: folder}


class Supervisor:
    """Starts workers, and starts them again.

    Args:
        given: str; the configuration as JSON.
        environment: dict; the environment of the workers.
        count: int; number of workers.
    """

    def __init__(self, given: str, environment: dict[str, str], count: int):
        self._given, self._environment, self._count = given, environment, count
        self._workers: list[subprocess.Popen[str]] = []
        self._is_ending = False
        self._woken = threading.Event()

    def run(self, address: Address) -> None:
        """Start the workers, and watch them until a signal asks for the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, lambda *_: self._pass_on(signal.SIGHUP))
        try:
            for _ in range(self._count):
                self._workers.append(self._started())
            names = [self._names(worker) for worker in self._workers]
            if not self._is_ending:
                print(address.line(names[0]), flush=True)
            while not self._is_ending:
                self._mend()
        finally:
            self._is_ending = True
            self._pass_on(signal.SIGTERM)
            for worker in self._workers:
                worker.wait()
                _close(worker)

    def _mend(self) -> None:
        """Start dead workers again, then wait a little."""
        for i, worker in enumerate(self._workers):
            if worker.poll() is None or self._is_ending:
                continue
            log.error("Worker %d (process %d) ended with status %d; it is started again.", i, worker.pid, worker.poll())
            multiprocess.mark_process_dead(worker.pid, self._environment[FOLDER])
            _close(worker)
            self._workers[i] = again = self._started()
            threading.Thread(target=self._report, args=(i, again), daemon=True).start()
        self._woken.wait(_SECONDS_BETWEEN_STARTS)

    def _names(self, worker: subprocess.Popen[str]) -> list[str]:
        """Return the names of the models of a worker once it answers.

        Raises:
            AmaltheaError: it cannot start.
        """
        assert worker.stdout is not None
        line = worker.stdout.readline()
        told = json.loads(line or '{"error": "ModelFileError", "text": "A worker ended before it answered."}')
        if "error" in told and not self._is_ending:
            raise getattr(errors, told["error"], ArgumentError)(told["text"])
        return told.get("names", [])

    def _report(self, i: int, worker: subprocess.Popen[str]) -> None:
        try:
            self._names(worker)
            log.info("Worker %d (process %d) answers.", i, worker.pid)
        except Exception as error:
            log.error("Worker %d cannot start: %s", i, error)

    def _started(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "amalthea.serve.worker"]
        pipe = subprocess.PIPE
        # A session of its own: Ctrl-C reaches this process alone, which ends the workers in order.
        worker = subprocess.Popen(
            command, env=self._environment, stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )
        assert worker.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a worker that cannot even read; its end is seen later
            worker.stdin.write(self._given + "\n")
            worker.stdin.flush()
        return worker

    def _pass_on(self, number: int) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                worker.send_signal(number)

    def _end(self, *_: Any) -> None:
        self._is_ending = True
        self._woken.set()
        self._pass_on(signal.SIGTERM)


def _close(worker: subprocess.Popen[str]) -> None:
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
