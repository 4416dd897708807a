"""Embeddings: learned vectors for whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea import docstrings, ops
from amalthea.checks import are_indices
from amalthea.engine import dtypes
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.errors import DataError
from amalthea.layers.adaptation import LowRank
from amalthea.layers.layer import Layer
from amalthea.layers.options import keep, weight

docstrings.share(
    "table",
    """
    embeddings_initializer: str, Initializer or function; starting values of the table. Defaults to ``"uniform"``.
    embeddings_regularizer: str, Regularizer or function; penalty on the table, added to the loss. Defaults to None.
    embeddings_constraint: str, Constraint or function; projects the table after each update. Defaults to None.
    mask_zero: bool; whether the index 0 stands for padding, which later layers leave out. Defaults to False.
    """,
)


def check_rows(indices: np.ndarray, layer: Any, name: str) -> None:
    """Raises :class:`DataError` for an index outside the table of the embedding."""
    if indices.dtype.kind == "i" and are_indices(indices, layer.input_dim):
        return
    low, high = (indices.min(), indices.max()) if indices.size else (0, 0)
    if low > -1 and high < layer.input_dim:  # fractions are cut off
        return
    place = np.argwhere((indices <= -1) | (indices >= layer.input_dim) | (indices != indices))
    bad = indices[tuple(place[0])]
    raise DataError(
        f"'{layer.name}' ({type(layer).__name__}) has {layer.input_dim} rows, and {name} holds the index {bad}.",
        expected=f"indices from 0 to {layer.input_dim - 1}",
        got=f"{bad} in row {int(place[0][0]) if len(place[0]) else 0}",
        cure=f"{type(layer).__name__}({int(high) + 1}, {layer.output_dim})"
        if low > -1 and np.isfinite(high)
        else "indices that begin at 0",
    )


def _on_host(inputs: Any) -> np.ndarray | None:
    """Returns the values as a NumPy array if they can be read now; None inside a trace."""
    if isinstance(inputs, Tensor) or current_trace() is not None:
        return None
    try:
        return np.asarray(on_host(inputs))
    except Exception:  # a tracer of the backend itself
        return None


class Embedding(LowRank, Layer):
    """Looks up a learned vector for each whole number, such as the number of a word.

    Args:
        input_dim: int, at least 1; number of vectors. Inputs are indices from 0 to ``input_dim - 1``.
        output_dim: int, at least 1; size of each vector.
        |table|
        weights: list of one array ``(input_dim, output_dim)``; the table to start from. Defaults to None, which uses
            the initializer.
        |adapters|
        |layer options|

    Shapes: ``(batch, ...) -> (batch, ..., output_dim)``; floats are cut down to whole numbers.

    Raises:
        DataError: an index lies outside the table. Only arrays on the host are checked: inputs of a model that the
            layer reads, and arrays given to the layer itself. In a compiled function such an index reads the nearest
            row.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers, ops
        >>> table = layers.Embedding(3, 2, weights=[np.array([[0, 0], [1, 2], [3, 4]])])
        >>> ops.convert_to_numpy(table(np.array([[1, 2]]))).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]
    """

    _not_in_config = ("weights", "lora_rank", "lora_alpha", "quantization_config")
    _config_start = {"activity_regularizer": None}
    _quantized_by_default = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, weights=weights, **kwargs)
        keep(self, locals())
        self.supports_masking = mask_zero

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = weight(self, "embeddings", (self.input_dim, self.output_dim))

    def _input_axes(self, variable: Any) -> tuple[int, ...]:
        return (1,) if variable.name == "embeddings" else super()._input_axes(variable)

    def call(self, inputs: Any) -> Any:
        known = _on_host(inputs)
        if known is not None:
            check_rows(known, self, "the input")
        if not dtypes.is_integer(ops.dtype(inputs)):
            inputs = ops.cast(inputs, "int32")
        if known is None:
            inputs = ops.clip(inputs, 0, self.input_dim - 1)
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None
