"""Passes: rewrites of a graph into an equal one; and reverse-mode differentiation."""

from amalthea.engine.passes import control_gradients, rnn_gradients

__all__ = ["control_gradients", "rnn_gradients"]
