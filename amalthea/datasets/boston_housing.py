"""Boston housing: prices of 506 areas of Boston and 13 facts about each.

A column of these data assumes that segregation by race moves prices; use them to speak about that, and
:mod:`~amalthea.datasets.california_housing` to train. Source: Harrison and Rubinfeld, "Hedonic housing prices and the
demand for clean air", 1978.
"""

from __future__ import annotations

from amalthea.datasets.storage import Pair, arrays_of, fetched, split_at_end

SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> tuple[Pair, Pair]:
    """Returns the facts and the median prices in thousands of dollars, fetched once and kept.

    Args:
        path: str; name of the kept file, in ``~/.keras/datasets``, or a whole path.
        test_split: float in [0, 1); share of the rows for testing. Defaults to 0.2.
        seed: int; seed of the order. Defaults to 113.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: ``(rows, 13)`` and ``(rows,)``

    Raises:
        ArgumentError: ``test_split`` is out of range.
        DownloadError: the file cannot be fetched, or is another one.

    Example:
        >>> from amalthea import datasets
        >>> (x_train, y_train), _ = datasets.boston_housing.load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (404, 13)
    """
    data = arrays_of(fetched(path, "boston_housing.npz", SHA256))
    return split_at_end(data["x"], data["y"], test_split, seed)
