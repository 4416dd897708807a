"""CIFAR-100: 60,000 small photographs of a hundred kinds of things, in twenty groups.

Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from __future__ import annotations

from amalthea.datasets import cifar
from amalthea.datasets.storage import Pair, choose

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> tuple[Pair, Pair]:
    """Returns the images and their labels, fetched once (170 MB) and kept.

    Args:
        label_mode: str; ``"fine"`` gives one of 100 labels, ``"coarse"`` one of 20. Defaults to ``"fine"``.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: uint8 ``(50000, 32, 32, 3)`` and ``(50000, 1)``, ``(10000, 32, 32,
        3)`` and ``(10000, 1)``; with channels first ``(50000, 3, 32, 32)``.

    Raises:
        ArgumentError: the label mode does not exist.
        DownloadError: the file cannot be fetched, or is another one.
        UnsafeFileError: the file holds anything but arrays.

    Example:
        >>> from amalthea import datasets
        >>> (x_train, y_train), _ = datasets.cifar100.load_data("coarse")  # doctest: +SKIP
        >>> int(y_train.max())  # doctest: +SKIP
        19
    """
    choose(label_mode, ("fine", "coarse"), "label_mode")
    folder = cifar.folder_of("cifar-100-python-target", ORIGIN, SHA256, "cifar-100-python")
    key = f"{label_mode}_labels".encode()
    (x_train, y_train), (x_test, y_test) = (cifar.batch(folder / name, key) for name in ("train", "test"))
    return (cifar.arranged(x_train), y_train), (cifar.arranged(x_test), y_test)
