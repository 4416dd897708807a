"""Variables in HDF5 files: which object's values stand in which group.

The layout is Keras 3's: groups follow the attributes of objects, lists of layers by class and position, and each object
keeps its own values under ``vars`` as ``0``, ``1``, ... Reading follows no link and no reference to other files.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from amalthea import loading
from amalthea.configurable import snake_case
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import one_version
from amalthea.errors import AmaltheaError, ModelFileError, add_location, visible
from amalthea.layers.input_layer import InputLayer
from amalthea.layers.layer import Layer
from amalthea.loading import limits
from amalthea.losses import Loss
from amalthea.metrics import Metric
from amalthea.models.model import Model
from amalthea.models.sequential import Sequential
from amalthea.optimizers import Optimizer
from amalthea.saving import old_optimizers
from amalthea.tree import CONTAINERS

_FILTERS = {1: "gzip", 2: "shuffle"}  # by HDF5's numbers; for any other it would look for a plugin
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
    identity = thing._saved_identity if isinstance(thing, Model) else None
    return identity[1] if identity else type(thing).__name__


def _children(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Sequential):
        yield "layers", [layer for layer in thing._stack if not isinstance(layer, InputLayer)]
    elif isinstance(thing, Model) and thing._network is not None:
        yield "layers", [o for o in thing._network.operations if isinstance(o, Layer)]
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
        names |= {"_network", "_loss", "_compiled_metrics", "_loss_tracker", "loss", "_build_shapes", "history"}
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


def values_of(root: Any) -> dict[str, dict[str, np.ndarray]]:
    """The values that a file would hold: by the path of the object, and by name."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with one_version(_all_variables(root)):
        for path, thing in walk(root):
            store: dict[str, Any] = {}
            _saver(thing)(store)
            found[path] = {key: _as_numpy(value) for key, value in store.items()}
    return found


def write_values(values: Mapping[str, Mapping[str, np.ndarray]], file: Any) -> None:
    """Put values by path and name into an open HDF5 file."""
    for path, arrays in values.items():
        group = file.require_group(f"{path}/vars" if path else "vars")
        for key, array in arrays.items():
            _write_array(group, key, array)


def read_values(file: Any) -> dict[str, dict[str, np.ndarray]]:
    """All values of an open HDF5 file, by path and name; the opposite of :func:`write_values`."""
    index(file)
    groups: list[str] = []
    with readable("its index"):
        file.visit(lambda name: groups.append(name) if name.rsplit("/", 1)[-1] == "vars" else None)
    found: dict[str, dict[str, np.ndarray]] = {}
    for name in groups:
        arrays = Group(_open_group(file, name), name, sys.maxsize).arrays
        if arrays:
            found[name.removesuffix("vars").rstrip("/")] = arrays
    return found


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


def index(file: Any) -> int:
    """The number of elements in an open HDF5 file, told by its index alone.

    Raises:
        ModelFileError: it is larger than the limits allow, or packed in a way that is not known.
    """
    import h5py

    elements = unpacked = stored = objects = 0

    def visit(name: str, thing: Any) -> None:
        nonlocal elements, unpacked, stored, objects
        objects += 1
        if objects > limits.objects:
            raise ModelFileError("The file of weights has too many parts.", expected=f"at most {limits.objects:,}")
        if isinstance(thing, h5py.Dataset) and thing.shape is not None:
            _check(thing, name)
            elements, unpacked = elements + (thing.size or 0), unpacked + thing.nbytes
            stored += thing.id.get_storage_size()

    with readable("its index"):
        file.visititems(visit)  # which follows no links to elsewhere
    if unpacked > max(limits.unpacked_bytes, limits.unpacked_ratio * stored):
        raise ModelFileError(
            f"The values in the file unpack to {unpacked:,} bytes, far more than it holds.",
            expected=f"at most {max(limits.unpacked_bytes, limits.unpacked_ratio * stored):,}",
            cure="saving.limits, if the file is yours",
        )
    return elements


@contextmanager
def readable(what: str) -> Generator[None, None, None]:
    """Raise our error for every error of HDF5 about a damaged file."""
    try:
        yield
    except AmaltheaError:
        raise
    except Exception as error:
        raise ModelFileError(f"The model file is damaged: {what} cannot be read ({error}).") from error


def _check(data: Any, name: str) -> None:
    plist = data.id.get_create_plist()
    unknown = [f for i in range(plist.get_nfilters()) if (f := plist.get_filter(i)[0]) not in _FILTERS]
    if unknown:
        raise ModelFileError(
            f"The value '{name}' is packed in a way that is not read.",
            expected=" and ".join(_FILTERS.values()),
            got=f"HDF5's filter {unknown[0]}",
            cure="write the file again without compression",
        )
    if data.nbytes > limits.ratio * max(data.id.get_storage_size(), 1024):
        raise ModelFileError(f"The value '{name}' unpacks to {data.nbytes:,} bytes, far more than the file can hold.")


