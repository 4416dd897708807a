"""Small data sets to try things on. ``digits`` comes with the package; the others are fetched once and kept."""

from amalthea.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)
from amalthea.names import missing_in as _missing_in

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

__getattr__ = _missing_in("datasets")
