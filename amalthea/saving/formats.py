"""The table of file formats: a format is found by the contents of a file, never by its ending.

A row has a name, a function that recognizes the format, and the module of ``saving`` that reads it. That module has
either or both of

    load_model(path, compile) -> model
    load_weights(model, path, by_name, skip_mismatch)

and ``contents(path)``, which looks into a file and builds nothing.
The user's ``custom_objects`` and ``safe_mode`` are in force around both.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from amalthea.errors import ArgumentError, ModelFileError, brief
from amalthea.saving import sharded

_HEAD = 4096


class Source:
    """A first look at a file, a folder, or a path with which the names of several files begin.

    Args:
        path: str, path, or open binary file.

    Attributes:
        path: what was given; a ``Path`` for a str.
        head: the first bytes of a file; none of a folder.
        names: the names in a folder.
    """

    def __init__(self, path: Any):
        self.path: Any = Path(path) if isinstance(path, (str, os.PathLike)) else path
        self.head: bytes = b""
        self.names: frozenset[str] = frozenset()
        if not isinstance(self.path, Path):
            at = self.path.tell()
            self.head = self.path.read(_HEAD)
            self.path.seek(at)
        elif self.path.is_dir():
            self.names = frozenset(entry.name for entry in self.path.iterdir())
        elif self.path.is_file():
            with self.path.open("rb") as file:
                self.head = file.read(_HEAD)

    def is_beside(self, ending: str) -> bool:
        """Whether the path, with this ending, is that of a file."""
        if not isinstance(self.path, Path) or not self.path.name:
            return False
        path = self.path if self.path.suffix == ending else self.path.with_name(self.path.name + ending)
        return path.is_file()

    def begins_as_json(self, *keys: str) -> bool:
        """Whether it is an object of JSON with one of these keys near its beginning."""
        is_object = isinstance(self.path, Path) and self.head.lstrip().startswith(b"{")
        return is_object and any(f'"{key}"'.encode() in self.head for key in keys)

    @property
    def is_safetensors(self) -> bool:
        """Whether it begins with a length below 4 GiB and an object of JSON."""
        return isinstance(self.path, Path) and self.head[4:9] == b"\0\0\0\0{"

    @property
    def exists(self) -> bool:
        return not isinstance(self.path, Path) or self.path.exists()


class Format(NamedTuple):
    """A row of the table.

    Args:
        name: str; what a message calls a file of the format.
        recognizes: whether a file is of the format.
        module: str; the module of ``saving`` that reads it.
    """

    name: str
    recognizes: Callable[[Source], bool]
    module: str

    def reader(self, function: str) -> Callable[..., Any] | None:
        """A function of the format's module by name, if it has it."""
        return getattr(importlib.import_module(f"amalthea.saving.{self.module}"), function, None)


FORMATS = (
    Format("a .keras archive", lambda s: s.head.startswith(b"PK"), "archive"),
    Format("the folder of a .keras model", lambda s: "config.json" in s.names, "archive"),
    Format("an index of weights in several files", lambda s: sharded.is_index(s.head), "sharded"),
    Format("an HDF5 file", lambda s: s.head.startswith(b"\x89HDF\r\n\x1a\n"), "hdf5"),
    Format("a SavedModel of TensorFlow", lambda s: "saved_model.pb" in s.names, "saved_model"),
    Format("a checkpoint of TensorFlow", lambda s: s.is_beside(".index"), "checkpoint"),
    Format("a layers model of TensorFlow.js", lambda s: s.begins_as_json("weightsManifest", "modelTopology"), "tfjs"),
    Format("a safetensors file", lambda s: s.is_safetensors, "safetensors"),
)


def find(path: Any) -> Format:
    """The format of a file.

    Raises:
        ArgumentError: nothing has this path.
        ModelFileError: no reader knows the contents.
    """
    source = Source(path)
    for row in FORMATS:
        if row.recognizes(source):
            return row
    if not source.exists:
        raise ArgumentError("This file does not exist.", got=str(path))
    raise ModelFileError(
        "The format of this file is not known.",
        expected=", ".join(row.name for row in FORMATS),
        got=f"{path}, which begins with {brief(source.head[:16]) if source.head else brief(sorted(source.names)[:8])}",
        cure="save or copy it again",
    )


def reader(path: Any, function: str) -> tuple[Format, Callable[..., Any]]:
    """The format of a file, and its ``load_model`` or ``load_weights``."""
    found = find(path)
    read = found.reader(function)
    if read is None:
        other = "load_weights" if function == "load_model" else "load_model"
        raise ModelFileError(f"{function} cannot read {found.name}.", got=str(path), cure=other)
    return found, read
