"""Saved models with members changed."""

from __future__ import annotations

import io
import json
import zipfile

import h5py


def rewritten(path, **changes):
    """The file with members changed by functions of their bytes, or left out (None)."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            change = changes.get(name.split(".")[0], lambda data: data)
            if change is not None:
                archive.writestr(name, change(data))
    return path


def with_config(path, change):
    """The file with its configuration changed."""

    def edit(data):
        config = json.loads(data)
        change(config)
        return json.dumps(config).encode()

    return rewritten(path, config=edit)


def with_weights(path, change):
    """The file with its HDF5 file changed."""

    def edit(data):
        memory = io.BytesIO(data)
        with h5py.File(memory, "r+") as file:
            change(file)
        return memory.getvalue()

    return rewritten(path, model=edit)
