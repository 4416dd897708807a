"""Data sets of this library as Grain pipelines."""

from __future__ import annotations

from typing import Any

import grain  # pyright: ignore[reportMissingImports]


def made(dataset: Any, source: Any, batch_size: int | None, shuffle: bool, seed: int | None) -> Any:
    """A Grain data set of a source, shuffled and in batches like the given one.

    Args:
        dataset: not read; a source and its options tell the same.
        source: object with ``__len__`` and ``__getitem__``.
        batch_size: rows in a batch; None for single elements.
        shuffle, seed: whether it is shuffled, and by which seed.
    """
    pipeline = grain.MapDataset.source(source)
    pipeline = pipeline.shuffle((seed or 0) % (1 << 32)) if shuffle else pipeline
    return pipeline if batch_size is None else pipeline.batch(batch_size)
