"""Inputs of symbolic models."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from amalthea import config, docstrings
from amalthea.checks import either, non_negative_int, one_or_several, optional
from amalthea.configurable import auto_name
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import type_of
from amalthea.engine.types import DTypeLike, ShapeLike, TensorLike
from amalthea.errors import ArgumentError
from amalthea.layers.building import symbolic
from amalthea.layers.layer import Layer
from amalthea.operation import Call, remembers

docstrings.share(
    "input place",
    """
    shape: int or sequence of int and None; shape without the batch, None for sizes that are not known.
    batch_size: int; size of the batch. Defaults to None: any size.
    dtype: str; dtype of the data. Defaults to None, which takes ``config.floatx()``.
    sparse, ragged: accepted for Keras and kept in the configuration; tensors are dense here.
    batch_shape: sequence of int and None; shape with the batch, in place of ``shape`` and ``batch_size``.
    optional: bool; whether None may be given for the input. Defaults to False.
    name: str; name of the input, which is also its key in dicts of data. Defaults to None, which makes one.
    """,
)


def _check_sizes(name: str, shape: Any) -> Any:
    shape = shape.tolist() if hasattr(shape, "tolist") else shape  # an array
    _SIZES(shape, name, "Input")
    return shape


_SIZES = either(one_or_several(optional(non_negative_int)), (), [])


class InputLayer(Layer):
    """The place of one input in a model; :func:`Input` makes it and returns its symbolic tensor.

    Args:
        |input place|
        input_tensor: array or symbolic tensor; its shape and dtype are taken in place of ``shape``. Defaults to None.
        |layer options|

    Shapes: ``(batch, *shape)``.

    Raises:
        ArgumentError: no shape is given, or two.

    Example:
        >>> from amalthea import layers
        >>> layer = layers.InputLayer((None, 4), name="words")
        >>> layer.output.shape, layer.batch_shape
        ((None, None, 4), (None, None, 4))
    """

    _not_in_config = ("shape", "batch_size", "input_tensor")
    _is_start = True

    def __init__(
        self,
        shape: ShapeLike | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | Any | None] | None = None,
        input_tensor: TensorLike | None = None,
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
        sizes: Any = batch_shape or ()
        self.batch_shape = tuple(None if n is None else operator.index(n) for n in sizes)
        self._input_dtype_name = dtypes.standardize(dtype or config.floatx())
        self.sparse, self.ragged, self.optional = bool(sparse), bool(ragged), bool(optional)
        self.built = True
        output = symbolic(self.batch_shape, self._input_dtype_name)
        output.name = self.name
        Call(self, (), {}, output)

    def call(self) -> Any:
        return None

    @property
    def dtype(self) -> str:
        return self._input_dtype_name

    @property
    def output(self) -> Any:
        return self._calls[0].outputs

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self._input_dtype_name,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


@docstrings.fill
def Input(
    shape: ShapeLike | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | Any | None] | None = None,
    name: str | None = None,
    tensor: TensorLike | None = None,
    optional: bool = False,
) -> Any:
    """Returns a symbolic tensor that stands for an input of a model.

    Layers and ops that are applied to it are recorded; ``Model(inputs, outputs)`` makes a model of them.

    Args:
        |input place|
        tensor: array or symbolic tensor; its shape and dtype are taken in place of ``shape``. Defaults to None.

    Shapes: the symbolic tensor is ``(batch, *shape)``.

    Returns: the symbolic tensor.

    Raises:
        ArgumentError: no shape is given, or two.

    Example:
        >>> from amalthea import Input, Model, layers
        >>> x = Input((4,))
        >>> Model(x, layers.Dense(2)(x)).output_shape
        (None, 2)

    Source: a symbolic ``tensor`` of a model is returned itself, as in Keras, unless it gets a name; an array or a named
    tensor gives the shape and dtype alone.
    """
    if name is None and shape is None and batch_shape is None and remembers(tensor):
        return tensor
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name).output
