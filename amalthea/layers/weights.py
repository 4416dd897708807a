"""The variables of a layer: creation, lists of them, reading and assigning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import constraints, initializers, regularizers
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable, at_once, one_version
from amalthea.engine.types import DTypeLike, ShapeLike, TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.layers import building
from amalthea.random import SeedGenerator


class Weights:
    """The part of :class:`Layer` that holds variables."""

    name: str
    path: str
    variable_dtype: Any
    _own: list[Variable]

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True, trained: bool = False) -> list[Any]:
        raise NotImplementedError

    def add_weight(
        self,
        shape: ShapeLike | None = None,
        initializer: Any = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Creates a variable of the layer.

        Args:
            shape: int or sequence of int; shape of the variable. Defaults to None, which is ``()``: one number.
            initializer: str, Initializer or function ``f(shape, dtype)``; starting values. Defaults to None, which
                takes ``"glorot_uniform"`` for floats and zeros for other dtypes.
            dtype: str; dtype of the variable. Defaults to None, which takes that of the layer's policy.
            trainable: bool; whether optimizers may update it. Defaults to True.
            autocast: bool; whether reading it inside a call gives the compute dtype of the layer. Defaults to True.
            regularizer: str, Regularizer or function; penalty added to the loss. Defaults to None, which adds none.
            constraint: str, Constraint or function; projects the variable after each update. Defaults to None.
            aggregation: str; kept for Keras, and without effect. Defaults to ``"none"``.
            overwrite_with_gradient: bool; whether optimizers assign the gradient to the variable in place of an update.
                Defaults to False.
            name: str; name within the layer. Defaults to None, which is ``"variable"``.

        Returns: the Variable.

        Raises:
            ShapeError: a size in ``shape`` is None.

        Example:
            >>> from amalthea import layers
            >>> layer = layers.Layer(name="mine")
            >>> gain = layer.add_weight((2,), "ones", name="gain")
            >>> gain.path, gain.numpy().tolist()
            ('mine/gain', [1.0, 1.0])
        """
        dtype = dtypes.standardize(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        shape = building.static_shape(shape, self.name)
        make = initializers.get(initializer)
        variable = Variable(make, shape, dtype, trainable, autocast, aggregation, name=name or "variable")
        variable.path = f"{self.path}/{variable.name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._own.append(variable)
        return variable

    add_variable = add_weight

    @property
    def weights(self) -> list[Variable]:
        """All variables of the layer and of the layers inside it, without the states of random seeds."""
        found = [v for layer in self._flatten_layers() for v in layer._own_variables()]
        return list({id(v): v for v in found}.values())

    @property
    def variables(self) -> list[Variable]:
        """All weights, followed by the states of random seeds."""
        seeds = [x.state for layer in self._flatten_layers() for x in layer._tracked(SeedGenerator)]
        return list({id(v): v for v in [*self.weights, *seeds]}.values())

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that optimizers may update: trainable variables of layers that are not frozen."""
        found = [v for layer in self._flatten_layers(trained=True) for v in layer._own_variables() if v.trainable]
        return list({id(v): v for v in found}.values())

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as ``trainable_weights``."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that optimizers do not update."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The non-trainable weights, followed by the states of random seeds."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trained]

    def count_params(self) -> int:
        """Returns the number of elements of all weights, of the layer and of the layers inside it.

        Raises:
            NotBuiltError: the layer is not built yet.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.build((None, 4))
            >>> dense.count_params()
            15
        """
        building.require_built(self)
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """Returns copies of the values of all weights, as a list of NumPy arrays.

        The order is that of ``weights``: trainable variables of each layer first.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3, bias_initializer="ones")
            >>> dense.build((None, 4))
            >>> [w.shape for w in dense.get_weights()], dense.get_weights()[1].tolist()
            ([(4, 3), (3,)], [1.0, 1.0, 1.0])
        """
        variables = self.weights
        with one_version(variables):
            return [v.numpy() for v in variables]

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Assigns values to all weights; nothing is assigned unless every value fits.

        Args:
            weights: list of arrays, in the order and with the shapes of :meth:`get_weights`.

        Shapes: one array for each weight, of the same shape, such as ``(4, 3)`` and ``(3,)`` for ``Dense(3)`` of 4
            features.

        Raises:
            ArgumentError: the number of arrays differs from the number of weights.
            ShapeError: an array has another shape than its weight.

        Example:
            >>> import numpy as np
            >>> from amalthea import layers, ops
            >>> dense = layers.Dense(2)
            >>> dense.build((None, 1))
            >>> dense.set_weights([np.ones((1, 2)), np.array([0.0, 5.0])])
            >>> ops.convert_to_numpy(dense(np.array([[3.0]], "float32"))).tolist()
            [[3.0, 8.0]]
        """
        variables = self.weights
        if len(weights) != len(variables):
            raise ArgumentError(
                f"Layer '{self.name}' has another number of weights.", expected=len(variables), got=len(weights)
            )
        for variable, value in zip(variables, weights):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise ShapeError(
                    f"The new value does not fit weight '{variable.path}'.",
                    expected=variable.shape,
                    got=np.shape(value),
                )
        with at_once():
            for variable, value in zip(variables, weights):
                variable.assign(value)
