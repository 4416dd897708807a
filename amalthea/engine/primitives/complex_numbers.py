"""Complex numbers: their parts, and the primitives that take them.

The cotangent ``g`` of a complex number ``z = x + 1j * y`` is defined by ``df = real(g * dz)``, so
``g = df/dx - 1j * df/dy``, as in JAX. The rules of analytic functions and of linear ones are then the same for real and
complex numbers; the rules here are those of the others. A step of gradient descent subtracts the conjugate of ``g``.
PyTorch and TensorFlow call that conjugate the gradient, so their own tapes return it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.primitives.elementwise import (
    absolute,
    cast,
    divide,
    equal,
    log,
    multiply,
    negative,
    power,
    select,
    sign,
    subtract,
)
from amalthea.engine.primitives.table import TAKE_COMPLEX, Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError

TAKE_COMPLEX.update(
    """
    negative exp log sqrt rsqrt reciprocal square sin cos tan sinh cosh tanh absolute
    add subtract multiply divide power equal select cast
    reduce_sum reduce_prod cumsum cumprod matmul
    reshape transpose broadcast_to concatenate slice pad dilate flip dynamic_slice dynamic_update_slice
    gather scatter_add take_along_axis add_along_axis gather_points scatter_add_points
    identity stop_gradient barrier with_gradient native_call cond while_loop scan
    real imag conj solve
    """.split()
)


def _combined(real: Type, imaginary: Type) -> Type:
    if real != imaginary:
        raise ShapeError("The imaginary part does not have the type of the real part.", expected=real, got=imaginary)
    if not dtypes.is_float(real.dtype):
        raise DtypeError("The parts of a complex number are not floats.", expected="a float dtype", got=real)
    return Type(real.shape, dtypes.complex_of(real.dtype))


def _part(x: Type) -> Type:
    _check(x)
    return Type(x.shape, dtypes.real_of(x.dtype))


def _same(x: Type) -> Type:
    _check(x)
    return x


def _check(x: Type) -> None:
    if not dtypes.is_complex(x.dtype):
        raise DtypeError("The input is not complex.", expected="complex64 or complex128", got=x)


def _complex_samples(primitive):
    return [sample(numbers(3, 4) + 1j * numbers(3, 4, seed=1))]


part_of = Family(_part, _complex_samples, elementwise=True)


@primitive(
    Family(_combined, lambda primitive: [sample(numbers(3, 4), numbers(3, 4, seed=1))], elementwise=True),
    accumulates=True,
    same_type=True,
)
def from_parts(real, imaginary):
    """The complex numbers with these real and imaginary parts."""
    out = np.empty(real.shape, dtypes.to_numpy(dtypes.complex_of(dtypes.standardize(real.dtype))))
    out.real, out.imag = real, imaginary
    return out


@primitive(part_of)
def real(x):
    """The real part of complex numbers."""
    return np.array(x.real)


@primitive(part_of)
def imag(x):
    """The imaginary part of complex numbers."""
    return np.array(x.imag)


@primitive(Family(_same, _complex_samples, elementwise=True))
def conj(x):
    """The complex conjugate: the imaginary part with the other sign."""
    return np.conjugate(x)


def _absolute_gradient(g, x, out):
    if not dtypes.is_complex(x.dtype):
        return (multiply(g, sign(x)),)
    zero = equal(out, 0.0)
    unit = divide(conj(x), cast(select(zero, 1.0, out), dtype=x.dtype))
    return (multiply(cast(select(zero, 0.0, g), dtype=x.dtype), unit),)


_real_power_gradient: Any = power.gradient


def _power_gradient(g, x, y, out):
    if not dtypes.is_complex(x.dtype):
        return _real_power_gradient(g, x, y, out)
    zero = equal(x, 0.0)
    by_y = select(zero, 0.0, multiply(out, log(select(zero, 1.0, x))))
    return multiply(g, multiply(y, power(x, subtract(y, 1.0)))), multiply(g, by_y)


def _cast_gradient(g, x, out, *, dtype):
    if dtypes.is_complex(dtype) and not dtypes.is_complex(x.dtype):
        g = real(g)
    return (cast(g, dtype=x.dtype),)


def _alone(g, imaginary=False):
    zero = multiply(g, 0.0)
    return from_parts(zero, negative(g)) if imaginary else from_parts(g, zero)


from_parts.gradient = lambda g, x, y, out: (real(g), negative(imag(g)))
real.gradient = lambda g, x, out: (_alone(g),)
imag.gradient = lambda g, x, out: (_alone(g, imaginary=True),)
conj.gradient = lambda g, x, out: (conj(g),)
absolute.gradient = _absolute_gradient
cast.gradient = _cast_gradient
power.gradient = _power_gradient
