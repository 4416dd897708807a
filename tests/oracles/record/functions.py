"""What schedules, regularizers and constraints answer: each is an object that is called on one array."""

import keras
import numpy as np

from ..build import construct
from ..draws import draw, generator


def record(module, case, each=False):
    """The case's fields, ``inputs`` as arrays, ``output`` and ``get_config``; `each`: called on every number alone."""
    called = construct(keras, module, case.class_name, case.config)
    inputs = draw(case.inputs, generator(case.id))
    if each:
        output = np.array([np.asarray(called(keras.ops.convert_to_tensor(number))) for number in inputs[0]])
    else:
        output = np.asarray(called(keras.ops.convert_to_tensor(inputs[0])))
    return {**vars(case), "inputs": inputs, "output": output, "get_config": called.get_config()}
