"""Counts and times of requests, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = tuple(float(1 << i) for i in range(11))
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one server: each has a registry of its own.

    Args:
        waiting: function that returns the number of waiting requests by model.
    """

    def __init__(self, waiting: Callable[[], Iterable[tuple[str, int]]]):
        self._registry = CollectorRegistry()
        self._requests = Counter("amalthea_requests", "Requests.", ["model", "code"], registry=self._registry)
        self._seconds = Histogram(
            "amalthea_request_seconds", "Time to answer.", ["model"], buckets=_SECONDS, registry=self._registry
        )
        self._rows = Histogram(
            "amalthea_batch_rows", "Rows that ran together.", ["model"], buckets=_ROWS, registry=self._registry
        )
        self._waiting = waiting
        self._registry.register(self)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The lengths of the queues, as the library asks for them."""
        family = GaugeMetricFamily("amalthea_queue_requests", "Requests that wait.", labels=["model"])
        for name, count in self._waiting():
            family.add_metric([name], count)
        yield family

    def answered(self, model: str, code: int, seconds: float) -> None:
        """Count a request. The model is empty where the request names none that there is."""
        self._requests.labels(model, str(code)).inc()
        self._seconds.labels(model).observe(seconds)

    def ran(self, model: str, rows: int) -> None:
        """Count a batch."""
        self._rows.labels(model).observe(rows)

    def text(self) -> bytes:
        """All metrics."""
        return generate_latest(self._registry)
