"""Keras's ``backend`` module: the name of the backend, and the settings that all share.

    from amalthea import backend

    backend.backend()  # "jax"

``backend._BACKEND`` is Keras 1's word for the same.
"""

from __future__ import annotations

from typing import Any

from amalthea.config import DIM_ORDERINGS
from amalthea.config import epsilon as epsilon
from amalthea.config import floatx as floatx
from amalthea.config import image_data_format as image_data_format
from amalthea.config import set_epsilon as set_epsilon
from amalthea.config import set_floatx as set_floatx
from amalthea.config import set_image_data_format as set_image_data_format
from amalthea.engine import backends, dtypes
from amalthea.engine.dtypes import result_type as result_type
from amalthea.engine.dtypes import standardize as standardize_dtype
from amalthea.engine.ir.tensor import Tensor

__all__ = [
    "backend",
    "epsilon",
    "floatx",
    "image_data_format",
    "image_dim_ordering",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_image_dim_ordering",
    "standardize_dtype",
]


def backend() -> str:
    """The name of the backend in use.

    >>> backend() in ("onnxruntime", "numpy", "jax", "torch", "tensorflow", "pytensor", "openvino")
    True
    """
    return backends.announced()


def image_dim_ordering() -> str:
    """Keras 1's name for the image data format: ``"tf"`` (channels last) or ``"th"`` (channels first).

    >>> image_dim_ordering()
    'tf'
    """
    return {value: key for key, value in DIM_ORDERINGS.items()}[image_data_format()]


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set it by Keras 1's name."""
    set_image_data_format(DIM_ORDERINGS.get(dim_ordering, dim_ordering))


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is one of floats."""
    return dtypes.is_float(standardize_dtype(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is one of whole numbers."""
    return dtypes.is_integer(standardize_dtype(dtype))


def is_keras_tensor(x: Any) -> bool:
    """Whether a value is symbolic: a tensor of a model that is being put together."""
    return isinstance(x, Tensor)


def __getattr__(name: str) -> Any:
    if name == "_BACKEND":
        return backend()
    raise AttributeError(f"module 'amalthea.backend' has no attribute {name!r}")
