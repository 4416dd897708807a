"""The table of primitives, by family: the operations that a backend has to know.

Admitted is what cannot be said with others at an acceptable cost. :data:`TABLE` maps each name to its row.
"""

from amalthea.engine.primitives import (
    composite,
    control,
    elementwise,
    indexing,
    matmul,
    movement,
    normalization,
    random,
    reductions,
    rnn,
    windows,
)
from amalthea.engine.primitives.table import TABLE, Family, Primitive, Sample, primitive, sample

__all__ = [
    "TABLE",
    "Family",
    "Primitive",
    "Sample",
    "matmul",
    "control",
    "elementwise",
    "composite",
    "indexing",
    "movement",
    "normalization",
    "primitive",
    "random",
    "rnn",
    "reductions",
    "sample",
    "windows",
]
