"""Variables in HDF5 files: which object's values stand in which group.

The layout is Keras 3's: groups follow the attributes of objects, lists of layers by class and position, and each object
keeps its own values under ``vars`` as ``0``, ``1``, ... Reading follows no link and no reference to other files.
"""

# Values of Any are sorted with isinstance(), which leaves their items unknown; our own modules share private names.
# pyright: reportPrivateUsage=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from amalthea import dtypes
from amalthea.configurable import snake_case
from amalthea.errors import AmaltheaError, ModelFileError, add_place
from amalthea.layers.input_layer import InputLayer
from amalthea.layers.layer import Layer
from amalthea.losses import Loss
from amalthea.metrics import Metric
from amalthea.models.model import Model
from amalthea.models.sequential import Sequential
from amalthea.optimizers import Optimizer
from amalthea.tensor import one_version
from amalthea.tree import CONTAINERS

_LARGEST_RATIO = 1000  # of a value to what it takes in the file; honest weights do not come near
_SAVEABLE = (Layer, Metric, Optimizer, Loss)


def walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Every object with values, and the path of its group; the first path of an object is its own."""
    seen: set[int] = set()
    yield from _walk(root, "", seen)


def _walk(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield path, thing
    for name, child in _children(thing):
        here = f"{path}/{name}" if path else name
        if isinstance(child, _SAVEABLE):
            yield from _walk(child, here, seen)
        elif isinstance(child, CONTAINERS):
            yield from _walk_container(child, here, seen)


def _walk_container(container: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    used: dict[str, int] = {}
    for child in container.values() if isinstance(container, dict) else container:
        nested = isinstance(child, CONTAINERS)
        if not nested and not isinstance(child, _SAVEABLE):
            continue
        name = "container" if nested else snake_case(_class_name(child))
        used[name] = used.get(name, -1) + 1
        here = f"{path}/{name}_{used[name]}" if used[name] else f"{path}/{name}"
        if nested:
            yield from _walk_container(child, here, seen)
        else:
            yield from _walk(child, here, seen)


def _class_name(thing: Any) -> str:
    """The class by which a list of objects names its groups: its own, or what files call a model."""
    identity = thing.saved_identity if isinstance(thing, Model) else None
    return identity[1] if identity else type(thing).__name__


def _children(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Sequential):
        yield "layers", [layer for layer in thing.stack if not isinstance(layer, InputLayer)]
    elif isinstance(thing, Model) and thing.network is not None:
        yield "layers", [o for o in thing.network.operations if isinstance(o, Layer)]
    hidden = _own_attributes(_kind(thing))
    names = [name for name in vars(thing) if name not in hidden and not name.startswith("__")]
    for name in sorted(names, key=lambda n: f"~{n}" if n.startswith("_") else n):
        yield name, vars(thing)[name]


def _kind(thing: Any) -> type:
    return next((kind for kind in (Sequential, Model, Layer, Metric, Optimizer) if isinstance(thing, kind)), object)


@cache
def _own_attributes(kind: type) -> frozenset[str]:
    """Attributes that every object of that kind has, which are no children."""
    if kind is object:
        return frozenset()
    bare = kind(1.0) if kind is Optimizer else kind()
    names = set(vars(bare))
    if issubclass(kind, Model):
        names |= {"network", "_loss", "_compiled_metrics", "_loss_tracker", "loss", "_build_shapes", "history"}
        names -= {"optimizer"}
    return frozenset(names | {"_given", "_variables", "states"})


# ----------------------------------------------------------------------------------------------- writing


def write(root: Any, file: Any) -> None:
    """Put all values into an open HDF5 file, as they are at one moment."""
    with one_version(_all_variables(root)):
        _write_all(root, file)


def _write_all(root: Any, file: Any) -> None:
    for path, thing in walk(root):
        store: dict[str, Any] = {}
        _saver(thing)(store)
        name = getattr(thing, "name", None)
        if not store and name is None:
            continue
        group = file.create_group(f"{path}/vars" if path else "vars")
        if isinstance(name, str):
            group.attrs["name"] = name
        for key, value in store.items():
            _write_array(group, key, _as_numpy(value))


def _as_numpy(value: Any) -> np.ndarray:
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def _saver(thing: Any) -> Any:
    return getattr(thing, "save_own_variables", lambda store: None)


def _write_array(group: Any, key: str, array: np.ndarray) -> None:
    if array.dtype.name == "bfloat16":
        group.create_dataset(key, data=array.view("V2"))
        group[key].attrs["dtype"] = "bfloat16"
    else:
        group.create_dataset(key, data=array)


# ----------------------------------------------------------------------------------------------- reading


class Group:
    """The arrays of one group, read when asked for, from this file alone."""

    def __init__(self, group: Any, path: str):
        self.group, self.path = group, path

    def keys(self) -> list[str]:
        return list(self.group.keys()) if self.group is not None else []

    def __len__(self) -> int:
        return len(self.keys())

    def __contains__(self, key: str) -> bool:
        return key in self.keys()

    def __getitem__(self, key: str) -> np.ndarray:
        import h5py  # pyright: ignore[reportMissingTypeStubs]

        if self.group is None or key not in self.group:
            raise ModelFileError(f"The file has no value {key} in '{self.path}'.", expected=key, got=self.keys())
        if not isinstance(self.group.get(key, getlink=True), h5py.HardLink):
            raise ModelFileError(f"The value {key} in '{self.path}' is a link to elsewhere, which is not followed.")
        data = self.group[key]
        if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
            raise ModelFileError(f"The value {key} in '{self.path}' is not kept in the file itself.")
        self._check(data, key)
        if data.attrs.get("dtype") == "bfloat16":
            return np.asarray(data).view(dtypes.to_numpy("bfloat16"))
        return np.asarray(data)

    def _check(self, data: Any, key: str) -> None:
        if data.dtype.kind not in "fiubV":
            raise ModelFileError(f"The value {key} in '{self.path}' holds no numbers.", got=data.dtype)
        if data.nbytes > _LARGEST_RATIO * max(data.id.get_storage_size(), 1024):
            raise ModelFileError(
                f"The value {key} in '{self.path}' unpacks to {data.nbytes:,} bytes, far more than the file can hold."
            )


def _open_group(file: Any, path: str) -> Any:
    """A group reached without following links to other files."""
    import h5py  # pyright: ignore[reportMissingTypeStubs]

    group = file
    for part in path.split("/"):
        if part not in group:
            return None
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ModelFileError(f"The group '{path}' is a link to elsewhere, which is not followed.")
        group = group[part]
    return group if isinstance(group, h5py.Group) else None


def read(root: Any, file: Any, skip_mismatch: bool = False) -> None:
    """Assign all values from an open HDF5 file; unless mismatches are skipped, one failure leaves all as it was."""
    before = [(v, v.numpy()) for v in _all_variables(root)]
    failures: list[AmaltheaError] = []
    for path, thing in walk(root):
        if not hasattr(thing, "load_own_variables"):
            continue
        group = _open_group(file, f"{path}/vars" if path else "vars")
        try:
            _load(thing, Group(group, path), path)
        except AmaltheaError as error:
            add_place(error, f"in group '{path}' of the file")
            failures.append(error)
    if not failures:
        return
    if skip_mismatch:
        for error in failures:
            warnings.warn(f"Skipped: {error}", stacklevel=3)
        return
    for variable, value in before:
        variable.assign(value)
    if len(failures) > 1:
        add_place(failures[0], f"and {len(failures) - 1} more like it")
    raise failures[0]


def _load(thing: Any, store: Group, path: str) -> None:
    if isinstance(thing, Optimizer):
        _load_optimizer(thing, store)
    elif len(store) or (thing._own_variables() if isinstance(thing, Layer) else getattr(thing, "variables", None)):
        if not len(store) and isinstance(thing, (Metric, Loss)):
            return
        thing.load_own_variables(store)


def _load_optimizer(optimizer: Any, store: Group) -> None:
    """Optimizer state that does not fit is left out with a warning, as in Keras: the weights are still good."""
    if not len(store):
        return
    if not optimizer.can_load(len(store)):
        if len(store) == len(type(optimizer).from_config(optimizer.get_config()).variables):
            return  # it was saved before its first step
        warnings.warn(
            f"The file's optimizer state was left out: it has {len(store)} values, {optimizer.name} has "
            f"{len(optimizer.variables)}.",
            stacklevel=4,
        )
        return
    optimizer.load_own_variables(store)


def _all_variables(root: Any) -> list[Any]:
    found = {}
    for _, thing in walk(root):
        own = thing._own_variables() if isinstance(thing, Layer) else getattr(thing, "variables", [])
        found.update((id(v), v) for v in own)
    return list(found.values())
