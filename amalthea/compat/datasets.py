"""``keras.datasets`` with the arguments of Keras 1: ``nb_words``, and names of files that were pickled.

The data come from Keras's own files of arrays: nothing is unpickled.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from amalthea import datasets
from amalthea.compat.modules import module
from amalthea.errors import ArgumentError

RENAMED = {"nb_words": "num_words"}
PICKLED = (".pkl", ".pkl.gz", ".pickle")


def respelled(load: Callable[..., Any]) -> Callable[..., Any]:
    """A function of data that takes the arguments of Keras 1 too.

    Args:
        load: callable; ``load_data`` or ``get_word_index`` of a module of :mod:`amalthea.datasets`.
    """
    signature = inspect.signature(load)

    @functools.wraps(load)
    def function(*args: Any, **kwargs: Any) -> Any:
        kwargs = {RENAMED.get(k, k): v for k, v in kwargs.items()}
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"The data set does not take these arguments: {error}.") from None
        if str(given.arguments.get("path", "")).endswith(PICKLED):
            del given.arguments["path"]  # the same data as arrays, under their own name
        return load(**given.arguments.pop("kwargs", {}), **given.arguments)

    return function


NAMES = ("boston_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters")
FUNCTIONS = ("load_data", "get_word_index", "get_label_names")


def _module(name: str) -> Any:
    base = getattr(datasets, name)
    contents = {word: respelled(getattr(base, word)) for word in FUNCTIONS if hasattr(base, word)}
    return module(f"keras.datasets.{name}", contents, base.__doc__ or "")


MODULES = {name: _module(name) for name in NAMES}
boston_housing = MODULES["boston_housing"]
cifar10 = MODULES["cifar10"]
cifar100 = MODULES["cifar100"]
fashion_mnist = MODULES["fashion_mnist"]
imdb = MODULES["imdb"]
mnist = MODULES["mnist"]
reuters = MODULES["reuters"]
