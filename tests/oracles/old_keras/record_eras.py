"""Writes ``stored/eras1.npz`` with Keras 1.2.2, ``stored/eras2.npz`` with 2.2.4: the answers of ``era_cases.py``.

KERAS_BACKEND=theano THEANO_FLAGS=device=cpu,floatX=float32 old/bin/python tests/oracles/old_keras/record_eras.py
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import era_cases  # noqa: E402
import keras  # noqa: E402
import keras.backend  # noqa: E402
import keras.layers  # noqa: E402
import keras.models  # noqa: E402
import keras.optimizers  # noqa: E402
import numpy as np  # noqa: E402
import theano.ifelse  # noqa: E402, F401  # Keras 1.2.2 uses it without importing it

era = int(keras.__version__[0])
answers = {}
for case in era_cases.CASES[era]:
    for name, value in case(keras).items():
        answers[case.__name__ + "/" + name] = np.asarray(value)
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "stored", f"eras{era}.npz"), **answers)
print(len(answers))
