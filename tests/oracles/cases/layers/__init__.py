"""The layers' cases, a family a file."""

from .. import check_unique
from . import (
    activations,
    convolution,
    core,
    images,
    merging,
    normalization,
    pooling,
    recurrent,
    reshaping,
    transposed,
    wrappers,
)

FAMILIES = (
    core,
    activations,
    convolution,
    transposed,
    pooling,
    normalization,
    recurrent,
    wrappers,
    merging,
    reshaping,
    images,
)
CASES = check_unique([case for family in FAMILIES for case in family.CASES])
