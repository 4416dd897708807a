"""Primitives in others, for formats that do not have them."""

from amalthea.export.decompositions import elementwise, jacobi, linear_algebra

DECOMPOSITIONS = {**elementwise.DECOMPOSITIONS, **linear_algebra.DECOMPOSITIONS, **jacobi.DECOMPOSITIONS}
