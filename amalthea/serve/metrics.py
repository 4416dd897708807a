"""Counts and times of requests, in the text format of Prometheus.

Where several processes serve, each writes its numbers into a folder that ``PROMETHEUS_MULTIPROC_DIR`` names, and any of
them answers with the sums.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = tuple(float(1 << i) for i in range(11))
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The metrics of one server: each has a registry of its own."""

    def __init__(self):
        own = self._registry = CollectorRegistry()
        self._requests = Counter("amalthea_requests", "Requests.", ["model", "code"], registry=own)
        self._seconds = Histogram(
            "amalthea_request_seconds", "Time to answer.", ["model"], buckets=_SECONDS, registry=own
        )
        self._rows = Histogram("amalthea_batch_rows", "Rows that ran together.", ["model"], buckets=_ROWS, registry=own)
        self._queue = Gauge(
            "amalthea_queue_requests", "Requests that wait.", ["model"], registry=own, multiprocess_mode="livesum"
        )
        workers = Gauge("amalthea_workers", "Processes that answer.", registry=own, multiprocess_mode="livesum")
        workers.set(1)

    def answered(self, model: str, code: int, seconds: float) -> None:
        """Count a request. The model is empty where the request names none that there is."""
        self._requests.labels(model, str(code)).inc()
        self._seconds.labels(model).observe(seconds)

    def ran(self, model: str, rows: int) -> None:
        """Count a batch."""
        self._rows.labels(model).observe(rows)

    def waits(self, model: str, change: int) -> None:
        """Count requests that begin to wait, or, below zero, that wait no longer."""
        self._queue.labels(model).inc(change)

    def text(self) -> bytes:
        """All metrics, of all processes."""
        if FOLDER not in os.environ:
            return generate_latest(self._registry)
        sums = CollectorRegistry()
        multiprocess.MultiProcessCollector(sums)
        return generate_latest(sums)
