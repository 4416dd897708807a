"""Ops that multiply and sum: matrix products and Einstein's notation."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from amalthea.engine import shapes
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.primitives import elementwise, reductions
from amalthea.engine.primitives import movement as m
from amalthea.engine.primitives.matmul import matmul as product
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import all_axes, one_axis, op, promoted, shape_of, tensor
from amalthea.ops.numpy.complex_numbers import conj
from amalthea.ops.weight_products import by_weight


@op
def matmul(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the matrix product over the last two axes: ``y[i, j]`` is the sum over ``k`` of ``x1[i, k] * x2[k, j]``.

    Args:
        x1: TensorLike with at least one axis; one axis counts as a row.
        x2: TensorLike with at least one axis; one axis counts as a column. Both are promoted to one dtype.

    Shapes:
        (..., n, k), (..., k, m) -> (..., n, m); (k,), (k, m) -> (m,); (n, k), (k,) -> (n,)

    Raises:
        ArgumentError: an input does not have any axes.
        ShapeError: the inner sizes differ, or the leading axes do not broadcast.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.matmul([[1, 2], [3, 4]], [[1, 0], [1, 1]])).tolist()
        [[3, 2], [7, 4]]
    """
    if isinstance(x2, ComputedVariable) and len(x2.shape) == 2 and (out := by_weight(x1, x2, [-1], [0])) is not None:
        return out
    a, b = promoted(x1, x2)
    s1, s2 = shape_of(a), shape_of(b)
    if not s1 or not s2:
        raise ArgumentError("A matrix product needs at least one axis.", got=f"{shapes.show(s1)} and {shapes.show(s2)}")
    left = m.reshape(a, shape=(1, *s1)) if len(s1) == 1 else a
    right = m.reshape(b, shape=(*s2, 1)) if len(s2) == 1 else b
    out = _flat_product(left, right)
    shape = list(shape_of(out))
    if len(s2) == 1:
        shape.pop(-1)
    if len(s1) == 1:
        shape.pop(-1 if len(s2) == 1 else -2)
    return m.reshape(out, shape=tuple(shape)) if len(shape) < len(out.shape) else out


def _flat_product(x: Any, y: Any) -> Any:
    """``x @ y``; many rows times one matrix are one large product."""
    shape = shape_of(x)
    if len(y.shape) > 2 or len(shape) == 2:
        return product(x, y)
    rows = m.reshape(x, shape=(shapes.size(shape[:-1]), shape[-1]))
    out = m.reshape(product(rows, y), shape=(*shape[:-1], shape_of(y)[-1]))
    mask = mask_of(x)
    if mask is not None and out is not x:  # each step of the output comes from the same step of x
        set_mask(out, mask)
    return out


