"""Where a symbolic model begins."""

from __future__ import annotations

import operator
from typing import Any

from amalthea import config
from amalthea.checks import either, non_negative_int, one_or_several, optional
from amalthea.configurable import auto_name
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import type_of
from amalthea.errors import ArgumentError
from amalthea.layers.building import symbolic
from amalthea.layers.layer import Layer
from amalthea.operation import Call


def _check_sizes(name: str, shape: Any) -> Any:
    shape = shape.tolist() if hasattr(shape, "tolist") else shape  # an array
    _SIZES(shape, name, "Input")
    return shape


_SIZES = either(one_or_several(optional(non_negative_int)), (), [])


class InputLayer(Layer):
    """The place of one input in a model.

    Args:
        shape: without the batch; None for a size that is not known.
        batch_size: the size of the batch, or None.
        dtype: the dtype of the data.
        batch_shape: shape and batch in one.
        input_tensor: an array or symbolic tensor whose shape and dtype are taken instead.
        sparse, ragged: kept in configurations; arrays are dense here.
        optional: whether None may be given.
        name: the key under which data for it may be given.
    """

    not_in_config = ("shape", "batch_size", "input_tensor")

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name or auto_name("input_layer"), **kwargs)
        if input_tensor is not None:
            if shape is not None or batch_shape is not None:
                raise ArgumentError("An input takes a tensor or a shape, not both.", got=f"{shape or batch_shape}")
            found = type_of(input_tensor)
            batch_shape, dtype = shapes.public(found.shape), dtype or found.dtype
        if shape is None and batch_shape is None:
            raise ArgumentError("An input needs a shape.", cure="Input(shape=(784,))")
        if shape is not None and batch_shape is not None:
            raise ArgumentError("An input takes a shape or a batch shape, not both.", got=f"{shape} and {batch_shape}")
        if shape is not None:
            shape = _check_sizes("shape", shape)
            batch_shape = (batch_size, *(shape if isinstance(shape, (list, tuple)) else (shape,)))
        elif input_tensor is None:
            batch_shape = _check_sizes("batch_shape", batch_shape)
        # Sizes may come from NumPy; a file holds plain numbers.
        self.batch_shape = tuple(None if n is None else operator.index(n) for n in batch_shape or ())
        self.input_dtype_name = dtypes.standardize(dtype or config.floatx())
        self.sparse, self.ragged, self.optional = bool(sparse), bool(ragged), bool(optional)
        self.built = True
        output = symbolic(self.batch_shape, self.input_dtype_name)
        output.name = self.name
        Call(self, (), {}, output)

    def call(self) -> Any:
        return None

    @property
    def dtype(self) -> str:
        return self.input_dtype_name

    @property
    def output(self) -> Any:
        return self.calls[0].outputs

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self.input_dtype_name,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Any:
    """A symbolic input, to be given to layers and ops.

    Args:
        shape: without the batch; None for a size that is not known.
        batch_size: the size of the batch, or None.
        dtype: the dtype of the data; ``floatx()`` by default.
        batch_shape: shape and batch in one.
        tensor: an array or symbolic tensor whose shape and dtype are taken instead.
        sparse, ragged: kept in configurations; arrays are dense here.
        name: the key under which data for it may be given.

    Example:
        >>> from amalthea import Input, Model, layers
        >>> x = Input((4,))
        >>> Model(x, layers.Dense(2)(x)).output_shape
        (None, 2)
    """
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name).output
