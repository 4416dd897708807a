"""The discrete Fourier transform, of real and imaginary parts as two arrays: these are the dtypes of every library."""

from __future__ import annotations

from math import prod

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import multiply
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


def _pair(real: Type, imaginary: Type, *, axes: tuple[int, ...], inverse: bool) -> tuple[Type, Type]:
    if real != imaginary:
        raise ShapeError("The imaginary part does not have the type of the real part.", expected=real, got=imaginary)
    if not dtypes.is_float(real.dtype):
        raise DtypeError("A Fourier transform is computed in floats.", expected="a float dtype", got=real)
    if any(not 0 <= axis < len(real.shape) for axis in axes) or len(set(axes)) < len(axes):
        raise ShapeError("The axes to transform are not different axes of the input.", expected=real, got=axes)
    if any(real.shape[axis] == 0 for axis in axes):
        raise ShapeError("An axis without elements cannot be transformed.", expected="at least 1 element", got=real)
    return real, imaginary


@primitive(
    Family(
        _pair,
        lambda primitive: [
            sample(numbers(2, 5), numbers(2, 5, seed=1), axes=(1,)),
            sample(numbers(3, 2, 4), numbers(3, 2, 4, seed=1), axes=(0, 2), inverse=True),
        ],
    ),
    single=False,
    accumulates=True,
    multiplies=True,
)
def fft(real, imaginary, *, axes, inverse=False):
    """Sums of the elements times ``exp(-2j * pi * index * frequency / n)`` along each axis.

    The inverse has ``+2j``, and divides by the number of elements, so that it undoes the transform.
    """
    dtype = real.dtype
    single = dtypes.to_numpy(dtypes.accumulator(dtypes.standardize(dtype)))
    whole = real.astype(single) + np.asarray(1j, "complex64") * imaginary.astype(single)
    found = (np.fft.ifftn if inverse else np.fft.fftn)(whole, axes=axes)
    return found.real.astype(dtype), found.imag.astype(dtype)


def _gradient(g, real, imaginary, out, *, axes, inverse):
    """The transposed transform is the inverse one, without its division or with one of its own."""
    n = prod(real.type.shape[axis] for axis in axes)
    factor = 1.0 / n if inverse else float(n)
    return tuple(multiply(x, factor) for x in fft(*g, axes=axes, inverse=not inverse))


fft.gradient = _gradient
