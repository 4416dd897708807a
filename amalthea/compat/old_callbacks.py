"""What callbacks of Keras 1 and 2 found: ``params`` under old keys, ``validation_data``."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import tree
from amalthea.callbacks import Callback, CallbackList


class _OldParams(Callback):
    """Adds the keys of old to the parameters that callbacks share, and gives them the validation data."""

    def __init__(self, others: list[Any], rows: int | None, batch_size: int | None, validation: Any):
        super().__init__()
        self._others, self._rows, self._size, self._validation = others, rows, batch_size, validation

    def set_params(self, params: dict[str, Any]) -> None:
        """Adds ``nb_epoch``, ``nb_sample``, ``samples``, ``batch_size`` and ``do_validation``."""
        params.update(
            nb_epoch=params.get("epochs"), nb_sample=self._rows, samples=self._rows, batch_size=self._size,
            do_validation=self._validation is not None, metrics=[],
        )  # fmt: skip
        super().set_params(params)

    def on_train_begin(self, logs: Any = None) -> None:
        """Lets callbacks find the validation data, as one list of inputs, labels and weights."""
        names = list(self.model.metrics_names)
        self.params["metrics"] = [*names, *(f"val_{n}" for n in names)] if self._validation is not None else names
        if not isinstance(self._validation, (tuple, list)):
            return
        x, y, *weights = self._validation
        rows = len(tree.flatten(x)[0])
        given = tree.flatten(weights) if weights else [np.ones(rows)] * len(tree.flatten(y))
        found = [*tree.flatten(x), *tree.flatten(y), *given]
        for callback in self._others:
            callback.validation_data = found
        self.model.validation_data = found


def with_old_params(x: Any, batch_size: int | None, kwargs: dict[str, Any]) -> Any:
    """The callbacks of ``fit`` after one that prepares what they expect.

    Args:
        x: inputs of ``fit``.
        batch_size: int or None.
        kwargs: dict; further arguments of ``fit``.
    """
    callbacks = kwargs.get("callbacks")
    if isinstance(callbacks, CallbackList):
        return callbacks
    given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
    arrays = [a for a in tree.flatten(x) if hasattr(a, "shape")] if isinstance(x, (list, tuple, dict)) else [x]
    rows = len(arrays[0]) if arrays and hasattr(arrays[0], "shape") else None
    size = None if rows is None else batch_size or 32
    return [_OldParams(given, rows, size, kwargs.get("validation_data")), *given]
