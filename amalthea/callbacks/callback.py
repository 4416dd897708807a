"""``Callback``, from which every callback derives."""

from __future__ import annotations

from typing import Any

from amalthea import checks, docstrings, snapshots
from amalthea.callbacks import arguments

Logs = dict[str, Any]


class Callback:
    """Derive from this, and define the hooks that you want to be called in.

    Attributes:
        params: ``verbose``, ``epochs`` and ``steps`` of the run.
        model: the model that runs.

    In a hook, ``logs`` holds the metrics so far as floats. What ``on_epoch_end`` puts into it, later callbacks and
    the history see.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch}: loss {logs['loss']}")
    >>> Shout().on_epoch_end(0, {"loss": 0.5})
    epoch 0: loss 0.5
    """

    params: dict[str, Any] | None = None
    _model: Any = None
    argument_checks = arguments.CHECKS

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("amalthea."):
            checks.guard(cls)
            docstrings.fill(cls)

    def __init__(self) -> None:
        self.params = None
        self._model = None

    @property
    def model(self) -> Any:
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self._model = model

    # What lets the loop do nothing where nothing is wanted; Keras has no such methods.

    def has_hook(self, hook: str) -> bool:
        """Whether calling the hook of that name would do anything.

        >>> Callback().has_hook("on_epoch_end")
        False
        """
        own = getattr(self, hook)
        if getattr(own, "__func__", own) is not getattr(Callback, hook):
            return True
        older = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}.get(hook)
        return older is not None and self.has_hook(older)

    def wants_batch_end(self, batch: int) -> bool:
        """Asked once after every batch if there is such a hook: whether it is to be called, with logs, for this one."""
        return True

    # Resuming a run after its process was killed; not in Keras.

    comes_last = False  # whether its hooks are called after those of all others, wherever it stands in the list

    def resume_state(self) -> dict[str, Any] | None:
        """State of the callback for a resumed run, as plain data.

        None (the default) stands for those attributes of plain data (numbers, text, arrays, random generators, and
        lists, tuples and dicts of them) that have changed since training began.
        """
        return None

    def resume_from(self, state: dict[str, Any]) -> None:
        """Restore a state that :meth:`resume_state` gave; by default, set the attributes."""
        snapshots.set_attributes(self, state)

    # The hooks, by what they surround.

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch of training; epochs count from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation, whose metrics begin with ``val_``."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of training; batches count from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of training, with the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of :meth:`on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of :meth:`on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before evaluation, also that of validation data during ``fit``."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of prediction; ``logs["outputs"]`` holds what came out."""
