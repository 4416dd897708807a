"""The parts of a feature space: features, and crosses of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.configurable import Configurable, Registry
from amalthea.errors import ArgumentError
from amalthea.layers.identity import Identity
from amalthea.layers.layer import registry

_MODULE = "keras.src.layers.preprocessing.feature_space"  # under which files name the parts of a feature space
features_registry = Registry("utils", "part of a feature space")
registry.also(Identity, "TFDIdentity", _MODULE)


class Feature(Configurable, registry=features_registry):
    """One named column of a table: how it is read, and how it is encoded.

    Args:
        dtype: str; dtype of the column: ``"float32"``, ``"int32"`` or ``"string"``.
        preprocessor: layer of one column, or None.
        output_mode: str; ``"float"``, ``"int"`` or ``"one_hot"``.

    Raises:
        ArgumentError: the mode does not exist.

    Example:
        >>> from amalthea import utils
        >>> utils.FeatureSpace.integer_hashed(4).output_mode
        'one_hot'
    """

    _config_slots = {"preprocessor": ("layers",)}

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str):
        if output_mode not in ("int", "one_hot", "float"):
            raise ArgumentError(
                "This output mode of a feature does not exist.", expected="int, one_hot, float", got=repr(output_mode)
            )
        self.dtype, self.output_mode = dtype, output_mode
        self.preprocessor = preprocessor


class Cross(Configurable, registry=features_registry):
    """Several features whose combinations are hashed.

    Args:
        feature_names: sequence of str.
        crossing_dim: int, at least 1; number of bins.
        output_mode: str; ``"one_hot"`` or ``"int"``. Defaults to ``"one_hot"``.

    Raises:
        ArgumentError: the mode does not exist.

    Example:
        >>> from amalthea import utils
        >>> utils.FeatureSpace.cross(("city", "age"), crossing_dim=8).name
        'city_X_age'
    """

    def __init__(self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"):
        if output_mode not in ("int", "one_hot"):
            raise ArgumentError(
                "This output mode of a cross does not exist.", expected="int, one_hot", got=repr(output_mode)
            )
        self.feature_names, self.crossing_dim = tuple(feature_names), crossing_dim
        self.output_mode = output_mode

    @property
    def name(self) -> str:
        """The names of the features, joined by ``_X_``."""
        return "_X_".join(self.feature_names)


features_registry.modules.update({Feature: _MODULE, Cross: _MODULE})
