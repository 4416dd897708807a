"""Batches whose sequences are padded to a few lengths, so that few shapes are compiled: ``pad_to_multiple``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.checks import positive_int
from amalthea.data.base import Batch, DataAdapter


class BucketAdapter(DataAdapter):
    """The batches of an adapter, with zeros after the last step up to the next multiple of a length.

    Args:
        adapter: where the batches come from.
        multiple: lengths become multiples of it.
        inputs: for each array of ``x`` whether axis 1 is the one to pad; None: in all that have an axis 1.
        outputs: the same for the arrays of ``y`` and the predictions. Only arrays as long as ``x`` are padded.

    Shapes: every sequence (batch, time, ...).

    >>> from amalthea.data import adapters
    >>> feed = BucketAdapter(adapters.make_adapter([[1, 2, 3]], [0]), 4)
    >>> [x.tolist() for x, _, _ in feed.batches()], feed.cut(np.ones((1, 4, 2))).shape
    ([[[1, 2, 3, 0]]], (1, 3, 2))
    """

    def __init__(
        self,
        adapter: DataAdapter,
        multiple: int,
        inputs: Sequence[bool] | None = None,
        outputs: Sequence[bool] | None = None,
    ):
        positive_int(multiple, "multiple", "BucketAdapter")
        self.adapter, self.multiple = adapter, int(multiple)
        self.are_open, self.follow = inputs, outputs
        self.steps, self.batch_size, self.rows = adapter.steps, adapter.batch_size, adapter.rows
        self.is_one_batch = adapter.is_one_batch
        if hasattr(adapter, "inputs"):  # whole arrays, to be looked at before training
            self.inputs = getattr(adapter, "inputs")  # noqa: B009
        self.length, self.padded = 0, 0  # of the last batch, before and after

    def peek(self) -> Batch:
        return self._pad(self.adapter.peek())

    def batches(self, epoch: int = 0) -> Iterator[Batch]:
        return map(self._pad, self.adapter.batches(epoch))

    def _pad(self, batch: Batch) -> Batch:
        x, y, sample_weight = batch
        flat = tree.flatten(x)
        chosen = self.are_open if self.are_open is not None and len(self.are_open) == len(flat) else [True] * len(flat)
        lengths = [a.shape[1] for a, is_open in zip(flat, chosen) if is_open and np.ndim(a) > 1]
        if not lengths:
            return batch
        self.length = max(lengths)
        self.padded = -(-self.length // self.multiple) * self.multiple
        x = tree.pack_sequence_as(x, [self._longer(a) if is_open else a for a, is_open in zip(flat, chosen)])
        return x, self._follow(y), self._follow(sample_weight)

    def _follow(self, structure: Any) -> Any:
        """Labels or weights, longer where they have a value for each step."""
        flat = tree.flatten(structure)
        chosen = self._are_sequences(flat)
        return tree.pack_sequence_as(structure, [self._longer(a) if yes else a for a, yes in zip(flat, chosen)])

    def _are_sequences(self, flat: Sequence[Any]) -> list[bool]:
        known = self.follow if self.follow is not None and len(self.follow) == len(flat) else [True] * len(flat)
        return [yes and a is not None and np.ndim(a) > 1 and a.shape[1] == self.length for a, yes in zip(flat, known)]

    def _longer(self, array: Any) -> Any:
        if np.ndim(array) < 2 or array.shape[1] == self.padded:
            return array
        more = [(0, 0), (0, self.padded - array.shape[1]), *((0, 0) for _ in array.shape[2:])]
        return np.pad(array, more)

    def cut(self, outputs: Any) -> Any:
        """Remove the padded steps from the predictions for the last batch."""
        flat = tree.flatten(outputs)
        known = self.follow if self.follow is not None and len(self.follow) == len(flat) else [True] * len(flat)
        cut = [
            a[:, : self.length] if yes and np.ndim(a) > 1 and a.shape[1] == self.padded else a
            for a, yes in zip(flat, known)
        ]
        return tree.pack_sequence_as(outputs, cut)
