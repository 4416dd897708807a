"""Writes the answers of an old Keras: see README.md."""

import os
import random
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from numbers_of_cases import numbers  # noqa: E402


def listed(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def backend(era):
    import backend_cases as cases
    from keras import backend as K

    if hasattr(K, "set_image_data_format"):
        K.set_image_data_format("channels_last")
    found = {}
    for name, ask, shapes in cases.EVERY + (cases.KERAS1 if era == 1 else cases.KERAS2):
        try:
            outputs = [K.eval(x) for x in listed(ask(K, *[K.variable(a) for a in numbers(shapes, mirrored=True)]))]
        except Exception as error:
            print("refused by Keras", era, name, type(error).__name__, str(error)[:100])
            continue
        for i, x in enumerate(outputs):
            found[f"{name}/{i}"] = np.asarray(x)
    return found


def preprocessing(era):
    import preprocessing_cases as cases

    if era == 1:
        from keras.preprocessing import image, sequence, text
    else:
        from keras_preprocessing import image, sequence, text
    found = {}
    for name, ask, shapes in cases.KERAS1 if era == 1 else cases.KERAS2:
        np.random.seed(0)
        random.seed(0)
        for i, x in enumerate(listed(ask(image, sequence, text, *numbers(shapes)))):
            found[f"{name}/{i}"] = np.asarray(x)
    return found


if __name__ == "__main__":
    asked = sys.argv[1]
    found = (backend if asked.startswith("keras") else preprocessing)(int(asked[-1]))
    folder = os.path.join(HERE, "stored")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, asked + ".npz")
    if os.path.exists(path):  # what another run refused: Theano's convolutions need a compiler, its dot products a BLAS
        found = dict(dict(np.load(path)), **found)
    np.savez_compressed(path, **found)
    print(asked, len(found), "arrays")
