"""Fourier transforms, of real and imaginary parts as two arrays, and transforms of short windows of a signal."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.trace import native
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import fourier, indexing, movement
from amalthea.engine.primitives.movement import part
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, ShapeError
from amalthea.ops.base import cast, floating, floats, op, shape_of, tensor, wide

docstrings.share(
    "parts",
    "x: pair of TensorLike; the real and the imaginary part. Both are promoted to one float dtype.",
)
docstrings.share(
    "window of sequences",
    """
window: str, TensorLike or None; the factors of the elements of a sequence. ``"hann"`` and ``"hamming"`` are
    windows of ``sequence_length``, a tensor must have this length, None leaves the sequences as they are.
    Defaults to ``"hann"``.
""",
)
docstrings.share(
    "sequences",
    """
sequence_length: int from 1; the number of elements of a sequence.
sequence_stride: int from 1; the distance from the start of a sequence to that of the next.
""",
)


def _parts(x: Any) -> list[Any]:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ArgumentError(
            "A Fourier transform takes a pair of arrays.", expected="(real, imaginary)", got=type(x).__name__
        )
    real, imaginary = floats(*x)
    if shape_of(real) != shape_of(imaginary):
        raise ShapeError(
            "The real and the imaginary part have different shapes.",
            expected=shapes.show(shape_of(real)),
            got=shapes.show(shape_of(imaginary)),
        )
    return [real, imaginary]


def _transformed(x: Any, count: int, inverse: bool = False) -> tuple[Any, Any]:
    """Transform the last axes of a pair."""
    real, imaginary = _parts(x)
    rank = len(shape_of(real))
    if rank < count:
        raise ShapeError(
            "The input does not have the axes to transform.",
            expected=f"at least {count}",
            got=shapes.show(shape_of(real)),
        )
    return tuple(fourier.fft(real, imaginary, axes=tuple(range(rank - count, rank)), inverse=inverse))


def _whole_number(value: Any, name: str, least: int = 1) -> int:
    """Return an int, or raise an error that names the argument."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ArgumentError(f"{name} is not a size.", expected=f"an int from {least}", got=repr(value))
    return number


@op
def fft(x: tuple[TensorLike, TensorLike]) -> tuple[Any, Any]:
    """Computes the discrete Fourier transform along the last axis.

    ``y[k]`` is the sum over ``n`` of ``x[n] * exp(-2j * pi * k * n / size)``.

    Args:
        |parts|

    Shapes:
        (..., n), (..., n) -> (..., n), (..., n)

    Returns:
        A tuple of the real and the imaginary part.

    Raises:
        ArgumentError: ``x`` is not a pair.
        ShapeError: the two parts differ in shape, or the axis has no elements.

    Example:
        >>> from amalthea import ops
        >>> real, imaginary = ops.fft(([1.0, 2.0], [0.0, 1.0]))
        >>> ops.convert_to_numpy(real).tolist(), ops.convert_to_numpy(imaginary).tolist()
        ([3.0, -1.0], [1.0, -1.0])
    """
    return _transformed(x, 1)


@op
def fft2(x: tuple[TensorLike, TensorLike]) -> tuple[Any, Any]:
    """Computes the discrete Fourier transform along the last two axes.

    Args:
        |parts|

    Shapes:
        (..., m, n), (..., m, n) -> (..., m, n), (..., m, n)

    Returns:
        A tuple of the real and the imaginary part.

    Raises:
        ArgumentError: ``x`` is not a pair.
        ShapeError: the two parts differ in shape, or do not have two axes with elements.

    Example:
        >>> from amalthea import ops
        >>> real, imaginary = ops.fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]))
        >>> ops.convert_to_numpy(real).tolist()
        [[6.0, 0.0], [0.0, -2.0]]
    """
    return _transformed(x, 2)


@op
def ifft2(x: tuple[TensorLike, TensorLike]) -> tuple[Any, Any]:
    """Computes the inverse of :func:`fft2`.

    Args:
        |parts|

    Shapes:
        (..., m, n), (..., m, n) -> (..., m, n), (..., m, n)

    Returns:
        A tuple of the real and the imaginary part.

    Raises:
        ArgumentError: ``x`` is not a pair.
        ShapeError: the two parts differ in shape, or do not have two axes with elements.

    Example:
        >>> from amalthea import ops
        >>> real, imaginary = ops.ifft2(([[6.0, 0.0], [0.0, -2.0]], [[0.0, 0.0], [0.0, 0.0]]))
        >>> ops.convert_to_numpy(real).tolist()
        [[1.0, 2.0], [2.0, 1.0]]
    """
    return _transformed(x, 2, inverse=True)


