"""What Keras's functions of quantizers answer, and the gradients of the one that is trained through."""

import jax
import keras
import numpy as np

from ..cases.quantizers import CASES, arguments, arrays
from ..draws import cotangent


def records():
    """A record for every case: its fields, ``given`` as arrays, ``outputs`` as (dtype, array), ``gradients``."""
    return [record(case) for case in CASES]


def record(case):
    function, given = getattr(keras.quantizers, case.function), arrays(case)
    formats, config = arguments(case)
    tensors = [keras.ops.convert_to_tensor(x, x.dtype) for x in given]
    outputs = function(*tensors, *formats, **config)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    outputs = [x for x in outputs if hasattr(x, "dtype")]
    gradients = []
    if case.gradient:
        weights = cotangent(given[0].shape, 0)
        gradients = jax.grad(lambda *xs: (function(*xs, **config) * weights).sum(), (0, 1, 2))(*tensors)
    return {
        **vars(case),
        "given": given,
        "outputs": [[keras.backend.standardize_dtype(x.dtype), np.asarray(x)] for x in outputs],
        "gradients": [np.asarray(x) for x in gradients],
    }
