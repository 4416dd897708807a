"""Ops that multiply and sum: matrix products and Einstein's notation."""

from __future__ import annotations

import string
from typing import Any

from amalthea.engine import shapes
from amalthea.engine.primitives import elementwise, reductions
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives.matmul import matmul as product
from amalthea.errors import ArgumentError
from amalthea.ops.base import all_axes, op, promoted, shape_of


@op
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product over the last two axes; a vector counts as a row before, a column after."""
    x1, x2 = promoted(x1, x2)
    s1, s2 = shape_of(x1), shape_of(x2)
    if not s1 or not s2:
        raise ArgumentError("A matrix product needs at least one axis.", got=f"{shapes.show(s1)} and {shapes.show(s2)}")
    left = m.reshape(x1, shape=(1, *s1)) if len(s1) == 1 else x1
    right = m.reshape(x2, shape=(*s2, 1)) if len(s2) == 1 else x2
    out = flat_product(left, right)
    shape = list(shape_of(out))
    if len(s2) == 1:
        shape.pop(-1)
    if len(s1) == 1:
        shape.pop(-1 if len(s2) == 1 else -2)
    return m.reshape(out, shape=tuple(shape)) if len(shape) < len(out.shape) else out


def flat_product(x: Any, y: Any) -> Any:
    """``x @ y``; many rows times one matrix are one large product."""
    shape = shape_of(x)
    if len(y.shape) > 2 or len(shape) == 2:
        return product(x, y)
    rows = m.reshape(x, shape=(shapes.size(shape[:-1]), shape[-1]))
    return m.reshape(product(rows, y), shape=(*shape[:-1], shape_of(y)[-1]))


@op
def dot(x1: Any, x2: Any) -> Any:
    """The sum over the last axis of the first and the last but one (or only) axis of the second."""
    x1, x2 = promoted(x1, x2)
    if not x1.shape or not x2.shape:
        return elementwise.multiply(x1, x2)
    return tensordot(x1, x2, axes=[[len(x1.shape) - 1], [builtin_max(len(x2.shape) - 2, 0)]])


builtin_max = max


@op
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum over pairs of axes: so many at the end and start, or those listed for each input."""
    x1, x2 = promoted(x1, x2)
    r1, r2 = len(x1.shape), len(x2.shape)
    if isinstance(axes, int):
        over1, over2 = tuple(range(r1 - axes, r1)), tuple(range(axes))
    else:
        over1, over2 = all_axes(axes[0], r1), all_axes(axes[1], r2)
    free1 = [a for a in range(r1) if a not in over1]
    free2 = [a for a in range(r2) if a not in over2]
    s1, s2 = shape_of(x1), shape_of(x2)
    rows, columns = [s1[a] for a in free1], [s2[a] for a in free2]
    inner = shapes.size([s1[a] for a in over1])
    left = m.reshape(m.transpose(x1, axes=(*free1, *over1)), shape=(shapes.size(rows), inner))
    right = m.reshape(m.transpose(x2, axes=(*over2, *free2)), shape=(inner, shapes.size(columns)))
    return m.reshape(product(left, right), shape=(*rows, *columns))


@op
def outer(x1: Any, x2: Any) -> Any:
    """Every element of one times every element of the other."""
    x1, x2 = promoted(x1, x2)
    n1, n2 = shapes.size(shape_of(x1)), shapes.size(shape_of(x2))
    return elementwise.multiply(m.reshape(x1, shape=(n1, 1)), m.reshape(x2, shape=(1, n2)))


@op
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Einstein's notation: letters name axes; a letter that the output lacks is summed over.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops
        >>> ops.einsum("ij,jk->ik", np.ones((2, 3), "float32"), np.ones((3, 4), "float32")).shape
        (2, 4)
    """
    unknown = kwargs.keys() - {"optimize"}  # how the sums are ordered is decided here
    if unknown:
        raise ArgumentError(f"einsum has no argument {min(unknown)!r}.", got=", ".join(sorted(unknown)))
    values = promoted(*operands)
    names, output = _parse(subscripts, [len(v.shape) for v in values])
    now, letters = _summed_out(values[0], names[0], output + "".join(names[1:]))
    for i, (value, text) in enumerate(zip(values[1:], names[1:]), start=1):
        wanted = output + "".join(names[i + 1 :])
        value, text = _summed_out(value, text, wanted + letters)
        now, letters = _contract(now, letters, value, text, wanted)
    now, letters = _summed_out(now, letters, output)
    return m.transpose(now, axes=tuple(letters.index(c) for c in output))


def _parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """The letters of each input and of the output, with ``...`` spelt out in capitals not otherwise used."""
    text = subscripts.replace(" ", "")
    left, _, right = text.partition("->")
    names = left.split(",")
    if len(names) != len(ranks):
        raise ArgumentError("Einsum needs as many operands as its notation names.", expected=len(names), got=len(ranks))
    free = [c for c in string.ascii_letters[::-1] if c not in text]
    dots = builtin_max((r - len(n.replace("...", "")) for n, r in zip(names, ranks) if "..." in n), default=0)
    spelt = "".join(free[:dots])
    full = [n.replace("...", spelt[dots - (r - len(n.replace("...", ""))) :]) for n, r in zip(names, ranks)]
    if "->" not in text:
        once = [c for c in sorted(set(left) - set(",.")) if left.count(c) == 1]
        return full, spelt + "".join(once)
    return full, right.replace("...", spelt)


def _summed_out(x: Any, letters: str, wanted: str) -> tuple[Any, str]:
    for c in sorted(set(letters)):
        if letters.count(c) > 1:
            raise ArgumentError("A letter stands twice on one operand.", got=letters, cure="ops.diagonal first")
    axes = tuple(i for i, c in enumerate(letters) if c not in wanted)
    return (reductions.reduce_sum(x, axes=axes) if axes else x), "".join(c for c in letters if c in wanted)


def _contract(x: Any, a: str, y: Any, b: str, wanted: str) -> tuple[Any, str]:
    batch = [c for c in a if c in b and c in wanted]
    inner = [c for c in a if c in b and c not in wanted]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    size = {**dict(zip(b, shape_of(y))), **dict(zip(a, shape_of(x)))}
    if not inner:
        return _multiply_out(x, a, y, b, [*batch, *rows, *columns], size)
    left = m.transpose(x, axes=tuple(a.index(c) for c in [*batch, *rows, *inner]))
    right = m.transpose(y, axes=tuple(b.index(c) for c in [*batch, *inner, *columns]))
    lead = tuple(size[c] for c in batch)
    n, k, p = (shapes.size([size[c] for c in group]) for group in (rows, inner, columns))
    out = product(m.reshape(left, shape=(*lead, n, k)), m.reshape(right, shape=(*lead, k, p)))
    letters = [*batch, *rows, *columns]
    return m.reshape(out, shape=tuple(size[c] for c in letters)), "".join(letters)


def _multiply_out(x: Any, a: str, y: Any, b: str, letters: list[str], size: dict[str, Any]) -> tuple[Any, str]:
    def spread(value: Any, names: str) -> Any:
        order = [c for c in letters if c in names]
        moved = m.transpose(value, axes=tuple(names.index(c) for c in order))
        return m.reshape(moved, shape=tuple(size[c] if c in names else 1 for c in letters))

    return elementwise.multiply(spread(x, a), spread(y, b)), "".join(letters)
