"""Linear algebra, Fourier transforms, complex numbers, exchanges: operators that call NumPy references.

PyTensor's own operators call SciPy's functions on the same arrays, and raise an exception at a singular matrix.
"""

from __future__ import annotations

from typing import Any

from amalthea.engine.backends.pytensor.operators import SubgraphCall
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import (
    TABLE,
    Primitive,
    collectives,
    complex_numbers,
    factorizations,
    fourier,
    linear_algebra,
)

_FAMILIES = {module.__name__ for module in (linear_algebra, factorizations, fourier, complex_numbers, collectives)}


def by_reference(primitive: Primitive) -> Any:
    def lowering(*operands: Any, **attrs: Any) -> Any:
        types = primitive.types([Type(x.type.shape, x.dtype) for x in operands], attrs)

        def run(*values: Any) -> Any:
            found = primitive.reference(*values, **attrs)
            return (found,) if primitive.single else found

        made = SubgraphCall(run, types).make_node(*operands).outputs
        return made[0] if primitive.single else made

    return lowering


REFERENCE_LOWERINGS = {p: by_reference(p) for p in TABLE.values() if p.__module__ in _FAMILIES}
