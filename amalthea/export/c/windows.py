"""Lowerings of what slides a window: convolution and its gradients, and pools. Padding is skipped, not stored."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import windows as w
from amalthea.export.c.builder import Builder, linear, times
from amalthea.export.c.scalars import ADD, MULTIPLY, SCALARS
from amalthea.export.c.text import c_type, number
from amalthea.export.lowering import Value


@contextmanager
def _covered(
    b: Builder, window: Any, space: Any, corners: Any, strides: Any, padding: Any, dilation: Any
) -> Generator[tuple[list[str], list[str]], None, None]:
    """Loops over the offsets of a window at a place; gives the offsets, and the positions in the input.

    Offsets whose position is in the padding are skipped.
    """
    start, offsets, positions = b.level, [], []
    for k, d, place, step, (low, high), gap in zip(window, space, corners, strides, padding, dilation):
        offset = "0"
        if k != 1:
            offset = b.counter("k")
            b.line(f"for (long {offset} = 0; {offset} < {k}; {offset}++) {{")
            b.level += 1
        position = b.counter("at")
        terms = [t for t in (times(place, step), times(offset, gap)) if t != "0"]
        b.line(f"const long {position} = {' + '.join(terms) or '0'}{f' - {low}' if low else ''};")
        inside = [f"{position} >= 0"] * (low > 0) + [f"{position} < {d}"] * (high > 0)
        if inside:
            b.line(f"if ({' && '.join(inside)}) {{")
            b.level += 1
        offsets.append(offset)
        positions.append(position)
    yield offsets, positions
    while b.level > start:
        b.level -= 1
        b.line("}")


def _slides(what: str) -> Callable[..., Value]:
    """A convolution or a gradient of it: one sum of products, of which another of the three is the result."""

    def lower(
        b: Builder, x: Value, y: Value, *, strides: Any, padding: Any, dilation: Any, groups: int, data_format: str,
        shape: Any = None, kernel_shape: Any = None,
    ) -> Value:  # fmt: skip
        x, y = b.view(x), b.view(y)
        kernel_sizes = kernel_shape or y.shape
        window, (depth, filters) = kernel_sizes[:-2], kernel_sizes[-2:]
        if what == "out":
            space = w.slid(w.space_of(x.shape, data_format), window, strides, padding, dilation)
            result: Any = w.with_space(x.shape[0], space, filters, data_format)
        else:
            result = tuple(shape or kernel_shape)
        made = Value(b.buffer(Type(tuple(result), x.dtype)), Type(tuple(result), x.dtype))
        b.position += 1
        with b.loops(result) as index:
            b.line(f"{b.element(made.name, linear(result, index))} = {number(0, x.dtype)};")
        image, kernel, out = {"out": (x, y, made), "in": (made, y, x), "kernel": (x, made, y)}[what]
        share = filters // groups
        area = w.space_of(image.shape, data_format)
        with (
            b.loops((out.shape[0], *w.space_of(out.shape, data_format)), "o") as (n, *corners),
            _covered(b, window, area, corners, strides, padding, dilation) as (offsets, positions),
            b.loops((groups, depth), "c") as (g, c),
        ):
            channel = _element(b, image, w.with_space(n, positions, _sum(g, depth, c), data_format))
            _products(b, what, x.dtype, channel, share, lambda f: (
                _element(b, kernel, (*offsets, c, _sum(g, share, f))),
                _element(b, out, w.with_space(n, corners, _sum(g, share, f), data_format)),
            ))  # fmt: skip
        return made

    return lower


def _products(
    b: Builder, what: str, dtype: str, channel: str, share: Any, rest: Callable[[str], tuple[str, str]]
) -> None:
    """Loop over the filters of one channel, which is read, or written, once: compilers then use vectors."""
    inner = b.counter("x")
    add, multiply = (lambda x, y, of=of: of(b.helpers, dtype, x, y) for of in (ADD, MULTIPLY))
    start = number(0, dtype) if what == "in" else channel
    b.line(f"{'' if what == 'in' else 'const '}{c_type(dtype)} {inner} = {start};")
    with b.loops((share,), "f") as (f,):
        weight, result = rest(f)
        target, product = {
            "out": (result, multiply(inner, weight)), "kernel": (weight, multiply(inner, result)),
            "in": (inner, multiply(weight, result)),
        }[what]  # fmt: skip
        b.line(f"{target} = {add(target, product)};")
    if what == "in":
        b.line(f"{channel} = {add(channel, inner)};")


def _sum(group: str, size: Any, index: str) -> str:
    """The index of a channel in all groups."""
    terms = [t for t in ("0" if group == "0" else group if size == 1 else f"{group} * {size}", index) if t != "0"]
    return " + ".join(terms) or "0"


def _element(b: Builder, value: Value, index: Any) -> str:
    return b.source(value).at([str(i) for i in index])


def _pool(mean: bool) -> Callable[..., Value]:
    def lower(b: Builder, x: Value, *, window: Any, strides: Any, padding: Any, data_format: str) -> Value:
        x = b.view(x)
        space, ones = w.space_of(x.shape, data_format), (1,) * len(window)
        out = w.slid(space, window, strides, padding, ones)
        type = Type(w.with_space(x.shape[0], out, w.channels_of(x.shape, data_format), data_format), x.dtype)
        made = b.buffer(type)
        b.position += 1
        made.note(b.position)
        with b.loops(type.shape) as index:
            n, corners, c = index[0], list(w.space_of(index, data_format)), w.channels_of(index, data_format)  # type: ignore[arg-type]
            total, count = b.counter("total"), b.counter("count")
            b.line(f"{c_type(x.dtype)} {total} = {number(0 if mean else dtypes.bounds(x.dtype)[0], x.dtype)};")
            if mean:
                b.line(f"long {count} = 0;")
            with _covered(b, window, space, corners, strides, padding, ones) as (_, positions):
                element = _element(b, x, w.with_space(n, positions, c, data_format))
                b.line(f"{total} = {(ADD if mean else SCALARS[p.maximum])(b.helpers, x.dtype, total, element)};")
                if mean:
                    b.line(f"{count}++;")
            result = f"{total} / ({c_type(x.dtype)}){count}" if mean else total
            b.line(f"{b.element(made, linear(type.shape, index))} = {result};")
        return Value(made, type)

    return lower


WINDOWS = {
    w.conv: _slides("out"), w.conv_input_gradient: _slides("in"), w.conv_kernel_gradient: _slides("kernel"),
    w.max_pool: _pool(mean=False), w.avg_pool: _pool(mean=True),
}  # fmt: skip
