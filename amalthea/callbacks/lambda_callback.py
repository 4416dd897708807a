"""``LambdaCallback``: hooks from plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.callbacks.callback import Callback
from amalthea.errors import UnknownNameError, nearest

Hook = Callable[..., Any]


class LambdaCallback(Callback):
    """A callback whose hooks are the functions given.

    Args:
        on_epoch_begin, on_epoch_end: functions of ``(epoch, logs)``.
        on_train_begin, on_train_end: functions of ``(logs)``.
        on_train_batch_begin, on_train_batch_end: functions of ``(batch, logs)``.
        **kwargs: any other hook of :class:`Callback` by its name.

    Raises:
        UnknownNameError: there is no hook of that name (Keras takes any).

    >>> LambdaCallback(on_train_begin=lambda logs: print("here we go")).on_train_begin({})
    here we go
    """

    def __init__(
        self,
        on_epoch_begin: Hook | None = None,
        on_epoch_end: Hook | None = None,
        on_train_begin: Hook | None = None,
        on_train_end: Hook | None = None,
        on_train_batch_begin: Hook | None = None,
        on_train_batch_end: Hook | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in given.items():
            _check(name)
            if function is not None:
                setattr(self, name, function)


def _check(name: str) -> None:
    hooks = [hook for hook in dir(Callback) if hook.startswith("on_")]
    if name not in hooks:
        raise UnknownNameError(f"There is no hook {name!r}.", got=repr(name), cure=nearest(name, hooks))
