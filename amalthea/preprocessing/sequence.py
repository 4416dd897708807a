"""Sequences of unequal lengths, made equal."""

from amalthea.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
