"""Names of Keras's that do not exist any more, and what replaces them; the error for a public name that is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from amalthea.errors import nearest

# "room.name": the Keras version that dropped it, and what to write instead.
REPLACED = {
    "layers.AtrousConvolution1D": ("Keras 2", "layers.Conv1D(dilation_rate=...)"),
    "layers.AtrousConvolution2D": ("Keras 2", "layers.Conv2D(dilation_rate=...)"),
    "layers.BatchNormalizationV1": ("Keras 2", "layers.BatchNormalization"),
    "layers.CuDNNGRU": ("Keras 3", "layers.GRU"),
    "layers.CuDNNLSTM": ("Keras 3", "layers.LSTM"),
    "layers.Highway": ("Keras 2", "two Dense layers and layers.Multiply"),
    "layers.LocallyConnected1D": ("Keras 3", "ops.extract_sequences and layers.EinsumDense"),
    "layers.LocallyConnected2D": ("Keras 3", "ops.image.extract_patches and layers.EinsumDense"),
    "layers.MaxoutDense": ("Keras 2", "layers.Dense, ops.reshape and ops.max"),
    "layers.Merge": ("Keras 2", "layers.Add, Concatenate, Dot, ..."),
    "layers.SyncBatchNormalization": ("Keras 3", "layers.BatchNormalization(synchronized=True)"),
    "layers.ThresholdedReLU": ("Keras 3", "layers.ReLU(threshold=theta)"),
    "layers.TimeDistributedDense": ("Keras 2", "layers.Dense, which works on the last axis"),
    "layers.experimental": ("Keras 3", "the same layers in amalthea.layers"),
    "callbacks.experimental": ("Keras 3", "callbacks.BackupAndRestore"),
    "utils.Sequence": ("Keras 3", "utils.PyDataset"),
    "optimizers.experimental": ("Keras 3", "the same optimizers in amalthea.optimizers"),
}


def missing_in(room: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: the error for a name that it does not have.

    Args:
        room: str; name of the module, without ``amalthea.``.

    Example:
        >>> missing_in("layers")("ThresholdedReLU")
        Traceback (most recent call last):
        AttributeError: amalthea.layers has no 'ThresholdedReLU': Keras 3 dropped it; use layers.ReLU(threshold=theta).
    """

    def __getattr__(name: str) -> Any:
        raise AttributeError(message(room, name))

    return __getattr__


def message(room: str, name: str) -> str:
    """Return the message for a name that a module does not have: what replaced it, or the nearest names."""
    where = f"amalthea.{room}" if room else "amalthea"
    version, instead = REPLACED.get(f"{room}.{name}", ("", ""))
    if instead:
        return f"{where} has no {name!r}: {version} dropped it; use {instead}."
    known = [x for x in dir(sys.modules[where]) if not x.startswith("_")] if where in sys.modules else []
    cure = nearest(name, known) if known and not name.startswith("_") else ""
    return f"{where} has no {name!r}: {cure}." if cure.startswith("use") else f"{where} has no {name!r}."
