"""Keras's ``backend`` module: the name of the backend, and the settings that all share.

    from amalthea import backend

    backend.backend()  # "jax"

``backend._BACKEND`` is Keras 1's word for the same.
"""

from __future__ import annotations

import gc
from typing import Any

from amalthea.config import DIM_ORDERINGS
from amalthea.config import epsilon as epsilon
from amalthea.config import floatx as floatx
from amalthea.config import image_data_format as image_data_format
from amalthea.config import set_epsilon as set_epsilon
from amalthea.config import set_floatx as set_floatx
from amalthea.config import set_image_data_format as set_image_data_format
from amalthea.engine import auto_names, backends, dtypes
from amalthea.engine.dtypes import result_type as result_type
from amalthea.engine.dtypes import standardize as standardize_dtype
from amalthea.engine.ir.tensor import Tensor

__all__ = [
    "backend",
    "clear_session",
    "get_uid",
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
    """Returns the name of the backend in use.

    Example:
        >>> from amalthea import backend, use_backend
        >>> with use_backend("numpy"):
        ...     backend.backend()
        'numpy'
    """
    return backends.announced()


def image_dim_ordering() -> str:
    """Returns Keras 1's name of the image data format: ``"tf"`` (channels last) or ``"th"`` (channels first).

    Example:
        >>> from amalthea import backend
        >>> backend.image_dim_ordering()
        'tf'
    """
    return {value: key for key, value in DIM_ORDERINGS.items()}[image_data_format()]


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Sets the image data format by its name in Keras 1.

    Args:
        dim_ordering: str; ``"tf"`` (channels last) or ``"th"`` (channels first).

    Raises:
        ArgumentError: the ordering is not one of the two.

    Example:
        >>> from amalthea import backend
        >>> backend.set_image_dim_ordering("th")
        >>> backend.image_data_format()
        'channels_first'
        >>> backend.set_image_dim_ordering("tf")
    """
    set_image_data_format(DIM_ORDERINGS.get(dim_ordering, dim_ordering))


def is_float_dtype(dtype: Any) -> bool:
    """Returns whether a dtype is one of floats.

    Args:
        dtype: DTypeLike.

    Example:
        >>> from amalthea import backend
        >>> backend.is_float_dtype("bfloat16"), backend.is_float_dtype("int8")
        (True, False)
    """
    return dtypes.is_float(standardize_dtype(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Returns whether a dtype is one of signed or unsigned integers.

    Args:
        dtype: DTypeLike.

    Example:
        >>> from amalthea import backend
        >>> backend.is_int_dtype("uint8"), backend.is_int_dtype("bool")
        (True, False)
    """
    return dtypes.is_integer(standardize_dtype(dtype))


def is_keras_tensor(x: Any) -> bool:
    """Returns whether a value is symbolic, such as an ``Input`` and every value computed from it.

    Args:
        x: any value.

    Example:
        >>> import numpy as np
        >>> from amalthea import Input, backend
        >>> backend.is_keras_tensor(Input((3,)) * 2), backend.is_keras_tensor(np.ones(3))
        (True, False)
    """
    return isinstance(x, Tensor)


def get_uid(prefix: str = "") -> int:
    """Returns 1 for the first call with a prefix, 2 for the next, and so on, until :func:`clear_session`.

    Args:
        prefix: str; what is counted. Defaults to ``""``.

    Example:
        >>> from amalthea import backend
        >>> backend.clear_session()
        >>> backend.get_uid("block"), backend.get_uid("block"), backend.get_uid("head")
        (1, 2, 1)
    """
    return auto_names.next_number(prefix)


def clear_session(free_memory: bool = True) -> None:
    """Begins automatic names anew, and frees what models that are gone still hold.

    Models, layers and optimizers that exist stay as they are.

    Args:
        free_memory: bool; whether Python's garbage collector runs. Defaults to True.

    Example:
        >>> from amalthea import backend, layers
        >>> backend.clear_session()
        >>> layers.Dense(1).name, layers.Dense(1).name
        ('dense', 'dense_1')
    """
    auto_names.forget_names()
    if free_memory:
        gc.collect()


def __getattr__(name: str) -> Any:
    if name == "_BACKEND":
        return backend()
    raise AttributeError(f"module 'amalthea.backend' has no attribute {name!r}")
