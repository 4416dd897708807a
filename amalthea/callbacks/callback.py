"""``Callback``, from which every callback derives."""

from __future__ import annotations

from typing import Any

from amalthea import checks, docstrings, snapshots
from amalthea.callbacks import arguments

Logs = dict[str, Any]


class Callback:
    """Base class of callbacks: methods that ``fit``, ``evaluate`` and ``predict`` call at certain moments.

    A subclass overrides the methods ``on_...`` of the moments that it needs (its hooks). There ``self.model`` is the
    model, and ``logs`` holds the metrics so far as floats. Entries that ``on_epoch_end`` adds to ``logs`` are seen by
    the callbacks after it and by the history.

    Attributes:
        params: dict with ``verbose``, ``epochs`` and ``steps`` of the run.
        model: the model that runs.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, callbacks, layers
        >>> class Shout(callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: loss {logs['loss']:.2f}")
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> _ = model.fit(np.zeros((4, 1)), np.ones((4, 1)), verbose=0, callbacks=[Shout()])
        epoch 0: loss 1.00
    """

    params: dict[str, Any] | None = None
    _model: Any = None
    _argument_checks = arguments.CHECKS

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
        """The model that runs."""
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Sets ``params`` before a run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Sets ``model`` before a run."""
        self._model = model

    # Hooks that nobody needs are not called, and their logs not fetched from the device; Keras has no such methods.

    def _has_hook(self, hook: str) -> bool:
        """Returns whether the callback overrides the hook of this name.

        >>> Callback()._has_hook("on_epoch_end")
        False
        """
        own = getattr(self, hook)
        if getattr(own, "__func__", own) is not getattr(Callback, hook):
            return True
        older = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}.get(hook)
        return older is not None and self._has_hook(older)

    def _wants_batch_end(self, batch: int) -> bool:
        """Returns whether the hook at the end of a batch is to be called for this batch; asked once for each."""
        return True

    # Resuming a run after its process was killed; not in Keras.

    _comes_last = False  # whether its hooks are called after those of all others, wherever it stands in the list

    def resume_state(self) -> dict[str, Any] | None:
        """Returns the state of the callback for a resumed run, as plain data.

        None (the default) stands for those attributes of plain data (numbers, text, arrays, random generators, and
        lists, tuples and dicts of them) that have changed since training began.
        """
        return None

    def resume_from(self, state: dict[str, Any]) -> None:
        """Restores a state that :meth:`resume_state` returned; by default, sets the attributes."""
        snapshots.set_attributes(self, state)

    # The hooks, by what they surround.

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called after the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before an epoch of training; epochs count from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after an epoch and its validation, whose metrics begin with ``val_``."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of training; batches count from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of training, with the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of :meth:`on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of :meth:`on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before evaluation, also that of validation data during ``fit``."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called before prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called after prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of prediction; ``logs["outputs"]`` holds the outputs."""
