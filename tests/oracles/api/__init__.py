"""Keras 3.15's public names with their signatures, and where ours differ."""
