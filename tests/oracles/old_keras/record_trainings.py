"""Writes ``stored/trainings-VERSION.npz`` with Keras 1.2.2 or 2.2.4 on Theano, or 2.3.1 on TensorFlow 1.15.

KERAS_BACKEND=theano THEANO_FLAGS=device=cpu,floatX=float32 old/bin/python tests/oracles/old_keras/record_trainings.py
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import keras  # noqa: E402
import keras.backend  # noqa: E402
import keras.callbacks  # noqa: E402
import keras.layers  # noqa: E402
import keras.models  # noqa: E402
import numpy as np  # noqa: E402
import training_cases  # noqa: E402

if keras.backend.backend() == "theano":
    import theano.ifelse  # noqa: F401  # Keras 1.2.2 uses it without importing it

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stored")
answers = {}
for case in training_cases.CASES[keras.__version__]:
    for name, value in case(keras).items():
        answers[case.__name__ + "/" + name] = np.asarray(value)
np.savez_compressed(os.path.join(folder, "trainings-" + keras.__version__ + ".npz"), **answers)
print(len(answers))
