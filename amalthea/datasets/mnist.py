"""MNIST: 70,000 handwritten digits.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits"; CC BY-SA 3.0.
"""

from __future__ import annotations

import numpy as np

from amalthea.utils.files import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
Images = tuple[np.ndarray, np.ndarray]


def load_data(path: str = "mnist.npz") -> tuple[Images, Images]:
    """The images and their digits, fetched once (11 MB) and kept.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: uint8 (60000, 28, 28) and (60000,), (10000, 28, 28) and (10000,).

    Args:
        path: the name to keep the file under, in ``~/.keras/datasets``, or a whole path.

    Raises:
        DownloadError: the file cannot be fetched, or is another one.
    """
    kept = get_file(path, origin=ORIGIN, file_hash=SHA256)
    with np.load(kept, allow_pickle=False) as data:
        return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])
