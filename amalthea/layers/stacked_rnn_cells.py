"""Several recurrent cells as one."""

from __future__ import annotations

from typing import Any

from amalthea import ops, tree
from amalthea.errors import ArgumentError
from amalthea.layers.calling import parameters, path_scope
from amalthea.layers.layer import Layer


class StackedRNNCells(Layer):
    """Several recurrent cells as one: each cell gets the output of the cell before it.

    Args:
        cells: list of cells, the first one gets the inputs.
        |layer options|

    Call args:
        inputs: tensor ``(batch, features)``, one time step.
        states: list with the state of each cell, or its list of states.
        training: bool; passed to the cells that take it. Defaults to False.

    Shapes: ``(batch, features) -> (batch, output size of the last cell)``, and the new states.

    Raises:
        ArgumentError: an object in the list is not a cell.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> cells = layers.StackedRNNCells([layers.GRUCell(4), layers.LSTMCell(6)])
        >>> cells.state_size
        [4, [6, 6]]
        >>> tuple(layers.RNN(cells)(np.zeros((2, 5, 3), "float32")).shape)
        (2, 6)
    """

    def __init__(self, cells: Any, **kwargs: Any):
        super().__init__(**kwargs)
        for cell in cells:
            if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
                raise ArgumentError(
                    "This is not a cell.", expected="an object with call() and state_size", got=repr(cell)
                )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

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
        states: list[Any] = []
        for cell in self.cells:
            begin = getattr(cell, "get_initial_state", None)
            zeros = tree.map_structure(lambda n: ops.zeros((batch_size, n), dtype=self.compute_dtype), cell.state_size)
            states.append(begin(batch_size=batch_size) if begin else zeros)
        return [made if tree.is_nested(size) else tree.flatten(made)[0] for made, size in zip(states, self.state_size)]

    def call(self, inputs: Any, states: Any, training: bool = False, **kwargs: Any) -> Any:
        after: list[Any] = []
        for cell, own in zip(self.cells, states):
            taken = parameters(type(cell).call)
            given = {k: v for k, v in {"training": training, **kwargs}.items() if k in taken}
            inputs, new = cell(inputs, tree.flatten(own), **given)
            after.append(new if tree.is_nested(cell.state_size) else tree.flatten(new)[0])
        return inputs, after


def _sizes(cell: Any) -> list[int]:
    size = cell.state_size
    return list(size) if isinstance(size, (list, tuple)) else [size]
