"""Layers that compute on the host, in NumPy, because their inputs are text or need Python.

Called on arrays they compute at once. A model of symbolic inputs computes them for each batch before its compiled step
(``models/functional/host_part.py``). In any other compiled function they are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from amalthea import docstrings, ops, text, tree
from amalthea.engine.backends import library_graphs
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import on_host
from amalthea.errors import ArgumentError, DtypeError, TraceError
from amalthea.layers.categories import encoded
from amalthea.layers.layer import Layer
from amalthea.operation import outlining

docstrings.share(
    "codes of categories",
    """
    sparse: must be False; vectors are dense.
    """,
)
docstrings.share(
    "data to adapt to",
    """
    data: array or nested list of what the layer reads, or an iterable of such batches: a data set, a generator.
    steps: int; number of batches that are read. Defaults to None, which reads all.
    """,
)
VECTORS = ("one_hot", "multi_hot", "count")


class HostLayer(Layer):
    """A layer that computes whole numbers or text in NumPy.

    A subclass defines ``_compute(*arrays)``, on NumPy arrays, and ``_result_type(*types)``, its shape and dtype.

    Args:
        |all layer options|

    Shapes: a subclass decides.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> np.asarray(layers.Hashing(4)(["cat", "dog"])).shape
        (2,)
    """

    output_mode = "int"

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        inputs = self._as_arrays(inputs)
        if library_graphs.in_graph([inputs]):
            return library_graphs.call_on_numpy(self._as_numpy, inputs, self.symbolic_call)
        return super().__call__(inputs, **kwargs)

    def _as_arrays(self, inputs: Any) -> Any:
        """Texts, lists of texts and text of other libraries as NumPy arrays; all else as it is."""
        if isinstance(inputs, Tensor) or library_graphs.in_graph([inputs]):
            return inputs
        if text.is_text(inputs) or (isinstance(inputs, (list, tuple)) and not tree.flatten(inputs)):
            return text.as_objects(inputs)
        is_column = hasattr(inputs, "to_numpy") or (hasattr(inputs, "__array__") and not hasattr(inputs, "dtype"))
        if is_column:  # of a table
            inputs = text.as_objects(inputs)
        is_list = isinstance(inputs, (list, tuple)) and not any(hasattr(x, "dtype") for x in tree.flatten(inputs))
        return text.as_objects(inputs) if is_list else inputs

    def _as_numpy(self, inputs: Any) -> Any:
        return tree.map_structure(on_host_or_text, self(inputs))

    @property
    def _runs_on_host(self) -> bool:
        """Whether it must be computed before a compiled step."""
        return True

    def call(self, inputs: Any) -> Any:
        leaves = tree.flatten(inputs)
        if not any(isinstance(x, Tensor) for x in leaves):
            return self._encoded(self._compute(*map(on_host_or_text, leaves)))
        if outlining.get():
            return self._encoded(Tensor(self._result_type(*(x.type for x in leaves))))
        raise TraceError(
            f"{type(self).__name__} computes on the host, and cannot be part of a compiled function.",
            expected="a model of symbolic inputs (Model(inputs, outputs), Sequential) that reads what this layer reads",
            got=f"a call on {', '.join(str(x.type) for x in leaves if isinstance(x, Tensor))}",
            cure="dataset.map(lambda x, y: (layer(x), y)) before fit, or compile(..., run_eagerly=True)",
        )

    def _compute(self, *arrays: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _result_type(self, *types: Type) -> Type:
        raise NotImplementedError

    def _encoded(self, found: Any) -> Any:
        """The result of ``call`` for the whole numbers that ``_compute`` found."""
        if text.is_text(found) or self.output_mode == "int":
            return found if text.is_text(found) else ops.cast(found, self._index_dtype)
        return encoded(found, self.output_mode, self._depth(), dtype=self.compute_dtype)

    _index_dtype = "int64"

    def _depth(self) -> int:
        raise NotImplementedError

    def _refuse_sparse(self, sparse: Any, ragged: Any = False) -> None:
        if sparse:
            raise ArgumentError(
                f"The vectors of {type(self).__name__} are dense.", got="sparse=True", cure="sparse=False"
            )
        if ragged:
            raise ArgumentError(
                f"The rows of {type(self).__name__} are of one length.", got="ragged=True", cure="ragged=False"
            )


def on_host_or_text(value: Any) -> np.ndarray:
    """A concrete value as a NumPy array: of ``str`` for text."""
    return text.as_text(value) if text.is_text(value) else on_host(value)


def whole(array: np.ndarray, owner: str) -> np.ndarray:
    """The array, or :class:`DtypeError` if it holds anything but whole numbers."""
    if array.dtype.kind not in "iub":
        raise DtypeError(
            f"{owner} reads whole numbers or text.",
            expected="integers or str",
            got=array.dtype,
            cure="x.astype('int64')",
        )
    return array


def batches_of(data: Any, steps: int | None = None, batch_size: int | None = None) -> Iterator[Any]:
    """The batches of what ``adapt`` was given: an array or list is one, a data set gives its own."""
    if steps is not None and (not isinstance(steps, int) or steps < 1):
        raise ArgumentError("`steps` of adapt is a positive int, or None.", got=repr(steps), cure="steps=10")
    if data is None:
        raise ArgumentError("There is nothing to adapt to: data is None.", cure="layer.adapt(['a', 'b'])")
    batches: Iterable[Any] = _slices(data, batch_size) if _is_array(data) else data
    for i, batch in enumerate(batches):
        if steps is not None and i >= steps:
            return
        yield batch[0] if isinstance(batch, tuple) and not _is_array(data) else batch


def _slices(data: Any, batch_size: int | None) -> Iterator[Any]:
    if batch_size is None or isinstance(data, (str, bytes)) or getattr(data, "ndim", 1) == 0:
        yield data
        return
    for start in range(0, len(data), batch_size):
        yield data[start : start + batch_size]


def _is_array(data: Any) -> bool:
    if isinstance(data, (str, bytes, list, tuple)):
        return True
    return any(hasattr(data, name) for name in ("shape", "iloc", "__array__"))
