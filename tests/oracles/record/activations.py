"""What Keras's activation functions answer, and their gradients."""

import jax
import keras
import numpy as np

from ..cases.activations import CASES
from ..draws import cotangent, draw, generator


def records():
    """For every case its fields, ``inputs`` as arrays, ``output``, and the ``gradient`` of sum(output * cotangent)."""
    return [record(case) for case in CASES]


def record(case):
    function = getattr(keras.activations, case.class_name)
    inputs = draw(case.inputs, generator(case.id))

    def total(x):
        output = function(x, **case.config)
        return (output * cotangent(output.shape)).sum(), output

    (_, output), gradient = jax.value_and_grad(total, has_aux=True)(jax.numpy.asarray(inputs[0]))
    return {**vars(case), "inputs": inputs, "output": np.asarray(output), "gradient": np.asarray(gradient)}