@op
def dot(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the dot product: sums over the last axis of ``x1`` and the last but one (or only) axis of ``x2``.

    Args:
        x1, x2: TensorLike; promoted to one dtype. If one of them is a number, the result is the plain product.

    Shapes:
        (k,), (k,) -> (); (a, b, k), (c, k, d) -> (a, b, c, d)

    Raises:
        ShapeError: the sizes of the two summed axes differ.

    Example:
        >>> from amalthea import ops
        >>> int(ops.dot([1, 2, 3], [4, 5, 6]))  # 1*4 + 2*5 + 3*6
        32
    """
    a, b = promoted(x1, x2)
    if not a.shape or not b.shape:
        return elementwise.multiply(a, b)
    return tensordot(a, b, axes=[[len(a.shape) - 1], [builtin_max(len(b.shape) - 2, 0)]])


builtin_max = max


@op
def tensordot(x1: TensorLike, x2: TensorLike, axes: int | Sequence[int | Sequence[int]] = 2) -> Any:
    """Multiplies two tensors and sums over pairs of axes.

    Args:
        x1, x2: TensorLike; promoted to one dtype.
        axes: int, the number of axes to sum over: the last ones of ``x1`` with the first ones of ``x2``. Or two ints or
            lists of ints, the axes of ``x1`` and, in the same order, those of ``x2``. Defaults to 2.

    Shapes:
        (a, k, l), (k, l, b) -> (a, b) with axes=2; (k, a), (k, b) -> (a, b) with axes=[0, 0]

    Raises:
        ShapeError: the summed axes of the two inputs do not have the same number of elements.

    Example:
        >>> from amalthea import ops
        >>> x1, x2 = ops.ones((5, 2, 3)), ops.ones((3, 2, 4))
        >>> y = ops.tensordot(x1, x2, axes=[[1, 2], [1, 0]])
        >>> tuple(y.shape), float(y[0, 0])
        ((5, 4), 6.0)
    """
    pair: list[Any] = [x if isinstance(x, ComputedVariable) else tensor(x) for x in (x1, x2)]
    r1, r2 = (len(x.shape) for x in pair)
    if isinstance(axes, int):
        over1, over2 = tuple(range(r1 - axes, r1)), tuple(range(axes))
    else:
        over1, over2 = all_axes(axes[0], r1), all_axes(axes[1], r2)
    if (out := by_weight(pair[0], pair[1], over1, over2)) is not None:
        return out
    a, b = promoted(*pair)
    free1 = [n for n in range(r1) if n not in over1]
    free2 = [n for n in range(r2) if n not in over2]
    s1, s2 = shape_of(a), shape_of(b)
    summed1, summed2 = [s1[n] for n in over1], [s2[n] for n in over2]
    if len(over1) != len(over2) or not all(map(shapes.agree, summed1, summed2)):
        raise ShapeError(
            "The summed axes differ in size.", expected=shapes.show(tuple(summed1)), got=shapes.show(tuple(summed2))
        )
    rows, columns = [s1[n] for n in free1], [s2[n] for n in free2]
    inner = shapes.size([s1[n] for n in over1])
    left = m.reshape(m.transpose(a, axes=(*free1, *over1)), shape=(shapes.size(rows), inner))
    right = m.reshape(m.transpose(b, axes=(*over2, *free2)), shape=(inner, shapes.size(columns)))
    return m.reshape(product(left, right), shape=(*rows, *columns))


@op
def inner(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the inner product: sums over the last axes of both inputs.

    Args:
        x1, x2: TensorLike; promoted to one dtype. If one of them is a number, the result is the plain product.

    Shapes:
        (k,), (k,) -> (); (a, k), (b, k) -> (a, b)

    Raises:
        ShapeError: the sizes of the last axes differ.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.inner([[1, 2], [3, 4]], [10, 1])).tolist()
        [12, 34]
    """
    a, b = promoted(x1, x2)
    if not a.shape or not b.shape:
        return elementwise.multiply(a, b)
    return tensordot(a, b, axes=[[len(a.shape) - 1], [len(b.shape) - 1]])


@op
def vdot(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the dot product of the flattened inputs, the first one conjugated if it is complex.

    Args:
        x1, x2: TensorLike of equally many elements; promoted to one dtype.

    Shapes:
        any shapes of equally many elements -> ()

    Raises:
        ShapeError: the inputs differ in their number of elements.

    Example:
        >>> from amalthea import ops
        >>> int(ops.vdot([[1, 2], [3, 4]], [[1, 1], [2, 0]]))
        9
    """
    a, b = promoted(x1, x2)
    flat = [m.reshape(x, shape=(shapes.size(shape_of(x)),)) for x in (conj(a), b)]
    return tensordot(*flat, axes=1)


@op
def cross(
    x1: TensorLike, x2: TensorLike, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Computes the cross product of vectors in space. Of two vectors in the plane it is the third component alone.

    Args:
        x1, x2: TensorLike; vectors with 2 or 3 components, promoted to one dtype. Other axes broadcast. A vector of
            the plane beside one in space has 0 as its third component.
        axisa, axisb: ints; the axes of the components in ``x1`` and ``x2``. Default to -1, the last.
        axisc: int; the axis of the components in the output. Defaults to -1, the last.
        axis: int; replaces the three others. Defaults to None.

    Shapes:
        (..., 3), (..., 3) -> (..., 3); (..., 2), (..., 2) -> (...)

    Raises:
        ShapeError: a vector does not have 2 or 3 components.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.cross([1, 0, 0], [0, 1, 0])).tolist()
        [0, 0, 1]
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = (_components(x, ax) for x, ax in zip(promoted(x1, x2), (axisa, axisb)))
    third = _minor(a, b, 0, 1)
    if len(a) == len(b) == 2:
        return third
    zero = elementwise.multiply(a[0], 0)
    a, b = ([*v, zero] if len(v) == 2 else v for v in (a, b))
    parts = [_minor(a, b, 1, 2), _minor(a, b, 2, 0), third]
    shape = shapes.broadcast(*(shape_of(part) for part in parts))
    place = one_axis(axisc, len(shape) + 1)
    whole = [m.broadcast_to(part, shape=shape) for part in parts]
    return m.concatenate(*(m.reshape(x, shape=(*shape[:place], 1, *shape[place:])) for x in whole), axis=place)


def _components(x: Any, axis: int) -> list[Any]:
    axis, shape = one_axis(axis, len(x.shape)), shape_of(x)
    if shape[axis] not in (2, 3):
        raise ShapeError(
            "A cross product is one of vectors in the plane or in space.",
            expected="2 or 3 components",
            got=f"axis {axis} of {shapes.show(shape)}",
        )
    rest = shape[:axis] + shape[axis + 1 :]
    return [m.reshape(m.part(x, axis, n, n + 1), shape=rest) for n in range(shape[axis])]


def _minor(a: list[Any], b: list[Any], i: int, j: int) -> Any:
    return elementwise.subtract(elementwise.multiply(a[i], b[j]), elementwise.multiply(a[j], b[i]))


@op
def outer(x1: TensorLike, x2: TensorLike) -> Any:
    """Computes the outer product of two vectors: ``y[i, j] = x1[i] * x2[j]``. Inputs with more axes are flattened.

    Args:
        x1, x2: TensorLike of any shape; promoted to one dtype.

    Shapes:
        (n,), (m,) -> (n, m)

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.outer([1, 2], [10, 20, 30])).tolist()
        [[10, 20, 30], [20, 40, 60]]
    """
    a, b = promoted(x1, x2)
    n1, n2 = shapes.size(shape_of(a)), shapes.size(shape_of(b))
    return elementwise.multiply(m.reshape(a, shape=(n1, 1)), m.reshape(b, shape=(1, n2)))


@op
def einsum(subscripts: str, *operands: TensorLike, **kwargs: Any) -> Any:
    """Computes sums of products in Einstein's notation: a letter names an axis, and the sum runs over the letters that
    the output does not have.

    Args:
        subscripts: str such as ``"ij,jk->ik"``: the axes of each operand, then those of the output. ``...`` stands for
            axes that broadcast. Without ``->``, the output has the letters that occur once, in alphabetical order.
        *operands: TensorLike, one for each group of letters; promoted to one dtype.
        **kwargs: ``optimize`` is accepted for compatibility with Keras and ignored.

    Shapes:
        (i, j), (j, k) -> (i, k) for ``"ij,jk->ik"``

    Raises:
        ArgumentError: the number of operands differs from the notation.
        ShapeError: axes of one letter differ in size.

    Example:
        >>> from amalthea import ops
        >>> x, w = ops.ones((2, 5, 3)), ops.ones((3, 4))
        >>> y = ops.einsum("btf,fu->btu", x, w)  # a dense layer over (batch, time, features)
        >>> tuple(y.shape), float(y[0, 0, 0])
        ((2, 5, 4), 3.0)
    """
    unknown = kwargs.keys() - {"optimize"}  # the order of the sums is decided here
    if unknown:
        raise ArgumentError(f"einsum has no argument {min(unknown)!r}.", got=", ".join(sorted(unknown)))
    if len(operands) == 2 and (out := _with_weight(subscripts, *operands)) is not None:
        return out
    values = promoted(*operands)
    names, output = _parse(subscripts, [len(v.shape) for v in values])
    now, letters = _summed_out(values[0], names[0], output + "".join(names[1:]))
    for i, (value, text) in enumerate(zip(values[1:], names[1:]), start=1):
        wanted = output + "".join(names[i + 1 :])
        value, text = _summed_out(value, text, wanted + letters)
        now, letters = _contract(now, letters, value, text, wanted)
    now, letters = _summed_out(now, letters, output)
    return m.transpose(now, axes=tuple(letters.index(c) for c in output))


def _with_weight(subscripts: str, x: Any, weight: Any) -> Any:
    """The sum as one product with a weight that computes it itself, if it is one; or None."""
    if not isinstance(weight, ComputedVariable):
        return None
    x = tensor(x)
    (left, right), output = _parse(subscripts, [len(x.shape), len(weight.shape)])
    summed = [c for c in right if c not in output]
    kept = [c for c in left if c not in summed] + [c for c in right if c not in summed]
    if not summed or sorted(kept) != sorted(set(output)) or not set(summed) <= set(left) or len(set(left)) < len(left):
        return None
    out = by_weight(x, weight, [left.index(c) for c in summed], [right.index(c) for c in summed])
    return None if out is None else m.transpose(out, axes=tuple(kept.index(c) for c in output))


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
    while twice := next((c for c in letters if letters.count(c) > 1), None):
        x, letters = _diagonal(x, letters, twice)
    axes = tuple(i for i, c in enumerate(letters) if c not in wanted)
    return (reductions.reduce_sum(x, axes=axes) if axes else x), "".join(c for c in letters if c in wanted)


def _diagonal(x: Any, letters: str, twice: str) -> tuple[Any, str]:
    """The elements whose indices on the first two axes of that letter are equal, on a new last axis."""
    first = letters.index(twice)
    second = letters.index(twice, first + 1)
    rest = [axis for axis in range(len(letters)) if axis not in (first, second)]
    shape = shape_of(x)
    n, others = shape[first], [shape[axis] for axis in rest]
    if not isinstance(n, int) or shape[second] != n:
        raise ShapeError(
            f"Axes of the letter {twice!r} differ in size, or are not known.", got=shapes.show((n, shape[second]))
        )
    flat = m.reshape(m.transpose(x, axes=(*rest, first, second)), shape=(*others, n * n))
    ones = (1,) * len(rest)
    picked = m.slice(flat, starts=(0,) * (len(rest) + 1), limits=(*others, n * n), strides=(*ones, n + 1))
    return picked, "".join(letters[axis] for axis in rest) + twice


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
