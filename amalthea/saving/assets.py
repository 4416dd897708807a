"""Files of layers in model files: vocabularies, and what a layer of a user's own writes.

A layer with ``save_assets(self, dir_path)`` and ``load_assets(self, dir_path)`` has a folder for itself. In the model
file it is ``assets/`` and the layer's path, which is that of its weights. Each call sees a temporary folder with the
files of its layer alone; no name in a model file leads out of it.
"""

from __future__ import annotations

import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from amalthea import writing
from amalthea.errors import ModelFileError, UnsafeFileError, brief, located
from amalthea.loading import limits
from amalthea.saving import weights

FOLDER = "assets"


def collected(model: Any) -> dict[str, bytes]:
    """The files that the layers of a model write, by their names in the model file."""
    found: dict[str, bytes] = {}
    for path, thing in weights.walk(model):
        if callable(getattr(thing, "save_assets", None)):
            with tempfile.TemporaryDirectory() as folder, located(f"in save_assets of '{thing.name}'"):
                thing.save_assets(folder)
                found.update(_files(Path(folder), PurePosixPath(FOLDER, path)))
    return found


def _files(folder: Path, inside: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield str(inside / file.relative_to(folder).as_posix()), file.read_bytes()


def restore(model: Any, names: list[str], read: Callable[[str], bytes]) -> None:
    """Let the layers of a model read their files.

    Args:
        model: the model.
        names: the names of all files in the model file.
        read: returns the contents of one of them.

    Raises:
        UnsafeFileError: a name leads out of the folder.
        ModelFileError: there are too many files.
    """
    names = [name for name in names if name.startswith(f"{FOLDER}/") and not name.endswith("/")]
    if len(names) > limits.objects:
        raise ModelFileError("The model file has too many assets.", expected=f"at most {limits.objects:,}")
    for path, thing in weights.walk(model) if names else ():
        own = f"{FOLDER}/{path}/" if path else f"{FOLDER}/"
        mine = {name.removeprefix(own): name for name in names if name.startswith(own)}
        if mine and callable(getattr(thing, "load_assets", None)):
            for name in mine.values():
                _check(name)
            with tempfile.TemporaryDirectory() as folder, located(f"in load_assets of '{thing.name}'"):
                _unpack(mine, Path(folder), read)
                thing.load_assets(folder)


def _check(name: str) -> None:
    parts = name.split("/")
    strange = any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in parts)
    if strange or os.path.isabs(name):
        raise UnsafeFileError(
            "A file in the model file has a name that leads elsewhere.",
            expected="a name within its layer",
            got=brief(name),
        )


def _unpack(files: Mapping[str, str], folder: Path, read: Callable[[str], bytes]) -> None:
    for relative, name in files.items():
        target = folder / relative
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            writing.write(target, read(name))
        except OSError as error:  # a file and a folder of one name, or a name too long for the system
            raise ModelFileError(f"The model file is damaged: {brief(name)} cannot be unpacked ({error}).") from None


def names_in_archive(archive: zipfile.ZipFile) -> list[str]:
    """The members of an archive; a symbolic link is refused."""
    for entry in archive.infolist():
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise UnsafeFileError("The model file holds a link to elsewhere.", got=brief(entry.filename))
    return archive.namelist()


def names_in_folder(folder: Path) -> list[str]:
    """The files in the folder of a model, without links to elsewhere."""
    root = folder / FOLDER
    return [
        file.relative_to(folder).as_posix()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.resolve().is_relative_to(root.resolve())
    ]
