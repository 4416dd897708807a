"""Pattern matching on graphs: the primitive that computes a tensor.

All passes and ops that inspect nodes use these functions. :func:`made_by` matches one node; :func:`monotonic_before`
and :func:`input_of` match for two rewrites that ops apply while tracing, before a gradient is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine.ir.tensor import Node, Tensor
from amalthea.engine.primitives import Primitive, elementwise
from amalthea.engine.primitives.windows import space_of


def made_by(x: Any, *primitives: Any) -> Node | None:
    """Return the node that computes a tensor if it applies one of these primitives; None otherwise.

    >>> import amalthea
    >>> from amalthea.engine.ir.tensor import Tensor, Type
    >>> from amalthea.engine.primitives import elementwise
    >>> y = elementwise.relu(Tensor(Type((2,), "float32")))
    >>> made_by(y, elementwise.relu).primitive.name, made_by(y, elementwise.tanh)
    ('relu', None)
    """
    node = x.node if isinstance(x, Tensor) else None
    return node if node is not None and node.primitive in primitives else None


def input_of(primitive: Primitive, x: Any, **attrs: Any) -> Tensor | None:
    """Return the first input of the node that computes ``x``, if its primitive and attributes are exactly these."""
    node = made_by(x, primitive)
    return node.inputs[0] if node is not None and node.attrs == attrs else None


def monotonic_before(x: Any, data_format: str) -> tuple[Tensor, Callable[[Any], Any]] | None:
    """Match a monotonic function before a max pool: return its input and the function (relu, or a bias per channel).

    The pool can run before it: the function is then applied to fewer elements. A tensor of the functional API is never
    matched, because its calls are part of the model.
    """
    if isinstance(x, Tensor) and x.history is not None:
        return None
    if (node := made_by(x, elementwise.relu)) is not None:
        return node.inputs[0], elementwise.relu
    if (node := made_by(x, elementwise.add)) is not None:
        large, bias = node.inputs
        shape = (1,) * (x.ndim - bias.ndim) + bias.type.shape
        if large.type.shape == x.type.shape and all(d == 1 for d in space_of(shape, data_format)):
            return large, lambda pooled: elementwise.add(pooled, bias)
    return None
