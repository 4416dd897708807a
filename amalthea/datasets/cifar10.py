"""CIFAR-10: 60,000 small photographs of ten kinds of things.

airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck. Source: Krizhevsky, "Learning multiple layers of
features from tiny images", 2009.
"""

from __future__ import annotations

import numpy as np

from amalthea.datasets import cifar
from amalthea.datasets.storage import Pair

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> tuple[Pair, Pair]:
    """Returns the images and their labels, fetched once (170 MB) and kept.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: uint8 ``(50000, 32, 32, 3)`` and ``(50000, 1)``, ``(10000, 32, 32,
        3)`` and ``(10000, 1)``; with channels first ``(50000, 3, 32, 32)``.

    Raises:
        DownloadError: the file cannot be fetched, or is another one.
        UnsafeFileError: the file holds anything but arrays.

    Example:
        >>> from amalthea import datasets
        >>> (x_train, y_train), _ = datasets.cifar10.load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (50000, 32, 32, 3)
    """
    folder = cifar.folder_of("cifar-10-batches-py-target", ORIGIN, SHA256, "cifar-10-batches-py")
    parts = [cifar.batch(folder / f"data_batch_{i}", b"labels") for i in range(1, 6)]
    x_train, y_train = (np.concatenate(arrays) for arrays in zip(*parts))
    x_test, y_test = cifar.batch(folder / "test_batch", b"labels")
    return (cifar.arranged(x_train), y_train), (cifar.arranged(x_test), y_test)
