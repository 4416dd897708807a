"""Small data sets to try things on. ``digits`` comes with the package; the others are fetched once and kept."""

from amalthea.datasets import digits, mnist
from amalthea.names import missing_in as _missing_in

__all__ = ["digits", "mnist"]

__getattr__ = _missing_in("datasets")
