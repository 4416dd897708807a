"""The ops that NumPy has too, under Keras's names (``ops.numpy``, and all of them in ``ops``)."""

import importlib

from amalthea.ops.base import exported

MODULES = ("arithmetic", "arrangement", "contraction", "creation", "indexing", "reductions")

for _module in MODULES:
    globals().update(exported(importlib.import_module(f"amalthea.ops.numpy.{_module}")))
