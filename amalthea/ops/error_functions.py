"""The complementary error function and the inverse of the error function, accurate in their tails."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from amalthea.engine.primitives import control
from amalthea.engine.primitives import elementwise as p

_SLOPE = 2 / math.sqrt(math.pi)


def _scaled_tail(x: float) -> float:
    """``exp(x ** 2) * erfc(x)`` of a number from 0; beyond 20 by its asymptotic series.

    Source: Abramowitz and Stegun, "Handbook of mathematical functions", 1964, equation 7.1.23.
    """
    if x < 20:
        return math.exp(x * x) * math.erfc(x)
    term = total = 1.0
    for k in range(1, 20):
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
    return total / (x * math.sqrt(math.pi))


@functools.cache
def _coefficients() -> list[float]:
    """Chebyshev coefficients of ``exp(x ** 2) * erfc(x) / t`` for ``t = 1 / (1 + x / 2)`` from 0 to 1."""

    def function(nodes: Any) -> Any:
        t = (nodes + 1) / 2
        return np.array([_scaled_tail(2 / s - 2) / s for s in t])

    return chebyshev.chebinterpolate(function, 30).tolist()


def _tail(x: Any) -> Any:
    """``erfc(x)`` of floats from 0."""
    t = p.reciprocal(p.add(p.multiply(x, 0.5), 1.0))
    twice = p.subtract(p.multiply(t, 4.0), 2.0)
    later = now = p.multiply(t, 0.0)
    first, *others = _coefficients()
    for coefficient in reversed(others):  # Clenshaw's recurrence
        later, now = now, p.add(p.subtract(p.multiply(twice, now), later), coefficient)
    value = p.add(p.subtract(p.multiply(p.multiply(twice, 0.5), now), later), first)
    rough = p.multiply(p.floor(p.multiply(x, 16.0)), 1 / 16)  # its square is exact, so the exponential is accurate
    rest = p.multiply(p.subtract(x, rough), p.add(x, rough))
    density = p.multiply(p.exp(p.negative(p.square(rough))), p.exp(p.negative(rest)))
    return p.multiply(p.multiply(t, value), density)


def erfc(x: Any) -> Any:
    """Return ``1 - erf(x)`` of floats, with the gradient of ``-erf(x)``."""
    is_negative = p.less(x, 0.0)
    size = p.minimum(p.absolute(x), 30.0)
    tail = _tail(size)
    value = p.select(p.isnan(x), x, p.select(is_negative, p.subtract(2.0, tail), tail))
    smooth = p.negative(p.erf(x))
    return p.add(control.stop_gradient(value), p.subtract(smooth, control.stop_gradient(smooth)))


def erfinv(x: Any) -> Any:
    """Return the inverse of the error function: a closed approximation, and two steps of Halley's method.

    Source: Winitzki, "A handy approximation for the error function and its inverse", 2008.
    """
    size = p.absolute(x)
    inside = p.less(size, 1.0)
    share = p.select(inside, size, 0.0)
    a = 8 * (math.pi - 3) / (3 * math.pi * (4 - math.pi))
    logarithm = p.log(p.multiply(p.subtract(1.0, share), p.add(1.0, share)))
    half = p.add(p.multiply(logarithm, 0.5), 2 / (math.pi * a))
    root = p.sqrt(p.subtract(p.square(half), p.multiply(logarithm, 1 / a)))
    y = control.stop_gradient(p.sqrt(p.maximum(p.subtract(root, half), 0.0)))
    for _ in range(2):
        y = _halley(y, share)
    infinite = p.select(p.equal(size, 1.0), float("inf"), control.stop_gradient(p.add(size, 1.0)))
    beyond = p.select(p.isinf(infinite), infinite, float("nan"))
    return p.multiply(p.select(inside, y, beyond), p.sign(x))


def _halley(y: Any, share: Any) -> Any:
    near = p.less(share, 0.5)
    missing = p.select(near, p.subtract(p.erf(y), share), p.subtract(p.subtract(1.0, share), erfc(y)))
    step = p.multiply(missing, p.multiply(p.exp(p.square(y)), 1 / _SLOPE))
    return p.subtract(y, p.divide(step, p.add(1.0, p.multiply(y, step))))
