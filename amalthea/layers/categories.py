"""Encoding of numbers as categories: indices of ranges, one-hot and multi-hot vectors, and counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import ops
from amalthea.errors import ArgumentError
from amalthea.layers.layer import Layer

_MODES = ("one_hot", "multi_hot", "count")


def encoded(indices: Any, mode: str, depth: int, weights: Any = None, dtype: str = "float32") -> Any:
    """Encodes whole numbers as vectors.

    Args:
        indices: tensor of whole numbers.
        mode: str; ``"one_hot"`` gives a vector for each number (a last axis of size 1 is replaced by the vector's),
            ``"multi_hot"`` one vector for the whole last axis, ``"count"`` how often each number occurs there.
        depth: int; length of a vector.
        weights: tensor; weight of each number with ``"count"``. Defaults to None, which is 1.
        dtype: str; dtype of the vectors.
    """
    rank = len(indices.shape)
    if mode == "one_hot":
        last = ops.squeeze(indices, -1) if rank > 1 and indices.shape[-1] == 1 else indices
        return ops.one_hot(last, depth, dtype=dtype)
    hot = ops.one_hot(indices, depth, dtype=dtype)
    if weights is not None:
        hot = ops.multiply(hot, ops.expand_dims(ops.cast(weights, dtype), -1))
    if rank == 0:
        return hot
    return ops.max(hot, axis=-2) if mode == "multi_hot" else ops.sum(hot, axis=-2)


class CategoryEncoding(Layer):
    """Encodes whole numbers as vectors of zeros and ones, or as counts.

    Args:
        num_tokens: int, at least 1; length of a vector. Numbers are 0 to ``num_tokens - 1``.
        output_mode: str; ``"multi_hot"`` gives one vector for all numbers of an example, with 1 at each of them;
            ``"count"`` gives how often each occurs; ``"one_hot"`` gives one vector for each number. Defaults to
            ``"multi_hot"``.
        sparse: must be False; vectors are dense.
        |layer options|

    Call args:
        count_weights: tensor like the input; weight of each number with ``"count"``. Defaults to None, which is 1.

    Shapes: ``(batch, numbers) -> (batch, num_tokens)``; with ``"one_hot"`` ``(batch, numbers) -> (batch, numbers,
        num_tokens)``, where a last axis of size 1 is replaced.

    Raises:
        ArgumentError: ``num_tokens`` is missing, a mode does not exist, or weights are given without ``"count"``.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([[0, 2], [1, 1]])
        >>> np.asarray(layers.CategoryEncoding(4)(x)).tolist()
        [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
        >>> np.asarray(layers.CategoryEncoding(4, output_mode="count")(x)).tolist()
        [[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 0.0]]
    """

    _not_in_config = ("sparse",)

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ):
        super().__init__(**kwargs)
        if num_tokens is None or num_tokens < 1:
            raise ArgumentError(
                "CategoryEncoding must know the number of categories.", expected="num_tokens=10", got=num_tokens
            )
        if output_mode not in _MODES:
            raise ArgumentError("This output mode does not exist.", expected=", ".join(_MODES), got=repr(output_mode))
        if sparse:
            raise ArgumentError("Codes are dense.", cure="sparse=False")
        self.num_tokens, self.output_mode, self.sparse = num_tokens, output_mode, sparse

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ArgumentError("Weights are for counting.", expected='output_mode="count"', got=repr(self.output_mode))
        return encoded(ops.cast(inputs, "int32"), self.output_mode, self.num_tokens, count_weights, self.compute_dtype)


class Discretization(Layer):
    """Replaces numbers by the index of the range in which they lie.

    Args:
        bin_boundaries: increasing list of float; limits of the ranges, each of which includes its lower limit. ``[0,
            1]`` makes the ranges below 0, from 0 to 1, and from 1. Defaults to None, which learns them.
        num_bins: int, at least 1; number of equally full ranges that :meth:`adapt` learns. Defaults to None. Either
            this or ``bin_boundaries`` is given.
        epsilon: accepted for Keras; quantiles are exact here.
        output_mode: str; ``"int"`` gives the index, ``"one_hot"``, ``"multi_hot"`` and ``"count"`` encode it as
            :class:`CategoryEncoding` does. Defaults to ``"int"``.
        sparse: must be False; vectors are dense.
        dtype: str; dtype of the output. Defaults to None, which is int32 for indices and the policy's dtype for
            vectors.
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        |layer options|

    Shapes: any shape; the output of ``"int"`` has the same, vectors have the shapes of :class:`CategoryEncoding`.

    Raises:
        ArgumentError: boundaries and ``num_bins`` are both given, or neither; a mode does not exist; or nothing was
            learned before the first call.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> x = np.array([[-1.0, 0.0, 0.5, 7.0]], "float32")
        >>> np.asarray(layers.Discretization([0.0, 1.0])(x)).tolist()
        [[0, 1, 1, 2]]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=None if str(dtype).startswith("int") else dtype, **kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise ArgumentError(
                "Discretization takes boundaries, or the number of ranges to learn.",
                got=f"{bin_boundaries}, {num_bins}",
            )
        if output_mode not in ("int", *_MODES):
            raise ArgumentError(
                "This output mode does not exist.", expected=", ".join(("int", *_MODES)), got=repr(output_mode)
            )
        if sparse:
            raise ArgumentError("Codes are dense.", cure="sparse=False")
        self.bin_boundaries = None if bin_boundaries is None else [float(b) for b in bin_boundaries]
        self.num_bins, self.epsilon, self.output_mode, self.sparse = num_bins, epsilon, output_mode, sparse
        self._index_dtype = dtype if str(dtype).startswith("int") else "int32"

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ArgumentError(f"'{self.name}' has learnt no boundaries yet.", cure="layer.adapt(data)")
        over = ops.greater_equal(ops.expand_dims(inputs, -1), np.asarray(self.bin_boundaries, "float32"))
        found = ops.sum(ops.cast(over, "int32"), axis=-1)
        if self.output_mode == "int":
            return ops.cast(found, self._index_dtype)
        return encoded(found, self.output_mode, len(self.bin_boundaries) + 1, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        whole = self._index_dtype if self._index_dtype != "int32" else self.dtype
        config = {**super().get_config(), "dtype": whole if self.output_mode == "int" else self.dtype}
        config.pop("trainable")  # Keras's constructor does not take it
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Discretization:
        """Makes the layer again: learned boundaries stand in the config beside ``num_bins``; the constructor takes only
        one.
        """
        learnt = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        given = {**config, "bin_boundaries": None} if learnt is not None else config
        layer = super().from_config(given, custom_objects)
        layer.bin_boundaries = learnt if learnt is not None else layer.bin_boundaries
        return layer

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns ``num_bins`` equally full ranges from data.

        Args:
            data: array, or an iterable of batches.
            steps: int; number of batches that are read. Defaults to None, which reads all.

        Shapes: any shape; all elements are taken together.

        Raises:
            ArgumentError: the layer was given its boundaries.
        """
        if self.num_bins is None:
            raise ArgumentError(
                f"'{self.name}' was given its boundaries, and learns none.", cure="Discretization(num_bins=10)"
            )
        array = hasattr(data, "shape") or isinstance(data, (list, tuple))
        batches = [data] if array else [batch for i, batch in enumerate(data) if steps is None or i < steps]
        values = np.concatenate([ops.convert_to_numpy(batch).ravel() for batch in batches])
        quantiles = np.arange(1, self.num_bins) / self.num_bins
        self.bin_boundaries = np.unique(np.quantile(values, quantiles)).astype("float32").tolist()
        self._learned += 1
        Layer._structure_version += 1
