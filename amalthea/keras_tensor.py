"""``KerasTensor``: Keras's name for a symbolic tensor."""

from __future__ import annotations

from typing import Any

from amalthea import ops
from amalthea.docstrings import attribute
from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.types import DTypeLike, ShapeLike
from amalthea.errors import ArgumentError
from amalthea.layers.building import symbolic
from amalthea.operation import Call, Unnamed


class _AnyTensor(type):
    """Makes every symbolic tensor an instance, however it was made."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is Tensor or type.__subclasscheck__(cls, subclass)


class KerasTensor(metaclass=_AnyTensor):
    """A symbolic tensor: a shape and a dtype without a value. All symbolic tensors are instances of this class.

    Args:
        shape: int or sequence of int and None; the shape with the batch, None for sizes that are not known.
        dtype: DTypeLike; dtype of the elements. Defaults to ``"float32"``.
        sparse: bool; must be False: there are no sparse tensors here. Defaults to False.
        ragged: bool; must be False: there are no ragged tensors here. Defaults to False.
        record_history: bool; whether calls on the tensor are recorded, so that a :class:`Function` can be made of
            them. Defaults to True.
        name: str; name of the tensor. Defaults to None, no name.
        **kwargs: ``ragged_rank`` and ``row_splits_dtype``, which are for ragged tensors and without effect.

    Raises:
        ArgumentError: ``sparse`` or ``ragged`` is True.

    Example:
        >>> from amalthea import KerasTensor, ops
        >>> x = KerasTensor((None, 3))
        >>> ops.sum(x, axis=1).shape, isinstance(ops.exp(x), KerasTensor)
        ((None,), True)
    """

    sparse = False
    ragged = False
    ragged_rank = property(lambda self: None, doc="None: there are no ragged tensors.")
    row_splits_dtype = property(lambda self: None, doc="None: there are no ragged tensors.")
    shape = Tensor.shape
    ndim = Tensor.ndim
    dtype: str = attribute("The dtype of the elements.")
    reshape: Any = staticmethod(ops.reshape)
    squeeze: Any = staticmethod(ops.squeeze)

    def __new__(
        cls,
        shape: ShapeLike,
        dtype: DTypeLike = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> Any:
        unknown = set(kwargs) - {"ragged_rank", "row_splits_dtype"}
        if unknown or sparse or ragged:
            raise ArgumentError(
                "A symbolic tensor of this kind does not exist.",
                expected="sparse=False and ragged=False",
                got=", ".join(sorted(unknown)) or ("sparse=True" if sparse else "ragged=True"),
            )
        tensor = symbolic(shape if isinstance(shape, (list, tuple)) else (shape,), dtypes.standardize(dtype))
        tensor.name = name or ""
        if record_history:
            Call(Unnamed(name or "keras_tensor"), (), {}, tensor)
        return tensor
