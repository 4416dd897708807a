"""Different optimizers for different variables of one model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from amalthea.configurable import deserialize, serialize
from amalthea.custom_objects import CustomObjectScope
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError, MissingAttributeError
from amalthea.optimizers.loss_scale import LossScaleOptimizer
from amalthea.optimizers.optimizer import Optimizer, registry


def _checked(optimizer: Any, where: str) -> Any:
    """Returns an optimizer that can update a part of the variables."""
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ArgumentError(
            f"{where} takes optimizers that update variables themselves.",
            expected="an optimizer such as Adam()",
            got=repr(optimizer),
            cure="put LossScaleOptimizer around the MultiOptimizer"
            if isinstance(optimizer, LossScaleOptimizer)
            else "",
        )
    return optimizer


class OptimizerMap(MutableMapping[str, Any]):
    """Table from paths of variables to optimizers, with a default for all other paths.

    Args:
        default_optimizer: optimizer of the variables whose paths are not in the table.
        optimizer_map: dict of optimizers by path, or by a regular expression that a whole path matches. Defaults to
            None, an empty table.

    Raises:
        ArgumentError: a value is not an optimizer, or is a wrapper of one; a key is not a str, or is there already.

    Example:
        >>> from amalthea.optimizers import SGD, Adam, OptimizerMap
        >>> table = OptimizerMap(SGD(), {"encoder/.*": Adam()})
        >>> type(table["encoder/dense/kernel"]).__name__, type(table["head/kernel"]).__name__
        ('Adam', 'SGD')
    """

    def __init__(self, default_optimizer: Any, optimizer_map: dict[str, Any] | None = None):
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise ArgumentError("optimizer_map is a dict of optimizers by path.", got=repr(optimizer_map))
        self.default_optimizer = _checked(default_optimizer, "OptimizerMap")
        self._optimizers: dict[str, Any] = {}
        for path, optimizer in (optimizer_map or {}).items():
            self[path] = optimizer

    def __getitem__(self, key: str) -> Any:
        if key in self._optimizers:
            return self._optimizers[key]
        found = [pattern for pattern in self._optimizers if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ArgumentError(f"Several patterns match the variable '{key}'.", got=", ".join(found))
        return self._optimizers[found[0]] if found else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Any) -> None:
        if not isinstance(key, str):
            raise ArgumentError("The keys of an OptimizerMap are paths.", expected="str", got=repr(key))
        if key in self._optimizers:
            raise ArgumentError(f"The path {key!r} has an optimizer already.", got=repr(self._optimizers[key]))
        self._optimizers[key] = _checked(optimizer, "OptimizerMap")

    def __delitem__(self, key: str) -> None:
        del self._optimizers[key]

    def __len__(self) -> int:
        return len(self._optimizers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizers)

    def __call__(self, variable: Variable) -> Any:
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """Returns the default and the table as plain data that JSON can hold.

        Example:
            >>> from amalthea.optimizers import SGD, OptimizerMap
            >>> sorted(OptimizerMap(SGD()).get_config())
            ['default_optimizer', 'optimizer_map']
        """
        return {
            "default_optimizer": serialize(self.default_optimizer),
            "optimizer_map": {path: serialize(optimizer) for path, optimizer in self._optimizers.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> OptimizerMap:
        """Creates a table from a configuration that :meth:`get_config` returned.

        Args:
            config: dict; configuration.
            custom_objects: dict of classes of your own by name. Defaults to None.

        Example:
            >>> from amalthea.optimizers import SGD, OptimizerMap
            >>> type(OptimizerMap.from_config(OptimizerMap(SGD()).get_config()).default_optimizer).__name__
            'SGD'
        """
        with CustomObjectScope(custom_objects):
            made = {path: deserialize(value, ("optimizers",)) for path, value in config["optimizer_map"].items()}
            return cls(deserialize(config["default_optimizer"], ("optimizers",)), made)


registry.modules[OptimizerMap] = "keras.optimizers"


class MultiOptimizer(Optimizer):
    """Optimizer that leaves each variable to one of several optimizers.

    Args:
        optimizer_map: :class:`OptimizerMap`, or function of a variable that returns an optimizer.
        loss_scale_factor: float or None; factor of the loss, by which each optimizer divides the gradients. Defaults
            to None, no scaling.
        name: str or None; first part of the paths of its variables. Defaults to None, which derives one from the
            class.

    Raises:
        ArgumentError: an optimizer for a variable is not an optimizer, or is a wrapper of one.

    Example:
        >>> import numpy as np
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import SGD, MultiOptimizer, OptimizerMap
        >>> a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
        >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"b": SGD(0.1)}))
        >>> optimizer.apply([np.array([1.0], "float32")] * 2, [a, b])
        >>> a.numpy().tolist(), b.numpy().tolist()
        ([0.5], [0.9])
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Any],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        if not callable(optimizer_map):
            raise ArgumentError(
                "MultiOptimizer takes an OptimizerMap or a function of a variable.", got=repr(optimizer_map)
            )
        self.optimizer_map = optimizer_map
        self._inner: list[Any] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._index(optimizer)

    def _index(self, optimizer: Any) -> int:
        """Returns the number of an optimizer among those inside, and adds it if it is new."""
        for i, known in enumerate(self._inner):
            if known is optimizer:
                return i
        _checked(optimizer, "MultiOptimizer").loss_scale_factor = self.loss_scale_factor
        self._inner.append(optimizer)
        return len(self._inner) - 1

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        self._chosen = {variable: self._index(self.optimizer_map(variable)) for variable in variables}
        for i, optimizer in enumerate(self._inner):
            own = [variable for variable in variables if self._chosen[variable] == i]
            if own:
                optimizer.build(own)
        super().build(variables)

    def _follow(self, variables: Sequence[Variable]) -> None:
        self._chosen = {variable: self._index(self.optimizer_map(variable)) for variable in variables}
        for i, optimizer in enumerate(self._inner):
            own = [variable for variable in variables if self._chosen[variable] == i]
            if optimizer.built:
                optimizer._follow(own)
            elif own:
                optimizer.build(own)
        self._know(variables)

    @property
    def optimizers(self) -> list[Any]:
        """The optimizers inside, those of the table first."""
        return self._inner

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then those of the optimizers inside."""
        return [*self._variables, *(v for optimizer in self._inner for v in optimizer.variables)]

    @property
    def learning_rate(self) -> Any:
        """Not available: each optimizer inside has its own."""
        raise MissingAttributeError(
            "A MultiOptimizer has several learning rates.", cure="optimizer.optimizers[0].learning_rate"
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise MissingAttributeError(
            "A MultiOptimizer has several learning rates.", cure="optimizer.optimizers[0].learning_rate = ..."
        )

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None, weight: Any = 1.0
    ) -> None:
        """Updates each variable by its optimizer.

        Args:
            grads: sequence of tensors or None, one for each variable.
            trainable_variables: sequence of variables. Defaults to None, those that the optimizer was built for.
            weight: number; weight of these gradients among those that are accumulated. Defaults to 1.

        Raises:
            ArgumentError: the numbers of gradients and variables differ.
            NotBuiltError: the optimizer was built for other variables.
        """
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ArgumentError("Each variable needs a gradient.", expected=len(variables), got=len(grads))
        self.build(variables)
        for variable in variables:
            self._index_of(variable)
        for i, optimizer in enumerate(self._inner):
            pairs = [(g, v) for g, v in zip(grads, variables) if self._chosen[v] == i]
            if pairs:
                counted = {"weight": weight} if optimizer._accumulates else {}
                optimizer.apply([g for g, _ in pairs], [v for _, v in pairs], **counted)
        self._iterations.assign_add(1)

    @property
    def _accumulates(self) -> bool:
        """Whether several calls make one update."""
        return any(optimizer._accumulates for optimizer in self._inner)

    @property
    def _has_averages(self) -> bool:
        """Whether an optimizer inside has averages of the weights."""
        return any(optimizer._has_averages for optimizer in self._inner)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        for i, optimizer in enumerate(self._inner):
            optimizer.finalize_variable_values([v for v in var_list if self._chosen.get(v) == i])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as plain data that JSON can hold.

        Raises:
            ArgumentError: the optimizers are chosen by a function, which a file cannot hold.

        Example:
            >>> from amalthea.optimizers import SGD, MultiOptimizer, OptimizerMap
            >>> sorted(MultiOptimizer(OptimizerMap(SGD())).get_config())
            ['loss_scale_factor', 'name', 'optimizer_map']
        """
        if not isinstance(self.optimizer_map, OptimizerMap):
            raise ArgumentError(
                "A function that chooses optimizers cannot be saved.", got=self.optimizer_map, cure="OptimizerMap"
            )
        config = {"optimizer_map": serialize(self.optimizer_map), "loss_scale_factor": self.loss_scale_factor}
        return {**config, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Creates the optimizer from a configuration that :meth:`get_config` returned.

        Args:
            config: dict; configuration.
            custom_objects: dict of classes of your own by name. Defaults to None.

        Example:
            >>> from amalthea.optimizers import SGD, MultiOptimizer, OptimizerMap
            >>> config = MultiOptimizer(OptimizerMap(SGD(0.5))).get_config()
            >>> float(MultiOptimizer.from_config(config).optimizers[0].learning_rate)
            0.5
        """
        table = OptimizerMap.from_config(config["optimizer_map"]["config"], custom_objects)
        return cls(table, **{key: value for key, value in config.items() if key != "optimizer_map"})
