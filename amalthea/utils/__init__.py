"""Helpers for a person's own scripts; each lives where the map says, and is here under Keras's address.

| names | live in |
|---|---|
| ``to_categorical``, ``normalize`` | ``numerical.py`` |
| ``pad_sequences`` | ``sequences.py`` |
| ``image_dataset_from_directory``, ``text_...``, ``audio_...`` | ``directories.py`` |
| ``load_img``, ``img_to_array``, ... | ``image_files.py`` |
| ``timeseries_dataset_from_array``, ``split_dataset`` | ``timeseries.py`` |
| ``Config``; ``get_source_inputs`` | ``config.py``; ``sources.py`` |
| ``clear_session``, ``is_keras_tensor`` | ``amalthea.backend`` |
| ``model_to_dot``, ``plot_model`` | ``model_plots.py`` |
| ``FeatureSpace`` | ``feature_space.py``, ``feature.py`` |
| ``get_file`` | ``files.py``, ``archives.py`` |
| ``multi_gpu_model`` | ``multi_gpu.py`` |
| ``get_custom_objects``, ``serialize_keras_object``, ``deserialize_keras_object`` | ``custom_objects.py`` |
| ``CustomObjectScope``, ``register_keras_serializable``, ... | ``amalthea.configurable`` |
| ``PyDataset``, ``Sequence``, ``pack_x_y_sample_weight``, ``unpack_x_y_sample_weight`` | ``amalthea.data`` |
| ``Progbar``, ``enable_interactive_logging``, ... | ``amalthea.callbacks`` |
| ``set_random_seed`` | ``amalthea.random`` |
| ``standardize_dtype`` | ``amalthea.engine.dtypes`` |
"""

from amalthea.backend import clear_session, is_keras_tensor
from amalthea.callbacks.console import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from amalthea.callbacks.progbar import Progbar
from amalthea.custom_objects import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from amalthea.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from amalthea.data.py_dataset import PyDataset, Sequence
from amalthea.engine.dtypes import standardize as standardize_dtype
from amalthea.names import missing_in as _missing_in
from amalthea.random import set_random_seed
from amalthea.utils import bounding_boxes, legacy
from amalthea.utils.config import Config
from amalthea.utils.custom_objects import deserialize_keras_object, serialize_keras_object
from amalthea.utils.directories import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from amalthea.utils.feature_space import FeatureSpace
from amalthea.utils.files import get_file
from amalthea.utils.image_files import array_to_img, img_to_array, load_img, save_img, smart_resize
from amalthea.utils.model_plots import model_to_dot, plot_model
from amalthea.utils.multi_gpu import multi_gpu_model
from amalthea.utils.numerical import normalize, to_categorical
from amalthea.utils.sequences import pad_sequences
from amalthea.utils.sources import get_source_inputs
from amalthea.utils.timeseries import split_dataset, timeseries_dataset_from_array

custom_object_scope = CustomObjectScope

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "multi_gpu_model",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "smart_resize",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__ = _missing_in("utils")
