"""The state of a run of ``fit``: position and values, enough to resume it in another process."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import random, snapshots
from amalthea.errors import ModelFileError


class Run:
    """The state of a training: variables, data order, random states, callbacks, and logs so far.

    Args:
        model: the model that is trained.
        callbacks: all callbacks.
        adapters: where the batches of training and validation come from (``amalthea.data.DataAdapter``).

    Attributes:
        step: the next step of the epoch; 0 except in an epoch that was resumed in its middle.
        logs: the logs of the epoch so far, or of the last whole one.
        has_stopped: whether the run that is resumed had ended already.
    """

    def __init__(self, model: Any, callbacks: Sequence[Any] = (), adapters: Sequence[Any] = ()):
        self.model, self.callbacks, self.adapters = model, callbacks, adapters
        self.step, self.has_stopped = 0, False
        self.logs: dict[str, Any] = {}
        self._before: dict[int, dict[str, str]] = {}

    def mark(self) -> None:
        """Record the callbacks' attributes now: only later changes are part of the state."""
        self._before = {id(callback): snapshots.digests(callback) for callback in self.callbacks}
        for adapter in self.adapters:
            adapter.mark()

    def state(self, epoch: int, step: int, logs: Any) -> dict[str, Any]:
        """The state as plain data. A resumed run starts at this epoch and step."""
        return {
            "epoch": epoch,
            "step": step,
            "logs": dict(logs),
            "stopped": bool(self.model.stop_training),
            "variables": [[name, [(v.path, v.numpy()) for v in part]] for name, part in self._variables().items()],
            "callbacks": [[type(callback).__name__, self._of(callback)] for callback in self.callbacks],
            "sources": [adapter.resume_state() for adapter in self.adapters],
            "data": self._data(),
            "random": random.random_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state. Nothing changes if its variables do not fit the model."""
        self._assign({name: values for name, values in state["variables"]})
        for callback, own in self._matched(state["callbacks"]):
            if hasattr(callback, "resume_from"):
                callback.resume_from(own)
            else:
                snapshots.set_attributes(callback, own)
        if state["data"] == self._data():
            for adapter, own in zip(self.adapters, state["sources"]):
                adapter.resume_from(own)
        else:
            warnings.warn(
                f"The data are not those of the run that is resumed ({self._data()} now, {state['data']} then), so its "
                "end will be another than that of a run without interruption.",
                stacklevel=2,
            )
        self.step, self.logs = state["step"], state["logs"]
        self.model.stop_training = state["stopped"]
        self.has_stopped = state["stopped"] and not self.step
        random.restore_random_state(state["random"])

    def take(self) -> tuple[int, dict[str, Any]]:
        """The step that this epoch begins with, and the logs before it; the next epochs begin at 0."""
        step, self.step = self.step, 0
        return step, self.logs if step else {}

    def _data(self) -> list[Any]:
        """By which the data of two runs are told apart: rows and rows in a batch."""
        return [[adapter.rows, adapter.batch_size] for adapter in self.adapters]

    def _of(self, callback: Any) -> Any:
        own = callback.resume_state() if hasattr(callback, "resume_state") else None
        return snapshots.changed_attributes(callback, self._before.get(id(callback), {})) if own is None else own

    def _matched(self, states: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Each callback with its state: by class, and among those of one class by order."""
        left = list(states)
        found: list[tuple[Any, Any]] = []
        for callback in self.callbacks:
            index = next((i for i, (name, _) in enumerate(left) if name == type(callback).__name__), None)
            if index is not None:
                found.append((callback, left.pop(index)[1]))
        return found

    # ------------------------------------------------------------------------------------- variables

    def _variables(self) -> dict[str, list[Any]]:
        optimizer, metrics = getattr(self.model, "optimizer", None), getattr(self.model, "metrics", None) or ()
        parts = {
            "weights": self.model.variables,
            "optimizer": getattr(optimizer, "variables", ()),
            "metrics": [v for metric in metrics for v in getattr(metric, "variables", ())],
        }
        met: set[int] = set()
        return {name: [v for v in part if not (id(v) in met or met.add(id(v)))] for name, part in parts.items()}

    def _assign(self, values: dict[str, list[tuple[str, np.ndarray]]]) -> None:
        parts = self._variables()
        if self.adapters and len(parts["metrics"]) != len(values["metrics"]):
            self.model._compiled_step("train")(
                self.adapters[0].peek()
            )  # which makes the metrics; all that it changes is assigned
            parts = self._variables()
        for name, part in parts.items():
            _check(name, part, values[name])
        for name, part in parts.items():
            for variable, (_, value) in zip(part, values[name]):
                variable.assign(value)


def _check(kind: str, variables: Sequence[Any], values: Sequence[tuple[str, np.ndarray]]) -> None:
    now = [(tuple(v.shape), str(v.dtype)) for v in variables]
    then = [(tuple(value.shape), value.dtype.name) for _, value in values]
    if now != then:
        index = next((i for i, (a, b) in enumerate(zip(now, then)) if a != b), min(len(now), len(then)))
        names = [v.path for v in variables], [path for path, _ in values]
        expected, got = (f"{n[index]}: {t[index]}" if index < len(n) else "none" for n, t in zip(names, (now, then)))
        raise ModelFileError(
            f"The backup is of another model or optimizer: its {kind} do not fit.",
            expected=expected,
            got=got,
            cure="the script that wrote it, or an empty backup_dir to begin anew",
        )
