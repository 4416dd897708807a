"""The table of primitives, by family: the operations that a backend has to know.

Admitted is what cannot be said with others at an acceptable cost. :data:`TABLE` maps each name to its row.
"""

from amalthea.primitives import (
    contracting,
    control,
    elementwise,
    fused,
    indexing,
    moving,
    normalizing,
    random,
    recurrent,
    reducing,
    windows,
)
from amalthea.primitives.table import TABLE, Family, Primitive, Sample, primitive, sample

__all__ = [
    "TABLE",
    "Family",
    "Primitive",
    "Sample",
    "contracting",
    "control",
    "elementwise",
    "fused",
    "indexing",
    "moving",
    "normalizing",
    "primitive",
    "random",
    "recurrent",
    "reducing",
    "sample",
    "windows",
]
