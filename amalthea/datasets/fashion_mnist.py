"""Fashion-MNIST: 70,000 images of ten kinds of clothes, in the form of MNIST.

T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot. Source: Xiao, Rasul and Vollgraf,
"Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017; MIT license.
"""

from __future__ import annotations

import gzip
import os

import numpy as np

from amalthea.datasets.storage import STORAGE, Pair
from amalthea.errors import DataError
from amalthea.utils.files import get_file

FILES = (
    "train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
)  # fmt: skip


def load_data() -> tuple[Pair, Pair]:
    """Returns the images and their labels, fetched once (30 MB) and kept.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: uint8 ``(60000, 28, 28)`` and ``(60000,)``, ``(10000, 28, 28)``
        and ``(10000,)``

    Raises:
        DownloadError: a file cannot be fetched.
        DataError: a file is damaged.

    Example:
        >>> from amalthea import datasets
        >>> (x_train, y_train), _ = datasets.fashion_mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    subfolder = os.path.join("datasets", "fashion-mnist")
    paths = [get_file(name, origin=STORAGE + name, cache_subdir=subfolder) for name in FILES]
    y_train, x_train, y_test, x_test = map(_idx, paths)
    return (x_train, y_train), (x_test, y_test)


def _idx(path: str) -> np.ndarray:
    """The array of bytes in a packed IDX file."""
    try:
        with gzip.open(path, "rb") as file:
            data = file.read()
        axes = data[3]
        shape = tuple(np.frombuffer(data, ">i4", axes, 4).tolist())
        return np.frombuffer(data, "uint8", offset=4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise DataError("The file of a data set is damaged.", got=f"{os.path.basename(path)} ({error})") from None
