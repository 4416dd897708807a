"""Graphs, their gradients and rewrites."""
