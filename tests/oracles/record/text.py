"""What Keras's layers of text answer: outputs, vocabulary, configuration.

They compute with TensorFlow, whatever Keras's backend is, and give whole numbers of 64 bits on that backend alone; so
they are asked in a process of its own.
"""

import json
import os
import subprocess
import sys

from ..cases.text import CASES


def records():
    """A record for every case: its fields, `output` (dtype, shape, flat values), `vocabulary` and `get_config`."""
    env = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    made = subprocess.run([sys.executable, "-m", __name__], env=env, stdout=subprocess.PIPE, check=True, text=True)
    return [{**vars(case), **answer} for case, answer in zip(CASES, json.loads(made.stdout), strict=True)]


def answers():
    import keras
    import numpy as np
    import tensorflow as tf

    def record(case):
        keras.utils.clear_session()
        config = {k: tuple(v) if k == "ngrams" and isinstance(v, list) else v for k, v in case.config.items()}
        layer = getattr(keras.layers, case.class_name)(**config)
        if case.adapt is not None:
            layer.adapt(
                tf.data.Dataset.from_generator(lambda: iter(case.adapt), output_signature=signature(case.adapt))
            )
        given = (
            [np.array(f) for f in case.features]
            if case.features
            else np.array(case.inputs, str if case.inputs == [] else None)
        )
        output = layer(given)
        output = output.to_tensor() if hasattr(output, "to_tensor") else output
        array = np.asarray(output)
        vocabulary = layer.get_vocabulary() if hasattr(layer, "get_vocabulary") else None
        return {
            "output": {"dtype": str(array.dtype), "shape": list(array.shape), "values": plain(array.ravel().tolist())},
            "vocabulary": plain(vocabulary),
            "get_config": plain(layer.get_config()),
        }

    def signature(batches):
        array = np.array(batches[0])
        return tf.TensorSpec([None] * array.ndim, tf.string if array.dtype.kind == "U" else tf.int64)

    return [record(case) for case in CASES]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value.item() if hasattr(value, "item") else value


if __name__ == "__main__":
    json.dump(answers(), sys.stdout)
