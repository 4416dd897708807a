"""Callbacks of Keras 1 and 2: the old keys of ``params``, the attribute ``validation_data``, and old arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import callbacks, tree
from amalthea.callbacks import CallbackList
from amalthea.compat import eras, spelling
from amalthea.data.arrays import train_validation_split


class OldParams(callbacks.Callback):
    """``params`` of callbacks in Keras 1 and 2, and the validation data.

    Args:
        others: the callbacks of the user.
        rows: int or None; rows that are trained on, or samples of an epoch of a generator.
        batch_size: int or None; None for a generator.
        steps: int or None; batches of an epoch, where a generator is given them.
        validation: the validation data, or None.
    """

    def __init__(self, others: list[Any], rows: int | None, batch_size: int | None, steps: Any, validation: Any):
        super().__init__()
        self._others, self._rows, self._size, self._steps = others, rows, batch_size, steps
        self._validation, self._names = validation, []

    def of_era(self, params: dict[str, Any]) -> dict[str, Any]:
        """The keys that ``params`` had in the era.

        Args:
            params: dict; today's.
        """
        common = {"verbose": params["verbose"], "do_validation": self._validation is not None, "metrics": self._names}
        size = {} if self._size is None else {"batch_size": self._size}
        if eras.era() == 1:
            return {**size, "nb_epoch": params["epochs"], "nb_sample": self._rows, **common}
        samples = {} if self._size is None else {"samples": self._rows}
        return {**size, "epochs": params["epochs"], "steps": self._steps, **samples, **common}

    def on_train_begin(self, logs: Any = None) -> None:
        """Lets callbacks find the validation data, as one list of inputs, labels and weights."""
        names = list(self.model.metrics_names)
        self._names[:] = [*names, *(f"val_{n}" for n in names)] if self._validation is not None else names
        for callback in self._others:
            callback.validation_data = getattr(callback, "validation_data", None)
        if not isinstance(self._validation, (tuple, list)):
            return
        x, y, *weights = self._validation
        rows = len(tree.flatten(x)[0])
        given = tree.flatten(weights) if weights else [np.ones(rows)] * len(tree.flatten(y))
        found = [*tree.flatten(x), *tree.flatten(y), *given]
        for callback in self._others:
            callback.validation_data = found
        self.model.validation_data = found


def with_old_params(x: Any, y: Any, batch_size: int | None, kwargs: dict[str, Any]) -> Any:
    """The callbacks of ``fit`` after one that prepares what they expect.

    Args:
        x: inputs of ``fit``.
        y: labels of ``fit``.
        batch_size: int or None.
        kwargs: dict; further arguments of ``fit``.
    """
    found = kwargs.get("callbacks")
    if isinstance(found, CallbackList):
        return found
    given = list(found) if isinstance(found, (list, tuple)) else [] if found is None else [found]
    arrays = [a for a in tree.flatten(x) if hasattr(a, "shape")] if isinstance(x, (list, tuple, dict)) else [x]
    known = bool(arrays) and hasattr(arrays[0], "shape")
    rows = len(arrays[0]) if known else getattr(x, "samples", None)
    size = batch_size or 32 if known else None
    steps = kwargs.get("steps_per_epoch") or getattr(x, "steps", None)
    validation, split = kwargs.get("validation_data"), kwargs.get("validation_split")
    if validation is None and split and y is not None:
        trained, validation = train_validation_split((x, y, None), split)
        rows, validation = len(tree.flatten(trained[0])[0]), validation[:2]
    return [OldParams(given, rows, size, steps, validation), *given]


# ------------------------------------------------------------------------------ arguments of old


def _monitored(monitor: str) -> str:
    """The accuracy under the key that logs have in Keras 1 and 2."""
    return monitor.replace("accuracy", "acc") if eras.era() < 3 and monitor in ("accuracy", "val_accuracy") else monitor


class ModelCheckpoint(callbacks.ModelCheckpoint):
    """``ModelCheckpoint`` that saves after every ``period`` epochs.

    Args:
        filepath: as today.
        monitor: as today.
        verbose: as today.
        save_best_only: as today.
        save_weights_only: as today.
        mode: as today.
        period: int; number of epochs from one file to the next. Defaults to 1.
        **kwargs: further arguments of today.
    """

    def __init__(
        self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        save_weights_only: bool = False, mode: str = "auto", period: Any = 1, **kwargs: Any,
    ):  # fmt: skip
        if not isinstance(period, int):  # today's seventh argument
            kwargs["save_freq"], period = period, 1
        super().__init__(filepath, _monitored(monitor), verbose, save_best_only, save_weights_only, mode, **kwargs)
        if period != 1:
            spelling.note("ModelCheckpoint(period=)", "save_freq=")
        self.period = period
        self._epochs_since = 0

    def _check_ending(self) -> None:
        if eras.era() == 3 and not self.filepath.endswith((".hdf5", ".h5")):
            super()._check_ending()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves, if it is time."""
        self._epochs_since += 1
        if self._epochs_since >= self.period:
            self._epochs_since = 0
            super().on_epoch_end(epoch, logs)


class EarlyStopping(callbacks.EarlyStopping):
    """``EarlyStopping``, which knows the accuracy under both names."""

    def __init__(self, monitor: str = "val_loss", *args: Any, **kwargs: Any):
        super().__init__(_monitored(monitor), *args, **kwargs)


class ReduceLROnPlateau(callbacks.ReduceLROnPlateau):
    """``ReduceLROnPlateau``, which knows the accuracy under both names."""

    def __init__(self, monitor: str = "val_loss", *args: Any, **kwargs: Any):
        super().__init__(_monitored(monitor), *args, **kwargs)


class TensorBoard(callbacks.TensorBoard):
    """``TensorBoard`` without the arguments that Keras 3 dropped."""

    def __init__(self, log_dir: Any = "./logs", histogram_freq: int = 0, *args: Any, **kwargs: Any):
        dropped = ("batch_size", "write_grads", "embeddings_layer_names", "embeddings_data")
        super().__init__(log_dir, histogram_freq, **{k: v for k, v in kwargs.items() if k not in dropped})


class BaseLogger(callbacks.Callback):
    """Averages of the logs of an epoch, which training keeps by itself: it has nothing to do."""

    def __init__(self, stateful_metrics: Any = None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or [])


OLD = {cls.__name__: cls for cls in (ModelCheckpoint, EarlyStopping, ReduceLROnPlateau, TensorBoard, BaseLogger)}
