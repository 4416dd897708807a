"""Sequences of unequal lengths, made equal."""

from amalthea.names import missing_in as _missing_in
from amalthea.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]

__getattr__ = _missing_in("preprocessing.sequence")
