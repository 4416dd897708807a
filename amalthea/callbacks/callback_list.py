"""``CallbackList``: many callbacks as one, which knows what each of them wants."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from amalthea import tree
from amalthea.callbacks.callback import Callback, Logs
from amalthea.callbacks.history import History
from amalthea.callbacks.progbar_logger import ProgbarLogger
from amalthea.callbacks.run import Run
from amalthea.distribution.strategies import is_first
from amalthea.errors import ArgumentError

Caller = tuple[Callable[..., None], Callable[[int], bool] | None]


class CallbackList(Callback):
    """Several callbacks as one, for training loops of your own.

    A hook of the list calls this hook of the callbacks that override it, in their order. The package's docstring
    shows the whole protocol.

    Args:
        callbacks: callback, or list of callbacks (in any nesting). Defaults to None, an empty list.
        add_history: bool; whether to add a :class:`History`, unless there is one. Defaults to False.
        add_progbar: bool; whether to add a :class:`ProgbarLogger`, unless there is one. Defaults to False.
        model: model that the callbacks get as ``self.model``. Defaults to None, which leaves it unset.
        **params: ``verbose``, ``epochs`` and ``steps``, a dict of which the callbacks get as ``self.params``.

    Raises:
        ArgumentError: an object in the list is not a callback.

    Example:
        >>> from amalthea.callbacks import CallbackList, LambdaCallback
        >>> calls = CallbackList([LambdaCallback(on_epoch_begin=lambda epoch, logs: print("epoch", epoch))])
        >>> calls.on_epoch_begin(0)
        epoch 0
        >>> calls.has_train_batch_hooks
        False
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        super().__init__()
        self.callbacks: list[Any] = tree.flatten(callbacks) if callbacks else []
        for callback in self.callbacks:
            _check(callback)
        for wanted, kind in ((add_history, History), (add_progbar, ProgbarLogger)):
            if wanted and not any(isinstance(callback, kind) for callback in self.callbacks):
                self.callbacks.append(kind())
        self._callers: dict[str, list[Caller]] = {}
        self._run = Run(model, self.callbacks)
        if params:
            self.set_params(params)
        if model is not None:
            self.set_model(model)

    def append(self, callback: Any) -> None:
        """Adds a callback at the end."""
        _check(callback)
        self.callbacks.append(callback)
        self._callers.clear()

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        self._model = self._run.model = model
        for callback in self.callbacks:
            callback.set_model(model)
            if hasattr(callback, "_set_run"):
                callback._set_run(self._run)

    def first_epoch(self, initial_epoch: int = 0) -> int:
        """Returns the epoch to begin with, once ``on_train_begin`` was called: in a resumed run a later one."""
        if self._run.has_stopped:
            return sys.maxsize
        return max([initial_epoch, *(getattr(callback, "_resumed_epoch", 0) for callback in self.callbacks)])

    @property
    def has_train_batch_hooks(self) -> bool:
        """Whether some callback is to be called around batches of training."""
        return self._has_batch_hooks("train")

    @property
    def has_test_batch_hooks(self) -> bool:
        """Whether some callback is to be called around batches of evaluation."""
        return self._has_batch_hooks("test")

    @property
    def has_predict_batch_hooks(self) -> bool:
        """Whether some callback is to be called around batches of prediction."""
        return self._has_batch_hooks("predict")

    def _has_batch_hooks(self, phase: str) -> bool:
        return bool(self._who(f"on_{phase}_batch_begin") or self._who(f"on_{phase}_batch_end"))

    def _who(self, hook: str) -> list[Caller]:
        """The callbacks that have the hook, found once in each run."""
        found = self._callers.get(hook)
        if found is None:
            here = [c for c in self.callbacks if is_first() or not getattr(c, "_writes", False)]
            having = [callback for callback in here if _has_hook(callback, hook)]
            having.sort(key=lambda callback: getattr(callback, "_comes_last", False))
            found = [(getattr(callback, hook), getattr(callback, "_wants_batch_end", None)) for callback in having]
            self._callers[hook] = found
        return found

    def _call(self, hook: str, *args: Any) -> None:
        for call, _ in self._who(hook):
            call(*args)

    def _begin(self, hook: str, logs: Logs | None) -> None:
        self._callers.clear()  # a callback may have been given other hooks since the last run
        self._call(hook, _filled(logs))
        self._callers.clear()  # and some know what they want only from here on

    def _end_batch(self, hook: str, batch: int, logs: Any) -> None:
        for call, wants in self._who(hook):
            if wants is None or wants(batch):
                if callable(logs):
                    logs = logs()
                call(batch, _filled(logs))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin("on_train_begin", logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._call("on_train_end", _filled(logs))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_begin", epoch, _filled(logs))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_end", epoch, _filled(logs))

    def _begin_batches(self, first: int, batches: Sequence[Any]) -> None:
        """Called before one batch of training, or several that run together, with their data."""
        self.on_train_batch_begin(first)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_train_batch_begin", batch, _filled(logs))

    def on_train_batch_end(self, batch: int, logs: Logs | Callable[[], Logs] | None = None) -> None:
        self._end_batch("on_train_batch_end", batch, logs)

    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._begin("on_test_begin", logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._call("on_test_end", _filled(logs))

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_test_batch_begin", batch, _filled(logs))

    def on_test_batch_end(self, batch: int, logs: Logs | Callable[[], Logs] | None = None) -> None:
        self._end_batch("on_test_batch_end", batch, logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._begin("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._call("on_predict_end", _filled(logs))

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_predict_batch_begin", batch, _filled(logs))

    def on_predict_batch_end(self, batch: int, logs: Logs | Callable[[], Logs] | None = None) -> None:
        self._end_batch("on_predict_batch_end", batch, logs)


def _filled(logs: Logs | None) -> Logs:
    return {} if logs is None else logs  # the same dict for all, so that one callback can tell the next something


def _has_hook(callback: Any, hook: str) -> bool:
    return callback._has_hook(hook) if hasattr(callback, "_has_hook") else hasattr(callback, hook)


def _check(callback: Any) -> None:
    if inspect.isclass(callback):
        name = callback.__name__
        raise ArgumentError(f"{name} is a class, not a callback.", got=name, cure=f"{name}()")
    if not hasattr(callback, "set_model"):
        raise ArgumentError(
            "This is no callback.",
            expected="an object of a class derived from Callback",
            got=repr(callback),
            cure="LambdaCallback(on_epoch_end=...) for a plain function",
        )
