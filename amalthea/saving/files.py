"""Whole models in ``.keras`` files, and weights in ``.weights.h5`` files.

A ``.keras`` file is a zip of ``metadata.json``, ``config.json`` and ``model.weights.h5``, and of the files of layers
under ``assets/``; the same may lie in a folder. Nothing but the files of layers is unpacked onto the disk to be read.
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

from amalthea import loading, writing
from amalthea.engine.ir.variable import at_once
from amalthea.errors import AmaltheaError, ArgumentError, ModelFileError, add_location, brief
from amalthea.loading import limits
from amalthea.saving import assets, layered, objects, weights

WRITTEN_AS = "3.15.1"  # the version of Keras whose files these are
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ONE_FOLDER = threading.Lock()  # so that the members of a folder are all of one thread


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Saves a model to a ``.keras`` file: configuration, weights, and state of the optimizer.

    Args:
        model: built model.
        filepath: str or path; file that ends in ``.keras``, or a folder with ``zipped=False``.
        overwrite: bool; whether a file that exists is replaced. Defaults to True.
        zipped: bool or None; False writes a folder. Defaults to None, one file.
        **kwargs: arguments of older Keras, not used.

    Raises:
        ArgumentError: the ending is another one, the file exists and ``overwrite`` is False, or the folder around it
            does not exist.

    Example:
        >>> import os, tempfile
        >>> from amalthea import Sequential, layers, models
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     models.save_model(Sequential([layers.Input((4,)), layers.Dense(2)]), f"{folder}/model.keras")
        ...     print(os.listdir(folder))
        ['model.keras']
    """
    path = Path(filepath)
    if path.suffix != ".keras" and zipped is not False:
        raise ArgumentError(
            "A model is saved to a file that ends in .keras.", got=str(path), cure=f"'{path.stem}.keras'"
        )
    _check_free(path, overwrite)
    members = {
        _METADATA: json.dumps(
            {"keras_version": WRITTEN_AS, "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
        ).encode(),
        _CONFIG: json.dumps(objects.serialize_keras_object(model)).encode(),
        _WEIGHTS: _weights_bytes(model),
    }
    files = assets.collected(model)
    if zipped is False:
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


def _check_free(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise ArgumentError("The file is there already.", got=str(path), cure="overwrite=True, or another name")
    if not path.parent.is_dir():
        raise ArgumentError("The folder to save into does not exist.", got=str(path.parent))


def _weights_bytes(model: Any) -> bytes:
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        weights.write(model, file)
    return memory.getvalue()


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Loads a model from a ``.keras`` file, of this library or of Keras 3.

    Args:
        filepath: str, path or open file; ``.keras`` file, or a folder of the same members.
        custom_objects: dict of classes and functions of your own, by their names in the file. Defaults to None, which
            knows only registered ones.
        compile: bool; whether the model is compiled as it was when it was saved. Defaults to True.
        safe_mode: bool; whether files that hold code are refused. Defaults to True.

    Returns:
        The model.

    Raises:
        ModelFileError: the file is damaged or incomplete.
        UnsafeFileError: the file holds code, and ``safe_mode`` is True.
        UnknownNameError: the file names a class that is not known.

    Example:
        >>> import tempfile
        >>> from amalthea import Sequential, layers, models
        >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> model.compile("adam", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.keras")
        ...     again = models.load_model(f"{folder}/model.keras")
        >>> again.compiled, again.output_shape
        (True, (None, 2))
    """
    try:
        with _members(filepath) as (member, names):
            config = _json(member(_CONFIG))
            if not compile and isinstance(config, dict):
                config.pop("compile_config", None)
            with _h5(member(_WEIGHTS)) as file, _planned(weights.index(file)):
                model = _model_of(config, custom_objects, safe_mode)
                weights.read(model, file, is_new=True)
            assets.restore(model, names(), member)
    except AmaltheaError as error:
        add_location(error, f"in the model file {filepath}")
        raise
    return model


@contextmanager
def _planned(elements: int) -> Generator[None, None, None]:
    """While open, variables are checked against the elements in the file, and are not drawn."""
    token = loading.reading.set(loading.Plan(elements))
    try:
        yield
    finally:
        loading.reading.reset(token)


def _model_of(config: Any, custom_objects: Any, safe_mode: bool) -> Any:
    """The model of a configuration; what no configuration looks like is a damaged file."""
    try:
        model = objects.deserialize_keras_object(config, custom_objects, safe_mode, where=("layers",))
    except AmaltheaError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"The configuration in the model file cannot be read: {type(error).__name__}: {error}.",
            cure="save the model again, or mend the class that cannot read its configuration",
        ) from error
    if not callable(getattr(model, "save", None)):  # a model, or a feature space
        raise ModelFileError("There is no model in the model file.", got=brief(model))
    return model


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The model file is damaged: its configuration is no JSON ({error}).") from None


@contextmanager
def _h5(data: bytes) -> Generator[Any, None, None]:
    import h5py

    try:
        file = h5py.File(io.BytesIO(data), "r")
    except Exception as error:  # HDF5 has many ways to say so
        raise ModelFileError(f"The model file is damaged: its weights are no HDF5 ({error}).") from None
    with file:
        yield file


def values_of(filepath: Any) -> dict[str, dict[str, Any]]:
    """All values in a ``.keras`` or ``.weights.h5`` file, by the path of the object and by name."""
    if str(filepath).endswith(".weights.h5"):
        data = Path(filepath).read_bytes()
    else:
        with _members(filepath) as (member, _):
            data = member(_WEIGHTS)
    with _h5(data) as file:
        return weights.read_values(file)


def h5_of(values: dict[str, dict[str, Any]]) -> bytes:
    """A file of weights with values by path and name."""
    import h5py

    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        weights.write_values(values, file)
    return packed.getvalue()


@contextmanager
def _members(filepath: Any) -> Generator[Any, None, None]:
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


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
    """Writes the weights of a model, and the state of its optimizer, to a file.

    Args:
        model: built Model.
        filepath: str or path that ends in ``.weights.h5``.
        overwrite: bool; whether a file of this path is replaced. Defaults to True; False raises an error.
        max_shard_size: must be None; weights in several files are not implemented.

    Raises:
        ArgumentError: the path has another ending, or the file exists and ``overwrite`` is False.

    Example:
        >>> import pathlib, tempfile
        >>> from amalthea import Sequential, layers, saving
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.weights.h5"
        >>> saving.save_weights(Sequential([layers.Input((3,)), layers.Dense(2)]), path)
        >>> path.exists()
        True
    """
    path = Path(filepath)
    if not path.name.endswith(".weights.h5"):
        raise ArgumentError(
            "Weights are saved to a file that ends in .weights.h5.", got=str(path), cure=f"'{path.stem}.weights.h5'"
        )
    if max_shard_size is not None:
        raise ArgumentError("Weights in several files cannot be written yet.", cure="leave max_shard_size out")
    _check_free(path, overwrite)
    writing.write(path, _weights_bytes(model), overwrite)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads weights from a ``.weights.h5`` or ``.keras`` file, or an ``.h5`` file of Keras 1 or 2, into a built model.

    Args:
        model: built Model.
        filepath: str or path.
        skip_mismatch: bool; whether layers whose shapes differ are left as they are. Defaults to False, which raises an
            error.
        **kwargs: ``by_name``: bool; True reads the layers of an ``.h5`` file by their names, and leaves others as they
            are. Further arguments of older Keras are not used.

    Raises:
        ArgumentError: the file does not exist, or has another ending.
        ModelFileError: the file is damaged or does not fit; then nothing has changed.

    Example:
        >>> import pathlib, tempfile
        >>> from amalthea import Sequential, layers, saving
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.weights.h5"
        >>> one, other = (Sequential([layers.Input((3,)), layers.Dense(2)]) for _ in range(2))
        >>> saving.save_weights(one, path)
        >>> saving.load_weights(other, path)
        >>> bool((one.get_weights()[0] == other.get_weights()[0]).all())
        True
    """
    path = Path(filepath)
    if not path.exists():
        raise ArgumentError("This file of weights does not exist.", got=str(path))
    if not path.name.endswith((".keras", ".h5", ".hdf5")):
        raise ArgumentError("This kind of file is not known.", expected=".weights.h5, .keras or .h5", got=path.name)
    try:
        if path.suffix == ".keras":
            with _members(path) as (member, _):
                data = member(_WEIGHTS)
        else:
            data = path.read_bytes()
        with _h5(data) as file, at_once():
            if layered.is_layered(file):
                layered.read(model, file, bool(kwargs.get("by_name")), skip_mismatch)
            else:
                weights.read(model, file, skip_mismatch)
    except AmaltheaError as error:
        add_location(error, f"in the file {filepath}")
        raise