class Group:
    """The arrays of one group of this file, in memory.

    Args:
        group: the group in the open file, or None for an empty one.
        path: its path.
        most: the elements that whoever takes them can use; of a larger value there is the shape alone, as zeros that
            take no memory, for it will be refused.
        keys: the names of the arrays; None, the default, for all.
    """

    def __init__(self, group: Any, path: str, most: int, keys: tuple[str, ...] | None = None):
        self.path = path
        self.arrays: dict[str, np.ndarray] = {}
        with readable(f"'{path}'"):
            for key in [k for k in group if keys is None or k in keys] if group is not None else ():
                self.arrays[key] = self._read(group, key, most)

    def keys(self) -> list[str]:
        return list(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self.arrays:
            raise ModelFileError(f"The file has no value {key} in '{self.path}'.", expected=key, got=self.keys())
        return self.arrays[key]

    def _read(self, group: Any, key: str, most: int) -> np.ndarray:
        import h5py

        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ModelFileError(f"The value {key} in '{self.path}' is a link to elsewhere, which is not followed.")
        data = group[key]
        if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
            raise ModelFileError(f"The value {key} in '{self.path}' is not kept in the file itself.")
        if data.dtype.kind not in "fiubcV" or data.shape is None:
            raise ModelFileError(f"The value {key} in '{self.path}' has no numeric elements.", got=data.dtype)
        _check(data, f"{self.path}/{key}")
        if (data.size or 0) > most:
            return np.broadcast_to(np.zeros((), data.dtype), data.shape)
        if data.attrs.get("dtype") == "bfloat16":
            return np.asarray(data).view(dtypes.to_numpy("bfloat16"))
        return np.asarray(data)


def _open_group(file: Any, path: str) -> Any:
    """A group reached without following links to other files."""
    import h5py

    group = file
    for part in path.split("/"):
        if part not in group:
            return None
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ModelFileError(f"The group '{path}' is a link to elsewhere, which is not followed.")
        group = group[part]
    return group if isinstance(group, h5py.Group) else None


def _group_of(file: Any, path: str) -> Any:
    """The group with the values of an object. Keras 2 wrote ``_query_dense`` for ``query_dense``."""
    found = _open_group(file, f"{path}/vars" if path else "vars")
    if found is None and path:
        around, _, last = path.rpartition("/")
        found = _open_group(file, f"{around}/_{last}/vars".lstrip("/"))
    if found is None and path.startswith("layers/"):  # of Keras 2.12
        found = _open_group(file, f"_layer_checkpoint_dependencies/{path.removeprefix('layers/')}/vars")
    return found


def read(root: Any, file: Any, skip_mismatch: bool = False, is_new: bool = False) -> None:
    """Read all values from an open HDF5 file, then assign them all.

    Unless mismatches are skipped, one failure of whatever kind leaves the model as it was.

    Args:
        root: the model.
        file: the open file.
        skip_mismatch: whether what does not fit is left out with a warning.
        is_new: whether nobody will see the model if it fails.
    """
    index(file)
    failures: list[Exception] = []
    stores: list[tuple[str, Any, Group]] = []
    for path, thing in walk(root):
        if hasattr(thing, "load_own_variables"):
            with _collected(failures, path):
                group = _group_of(file, path)
                stores.append((path, thing, Group(group, path, _elements(thing))))
    if failures and not skip_mismatch:
        raise _first(failures)
    before = [] if is_new or skip_mismatch else [(v, v.numpy()) for v in _all_variables(root)]
    taken: set[int] = set()
    for path, thing, store in stores:
        with _collected(failures, path), readable(f"'{path}'"):
            if _load(thing, store, path):
                taken |= {id(v) for v in _own_variables(thing)}
    if failures and not skip_mismatch:
        for variable, value in before:
            variable.assign(value)
        raise _first(failures)
    for error in failures:
        warnings.warn(f"Skipped: {error}", stacklevel=3)
    plan = loading.reading.get()
    if plan is not None:
        plan.finish(taken)
    for _, thing, _ in stores:
        if isinstance(thing, Optimizer) and not taken.issuperset(id(v) for v in thing.variables):
            getattr(thing, "_begin_at_weights", lambda: None)()  # it was built before the weights were read


@contextmanager
def _collected(failures: list[Exception], path: str) -> Generator[None, None, None]:
    try:
        yield
    except AmaltheaError as error:
        add_location(error, f"in group '{path}' of the file")
        failures.append(error)


def _first(failures: list[Exception]) -> Exception:
    if len(failures) > 1:
        add_location(failures[0], f"and {len(failures) - 1} more like it")
    return failures[0]


def _elements(thing: Any) -> int:
    """The most elements that a value of the object can have; small ones are read whatever they are."""
    return max(
        [
            4096,
            getattr(thing, "_stored_elements", 0),
            *(int(np.prod(v.shape, dtype=np.int64)) for v in _own_variables(thing)),
        ]
    )


def _load(thing: Any, store: Group, path: str) -> bool:
    """Assign the object's own values, if it has any; whether it was done."""
    if isinstance(thing, Optimizer):
        return _load_optimizer(thing, store)
    has_own = thing._own_variables() if isinstance(thing, Layer) else getattr(thing, "variables", None)
    if not len(store) and (not has_own or isinstance(thing, (Metric, Loss))):
        return False
    thing.load_own_variables(store)
    return True


def _load_optimizer(optimizer: Any, store: Group) -> bool:
    """Optimizer state that does not fit is left out with a warning, as in Keras: the weights are still good."""
    if not len(store):
        return False
    if old_optimizers.restore_other_order(optimizer, [store[str(i)] for i in range(len(store)) if str(i) in store]):
        return True
    if not optimizer._can_load(len(store)):
        if len(store) == len(type(optimizer).from_config(optimizer.get_config()).variables):
            return False  # it was saved before its first step
        warnings.warn(
            f"The file's optimizer state was left out: it has {len(store)} values, {visible(optimizer.name)} has "
            f"{len(optimizer.variables)}.",
            stacklevel=4,
        )
        return False
    optimizer.load_own_variables(store)
    return True


def _all_variables(root: Any) -> list[Any]:
    found = {}
    for _, thing in walk(root):
        found.update((id(v), v) for v in _own_variables(thing))
    return list(found.values())


def _own_variables(thing: Any) -> list[Any]:
    return thing._own_variables() if isinstance(thing, Layer) else list(getattr(thing, "variables", []))
