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
from amalthea.saving.old_weights import Origin, Piece, fit, weights_of

_INNER = "model_weights"
_REFERENCE = 16  # bytes in an attribute for a text of any length, which stands elsewhere in the file


def is_layered(file: Any) -> bool:
    """Returns whether an open HDF5 file is of this kind."""
    return any(names(group, "layer_names") is not None for group in _roots(file))


def is_whole(file: Any) -> bool:
    """Returns whether an open HDF5 file holds a whole model."""
    with weights.readable("its attributes"):
        return "model_config" in file.attrs or "model_config0" in file.attrs


def opened(group: Any, path: str) -> Any:
    """A group within another, or None."""
    with weights.readable(f"'{path}'"):
        return weights._open_group(group, path)


def _roots(file: Any) -> list[Any]:
    inner = opened(file, _INNER)
    return [file] if inner is None else [file, inner]


def names(group: Any, attribute: str) -> list[str] | None:
    """The names in an attribute, in one piece or several."""
    with weights.readable(f"the attribute {attribute}"):
        if attribute in group.attrs:
            pieces = [_attribute(group, attribute)]
        else:
            count = next(i for i in range(len(group.attrs) + 1) if f"{attribute}{i}" not in group.attrs)
            pieces = [_attribute(group, f"{attribute}{i}") for i in range(count)]
        if not pieces:
            return None
        found = [name for piece in pieces for name in np.asarray(piece).ravel().tolist()]
        return [name.decode() if isinstance(name, bytes) else str(name) for name in found]


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


def origin_of(file: Any) -> Origin:
    """The version and backend that an open file tells of; names of weights tell the backend of a file of Keras 1."""
    roots = _roots(file)
    version = next((found for root in roots if (found := text(root, "keras_version"))), "")
    backend = next((found for root in roots if (found := text(root, "backend"))), "")
    era = int(version[:1]) if version[:1] in ("2", "3") else 1
    if era == 1 and not backend:
        found = [name for root in roots for _, (_, keys) in _stored(root) for name in keys]
        backend = "" if any(name.endswith(":0") for name in found) else "theano"
        era = 2 if not version and any("/kernel" in name or "/gamma" in name for name in found) else 1
    return Origin(era, backend, version)


def text(group: Any, attribute: str) -> str | None:
    """The text in an attribute, or None."""
    found = names(group, attribute)
    return found[0] if found else None


def read(model: Any, file: Any, by_name: bool = False, skip_mismatch: bool = False) -> list[Piece]:
    """Reads all values of an open file, checks them, then assigns them all.

    Args:
        model: built model.
        file: the open file.
        by_name: bool; whether layers are found by their names, and others keep their values. Defaults to False: the
            first layer with weights takes the first group with weights, and so on.
        skip_mismatch: bool; whether layers that do not fit keep their values, with a warning. Defaults to False.

    Returns:
        list of pairs of a layer that got values and the names of its trainable weights in the file.

    Raises:
        ModelFileError: the file is damaged or does not fit; then nothing has changed.
    """
    weights.index(file)
    origin = origin_of(file)
    root = next((group for group in _roots(file) if names(group, "layer_names") is not None), None)
    if root is None:
        raise ModelFileError("The file has no names of layers.", expected="an attribute 'layer_names'")
    layers = [layer for layer in model.layers if layer.weights]
    pieces: list[Piece] = []
    for layer, (name, group) in _pairs(layers, _stored(root), by_name, model):
        try:
            pieces += fit(layer, name, group[1], _values(layer, name, group), origin)
        except AmaltheaError as error:
            add_location(error, f"in layer '{visible(layer.name)}'")
            if not skip_mismatch:
                raise
            warnings.warn(f"Skipped: {error}", stacklevel=4)
    assigned = [pair for piece in pieces for pair in zip(weights_of(piece.layer), piece.values)]
    for variable, value in assigned:
        variable.assign(value)
    plan = loading.reading.get()
    if plan is not None:
        plan.finish({id(variable) for variable, _ in assigned})
    return pieces


def _stored(root: Any) -> list[tuple[str, tuple[Any, list[str]]]]:
    """The groups that hold weights, by name and in order, and the names of the weights in each."""
    return [(name, group) for name in names(root, "layer_names") or () if (group := _group(root, name))[1]]


def _group(root: Any, name: str) -> tuple[Any, list[str]]:
    group = opened(root, name)
    if group is None:
        raise ModelFileError("The file names a layer that it has no group of.", got=brief(name))
    return group, names(group, "weight_names") or []


def _pairs(layers: list[Any], stored: list[Any], by_name: bool, model: Any) -> list[tuple[Any, Any]]:
    """Layers and their groups: by name, or in order, or by name where layers of a model inside have groups."""
    if by_name:
        named = dict(stored)
        return [(layer, (layer.name, named[layer.name])) for layer in layers if layer.name in named]
    if len(layers) == len(stored):
        return list(zip(layers, stored))
    inside = {layer.name: layer for layer in model._flatten_layers(include_self=False)}
    if all(name in inside for name, _ in stored) and len(stored) > len(layers):  # branches of a Merge of Keras 1
        return [(inside[name], (name, group)) for name, group in stored]
    raise ModelFileError(
        f"The file is of another model than '{visible(model.name)}'.",
        expected=f"{len(layers)} layers with weights",
        got=f"{len(stored)} layers",
        cure="by_name=True reads the layers whose names are the same",
    )


def _values(layer: Any, name: str, stored: tuple[Any, list[str]]) -> list[np.ndarray]:
    """The arrays of a group. None is larger than all weights of the layer together."""
    group, keys = stored
    most = max(4096, sum(int(np.prod(v.shape, dtype=np.int64)) for v in layer.weights))
    return [value(group, name, key, most) for key in keys]


def value(group: Any, owner: str, key: str, most: int) -> np.ndarray:
    """An array by its path in a group."""
    folder, _, leaf = key.rpartition("/")
    parent = opened(group, folder) if folder else group
    if parent is None:
        raise ModelFileError("The file has no value of this name.", got=brief(key))
    return weights.Group(parent, f"{owner}/{folder}", most, (leaf,))[leaf]
