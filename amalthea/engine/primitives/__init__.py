"""The table of primitives, by family: the operations that a backend has to implement.

An operation is a primitive if other primitives cannot express it at an acceptable cost. :data:`TABLE` maps names to
primitives.
"""

from amalthea.engine.primitives import (
    bits,
    collectives,
    complex_numbers,
    composite,
    control,
    elementwise,
    factorizations,
    fourier,
    indexing,
    linear_algebra,
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
    "bits",
    "matmul",
    "collectives",
    "control",
    "elementwise",
    "complex_numbers",
    "composite",
    "factorizations",
    "fourier",
    "indexing",
    "linear_algebra",
    "movement",
    "normalization",
    "primitive",
    "random",
    "rnn",
    "reductions",
    "sample",
    "windows",
]
