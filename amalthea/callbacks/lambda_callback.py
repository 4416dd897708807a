"""``LambdaCallback``: hooks from plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.callbacks.callback import Callback
from amalthea.errors import UnknownNameError, nearest

Hook = Callable[..., Any]


class LambdaCallback(Callback):
    """Callback made of functions, one for each hook.

    Args:
        on_epoch_begin, on_epoch_end: function of ``(epoch, logs)`` or None; called before or after an epoch. Defaults
            to None, which does nothing.
        on_train_begin, on_train_end: function of ``(logs)`` or None; called before or after training. Defaults to
            None, which does nothing.
        on_train_batch_begin, on_train_batch_end: function of ``(batch, logs)`` or None; called before or after a
            batch of training. Defaults to None, which does nothing.
        **kwargs: functions for other hooks of :class:`Callback`, by name, such as ``on_test_end``.

    Raises:
        UnknownNameError: no hook has this name.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, callbacks, layers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> say = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print("end of epoch", epoch))
        >>> _ = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[say])
        end of epoch 0
        end of epoch 1

    Source: Keras takes any name of a hook.
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
