"""``Function``: the graph between symbolic tensors as one operation, without the rest of a model."""

from __future__ import annotations

from typing import Any

from amalthea import tree
from amalthea.engine.types import Nested, TensorLike
from amalthea.layers import building
from amalthea.models.functional.network import Network
from amalthea.operation import Operation


class Function(Operation):
    """The calls between symbolic inputs and outputs, as one operation.

    Args:
        inputs: symbolic tensor, or nested lists, tuples and dicts of them.
        outputs: symbolic tensors computed from the inputs, nested likewise.
        name: str; name of the operation. Defaults to None, which makes one.

    Shapes: those of ``inputs`` and ``outputs``.

    Raises:
        ArgumentError: the outputs depend on a tensor that is not among the inputs.

    Example:
        >>> import numpy as np
        >>> from amalthea import Function, KerasTensor, ops
        >>> x = KerasTensor((None, 2))
        >>> double = Function(x, ops.add(x, x))
        >>> np.asarray(double(np.array([[1.0, 2.0]], "float32"))).tolist()
        [[2.0, 4.0]]
    """

    def __init__(self, inputs: Nested[Any], outputs: Nested[Any], name: str | None = None):
        super().__init__(name=name)
        self._graph = Network(inputs, outputs)

    @property
    def operations(self) -> list[Operation]:
        """The operations that are called, in the order in which they run."""
        return self._graph.operations

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs as a flat list."""
        return self._graph.flat_inputs

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs as a flat list."""
        return tree.flatten(self._graph.outputs)

    @property
    def input(self) -> Any:
        """The symbolic inputs, nested as they were given."""
        return self._graph.inputs

    @property
    def output(self) -> Any:
        """The symbolic outputs, nested as they were given."""
        return self._graph.outputs

    def call(self, inputs: Nested[TensorLike]) -> Any:
        """Computes the outputs for values of the inputs.

        Args:
            inputs: arrays or tensors, nested like the inputs of the function.

        Shapes: those of the inputs and outputs of the function.

        Example:
            >>> import numpy as np
            >>> from amalthea import Function, KerasTensor
            >>> x = KerasTensor((None, 2))
            >>> np.asarray(Function(x, x * 3).call(np.ones((1, 2), "float32"))).tolist()
            [[3.0, 3.0]]
        """
        return self._graph.run(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shapes of the outputs for inputs of given shapes.

        Args:
            input_shape: tuple of int and None with the batch, or tuples nested like the inputs.

        Returns: tuples nested like the outputs.

        Example:
            >>> from amalthea import Function, KerasTensor, ops
            >>> x = KerasTensor((None, 2))
            >>> Function(x, ops.sum(x, axis=-1)).compute_output_shape((5, 2))
            (5,)
        """
        outputs = self.compute_output_spec(building.symbols(input_shape, self.inputs[0].dtype))
        return tree.map_structure(lambda x: x.shape, outputs)

    def get_config(self) -> dict[str, Any]:
        """Not available: a function is a part of a model, which is saved.

        Raises:
            NotImplementedError: always.

        Example:
            >>> from amalthea import Function, KerasTensor
            >>> x = KerasTensor((None, 2))
            >>> Function(x, x * 3).get_config()
            Traceback (most recent call last):
            NotImplementedError: A Function has no configuration; save the Model around it.
        """
        raise NotImplementedError("A Function has no configuration; save the Model around it.")
