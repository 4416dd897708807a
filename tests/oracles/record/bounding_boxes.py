"""What Keras's functions of bounding boxes answer."""

import keras
import numpy as np
from keras import tree

from ..cases.bounding_boxes import CASES


def records():
    """A record for every case: its fields, and ``outputs`` in the order of ``tree.flatten``."""
    return [{**vars(case), "outputs": answer(case)} for case in CASES]


def array(value):
    if isinstance(value, dict):
        return {key: array(item) for key, item in value.items()}
    return np.array(value, "float32" if "float" in str(np.array(value).dtype) else "int32")


def answer(case):
    arguments = {
        k: array(v) if isinstance(v, (list, dict)) and k != "variance" else v for k, v in case.arguments.items()
    }
    return [np.asarray(x) for x in tree.flatten(getattr(keras.utils.bounding_boxes, case.function)(**arguments))]
