"""Several cells as one."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.errors import ArgumentError
from amalthea.layers.calling import parameters, path_scope
from amalthea.layers.layer import Layer


class StackedRNNCells(Layer):
    """Cells one on top of the other, each fed with the output of the one below.

    Args:
        cells: the cells, the lowest first.
    """

    def __init__(self, cells: Any, **kwargs: Any):
        super().__init__(**kwargs)
        for cell in cells:
            if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
                raise ArgumentError("This is no cell.", expected="an object with call() and state_size", got=repr(cell))
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [size for cell in self.cells for size in _sizes(cell)]

    @property
    def output_size(self) -> Any:
        return getattr(self.cells[-1], "output_size", None) or _sizes(self.cells[-1])[0]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                with path_scope(cell):
                    cell.build(input_shape)
                cell.built = True
            size = getattr(cell, "output_size", None) or _sizes(cell)[0]
            input_shape = (input_shape[0], size)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        states = []
        for cell in self.cells:
            begin = getattr(cell, "get_initial_state", None)
            made = begin(batch_size=batch_size) if begin else [
                ops.zeros((batch_size, n), dtype=self.compute_dtype) for n in _sizes(cell)
            ]  # fmt: skip
            states += made if isinstance(made, (list, tuple)) else [made]
        return states

    def call(self, inputs: Any, states: Any, training: bool = False, **kwargs: Any) -> Any:
        left, after = list(states), []
        for cell in self.cells:
            own, left = left[: len(_sizes(cell))], left[len(_sizes(cell)) :]
            given = {"training": training} if "training" in parameters(type(cell).call) else {}
            inputs, new = cell(inputs, own, **given)
            after += new if isinstance(new, (list, tuple)) else [new]
        return inputs, after


def _sizes(cell: Any) -> list[int]:
    size = cell.state_size
    return list(size) if isinstance(size, (list, tuple)) else [size]
