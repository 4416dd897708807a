"""Model files: written and read in Keras 3's layout, and safe to open."""

import importlib

from amalthea.custom_objects import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from amalthea.loading import limits

_LAZY = {
    "KerasFileEditor": "file_editor",
    "deserialize_keras_object": "objects",
    "enable_unsafe_deserialization": "objects",
    "load_model": "files",
    "load_weights": "files",
    "model_from_json": "texts",
    "model_from_yaml": "texts",
    "save_model": "files",
    "save_weights": "files",
    "serialize_keras_object": "objects",
}

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    "CustomObjectScope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "limits",
    "register_keras_serializable",
    *sorted(_LAZY),
]

custom_object_scope = CustomObjectScope


def __getattr__(name: str):
    if name not in _LAZY:
        raise AttributeError(f"module 'amalthea.saving' has no attribute {name!r}")
    return getattr(importlib.import_module(f"amalthea.saving.{_LAZY[name]}"), name)
