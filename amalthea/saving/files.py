"""Files of models and weights: the functions that a user calls. A format has a module of its own in this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amalthea import writing
from amalthea.custom_objects import CustomObjectScope
from amalthea.errors import AmaltheaError, ArgumentError, add_location
from amalthea.lambdas import code_refused
from amalthea.saving import archive, formats, hdf5, old_h5, safetensors, sharded, weights


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Saves a model to a ``.keras`` file: configuration, weights, and state of the optimizer.

    Args:
        model: built model.
        filepath: str or path; file that ends in ``.keras``, a folder with ``zipped=False``, or a file that ends in
            ``.h5`` or ``.hdf5`` for Keras 2.
        overwrite: bool; whether a file that exists is replaced. Defaults to True.
        zipped: bool or None; False writes a folder. Defaults to None, one file.
        **kwargs: ``save_format="h5"`` writes a file for Keras 2 whatever its ending. Further arguments of older Keras
            are not used.

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
    _follow_adapted(model)
    chosen = kwargs.get("save_format")
    if path.suffix in (".h5", ".hdf5") or chosen in ("h5", "hdf5"):
        _check_free(path, overwrite)
        writing.write(path, old_h5.model_bytes(model), overwrite)
        return
    if path.suffix != ".keras" and zipped is not False:
        raise ArgumentError(
            "A model is saved to a file that ends in .keras, or .h5 for older Keras.",
            got=str(path),
            cure=f"'{path.stem}.keras'",
        )
    _check_free(path, overwrite)
    archive.save_model(model, path, zipped is not False, overwrite)


def _follow_adapted(model: Any) -> None:
    """Lets the optimizer drop its slots for kernels that were quantized since: a loaded model does not have them."""
    getattr(model, "_follow_adapted", lambda: None)()


def _check_free(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise ArgumentError("The file is there already.", got=str(path), cure="overwrite=True, or another name")
    if not path.parent.is_dir():
        raise ArgumentError("The folder to save into does not exist.", got=str(path.parent))


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Loads a model from a file of this library, or of Keras 0.3 to 3, with its training state if the file has it.

    The contents of the file tell its format, not its name.

    Args:
        filepath: str, path or open file; ``.keras`` file or folder, ``.h5`` file, folder of a TensorFlow SavedModel of
            Keras 2, or ``model.json`` of a TensorFlow.js layers model.
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
    found, read = formats.reader(filepath, "load_model")
    try:
        with CustomObjectScope(custom_objects), code_refused(safe_mode):
            return read(filepath, compile)
    except AmaltheaError as error:
        add_location(error, f"in the model file {filepath}, {found.name}")
        raise


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
    """Writes the weights of a model, and the state of its optimizer, to a file or to several.

    Args:
        model: built Model.
        filepath: str or path. ``.weights.h5`` is Keras 3's layout, ``.weights.json`` the index of several files in it,
            ``.safetensors`` the same values in that format; any other ``.h5`` or ``.hdf5`` is the layout of Keras 1 and
            2, without the optimizer.
        overwrite: bool; whether a file of this path is replaced. Defaults to True; False raises an error.
        max_shard_size: float above 0 or None; gigabytes of values in each of several files. Defaults to None, one file,
            or parts of 10 for ``.weights.json``.

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
    _follow_adapted(model)
    if max_shard_size is not None and path.name.endswith(".weights.h5"):
        path = path.with_name(path.name.removesuffix("h5") + "json")
    if not path.name.endswith((".h5", ".hdf5", ".weights.json", ".safetensors")):
        raise ArgumentError(
            "Weights are saved to a file that ends in .weights.h5, .weights.json, .safetensors or .h5.",
            got=str(path),
            cure=f"'{path.stem}.weights.h5'",
        )
    _check_free(path, overwrite)
    if path.suffix == ".json":
        sharded.save_weights(model, path, 10.0 if max_shard_size is None else max_shard_size, overwrite)
        return
    if max_shard_size is not None:
        raise ArgumentError("Only .weights.json is written in several files.", got=str(path))
    writing.write(path, _bytes_of(model, path.name), overwrite)


def _bytes_of(model: Any, name: str) -> bytes:
    """The weights of a model in the format that the name of a file stands for."""
    if name.endswith(".safetensors"):
        return safetensors.bytes_of(model)
    return hdf5.bytes_of(model) if name.endswith(".weights.h5") else old_h5.weights_bytes(model)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads weights from a file of this library or of any Keras into a built model.

    Args:
        model: built Model.
        filepath: str or path; any file that ``load_model`` reads, ``.weights.h5``, ``.weights.json``, ``.safetensors``,
            ``.h5`` with weights alone, or the path with which the files of a TensorFlow checkpoint of Keras 2 begin.
        skip_mismatch: bool; whether layers whose shapes differ are left as they are. Defaults to False, which raises an
            error.
        **kwargs: ``by_name``: bool; True reads the layers of an ``.h5`` file by their names, and leaves others as they
            are. Further arguments of older Keras are not used.

    Raises:
        ArgumentError: the file does not exist, or ``by_name`` is asked of one without names.
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
    found, read = formats.reader(filepath, "load_weights")
    try:
        read(model, filepath, bool(kwargs.get("by_name")), skip_mismatch)
    except AmaltheaError as error:
        add_location(error, f"in the file {filepath}, {found.name}")
        raise


def values_of(filepath: Any) -> dict[str, dict[str, Any]]:
    """All values in a ``.keras`` or ``.weights.h5`` file, by the path of the object and by name."""
    if str(filepath).endswith(".weights.h5"):
        data = Path(filepath).read_bytes()
    else:
        data = archive.weights_in(filepath)
    with hdf5.opened(data) as file:
        return weights.read_values(file)
