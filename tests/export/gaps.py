"""Layers that a target cannot say: a part of the error that the attempt ends in."""

GAPS: dict[str, dict[str, str]] = {}
