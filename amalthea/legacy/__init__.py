"""Keras's ``legacy`` module: objects as configurations in the form of Keras 2."""

from amalthea.legacy import saving as saving

__all__ = ["saving"]
