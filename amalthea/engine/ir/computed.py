"""Variables whose value is computed from others, read like any other.

A layer that reads ``self.kernel`` does not see whether it is a variable with memory of its own, or one of these: so
quantized weights and low-rank adapters work in every layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import autocast, autocast_around
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.variable import Variable, cast
from amalthea.errors import ArgumentError


class ComputedVariable(Variable):
    """A value that is computed from variables each time it is read.

    Args:
        replaced: Variable; the one in whose place it stands, whose name, path, shape and dtype it keeps.
        sources: sequence of Variable; those that it is computed from.
    """

    def __init__(self, replaced: Variable, sources: Sequence[Variable]):
        self.type = Type(replaced.shape, replaced.dtype)
        self.name, self.path = replaced.name, replaced.path
        self.autocast = replaced.autocast
        self.aggregation, self.synchronization = replaced.aggregation, replaced.synchronization
        self.trainable = False
        self.regularizer = self.constraint = self.start = None
        self.overwrite_with_gradient = False
        self._computed_from = tuple(s for source in sources for s in source._sources)

    @property
    def _sources(self) -> tuple[Variable, ...]:
        return self._computed_from

    def _compute(self) -> Any:
        """Return the value in the variable's own dtype."""
        raise NotImplementedError

    def product(self, x: Any, over: Sequence[int], axes: Sequence[int]) -> Any:
        """Return ``tensordot(x, value, [over, axes])`` if it is computed without the value, or None.

        Args:
            x: array or tensor of floats in the dtype of the result.
            over: sequence of ints; the axes of ``x`` that are summed.
            axes: sequence of ints; the axes of the value that are summed, in the same order.
        """
        return None

    @property
    def value(self) -> Any:
        """The value: an array, or a tensor inside a trace."""
        with autocast(None):
            value = self._compute()
        to = autocast_around()
        return cast(value, to) if to and self.autocast and to != self.dtype and dtypes.is_float(self.dtype) else value

    def assign(self, value: Any) -> Any:
        """Refuse: only the variables behind the value can be assigned."""
        raise ArgumentError(
            f"The value of '{self.path}' is computed from other variables, and cannot be assigned.",
            expected="an assignment to " + ", ".join(source.path for source in self._sources),
        )

    def numpy(self) -> np.ndarray:
        """Return a copy of the value as a NumPy array."""
        with autocast(None):
            return np.array(runtime.to_numpy(self._compute()))

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)
