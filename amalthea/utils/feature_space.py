"""``FeatureSpace``: tables of named features, encoded for a network."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from amalthea import ops, text, tree
from amalthea.checks import positive_int
from amalthea.configurable import auto_name, serialize
from amalthea.engine.backends import library_graphs
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.errors import ArgumentError, brief, nearest
from amalthea.layers.categories import CategoryEncoding, Discretization
from amalthea.layers.feature_scaling import Normalization, Rescaling
from amalthea.layers.identity import Identity
from amalthea.layers.input_layer import Input
from amalthea.layers.layer import Layer, registry
from amalthea.layers.merging import Concatenate
from amalthea.layers.text.hashing import HashedCrossing, Hashing
from amalthea.layers.text.host_layer import on_host_or_text
from amalthea.layers.text.integer_lookup import IntegerLookup
from amalthea.layers.text.string_lookup import StringLookup
from amalthea.operation import types_alone
from amalthea.saving.files import save_model
from amalthea.utils.feature import Cross, Feature, features_registry


class FeatureSpace(Layer):
    """Encodes tables of named features: numbers are scaled, categories become vectors, combinations are hashed.

    Args:
        features: dict from name to the kind of a feature: the name of one of the class methods below, such as
            ``"string_categorical"``, or what one of them returns.
        output_mode: str; ``"concat"`` gives one vector, the features in the order of their sorted names and then the
            crosses; ``"dict"`` gives a dict of encoded features. Defaults to ``"concat"``.
        crosses: list of tuples of names, or of what :meth:`cross` returns; combinations that are hashed. Defaults to
            None.
        crossing_dim: int; bins of a cross that is given by names. Defaults to 32.
        hashing_dim: int; bins of hashed features that are given by name. Defaults to 32.
        num_discretization_bins: int; ranges of discretized features that are given by name. Defaults to 32.
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        |layer options|

    Shapes: a dict of ``(batch,)`` or ``(batch, 1)`` to ``(batch, width)``; of single values ``()`` to ``(width,)``.

    Raises:
        ArgumentError: a feature has no such kind, or a cross names one that is not there.

    Example:
        >>> import numpy as np
        >>> from amalthea import utils
        >>> table = {"age": [20.0, 40.0], "city": ["Rome", "Oslo"]}
        >>> space = utils.FeatureSpace({"age": "float_normalized", "city": "string_categorical"})
        >>> space.adapt(table)
        >>> np.asarray(space(table)).tolist()
        [[-1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]]
    """

    _argument_checks = dict.fromkeys(("crossing_dim", "hashing_dim", "num_discretization_bins"), positive_int)
    _config_slots = {"features": ("utils",), "crosses": ("utils",)}

    def __init__(
        self,
        features: Mapping[str, Any],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if not isinstance(features, Mapping) or not features:
            raise ArgumentError("A feature space has features.", expected='{"age": "float"}', got=brief(features))
        if output_mode not in ("concat", "dict"):
            raise ArgumentError("This output mode does not exist.", expected="concat, dict", got=repr(output_mode))
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins, self.output_mode = num_discretization_bins, output_mode
        self.features = {name: self._feature(name, kind) for name, kind in features.items()}
        self.crosses = [self._cross(cross) for cross in crosses or []]
        self.preprocessors = {name: feature.preprocessor for name, feature in self.features.items()}
        self.crossers = {cross.name: HashedCrossing(cross.crossing_dim, name=cross.name) for cross in self.crosses}
        self._check_modes()
        self._encoded_inputs: Any = None

    def _check_modes(self) -> None:
        parts: dict[str, Any] = {**self.features, **{cross.name: cross for cross in self.crosses}}
        as_indices = [name for name, part in parts.items() if part.output_mode == "int"]
        if self.output_mode == "concat" and as_indices:
            raise ArgumentError(
                "Indices cannot be part of one vector.",
                expected='output_mode="one_hot"',
                got=f"{as_indices[0]!r} as int",
                cure='FeatureSpace(..., output_mode="dict")',
            )

    def _feature(self, name: str, kind: Any) -> Feature:
        if isinstance(kind, dict):
            kind = features_registry.get(kind)
        if isinstance(kind, Feature):
            return kind
        options = {
            "float_discretized": {"num_bins": self.num_discretization_bins},
            "integer_hashed": {"num_bins": self.hashing_dim},
            "string_hashed": {"num_bins": self.hashing_dim},
        }
        if kind not in KINDS:
            raise ArgumentError(f"Feature {name!r} has no such kind.", got=brief(kind), cure=nearest(str(kind), KINDS))
        return getattr(FeatureSpace, kind)(name=name, **options.get(kind, {}))

    def _cross(self, cross: Any) -> Cross:
        if isinstance(cross, dict):
            cross = features_registry.get(cross)
        made = cross if isinstance(cross, Cross) else Cross(cross, self.crossing_dim)
        unknown = [name for name in made.feature_names if name not in self.features]
        if unknown or len(made.feature_names) < 2:
            raise ArgumentError(
                "A cross names two or more features.",
                expected=", ".join(self.features),
                got=", ".join(made.feature_names),
            )
        return made

    # ------------------------------------------------------------------------------------------- kinds of features

    @classmethod
    def cross(cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Returns a cross: combinations of features, hashed into bins.

        Args:
            feature_names: sequence of str; two features or more.
            crossing_dim: int; number of bins.
            output_mode: str; ``"one_hot"`` or ``"int"``. Defaults to ``"one_hot"``.

        Raises:
            ArgumentError: the mode does not exist.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.cross(("city", "age"), crossing_dim=8).crossing_dim
            8
        """
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """Returns a feature with a layer of your own.

        Args:
            dtype: str; dtype of the column.
            preprocessor: layer of one column ``(batch, 1)``.
            output_mode: str; ``"float"``, ``"int"`` or ``"one_hot"``, which needs a layer with a known number of
                indices.

        Raises:
            ArgumentError: the mode does not exist.

        Example:
            >>> from amalthea import layers, utils
            >>> utils.FeatureSpace.feature("float32", layers.Rescaling(0.5), "float").dtype
            'float32'
        """
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Returns a feature of floats that are taken as they are.

        Args:
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.float().output_mode
            'float'
        """
        return cls.feature("float32", Identity(name=_name(name, "float")), "float")

    @classmethod
    def float_rescaled(
        cls, scale: builtins.float = 1.0, offset: builtins.float = 0.0, name: str | None = None
    ) -> Feature:
        """Returns a feature of floats that become ``x * scale + offset``.

        Args:
            scale: float; the factor. Defaults to 1.0.
            offset: float; the offset. Defaults to 0.0.
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.float_rescaled(0.5).preprocessor.scale
            0.5
        """
        return cls.feature("float32", Rescaling(scale, offset, name=_name(name, "float_rescaled")), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Returns a feature of floats that are normalized by their mean and variance.

        Args:
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.float_normalized().dtype
            'float32'
        """
        return cls.feature("float32", Normalization(axis=-1, name=_name(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Returns a feature of floats that become the index of the range in which they lie.

        Args:
            num_bins: int; number of ranges.
            bin_boundaries: list of float; their limits. Defaults to None, which learns them.
            output_mode: str; ``"one_hot"`` or ``"int"``. Defaults to ``"one_hot"``.
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Raises:
            ArgumentError: the mode does not exist.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.float_discretized(8).preprocessor.num_bins
            8
        """
        limits = {"num_bins": num_bins} if bin_boundaries is None else {"bin_boundaries": bin_boundaries}
        return cls.feature("float32", Discretization(name=_name(name, "float_discretized"), **limits), output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Returns a feature of whole numbers that are looked up in a vocabulary.

        Args:
            max_tokens: int; size of the vocabulary. Defaults to None, no limit.
            num_oov_indices: int; number of indices for unknown numbers. Defaults to 1.
            output_mode: str; ``"one_hot"`` or ``"int"``. Defaults to ``"one_hot"``.
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Raises:
            ArgumentError: the mode does not exist.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.integer_categorical(10).preprocessor.max_tokens
            10
        """
        layer = IntegerLookup(max_tokens, num_oov_indices, name=_name(name, "integer_categorical"))
        return cls.feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Returns a feature of texts that are looked up in a vocabulary.

        Args:
            max_tokens: int; size of the vocabulary. Defaults to None, no limit.
            num_oov_indices: int; number of indices for unknown texts. Defaults to 1.
            output_mode: str; ``"one_hot"`` or ``"int"``. Defaults to ``"one_hot"``.
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Raises:
            ArgumentError: the mode does not exist.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.string_categorical(10).dtype
            'string'
        """
        layer = StringLookup(max_tokens, num_oov_indices, name=_name(name, "string_categorical"))
        return cls.feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Returns a feature of whole numbers that are hashed into bins.

        Args:
            num_bins: int; number of bins.
            output_mode: str; ``"one_hot"`` or ``"int"``. Defaults to ``"one_hot"``.
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Raises:
            ArgumentError: the mode does not exist.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.integer_hashed(8).preprocessor.num_bins
            8
        """
        return cls.feature("int32", Hashing(num_bins, name=_name(name, "integer_hashed")), output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Returns a feature of texts that are hashed into bins.

        Args:
            num_bins: int; number of bins.
            output_mode: str; ``"one_hot"`` or ``"int"``. Defaults to ``"one_hot"``.
            name: str; beginning of the layer's name. Defaults to None, which makes one.

        Raises:
            ArgumentError: the mode does not exist.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace.string_hashed(8).dtype
            'string'
        """
        return cls.feature("string", Hashing(num_bins, name=_name(name, "string_hashed")), output_mode)

    # ---------------------------------------------------------------------------------------------------- learning

    def adapt(self, dataset: Any) -> None:
        """Learns vocabularies, means and ranges from data.

        Args:
            dataset: dict of columns, data frame, or data set of dicts, in batches or not.

        Raises:
            ArgumentError: a feature is missing in the data.

        Example:
            >>> from amalthea import utils
            >>> space = utils.FeatureSpace({"city": "string_categorical"})
            >>> space.adapt({"city": ["Rome", "Oslo", "Rome"]})
            >>> space.preprocessors["city"].get_vocabulary()
            ['[UNK]', 'Rome', 'Oslo']
        """
        batches = [dataset] if _is_table(dataset) else dataset
        for name, layer in self.preprocessors.items():
            if _learns(layer):
                layer.adapt(self._column(name, batches))
        self.get_encoded_features()

    def _column(self, name: str, batches: Any) -> Iterator[np.ndarray]:
        for batch in batches:
            batch = batch[0] if isinstance(batch, tuple) else batch
            yield on_host_or_text(_as_column(self._read(name, batch), self.features[name].dtype))

    def _read(self, name: str, data: Any) -> Any:
        if not _is_table(data) or name not in data:
            raise ArgumentError(f"The data lack feature {name!r}.", expected=", ".join(self.features), got=brief(data))
        return data[name]

    # ---------------------------------------------------------------------------------------------------- encoding

    def __call__(self, data: Any) -> Any:
        if library_graphs.in_graph([data]):
            return library_graphs.call_on_numpy(
                lambda x: tree.map_structure(on_host_or_text, self(x)), data, self._typed
            )
        return self._encoded(data)

    call = __call__

    def _typed(self, data: Any) -> Any:
        with types_alone():
            return self._encoded(data)

    def _encoded(self, data: Any) -> Any:
        columns = {name: _as_column(self._read(name, data), feature.dtype) for name, feature in self.features.items()}
        single = all(_rank(self._read(name, data)) == 0 for name in self.features)
        found = {name: self._preprocessed(name, column) for name, column in columns.items()}
        encoded = {name: self._in_mode(name, found[name]) for name in sorted(self.features)}
        for cross in self.crosses:  # of indices, as in Keras
            bins = self.crossers[cross.name]([found[name] for name in cross.feature_names])
            encoded[cross.name] = _one_hot(bins, cross.crossing_dim) if cross.output_mode == "one_hot" else bins
        if self.output_mode == "concat":
            flat = [ops.cast(x, "float32") for x in encoded.values()]
            joined = Concatenate(axis=-1)(flat) if len(flat) > 1 else flat[0]
            return ops.squeeze(joined, 0) if single else joined
        return {name: ops.squeeze(x, 0) for name, x in encoded.items()} if single else encoded

    def _preprocessed(self, name: str, column: Any) -> Any:
        layer = self.preprocessors[name]
        return column if layer is None else layer(column)

    def _in_mode(self, name: str, found: Any) -> Any:
        is_one_hot = self.features[name].output_mode == "one_hot"
        return _one_hot(found, _count(self.preprocessors[name], name)) if is_one_hot else found

    def get_inputs(self) -> dict[str, Any]:
        """Returns symbolic inputs, one for each feature, by name.

        Example:
            >>> from amalthea import utils
            >>> utils.FeatureSpace({"age": "float"}).get_inputs()["age"].shape
            (None, 1)
        """
        if "inputs" not in vars(self):
            self.inputs = {name: Input((1,), dtype=f.dtype, name=name) for name, f in self.features.items()}
        return self.inputs

    def get_encoded_features(self) -> Any:
        """Returns the encoded features as symbolic tensors, from which the rest of a model is made.

        Raises:
            ArgumentError: a feature is not adapted yet.

        Example:
            >>> from amalthea import Model, layers, utils
            >>> space = utils.FeatureSpace({"age": "float", "size": "float"})
            >>> model = Model(space.get_inputs(), layers.Dense(1)(space.get_encoded_features()))
            >>> model.output_shape
            (None, 1)
        """
        if self._encoded_inputs is None:
            self._encoded_inputs = self._encoded(self.get_inputs())
            self.built = True
        return self._encoded_inputs

    _not_tracked = ("inputs", "_encoded_inputs")

    # ------------------------------------------------------------------------------------------------------- files

    def get_config(self) -> dict[str, Any]:
        return {
            "features": {name: serialize(feature) for name, feature in self.features.items()},
            "output_mode": self.output_mode,
            "crosses": [serialize(cross) for cross in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    def get_build_config(self) -> dict[str, Any] | None:
        return {name: layer.get_build_config() or {} for name, layer in self.preprocessors.items() if layer is not None}

    def build_from_config(self, config: dict[str, Any]) -> None:
        for name, layer in self.preprocessors.items():
            if layer is not None and not layer.built:
                layer.build_from_config(config.get(name) or {})
        self.built = True

    def save(self, filepath: Any) -> None:
        """Saves the feature space to a ``.keras`` file, which ``models.load_model`` reads.

        Args:
            filepath: str or path that ends in ``.keras``.

        Raises:
            ArgumentError: the ending is another one, or the folder does not exist.

        Example:
            >>> import pathlib, tempfile
            >>> from amalthea import models, utils
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "space.keras"
            >>> utils.FeatureSpace({"age": "float"}).save(path)
            >>> list(models.load_model(path).features)
            ['age']
        """
        save_model(self, filepath)


registry.modules[FeatureSpace] = "keras.utils"
KINDS = (
    "float", "float_rescaled", "float_normalized", "float_discretized", "integer_categorical", "string_categorical",
    "integer_hashed", "string_hashed",
)  # fmt: skip


def _name(given: str | None, kind: str) -> str:
    return f"{auto_name(kind) if given is None else given}_preprocessor"


def _is_table(data: Any) -> bool:
    return isinstance(data, Mapping) or hasattr(data, "iloc")


def _learns(layer: Any) -> bool:
    if isinstance(layer, Discretization):
        return layer.num_bins is not None
    if isinstance(layer, (IntegerLookup, StringLookup)):
        return not layer.get_vocabulary(include_special_tokens=False) or not layer._is_inline
    return hasattr(layer, "adapt") and not getattr(layer, "_given_moments", False)


def _rank(value: Any) -> int:
    return len(value.shape) if hasattr(value, "shape") else np.ndim(text.as_objects(value))


def _as_column(value: Any, dtype: str) -> Any:
    """Values of one feature as ``(batch, 1)``."""
    if isinstance(value, Tensor):
        shape = value.type.shape if len(value.shape) > 1 else (*(value.type.shape or (1,)), 1)
        return (
            Tensor(Type(shape, text.DTYPE)) if len(value.shape) < 2 and dtype == text.DTYPE else _reshaped(value, shape)
        )
    if dtype == text.DTYPE:
        array: Any = text.as_text(value)
    else:
        array = ops.cast(ops.convert_to_tensor(value), "int64" if dtype.startswith("int") else dtype)
    rank = len(array.shape)
    if rank > 1:
        return array
    return array.reshape(-1, 1) if dtype == text.DTYPE else ops.reshape(array, (-1, 1))


def _reshaped(value: Any, shape: Any) -> Any:
    return value if len(value.shape) == len(shape) else ops.reshape(value, shape)


def _one_hot(indices: Any, count: int) -> Any:
    return CategoryEncoding(count, output_mode="one_hot")(indices)


def _count(layer: Any, name: str) -> int:
    """The number of indices that a feature's layer gives."""
    for attribute in ("num_tokens", "num_bins"):
        if getattr(layer, attribute, None) is not None:
            return getattr(layer, attribute)
    if isinstance(layer, Discretization):
        return len(layer.bin_boundaries or ()) + 1
    if isinstance(layer, (IntegerLookup, StringLookup)):
        if not layer._size():
            layer._require_vocabulary()
        return layer._size() or 0
    raise ArgumentError(
        f"Feature {name!r} cannot be one-hot: its layer does not tell the number of its indices.",
        expected="num_tokens, num_bins or vocabulary_size of the layer",
        got=type(layer).__name__,
        cure='output_mode="int"',
    )
