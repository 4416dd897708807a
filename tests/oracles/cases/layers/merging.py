"""Layers that make one array of several."""

from ...draws import given, normal
from .. import layer

ELEMENTWISE = ("Add", "Multiply", "Average", "Maximum", "Minimum")
MASKS = (given([[1, 1, 0], [1, 0, 0]], "bool"), given([[1, 0, 0], [1, 1, 0]], "bool"))


def elementwise():
    for name in ELEMENTWISE:
        yield layer(name, "two", {}, normal(3, 4), normal(3, 4))
        yield layer(name, "three", {}, normal(2, 3), normal(2, 3), normal(2, 3))
        yield layer(name, "broadcast", {}, normal(2, 3, 4), normal(2, 1, 4))
        yield layer(name, "ranks_differ", {}, normal(2, 3, 4), normal(2, 4))


CASES = [
    *elementwise(),
    layer("Subtract", "two", {}, normal(3, 4), normal(3, 4)),
    layer("Subtract", "broadcast", {}, normal(2, 3, 4), normal(2, 1, 4)),
    layer("Add", "masks", {}, normal(2, 3, 2), normal(2, 3, 2), masks=MASKS),
    layer("Concatenate", "last", {}, normal(2, 3), normal(2, 4)),
    layer("Concatenate", "axis_1", {"axis": 1}, normal(2, 3, 2), normal(2, 1, 2), normal(2, 2, 2)),
    layer("Concatenate", "masks", {}, normal(2, 3, 2), normal(2, 3, 1), masks=MASKS),
    layer("Concatenate", "masks_along", {"axis": 1}, normal(2, 3, 2), normal(2, 3, 2), masks=MASKS),
    layer("Dot", "vectors", {"axes": 1}, normal(3, 4), normal(3, 4)),
    layer("Dot", "negative_axis", {"axes": -1}, normal(2, 3, 4), normal(2, 5, 4)),
    layer("Dot", "two_axes", {"axes": (2, 1)}, normal(2, 3, 4), normal(2, 4, 5)),
    layer("Dot", "matrix_vector", {"axes": (2, 1)}, normal(2, 3, 4), normal(2, 4)),
    layer("Dot", "normalized", {"axes": 1, "normalize": True}, normal(3, 4), normal(3, 4)),
    layer("Dot", "normalized_matrices", {"axes": (1, 2), "normalize": True}, normal(2, 4, 3), normal(2, 5, 4)),
]
