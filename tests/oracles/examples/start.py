"""Starts a script under a real Keras, whatever its version: ``python start.py SEED SCRIPT``.

The script runs unchanged. Only its seed is moved by SEED, and files that are kept are taken whatever their hash is,
since they are small ones in the formats of the large ones (``examples/data.py``).
"""

import gzip
import os
import pickle
import runpy
import sys

import numpy as np


def pickled(folder):
    """The digits and reviews as Keras 1 kept them."""
    with np.load(os.path.join(folder, "mnist.npz")) as kept:
        digits = [(kept["x_" + part], kept["y_" + part]) for part in ("train", "test")]
    with gzip.open(os.path.join(folder, "mnist.pkl.gz"), "wb") as file:
        pickle.dump(digits, file)
    with np.load(os.path.join(folder, "imdb.npz")) as kept:
        reviews = [(kept["x_" + part].tolist(), kept["y_" + part].tolist()) for part in ("train", "test")]
    with open(os.path.join(folder, "imdb_full.pkl"), "wb") as file:
        pickle.dump(reviews, file)


def main(offset, script):
    drawn = np.random.seed
    np.random.seed = lambda seed=None: drawn(None if seed is None else seed + offset)
    if os.environ.get("KERAS_BACKEND") == "tensorflow":
        import tensorflow as tf

        if tf.__version__.startswith("1."):
            tf.logging.set_verbosity(tf.logging.ERROR)
            tf.set_random_seed(offset)
    import keras

    if keras.__version__ < "2":
        pickled(os.path.join(os.environ["KERAS_HOME"], "datasets"))
    if keras.__version__ < "3":
        import keras.utils.data_utils as files

        files.validate_file = lambda *args, **kwargs: True
    else:
        from keras.src.utils import file_utils as files

        files.validate_file = lambda *args, **kwargs: True
        seeded = keras.utils.set_random_seed
        keras.utils.set_random_seed = lambda seed: seeded(seed + offset)
    sys.argv = [script]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
