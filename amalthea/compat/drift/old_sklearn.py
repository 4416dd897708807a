"""``sklearn.cross_validation``, ``sklearn.grid_search`` and others, by ``sklearn.model_selection``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from amalthea.compat.drift.helpers import of
from amalthea.errors import ArgumentError

_SELECTION = "sklearn.model_selection"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return of(f"{_SELECTION}.{name}")


class _Splits:
    """The splits of a number of rows, which are walked over at once."""

    def __init__(self, splitter: Any, rows: int, labels: Any = None):
        self.n, self.splitter, self.labels = rows, splitter, labels

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return self.splitter.split(np.zeros((self.n, 1)), self.labels)

    def __len__(self) -> int:
        return self.splitter.get_n_splits(np.zeros((self.n, 1)), self.labels)


def _seeded(shuffle: bool, random_state: Any) -> dict[str, Any]:
    return {"shuffle": shuffle, "random_state": random_state if shuffle else None}


def KFold(n: int, n_folds: int = 3, shuffle: bool = False, random_state: Any = None) -> _Splits:
    """Splits of ``n`` rows into folds."""
    return _Splits(of(f"{_SELECTION}.KFold")(n_folds, **_seeded(shuffle, random_state)), n)


def StratifiedKFold(y: Any, n_folds: int = 3, shuffle: bool = False, random_state: Any = None) -> _Splits:
    """Splits into folds that keep the shares of the labels."""
    made = of(f"{_SELECTION}.StratifiedKFold")(n_folds, **_seeded(shuffle, random_state))
    return _Splits(made, len(y), y)


def LeaveOneOut(n: int) -> _Splits:
    """Splits of ``n`` rows that leave out one each."""
    return _Splits(of(f"{_SELECTION}.LeaveOneOut")(), n)


def ShuffleSplit(
    n: int, n_iter: int = 10, test_size: Any = 0.1, train_size: Any = None, random_state: Any = None
) -> Any:
    """Random splits of ``n`` rows."""
    made = of(f"{_SELECTION}.ShuffleSplit")(
        n_iter, test_size=test_size, train_size=train_size, random_state=random_state
    )
    return _Splits(made, n)


def StratifiedShuffleSplit(
    y: Any, n_iter: int = 10, test_size: Any = 0.1, train_size: Any = None, random_state: Any = None
) -> Any:
    """Random splits that keep the shares of the labels."""
    made = of(f"{_SELECTION}.StratifiedShuffleSplit")(
        n_iter, test_size=test_size, train_size=train_size, random_state=random_state
    )
    return _Splits(made, len(y), y)


class GridSearchCV:
    """``GridSearchCV``; ``grid_scores_`` are its results as tuples."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        for name in ("iid", "fit_params"):
            kwargs.pop(name, None)
        return _searching(of(f"{_SELECTION}.GridSearchCV"))(*args, **kwargs)


class RandomizedSearchCV:
    """``RandomizedSearchCV``; ``grid_scores_`` are its results as tuples."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        for name in ("iid", "fit_params"):
            kwargs.pop(name, None)
        return _searching(of(f"{_SELECTION}.RandomizedSearchCV"))(*args, **kwargs)


def _searching(base: Any) -> Any:
    class Searching(base):
        @property
        def grid_scores_(self) -> list[tuple[Any, float, np.ndarray]]:
            """The parameters, the mean score and the scores of each fold."""
            found = self.cv_results_
            folds = [found[name] for name in found if name.startswith("split") and name.endswith("_test_score")]
            return [
                (given, mean, np.array(scores))
                for given, mean, scores in zip(found["params"], found["mean_test_score"], zip(*folds))
            ]

    Searching.__name__ = Searching.__qualname__ = base.__name__
    return Searching


def Imputer(missing_values: Any = "NaN", strategy: str = "mean", axis: int = 0, **kwargs: Any) -> Any:
    """``SimpleImputer`` over columns."""
    if axis:
        raise ArgumentError("Missing values are filled by columns today.", expected="axis=0", got=str(axis))
    kwargs.pop("verbose", None)
    missing = np.nan if missing_values in ("NaN", np.nan) else missing_values
    return of("sklearn.impute.SimpleImputer")(missing_values=missing, strategy=strategy, **kwargs)


def fetch_mldata(dataname: str, *args: Any, **kwargs: Any) -> Any:
    """Refuses: the server mldata.org is gone."""
    raise ArgumentError(
        "The server of fetch_mldata is gone.",
        got=dataname,
        cure="amalthea.datasets.mnist.load_data(), or sklearn.datasets.fetch_openml",
    )
