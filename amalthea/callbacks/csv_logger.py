"""``CSVLogger``: the logs of every epoch in a table."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from amalthea.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Callback that writes the metrics of each epoch to a CSV file, as one row.

    The columns are ``epoch`` and the metrics of the first epoch in alphabetical order; if the first epoch has no
    validation, columns for it are added. A metric that an epoch lacks is written as ``NA``. The row is on the disk
    when the epoch ends. A run that :class:`BackupAndRestore` resumes goes on after the row of the last epoch that is
    kept: no row is lost, and none is written twice.

    Args:
        filename: str or path; file to write.
        separator: str; text between two columns. Defaults to ``","``.
        append: bool; whether rows are added to a file that exists. Defaults to False, which begins it anew.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from amalthea.callbacks import CSVLogger
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = CSVLogger(f"{folder}/log.csv")
        ...     table.on_train_begin()
        ...     table.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
        ...     table.on_train_end()
        ...     print(Path(folder, "log.csv").read_text().strip())
        epoch,loss,val_loss
        0,0.5,0.75
    """

    _writes = True  # of several processes the first calls it

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._file: IO[bytes] | None = None
        self._start: int | None = None  # where the first row of this run goes; None once it is known

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self.keys = None
        self._file = open(self.filename, "ab", buffering=0)  # noqa: SIM115  # closed by `on_train_end`
        self._start = self._file.tell() if self.append else 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        assert self._file is not None, "on_train_begin opens the file"
        self._begin()
        rows: list[list[Any]] = []
        if self.keys is None:
            self.keys = _columns(logs)
            if self._file.tell() == 0:
                rows.append(["epoch", *self.keys])
        rows.append([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self._write(rows)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._begin()
        self._close()

    def resume_state(self) -> dict[str, Any]:
        length = 0 if self._file is None else self._file.tell() if self._start is None else self._start
        return {"length": length, "keys": self.keys}

    def resume_from(self, state: dict[str, Any]) -> None:
        length: int = state["length"]
        self._start, self.keys = length, state["keys"]
        if self._file is not None and self._file.tell() < length:
            warnings.warn(
                f"{self.filename} has fewer rows than when the run was interrupted; it goes on without them.",
                stacklevel=2,
            )
            self._start, self.keys = self._file.tell(), self.keys if self._file.tell() else None

    def _begin(self) -> None:
        """Cut off the rows after the line where this run goes on: all of an old file, or those of epochs to come.

        Not before the first row is written: until then the run may turn out to be resumed.
        """
        if self._start is None or self._file is None:
            return
        self._file.truncate(self._start)
        self._file.seek(0, os.SEEK_END)
        self._start = None
        with open(self.filename, "rb") as file:
            cut = self._file.tell() and file.seek(-1, os.SEEK_END) and file.read(1) != b"\n"
        if cut:
            self._file.write(b"\n")  # whoever wrote the last row was interrupted

    def _write(self, rows: list[list[Any]]) -> None:
        """All rows, or none if the disk is full."""
        assert self._file is not None
        text = io.StringIO()
        csv.writer(text, delimiter=self.sep, lineterminator="\n").writerows(rows)
        data, before = text.getvalue().encode(), self._file.tell()
        try:
            while data:
                data = data[self._file.write(data) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(before)
            raise

    def _close(self) -> None:
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
