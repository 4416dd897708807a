"""Passes: rewrites of a graph into an equal one, and its gradient."""

from amalthea.engine.passes import control_gradients, rnn_gradients

__all__ = ["control_gradients", "rnn_gradients"]
