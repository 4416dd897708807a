"""Helpers for a person's own scripts; each lives where the map says, and is here under Keras's address.

| names | live in |
|---|---|
| ``to_categorical``, ``normalize`` | ``numerical.py`` |
| ``pad_sequences`` | ``sequences.py`` |
| ``get_file`` | ``files.py``, ``archives.py`` |
| ``get_custom_objects``, ``serialize_keras_object``, ``deserialize_keras_object`` | ``custom_objects.py`` |
| ``CustomObjectScope``, ``register_keras_serializable``, ... | ``amalthea.configurable`` |
| ``PyDataset``, ``Sequence``, ``pack_x_y_sample_weight``, ``unpack_x_y_sample_weight`` | ``amalthea.data`` |
| ``Progbar``, ``enable_interactive_logging``, ... | ``amalthea.callbacks`` |
| ``set_random_seed`` | ``amalthea.random`` |
| ``standardize_dtype`` | ``amalthea.engine.dtypes`` |
"""

from amalthea.callbacks.console import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from amalthea.callbacks.progbar import Progbar
from amalthea.custom_objects import (
    CustomObjectScope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from amalthea.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from amalthea.data.py_dataset import PyDataset, Sequence
from amalthea.engine.dtypes import standardize as standardize_dtype
from amalthea.names import missing_in as _missing_in
from amalthea.random import set_random_seed
from amalthea.utils.custom_objects import deserialize_keras_object, get_custom_objects, serialize_keras_object
from amalthea.utils.files import get_file
from amalthea.utils.numerical import normalize, to_categorical
from amalthea.utils.sequences import pad_sequences

custom_object_scope = CustomObjectScope

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "is_interactive_logging_enabled",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__ = _missing_in("utils")
