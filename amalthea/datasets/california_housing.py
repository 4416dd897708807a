"""California housing: prices of 20,640 areas of California in 1990 and 8 facts about each.

Source: Pace and Barry, "Sparse spatial autoregressions", 1997.
"""

from __future__ import annotations

from amalthea.datasets.storage import Pair, arrays_of, choose, fetched, split_at_end

SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Pair, Pair]:
    """Returns the facts and the median prices in dollars, fetched once and kept.

    Args:
        version: str; ``"large"`` has all rows, ``"small"`` the first 600. Defaults to ``"large"``.
        path: str; name of the kept file, in ``~/.keras/datasets``, or a whole path.
        test_split: float in [0, 1); share of the rows for testing. Defaults to 0.2.
        seed: int; seed of the order. Defaults to 113.

    Shapes: ``(x_train, y_train), (x_test, y_test)``: ``(rows, 8)`` and ``(rows,)``

    Raises:
        ArgumentError: the version does not exist, or ``test_split`` is out of range.
        DownloadError: the file cannot be fetched, or is another one.

    Example:
        >>> from amalthea import datasets
        >>> (x_train, y_train), _ = datasets.california_housing.load_data("small")  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (480, 8)
    """
    choose(version, ("small", "large"), "version")
    data = arrays_of(fetched(path, "california_housing.npz", SHA256))
    rows = slice(600) if version == "small" else slice(None)
    return split_at_end(data["x"][rows], data["y"][rows], test_split, seed)
