"""Elementwise primitives in others, for formats that have few functions: each is exact to a rounding or two."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.primitives import Primitive
from amalthea.engine.primitives import elementwise as p


def _expm1(x: Tensor) -> Tensor:
    return p.multiply(p.tanh(p.multiply(x, 0.5)), p.add(p.exp(x), 1.0))


def _log1p(x: Tensor) -> Tensor:
    """log(1 + x), with the error of 1 + x divided out."""
    u = p.add(x, 1.0)
    rest = p.subtract(u, 1.0)
    exact, infinite = p.equal(rest, 0.0), p.greater(x, float(np.finfo("float32").max))
    corrected = p.multiply(p.log(u), p.divide(x, p.select(exact, p.add(rest, 1.0), rest)))
    return p.select(exact, x, p.select(infinite, x, corrected))


def _arctan2(y: Tensor, x: Tensor) -> Tensor:
    """The angle of a point: that of its quotient, turned by half a circle where x is negative."""
    nowhere = p.logical_and(p.equal(x, 0.0), p.equal(y, 0.0))
    angle = p.arctan(p.divide(y, p.select(nowhere, p.add(x, 1.0), x)))
    half = p.subtract(np.pi, p.multiply(p.cast(p.less(y, 0.0), dtype=y.dtype), 2 * np.pi))
    return p.select(p.less(x, 0.0), p.add(angle, half), angle)


def _arcsinh(x: Tensor) -> Tensor:
    size = p.absolute(x)
    square = p.square(size)
    rest = p.divide(square, p.add(p.sqrt(p.add(square, 1.0)), 1.0))
    near, far = p.log1p(p.add(size, rest)), p.add(p.log(size), math.log(2))
    return p.multiply(p.sign(x), p.select(p.greater(size, 1e9), far, near))  # whose square may overflow


def _arccosh(x: Tensor) -> Tensor:
    return p.log(p.add(x, p.sqrt(p.multiply(p.subtract(x, 1.0), p.add(x, 1.0)))))


def _softplus(x: Tensor) -> Tensor:
    return p.add(p.maximum(x, 0.0), p.log1p(p.exp(p.negative(p.absolute(x)))))


def _sinh(x: Tensor) -> Tensor:
    half = p.expm1(x)
    return p.multiply(p.add(half, p.divide(half, p.add(half, 1.0))), 0.5)


def _cosh(x: Tensor) -> Tensor:
    return p.multiply(p.add(p.exp(x), p.exp(p.negative(x))), 0.5)


def _arctanh(x: Tensor) -> Tensor:
    return p.multiply(p.log1p(p.divide(p.multiply(x, 2.0), p.subtract(1.0, x))), 0.5)


DECOMPOSITIONS: dict[Primitive, Callable[..., Any]] = {
    p.expm1: _expm1,
    p.log1p: _log1p,
    p.arctan2: _arctan2,
    p.arcsinh: _arcsinh,
    p.arccosh: _arccosh,
    p.arctanh: _arctanh,
    p.softplus: _softplus,
    p.sinh: _sinh,
    p.cosh: _cosh,
    p.reciprocal: lambda x: p.divide(1.0, x),
    p.isnan: lambda x: p.logical_not(p.equal(x, x)),
    p.isinf: lambda x: p.equal(p.absolute(x), float("inf")),
}
