"""Symbolic values: a :class:`Tensor` has a type and the :class:`Node` that computes it.

Traces keep no list of nodes: a graph consists of the nodes reachable from its outputs, so dead code is never part of
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from amalthea.engine import shapes
from amalthea.engine.ir.scope import current_trace
from amalthea.errors import TraceError


class Type(NamedTuple):
    """The shape and dtype of a value."""

    shape: shapes.Shape
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


class Node:
    """One application of a primitive: ``outputs = primitive(*inputs, **attrs)``.

    ``extends`` is another node whose outputs are the first outputs of this one. A gradient rule makes such a node if it
    needs more intermediate values than the forward pass computes; ``passes/extended.py`` merges the two.
    """

    __slots__ = ("attrs", "extends", "inputs", "outputs", "primitive", "scope")

    def __init__(self, primitive: Any, inputs: Sequence[Tensor], attrs: dict[str, Any], types: Sequence[Type]):
        self.extends: Node | None = None
        self.primitive = primitive
        self.inputs = tuple(inputs)
        self.attrs = attrs
        self.scope = current_trace()
        self.outputs = tuple(Tensor(t, self, i) for i, t in enumerate(types))


class Operators:
    """Python's operators on values. ``ops`` installs them; here they are declared for type checkers."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __rmod__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __rmatmul__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...
        def __getitem__(self, key: Any) -> Any: ...


class Tensor(Operators):
    """A symbolic value. A constant has ``value``, a computed tensor has ``node``, an input has neither."""

    __slots__ = ("__weakref__", "_keras_mask", "dtype", "history", "index", "name", "node", "scope", "type", "value")
    sparse = ragged = False  # Keras's words; all tensors are dense
    __array_ufunc__ = None  # so that `array + tensor` calls Tensor.__radd__

    def __init__(self, type: Type, node: Node | None = None, index: int = 0, value: Any = None, name: str = ""):
        self.type = type
        self.dtype = type.dtype
        self.node = node
        self.index = index
        self.value = value
        self.name = name
        self.scope = node.scope if node else current_trace()
        self.history: Any = None
        self._keras_mask: Any = None

    def __getstate__(self) -> Any:
        kept = {name: getattr(self, name) for name in Tensor.__slots__ if name not in ("__weakref__", "scope")}
        return None, {**kept, "scope": None}  # a copy belongs to no trace

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape, with ``None`` for every symbolic dimension."""
        return shapes.public(self.type.shape)

    @property
    def ndim(self) -> int:
        return len(self.type.shape)

    def __repr__(self) -> str:
        return f"<Tensor {self.name or 'of'} {self.type}>"

    def __len__(self) -> int:
        if not self.type.shape or isinstance(self.type.shape[0], shapes.Dim):
            raise TraceError("The length of this tensor is unknown.", got=self.type, cure="ops.shape(x)[0]")
        return self.type.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def _concrete(self, *_: Any, **__: Any) -> Any:
        raise TraceError(
            "A symbolic tensor has no value yet, so Python cannot branch on it or turn it into a number.",
            expected="a concrete array",
            got=self.type,
            cure="ops.cond(p, f, g), ops.where(p, a, b), or compile(..., run_eagerly=True)",
        )

    __bool__ = __int__ = __float__ = __index__ = __array__ = numpy = _concrete
