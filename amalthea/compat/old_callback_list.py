"""The callbacks of ``fit`` in Keras 1 and 2: logs of each batch alone, with its number and size, and old ``params``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import tree
from amalthea.callbacks import CallbackList, ProgbarLogger
from amalthea.callbacks.callback import Logs
from amalthea.compat import eras
from amalthea.compat.old_callbacks import OldParams


class OldCallbackList(CallbackList):
    """In eras 1 and 2, callbacks see each batch alone, and an epoch is the mean over its batches by their sizes.

    Args:
        callbacks: as for ``CallbackList``.
        **kwargs: as for ``CallbackList``.
    """

    def __init__(self, callbacks: Any = None, **kwargs: Any):
        self._facts: OldParams | None = None
        self._batch: dict[str, int] = {}
        self._totals: dict[str, float] = {}
        self._rows, self._alone = 0, False
        super().__init__(callbacks, **kwargs)

    def set_params(self, params: dict[str, Any]) -> None:
        self._facts = next((c for c in self.callbacks if isinstance(c, OldParams)), None)
        super().set_params(params)
        if self._facts is not None and eras.era() < 3:
            found = self._facts.of_era(params)
            for callback in self.callbacks:
                own = type(callback).__module__.startswith("amalthea.")
                callback.set_params({**params, **found} if own else found)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._totals, self._rows = {}, 0
        watches = any(not _is_progress(call) for call, _ in self._who("on_train_batch_end"))
        self._alone = self._facts is not None and eras.era() < 3 and watches
        super().on_epoch_begin(epoch, logs)

    def _begin_batches(self, first: int, batches: Sequence[Any]) -> None:
        if not self._alone:
            return super()._begin_batches(first, batches)
        self._batch = {"batch": first, "size": sum(_rows(batch) for batch in batches)}
        self._model.reset_metrics()
        self.on_train_batch_begin(first, dict(self._batch))

    def _end_batch(self, hook: str, batch: int, logs: Any) -> None:
        if not self._alone or hook != "on_train_batch_end":
            return super()._end_batch(hook, batch, logs)
        alone: dict[str, float] = logs() if callable(logs) else logs or {}  # type: ignore[assignment]
        size = self._batch["size"]
        self._rows += size
        for name, value in alone.items():
            self._totals[name] = self._totals.get(name, 0.0) + value * size
        seen = {**self._batch, **alone}
        for call, wants in self._who(hook):
            if wants is None or wants(batch):
                call(batch, self._means() if _is_progress(call) else seen)

    def _means(self) -> dict[str, float]:
        return {name: total / max(self._rows, 1) for name, total in self._totals.items()}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        super().on_epoch_end(epoch, {**(logs or {}), **self._means()} if self._alone else logs)


def _is_progress(call: Any) -> bool:
    return isinstance(getattr(call, "__self__", None), ProgbarLogger)


def _rows(batch: Any) -> int:
    arrays = [a for a in tree.flatten(batch) if hasattr(a, "shape") and len(a.shape)]
    return int(arrays[0].shape[0]) if arrays else 1
