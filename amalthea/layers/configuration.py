"""A layer as data: its configuration, the shapes that it was built with, and the values of its variables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from amalthea.configurable import Configurable, serialize
from amalthea.custom_objects import CustomObjectScope
from amalthea.engine.ir.variable import Variable
from amalthea.layers import building, calling

BASE = ("name", "trainable", "dtype")
LEGACY = ("input_shape", "batch_input_shape", "input_dim", "input_length", "batch_size", "weights", "input_dtype")


class Configuration(Configurable):
    """The part of :class:`Layer` that model files need."""

    name: str
    trainable: Any
    dtype_policy: Any
    activity_regularizer: Any
    built: bool
    build: Any
    _build_shapes: dict[str, Any] | None

    def _stored_variables(self) -> list[Variable]:
        raise NotImplementedError

    def _stored_values(self) -> list[Any]:
        raise NotImplementedError

    def _restart_adapters(self) -> None:
        raise NotImplementedError

    def _quantize_like(self, store: Any) -> None:
        raise NotImplementedError

    def _complete(self, store: Any) -> Any:
        raise NotImplementedError

    _config_start: Mapping[str, Any] = MappingProxyType({})  # what Keras writes first, whether it was given or not

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as plain values that JSON can hold.

        The keys are ``name``, ``trainable``, ``dtype`` and the parameters of the constructor. The values come from the
        attributes of the same names, or else from the call of the constructor.

        Returns: dict; ``from_config`` makes an equal layer from it, with new weights.

        Example:
            >>> from amalthea import layers
            >>> config = layers.Dropout(0.5, name="drop").get_config()
            >>> config["name"], config["rate"], config["seed"]
            ('drop', 0.5, None)
        """
        config = {
            **self._config_start, "name": self.name, "trainable": self.trainable, "dtype": serialize(self.dtype_policy),
        }  # fmt: skip
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize(self.activity_regularizer)
        for key, value in self._config_arguments().items():
            own = key in calling.parameters(type(self).__init__) or key not in LEGACY
            left_out = key in (*BASE, "autocast", *self._not_in_config) or self._is_left_out(key, value)
            if own and not left_out:
                config[key] = serialize(self._config_value(key, value))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Creates a layer from a configuration that :meth:`get_config` returned, with new weights.

        Args:
            config: dict; configuration.
            custom_objects: dict of classes and functions of your own by name. Defaults to None, which knows only
                registered ones.

        Returns: the layer.

        Raises:
            UnknownNameError: the configuration names something that does not exist.

        Example:
            >>> from amalthea import layers
            >>> layers.Dense.from_config(layers.Dense(3, activation="relu").get_config()).units
            3
        """
        with CustomObjectScope(custom_objects):
            return super().from_config(config)

    _config_attributes: Mapping[str, str] = MappingProxyType({})  # parameters whose values other attributes hold

    def _config_value(self, name: str, given: Any) -> Any:
        """Returns the value of a constructor's argument for the configuration."""
        return getattr(self, self._config_attributes.get(name, name), given)

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the shapes that ``build`` was called with, for a model file.

        Returns: ``{"input_shape": shape}``, or ``{"shapes_dict": {name: shape}}`` if ``build`` takes several shapes;
            None before the layer is built.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.build((None, 4))
            >>> dense.get_build_config()
            {'input_shape': (None, 4)}
        """
        if self._build_shapes is None:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": self._build_shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer, and the layers inside it, with the shapes of a model file; does nothing if it is built.

        Args:
            config: dict, as :meth:`get_build_config` returns it; an empty dict leaves the layer as it is.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.build_from_config({"input_shape": [None, 4]})
            >>> dense.kernel.shape
            (4, 3)
        """
        if self.built or not config:
            return
        shapes = config.get("shapes_dict")
        if shapes is None:
            first = next(iter(calling.parameters(type(self).build)), "input_shape")
            shapes = {first: building.as_shape(config.get("input_shape"))}
        else:
            shapes = {key: building.as_shape(value) for key, value in shapes.items()}
        self.build(**shapes)
        self._build_shapes, self.built = shapes, True
        building.build_within(self, shapes)

    def save_own_variables(self, store: Any) -> None:
        """Writes the values of the layer's own variables into a store, under the keys ``"0"``, ``"1"``, ...

        The layers inside it write theirs themselves. A subclass may override it together with
        :meth:`load_own_variables`.

        Args:
            store: dict-like; where the variables are put.

        Example:
            >>> from amalthea import layers
            >>> dense, store = layers.Dense(3), {}
            >>> dense.build((None, 4))
            >>> dense.save_own_variables(store)
            >>> {key: tuple(value.shape) for key, value in store.items()}
            {'0': (4, 3), '1': (3,)}
        """
        for i, value in enumerate(self._stored_values()):
            store[str(i)] = value

    def load_own_variables(self, store: Any) -> None:
        """Assigns the layer's own variables from a store; nothing is assigned unless every value fits.

        Args:
            store: dict-like; arrays under the keys ``"0"``, ``"1"``, ...

        Raises:
            ModelFileError: the store has another number of values, or a value has another shape than its variable.

        Example:
            >>> import numpy as np
            >>> from amalthea import layers
            >>> dense = layers.Dense(2)
            >>> dense.build((None, 1))
            >>> dense.load_own_variables({"0": np.array([[2.0, 4.0]]), "1": np.array([1.0, 1.0])})
            >>> dense.kernel.numpy().tolist()
            [[2.0, 4.0]]
        """
        self._quantize_like(store)
        building.load_variables(self, self._stored_variables(), self._complete(store))
        self._restart_adapters()
