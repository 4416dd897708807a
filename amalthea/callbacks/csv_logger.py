"""``CSVLogger``: the logs of every epoch in a table."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from amalthea.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes one row an epoch, which is in the file as soon as the epoch ends.

    The columns are ``epoch`` and, in order, the metrics of the first epoch; if that has no validation, columns for it
    are kept free. What an epoch lacks is ``NA``.

    Args:
        filename: the file.
        separator: between two columns.
        append: go on with the file if it is there, instead of beginning it anew.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._file: TextIO | None = None
        self._append_header = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        path = Path(self.filename)
        self._append_header = not (self.append and path.exists() and path.stat().st_size)
        self.keys = None
        self._file = path.open("a" if self.append else "w", newline="", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        assert self._file is not None, "on_train_begin opens the file"
        writer = csv.writer(self._file, delimiter=self.sep, lineterminator="\n")
        if self.keys is None:
            self.keys = _columns(logs)
            if self._append_header:
                writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def _columns(logs: Logs) -> list[str]:
    keys = sorted(logs)
    if any(key.startswith("val_") for key in keys):
        return keys
    return [*keys, *(f"val_{key}" for key in keys)]  # validation_freq may make the first epoch go without


def _cell(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value
    return f"[{', '.join(map(str, value))}]" if isinstance(value, Iterable) else value
