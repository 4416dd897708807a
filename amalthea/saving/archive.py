"""A model as a ``.keras`` file, of Keras 2.12 to 3, or as a folder of the same members.

A ``.keras`` file is a zip of ``metadata.json``, ``config.json`` and ``model.weights.h5``, and of the files of layers
under ``assets/``. Nothing but the files of layers is unpacked onto the disk to be read.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import threading
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amalthea import writing
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError, ModelFileError
from amalthea.loading import limits
from amalthea.saving import assets, building, hdf5, objects, old_configs, weights
from amalthea.saving.contents import Contents, in_todays_form
from amalthea.saving.old_weights import Origin

WRITTEN_AS = "3.15.1"  # the version of Keras whose files these are
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ONE_FOLDER = threading.Lock()  # so that the members of a folder are all of one thread


def save_model(model: Any, path: Path, zipped: bool, overwrite: bool) -> None:
    """Writes a model to a file, or to a folder."""
    members = {
        _METADATA: json.dumps(
            {"keras_version": WRITTEN_AS, "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
        ).encode(),
        _CONFIG: json.dumps(objects.serialize_keras_object(model)).encode(),
        _WEIGHTS: hdf5.bytes_of(model),
    }
    files = assets.collected(model)
    if not zipped:
        _write_folder(path, members, files)
        return
    members.update(files)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    writing.write(path, packed.getvalue(), overwrite)


def _write_folder(path: Path, members: dict[str, bytes], files: dict[str, bytes]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    with _ONE_FOLDER:
        for name, data in members.items():
            writing.write(path / name, data)
        if not files and not (path / assets.FOLDER).is_dir():
            return
        with writing.whole_folder(path / assets.FOLDER) as folder:  # in place of the files of an earlier model
            for name, data in files.items():
                target = Path(folder, *Path(name).parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                writing.write(target, data)


def load_model(path: Any, compile: bool) -> Any:
    """The model of an archive or folder; the optimizer's state with it if ``compile`` is true."""
    with members(path) as (member, names):
        config = building.parsed(member(_CONFIG))
        if not compile and isinstance(config, dict):
            config.pop("compile_config", None)
        era = 2 if _version(member).startswith("2.") else 3
        config = old_configs.of_archive(config, era) if era < 3 else config
        with hdf5.opened(member(_WEIGHTS)) as file, building.planned(weights.index(file)):
            model = building.model_of(config)
            weights.read(model, file, is_new=True)
        assets.restore(model, names(), member)
    return model


def _version(member: Any) -> str:
    """The version of Keras that wrote the file; nothing where its metadata do not tell."""
    try:
        found = building.parsed(member(_METADATA))
    except ModelFileError:  # Keras 3 does without
        return ""
    version = found.get("keras_version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else ""


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Reads the weights of an archive or folder into a built model."""
    hdf5.check_by_order(by_name)
    with hdf5.opened(weights_in(path)) as file, at_once():
        weights.read(model, file, skip_mismatch)


def contents(path: Any) -> Contents:
    """The contents of an archive or folder, without building the model."""
    with members(path) as (member, _):
        version, config = _version(member), building.parsed(member(_CONFIG))
        with hdf5.opened(member(_WEIGHTS)) as file:
            values = hdf5.values_in(file)
    config, refused = in_todays_form(config, Origin(2)) if version.startswith("2.") else (config, [])
    return Contents({"Keras": version or "of an unknown version"}, config, values, refused)


def weights_in(path: Any) -> bytes:
    """The file of weights in an archive or folder."""
    with members(path) as (member, _):
        return member(_WEIGHTS)


@contextmanager
def members(filepath: Any) -> Generator[Any, None, None]:
    """A function that reads a member by name, and one that lists the names."""
    if isinstance(filepath, (str, os.PathLike)) and Path(filepath).is_dir():
        folder = Path(filepath)
        yield (lambda name: _from_folder(folder, name)), (lambda: assets.names_in_folder(folder))
        return
    if isinstance(filepath, (str, os.PathLike)) and not Path(filepath).exists():
        raise ArgumentError("This model file does not exist.", got=str(filepath))
    try:
        archive = zipfile.ZipFile(filepath)
    except zipfile.BadZipFile:
        raise ModelFileError(
            "This is no whole .keras file.", expected="a zip archive", got=str(filepath), cure="save or copy it again"
        ) from None
    with archive:
        yield (lambda name: _from_archive(archive, name)), (lambda: assets.names_in_archive(archive))


def _from_folder(folder: Path, name: str) -> bytes:
    if not (folder / name).is_file():
        raise ModelFileError(f"The model's folder lacks {name}.", got=sorted(p.name for p in folder.iterdir())[:8])
    if name == _CONFIG:
        _check_config((folder / name).stat().st_size)
    return (folder / name).read_bytes()


def _check_config(size: int) -> None:
    if size > limits.config_bytes:
        raise ModelFileError(
            "The configuration in the model file is too large to be read.",
            expected=f"at most {limits.config_bytes:,} bytes",
            got=f"{size:,}",
            cure="saving.limits.config_bytes, if the file is yours",
        )


def _from_archive(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.namelist():
        raise ModelFileError(f"The model file lacks {name}.", expected=name, got=", ".join(archive.namelist()[:8]))
    entry = archive.getinfo(name)
    if entry.file_size > limits.ratio * max(entry.compress_size, 1) or (
        entry.file_size > max(limits.unpacked_bytes, limits.unpacked_ratio * entry.compress_size)
    ):
        raise ModelFileError(
            f"{name} in the model file unpacks to {entry.file_size:,} bytes, far more than it can hold."
        )
    if name == _CONFIG:
        _check_config(entry.file_size)
    try:
        return archive.read(name)
    except Exception as error:  # of zipfile, and of what it unpacks with
        raise ModelFileError(f"The model file is damaged: {name} cannot be read ({error}).") from None
