"""HDF5 files (``.h5``, ``.hdf5``, ``.weights.h5``): weights in Keras 3's layout, and in that of Keras 1 and 2."""

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError, ModelFileError
from amalthea.saving import building, heaps, layered, numbered, weights, whole_h5
from amalthea.saving.contents import Contents, Value, in_todays_form


def bytes_of(model: Any) -> bytes:
    """A file of the weights of a model, in Keras 3's layout."""
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        weights.write(model, file)
    return memory.getvalue()


def bytes_of_values(values: dict[str, dict[str, Any]]) -> bytes:
    """A file of weights with values by path and name, in Keras 3's layout."""
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        weights.write_values(values, file)
    return memory.getvalue()


def check_by_order(by_name: bool) -> None:
    """:class:`ArgumentError` for ``by_name`` with a file that has no names of layers."""
    if by_name:
        raise ArgumentError(
            "This file of weights does not hold names of layers.",
            expected="by_name=False",
            cure="skip_mismatch=True leaves out what does not fit",
        )


@contextmanager
def opened(data: bytes) -> Generator[Any, None, None]:
    import h5py

    heaps.check(data)
    try:
        file = h5py.File(io.BytesIO(data), "r")
    except Exception as error:  # HDF5 has many ways to say so
        raise ModelFileError(f"The model file is damaged: its weights are no HDF5 ({error}).") from None
    with file:
        yield file


def load_model(path: Any, compile: bool) -> Any:
    """The model of a file; its optimizer's state with it if ``compile`` is true."""
    with opened(_bytes(path)) as file:
        if not layered.is_whole(file):
            raise ModelFileError(
                "This file holds weights without a model.",
                got=str(path),
                cure="build the model in Python, and model.load_weights(path)",
            )
        return whole_h5.load_model(file, compile)


def _bytes(path: Any) -> bytes:
    return path.read() if hasattr(path, "read") else Path(path).read_bytes()


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Reads the weights of a file into a built model."""
    with opened(_bytes(path)) as file, at_once():
        if layered.is_layered(file):
            layered.read(model, file, by_name, skip_mismatch)
        elif numbered.is_numbered(file):
            numbered.read(model, file)
        else:
            check_by_order(by_name)
            weights.read(model, file, skip_mismatch)


def contents(path: Any) -> Contents:
    """The contents of a file, without building the model."""
    with opened(_bytes(path)) as file:
        values, origin = values_in(file), layered.origin_of(file)
        text = layered.text(file, "model_config")
    versions = {"Keras": origin.version, "backend": origin.backend}
    config, refused = in_todays_form(building.parsed(text.encode()), origin) if text else (None, [])
    return Contents({key: told for key, told in versions.items() if told}, config, values, refused)


def values_in(file: Any) -> list[Value]:
    """Names, shapes and dtypes of all values in an open file, without links to elsewhere."""
    import h5py

    found: list[Value] = []

    def visit(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset) and thing.shape is not None:
            found.append(Value(name, thing.shape, str(thing.attrs.get("dtype", thing.dtype))))

    weights.index(file)
    with weights.readable("its index"):
        file.visititems(visit)
    return found
