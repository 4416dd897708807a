"""Batches of models that read text: the layers that run on the host are computed before the compiled step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from amalthea.data.base import Batch, DataAdapter
from amalthea.data.iterables import to_batch


def takes_text(model: Any) -> bool:
    """Whether a model may be given text: an input or its first layer reads it, or it runs eagerly."""
    network = getattr(model, "_network", None)
    if network is not None:
        return network.host_part is not None
    first = next(iter(getattr(model, "_stack", None) or ()), None)
    return bool(model.run_eagerly) or getattr(first, "_runs_on_host", False)


def of(model: Any, adapter: Any) -> Any:
    """The adapter, whose batches have passed the model's host part; itself for other models."""
    if adapter is None:
        return None
    part = _part(model, adapter.peek)
    return adapter if part is None else HostAdapter(adapter, part)


def batch(model: Any, data: Any, class_weight: Any = None) -> Batch:
    """One batch of arrays, after the model's host part."""
    if not takes_text(model):
        return to_batch(data, class_weight)
    made = to_batch(data, class_weight, text=True)
    part = _part(model, lambda: made)
    return made if part is None else (part.prepare(made[0]), *made[1:])


def _part(model: Any, peek: Callable[[], Batch]) -> Any:
    network = getattr(model, "_network", None)
    if network is None and not model.built and takes_text(model) and hasattr(model, "_stack"):
        model._build_for((peek()[0],), {})
        network = model._network
    return None if network is None else network.host_part


class HostAdapter(DataAdapter):
    """The batches of an adapter, after the host part of a model.

    Args:
        adapter: where the batches come from.
        part: the model's ``network.host_part``.
    """

    def __init__(self, adapter: DataAdapter, part: Any):
        self.adapter, self.part = adapter, part
        self.batch_size, self.rows, self.is_one_batch = adapter.batch_size, adapter.rows, adapter.is_one_batch
        self.is_own_part = adapter.is_own_part
        if hasattr(adapter, "labels"):
            self.labels = getattr(adapter, "labels")  # noqa: B009

    @property
    def steps(self) -> int | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.adapter.steps

    def _prepared(self, batch: Batch) -> Batch:
        return (self.part.prepare(batch[0]), *batch[1:])

    def peek(self) -> Batch:
        return self._prepared(self.adapter.peek())

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        return map(self._prepared, self.adapter.batches(epoch))

    def batches_from(self, epoch: int, step: int) -> Iterator[Batch]:
        return map(self._prepared, self.adapter.batches_from(epoch, step))

    def mark(self) -> None:
        self.adapter.mark()

    def resume_state(self) -> dict[str, Any]:
        return self.adapter.resume_state()

    def resume_from(self, state: dict[str, Any]) -> None:
        self.adapter.resume_from(state)
