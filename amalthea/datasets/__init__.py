"""Small data sets to try things on. ``digits`` comes with the package; the others are fetched once and kept."""

from amalthea.datasets import digits, mnist

__all__ = ["digits", "mnist"]