def _sized(x: Any, size: shapes.DimLike) -> Any:
    """Cut the last axis to a size, or fill it up with zeros."""
    shape, last = shape_of(x), len(shape_of(x)) - 1
    if not shape:
        raise ShapeError("The input does not have an axis to transform.", expected="(..., n)", got="()")
    now = shape[-1]
    if now == size:
        return x
    if not shapes.is_static((now, size)):
        raise ShapeError(
            "The size of the last axis is not known, so it cannot be cut or filled up.",
            expected="a known size, or fft_length=None",
            got=shapes.show(shape),
        )
    if now > size:
        return part(x, last, 0, size)
    return movement.pad(x, low=(0,) * len(shape), high=(*(0,) * last, size - now), value=0.0)


@op
def rfft(x: TensorLike, fft_length: int | None = None) -> tuple[Any, Any]:
    """Computes the discrete Fourier transform of real numbers along the last axis: the frequencies from 0 to a half.

    Args:
        |elementwise|
        fft_length: int from 1; the size to which the axis is cut or filled up with zeros. Defaults to None, which
            leaves it as it is.

    Shapes:
        (..., n) -> (..., fft_length // 2 + 1), twice

    Returns:
        A tuple of the real and the imaginary part.

    Raises:
        ArgumentError: ``fft_length`` is not an int from 1.
        ShapeError: the input does not have an axis with elements.

    Example:
        >>> from amalthea import ops
        >>> real, imaginary = ops.rfft([0.0, 1.0, 0.0, -1.0])
        >>> ops.convert_to_numpy(real).tolist(), ops.convert_to_numpy(imaginary).tolist()
        ([0.0, 0.0, 0.0], [0.0, -2.0, 0.0])
    """
    a = floating(x)
    if fft_length is not None or not shape_of(a):
        a = _sized(a, _whole_number(1 if fft_length is None else fft_length, "fft_length"))
    last, size = len(shape_of(a)) - 1, shape_of(a)[-1]
    zeros = movement.broadcast_to(native(np.zeros((), dtypes.to_numpy(dtypes.name_of(a)))), shape=shape_of(a))
    both = fourier.fft(a, zeros, axes=(last,))
    return tuple(part(y, last, 0, size // 2 + 1) for y in both)


@op
def irfft(x: tuple[TensorLike, TensorLike], fft_length: int | None = None) -> Any:
    """Computes the inverse of :func:`rfft`: the real numbers that have these frequencies from 0 to a half.

    Args:
        |parts|
        fft_length: int from 1; the size of the output. The frequencies are cut or filled up to ``fft_length // 2 + 1``.
            Defaults to None, which means ``2 * (n - 1)``; an odd size must be given.

    Shapes:
        (..., n), (..., n) -> (..., fft_length)

    Raises:
        ArgumentError: ``x`` is not a pair, or ``fft_length`` is not an int from 1.
        ShapeError: the two parts differ in shape, or the output would have no elements.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.irfft(ops.rfft([0.0, 1.0, 2.0]), 3)).round(4).tolist()
        [0.0, 1.0, 2.0]
    """
    real, imaginary = _parts(x)
    if not shape_of(real):
        raise ShapeError("The input does not have an axis to transform.", expected="(..., n)", got="()")
    last, size = len(shape_of(real)) - 1, shape_of(real)[-1]
    full = 2 * (size - 1) if fft_length is None else _whole_number(fft_length, "fft_length")
    if full == 0:
        raise ShapeError(
            "The output would have no elements.", expected="2 frequencies", got=shapes.show(shape_of(real)),
            cure="irfft(x, fft_length=1)",
        )  # fmt: skip
    real, imaginary = (_sized(y, full // 2 + 1) for y in (real, imaginary))
    mirrored = [movement.flip(part(y, last, 1, (full + 1) // 2), axes=(last,)) for y in (real, imaginary)]
    whole = [real, mirrored[0]], [imaginary, p.negative(mirrored[1])]
    return fourier.fft(*(movement.concatenate(*pair, axis=last) for pair in whole), axes=(last,), inverse=True)[0]


# ------------------------------------------------------------------------------------------ short windows
@op
def extract_sequences(x: TensorLike, sequence_length: int, sequence_stride: int) -> Any:
    """Cuts the last axis into sequences that may overlap. Elements after the last whole sequence are left out.

    Args:
        |any tensor|
        |sequences|

    Shapes:
        (..., n) -> (..., 1 + (n - sequence_length) // sequence_stride, sequence_length)

    Raises:
        ArgumentError: the length or the stride is not an int from 1.
        ShapeError: the input is shorter than a sequence.

    Example:
        >>> from amalthea import ops
        >>> ops.convert_to_numpy(ops.extract_sequences([1, 2, 3, 4, 5, 6], 3, 2)).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    length = _whole_number(sequence_length, "sequence_length")
    stride = _whole_number(sequence_stride, "sequence_stride")
    return _sequences(tensor(x), length, stride)


def _sequences(x: Any, length: int, stride: int) -> Any:
    shape = shape_of(x)
    if not shape or (isinstance(shape[-1], int) and shape[-1] < length):
        raise ShapeError("The input is shorter than a sequence.", expected=f"(..., {length})", got=shapes.show(shape))
    return indexing.gather(x, _positions(1 + (shape[-1] - length) // stride, length, stride), axis=len(shape) - 1)


def _positions(count: Any, length: int, stride: int) -> Any:
    """Return the indices of the elements of each sequence, as int32."""
    starts, offsets = (movement.iota(shape=(count, length), axis=axis, dtype="int32") for axis in (0, 1))
    return p.add(p.multiply(starts, np.int32(stride)), offsets)


def _window(window: Any, length: int, full: int, like: Any) -> Any:
    """Return the factors of a sequence that is filled up to ``full`` elements on both sides."""
    if full < length:
        raise ArgumentError("The transform is shorter than a sequence.", expected=f"fft_length from {length}", got=full)
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ArgumentError(
                "This window does not exist.", expected="'hann', 'hamming' or a tensor", got=repr(window)
            )
        low = 0.5 if window == "hann" else 0.54
        angles = 2 * np.pi * np.arange(length) / length
        window = np.asarray(low - (1 - low) * np.cos(angles), dtypes.to_numpy(dtypes.name_of(like)))
    elif window is None:
        window = np.ones(length, dtypes.to_numpy(dtypes.name_of(like)))
    factors = cast(native(tensor(window)), dtypes.name_of(like))
    if shape_of(factors) != (length,):
        raise ShapeError(
            "The window does not have the length of a sequence.",
            expected=f"({length},)",
            got=shapes.show(shape_of(factors)),
        )
    low = (full - length) // 2
    return movement.pad(factors, low=(low,), high=(full - length - low,), value=0.0)


def _lengths(sequence_length: Any, sequence_stride: Any, fft_length: Any) -> tuple[int, int, int]:
    length = _whole_number(sequence_length, "sequence_length")
    stride = _whole_number(sequence_stride, "sequence_stride")
    return length, stride, _whole_number(fft_length, "fft_length")


@op
def stft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | TensorLike | None = "hann",
    center: bool = True,
) -> tuple[Any, Any]:
    """Computes the short-time Fourier transform along the last axis: :func:`rfft` of sequences that may overlap.

    Args:
        |elementwise|
        |sequences|
        fft_length: int from ``sequence_length``; the size of each transform, in whose middle the sequence lies.
        |window of sequences|
        center: bool; True (the default) mirrors ``fft_length // 2`` elements at both ends, so that sequence ``t`` lies
            around element ``t * sequence_stride``. False begins it there.

    Shapes:
        (..., n) -> (..., sequences, fft_length // 2 + 1), twice

    Returns:
        A tuple of the real and the imaginary part.

    Raises:
        ArgumentError: a length or the stride is not an int from 1, or the window does not exist.
        ShapeError: the input is too short, or the window does not have the length of a sequence.

    Example:
        >>> from amalthea import ops
        >>> real, imaginary = ops.stft([0.0, 1.0, 2.0, 3.0, 4.0], 3, 2, 3)
        >>> ops.convert_to_numpy(real).round(4).tolist()
        [[0.75, -0.375], [3.75, -1.875], [5.25, -2.625]]
    """
    a = floating(x)
    length, stride, full = _lengths(sequence_length, sequence_stride, fft_length)
    factors = _window(window, length, full, wide(a))
    framed = _sequences(_mirrored(a, full // 2) if center else a, full, stride)
    found = rfft(p.multiply(wide(framed), factors))
    return tuple(cast(y, dtypes.name_of(a)) for y in found)


def _mirrored(x: Any, width: int) -> Any:
    """Continue the last axis at both ends by its mirror image, without the element at the end."""
    shape, last = shape_of(x), len(shape_of(x)) - 1
    if not shape or (isinstance(shape[-1], int) and shape[-1] <= width):
        raise ShapeError(
            "The input is too short to be mirrored at its ends.",
            expected=f"more than {width} elements",
            got=shapes.show(shape),
            cure="center=False",
        )
    if not width:
        return x
    size = shape[-1]
    before, after = part(x, last, 1, width + 1), part(x, last, size - width - 1, size - 1)
    return movement.concatenate(movement.flip(before, axes=(last,)), x, movement.flip(after, axes=(last,)), axis=last)


@op
def istft(
    x: tuple[TensorLike, TensorLike],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | TensorLike | None = "hann",
    center: bool = True,
) -> Any:
    """Computes the inverse of :func:`stft`: adds the sequences up, and divides by the sum of the squared windows.

    Args:
        |parts|
        |sequences|
        fft_length: int from ``sequence_length``; the size of each transform.
        length: int from 0; the size to which the output is cut or filled up with zeros. Defaults to None, which leaves
            it as it is.
        |window of sequences|
        center: bool; True (the default) drops the ``fft_length // 2`` elements at both ends that ``stft`` has added.

    Shapes:
        (..., sequences, fft_length // 2 + 1), twice -> (..., n)

    Raises:
        ArgumentError: ``x`` is not a pair, a length or the stride is not an int from 1, or the window does not exist.
        ShapeError: the two parts differ in shape, or the window does not have the length of a sequence.

    Example:
        >>> from amalthea import ops
        >>> x = ops.istft(ops.stft([0.0, 1.0, 2.0, 3.0], 4, 2, 4), 4, 2, 4)
        >>> ops.convert_to_numpy(x).round(4).tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    real, imaginary = _parts(x)
    size, stride, full = _lengths(sequence_length, sequence_stride, fft_length)
    if len(shape_of(real)) < 2:
        raise ShapeError(
            "The input is not transforms of sequences.", expected="(..., sequences, n)", got=shape_of(real)
        )
    factors = _window(window, size, full, wide(real))
    framed = p.multiply(irfft((wide(real), wide(imaginary)), full), factors)
    count = shape_of(framed)[-2]
    squares = movement.broadcast_to(p.square(factors), shape=(count, full))
    weight = _added_up(squares, stride)
    small = p.less(weight, _SMALL)
    found = p.divide(_added_up(framed, stride), p.select(small, 1.0, weight))
    return cast(_trimmed(found, full // 2 if center else 0, length), dtypes.name_of(real))


_SMALL = 1e-11  # of a sum of squared windows: nothing is known of such elements


def _added_up(framed: Any, stride: int) -> Any:
    """Add sequences up at their positions along one axis."""
    *batch, count, length = shape_of(framed)
    total = (count - 1) * stride + length
    zeros = movement.broadcast_to(native(np.zeros((), dtypes.to_numpy(dtypes.name_of(framed)))), shape=(*batch, total))
    return indexing.scatter_add(zeros, _positions(count, length, stride), framed, axis=len(batch))


def _trimmed(x: Any, width: int, length: Any) -> Any:
    """Drop the elements at both ends; or those at the beginning, and then keep ``length``."""
    last, size = len(shape_of(x)) - 1, shape_of(x)[-1]
    if length is None:
        return part(x, last, width, size - width) if width else x
    return _sized(part(x, last, width, size), _whole_number(length, "length", least=0))
