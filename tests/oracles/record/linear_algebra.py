"""What Keras's ops of linear algebra and Fourier transforms answer, and their gradients."""

import jax
import keras
import numpy as np

from ..cases.linear_algebra import CASES, arrays
from ..draws import cotangent, generator


def records():
    """For every case its fields, ``inputs`` as arrays, ``outputs`` as (dtype, array), and ``gradients``."""
    return [record(case) for case in CASES]


def record(case):
    function = getattr(keras.ops, case.name)
    inputs = arrays(case, generator(case.id))

    def call(*xs):
        outputs = function(tuple(xs), **case.config) if case.pair else function(*xs, **case.config)
        return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]

    def total(*xs):
        return sum(
            (output * cotangent(output.shape, i)).sum()
            for i, output in enumerate(call(*xs))
            if keras.backend.is_float_dtype(output.dtype)
        )

    given = [keras.ops.convert_to_tensor(x, x.dtype if case.dtype == "float32" else case.dtype) for x in inputs]
    fields = {**vars(case), "inputs": inputs}
    try:
        outputs = call(*given)
    except (TypeError, ValueError, NotImplementedError) as error:
        return {**fields, "refused": type(error).__name__, "outputs": [], "gradients": []}
    gradients = jax.grad(total, tuple(range(len(given))))(*given) if case.gradient else []
    return {
        **fields,
        "refused": "",
        "outputs": [[keras.backend.standardize_dtype(x.dtype), _plain(x)] for x in outputs],
        "gradients": [np.asarray(x) for x in gradients],
    }


def _plain(x):
    x = np.asarray(x)
    return x if x.dtype.kind in "biu" else x.astype("float32")
