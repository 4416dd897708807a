"""Graphs, their gradients and rewrites."""

from amalthea.graph import control, recurrent  # they tell their rows' gradients

__all__ = ["control", "recurrent"]
