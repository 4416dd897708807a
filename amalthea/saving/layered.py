"""Files of weights of Keras 1 and 2 (``.h5``): a group for each layer, and the names of its weights in order.

    layer_names = [b"conv1", ...]                       an attribute of the file
    conv1/       weight_names = [b"conv1/kernel:0", ...]
    conv1/conv1/kernel:0                                 an array

A list too long for one attribute stands in several: ``layer_names0``, ``layer_names1``, ... A file of a whole model has
the same in its group ``model_weights``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from amalthea import loading
from amalthea.errors import AmaltheaError, ModelFileError, add_location, brief, visible
from amalthea.saving import weights

_INNER = "model_weights"
_REFERENCE = 16  # bytes in an attribute for a text of any length, which stands elsewhere in the file


def is_layered(file: Any) -> bool:
    """Returns whether an open HDF5 file is of this kind."""
    return any(_names(group, "layer_names") is not None for group in _roots(file))


def _opened(group: Any, path: str) -> Any:
    """A group within another, or None."""
    with weights.readable(f"'{path}'"):
        return weights._open_group(group, path)


def _roots(file: Any) -> list[Any]:
    inner = _opened(file, _INNER)
    return [file] if inner is None else [file, inner]


def _names(group: Any, attribute: str) -> list[str] | None:
    """The names in an attribute, in one piece or several."""
    with weights.readable(f"the attribute {attribute}"):
        if attribute in group.attrs:
            pieces = [_attribute(group, attribute)]
        else:
            count = next(i for i in range(len(group.attrs) + 1) if f"{attribute}{i}" not in group.attrs)
            pieces = [_attribute(group, f"{attribute}{i}") for i in range(count)]
        if not pieces:
            return None
        names = [name for piece in pieces for name in np.asarray(piece).ravel().tolist()]
        return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def text(group: Any, name: str) -> str | None:
    """The text in an attribute, or None."""
    with weights.readable(f"the attribute {name}"):
        found = _names(group, name)
    return found[0] if found else None


def _attribute(group: Any, name: str) -> Any:
    """The text in an attribute. One whose size is not that of its type is not read: HDF5 would read past its end."""
    import h5py

    held = group.attrs.get_id(name)
    text = h5py.check_string_dtype(held.dtype)
    itemsize = held.dtype.itemsize if text is not None and text.length else _REFERENCE
    count = int(np.prod(held.shape or (), dtype=np.int64))
    if held.shape is not None and (held.shape == (0,) or count == 0):
        return []
    if text is None or held.shape is None or len(held.shape) > 1 or held.get_storage_size() != itemsize * count:
        raise ModelFileError("The file's names of layers and weights are damaged.", got=f"the attribute {brief(name)}")
    return group.attrs[name]


def read(model: Any, file: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Reads all values of an open file, checks them, then assigns them all.

    Args:
        model: built model.
        file: the open file.
        by_name: bool; whether layers are found by their names, and others keep their values. Defaults to False: the
            first layer with weights takes the first group with weights, and so on.
        skip_mismatch: bool; whether layers that do not fit keep their values, with a warning. Defaults to False.

    Raises:
        ModelFileError: the file is damaged or does not fit; then nothing has changed.
    """
    weights.index(file)
    root = next(group for group in _roots(file) if _names(group, "layer_names") is not None)
    layers = [layer for layer in model.layers if layer.weights]
    stored = [(name, group) for name in _names(root, "layer_names") or () if (group := _group(root, name))[1]]
    assignments: list[tuple[Any, np.ndarray]] = []
    for layer, (name, group) in _pairs(layers, stored, by_name, model.name):
        try:
            assignments += _matched(layer, name, group)
        except AmaltheaError as error:
            add_location(error, f"in layer '{visible(layer.name)}'")
            if not skip_mismatch:
                raise
            warnings.warn(f"Skipped: {error}", stacklevel=4)
    for variable, value in assignments:
        variable.assign(value)
    plan = loading.reading.get()
    if plan is not None:
        plan.finish({id(variable) for variable, _ in assignments})


def _group(root: Any, name: str) -> tuple[Any, list[str]]:
    group = _opened(root, name)
    if group is None:
        raise ModelFileError("The file names a layer that it has no group of.", got=brief(name))
    return group, _names(group, "weight_names") or []


def _pairs(layers: list[Any], stored: list[Any], by_name: bool, model: str) -> list[tuple[Any, Any]]:
    if by_name:
        named = dict(stored)
        return [(layer, (layer.name, named[layer.name])) for layer in layers if layer.name in named]
    if len(layers) != len(stored):
        raise ModelFileError(
            f"The file is of another model than '{visible(model)}'.",
            expected=f"{len(layers)} layers with weights",
            got=f"{len(stored)} layers",
            cure="by_name=True reads the layers whose names are the same",
        )
    return list(zip(layers, stored))


def _matched(layer: Any, name: str, stored: tuple[Any, list[str]]) -> list[tuple[Any, np.ndarray]]:
    """The layer's variables and their values, trainable ones first as in the file."""
    group, names = stored
    variables = [*layer.trainable_weights, *layer.non_trainable_weights]
    if len(variables) != len(names):
        raise ModelFileError(
            f"The layer '{visible(name)}' of the file has another number of weights.",
            expected=len(variables),
            got=len(names),
        )
    found = [(variable, _value(group, name, key, variable)) for variable, key in zip(variables, names)]
    for (variable, value), key in zip(found, names):
        if tuple(variable.shape) != value.shape:
            raise ModelFileError(
                f"The value '{visible(key)}' of the file has another shape.",
                expected=tuple(variable.shape),
                got=value.shape,
                cure="skip_mismatch=True leaves out what does not fit",
            )
    return found


def _value(group: Any, layer: str, key: str, variable: Any) -> np.ndarray:
    folder, _, leaf = key.rpartition("/")
    parent = _opened(group, folder) if folder else group
    if parent is None:
        raise ModelFileError("The file has no value of this name.", got=brief(key))
    most = max(4096, int(np.prod(variable.shape, dtype=np.int64)))
    return weights.Group(parent, f"{layer}/{folder}", most, (leaf,))[leaf]
