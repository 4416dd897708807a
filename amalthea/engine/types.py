"""Types of arguments that recur in public signatures, for type checkers and readers.

==============  =====================================================================================
``TensorLike``  one tensor, variable, array of any backend, number, or nested list of numbers
``ShapeLike``   the sizes of an array's axes; None for an unknown size
``DTypeLike``   a dtype by name (``"float32"``), or NumPy's
``Nested[T]``   a ``T``, or lists, tuples and dicts of them at any depth
==============  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, Union

import numpy as np
import numpy.typing as npt

from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.variable import Variable

T = TypeVar("T")

TensorLike: TypeAlias = Union["Tensor", "Variable", npt.ArrayLike]
ShapeLike: TypeAlias = int | Sequence[int | None | Any]
DTypeLike: TypeAlias = Union[str, "np.dtype[Any]", type]
Nested: TypeAlias = T | Sequence["Nested[T]"] | Mapping[str, "Nested[T]"]
