"""Elementwise primitives: each output element depends on the input elements at its position; inputs broadcast."""

from __future__ import annotations

import math

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.variable import install_cast
from amalthea.engine.primitives.table import Family, numbers, primitive, sample
from amalthea.errors import DtypeError, ShapeError


def _same_dtype(*types: Type) -> str:
    if len({t.dtype for t in types}) > 1:
        raise DtypeError(
            "The inputs have different dtypes.",
            expected="one dtype",
            got=" and ".join(map(str, types)),
            cure="ops.cast(x, dtype), or the function of the same name in ops, which promotes",
        )
    return types[0].dtype


def _check_kind(ok: bool, expected: str, x: Type, cure: str) -> None:
    if not ok:
        raise DtypeError("The operation is not defined for this dtype.", expected=expected, got=x, cure=cure)


def _unary(x: Type) -> Type:
    _check_kind(x.dtype != "bool", "numbers", x, "ops.cast(x, 'int32')")
    return x


def _to_bool(*types: Type) -> Type:
    _same_dtype(*types)
    return Type(shapes.broadcast(*(t.shape for t in types)), "bool")


def _binary(*types: Type) -> Type:
    dtype = _same_dtype(*types)
    return Type(shapes.broadcast(*(t.shape for t in types)), dtype)


def _of_numbers(*types: Type) -> Type:
    out = _binary(*types)
    return Type(out.shape, _unary(out).dtype)


def _of_bits(*types: Type) -> Type:
    out = _binary(*types)
    _check_kind(not dtypes.is_float(out.dtype), "integers", out, "ops.cast(x, 'int32')")
    return out


def _of_truths(*types: Type) -> Type:
    out = _binary(*types)
    _check_kind(out.dtype == "bool", "bool", out, "ops.cast(x, 'bool')")
    return out


def _select(condition: Type, x: Type, y: Type) -> Type:
    if condition.dtype != "bool":
        raise DtypeError("The condition of select is not bool.", expected="bool", got=condition)
    return Type(shapes.broadcast(condition.shape, x.shape, y.shape), _same_dtype(x, y))


def _numbers_of(primitive, seed: int, *shape: int):
    low, high = primitive.facts.get("domain", (-2.0, 2.0))
    return numbers(*shape, low=low, high=high, seed=seed)


def _whole(primitive, *shape: int):
    return np.random.default_rng(7).integers(*primitive.facts.get("whole", (-5, 6)), size=shape).astype("int32")


unary = Family(
    _unary,
    lambda primitive: [sample(_numbers_of(primitive, 0, 3, 4)), sample(_numbers_of(primitive, 1))],
    elementwise=True,
)


def _pairs(primitive):
    return [
        sample(_numbers_of(primitive, 0, 3, 4), _numbers_of(primitive, 1, 3, 4)),
        sample(_numbers_of(primitive, 0, 3, 1), _numbers_of(primitive, 1, 2, 1, 4)),
    ]


binary = Family(_of_numbers, _pairs, elementwise=True)
any_binary = Family(_binary, _pairs, elementwise=True)  # for bool too
comparison = Family(
    _to_bool,
    lambda primitive: [
        sample(_numbers_of(primitive, 0, 3, 4), _numbers_of(primitive, 1, 4)),
        sample(_whole(primitive, 3, 4), _whole(primitive, 4)),
    ],
    elementwise=True,
)
test = Family(_to_bool, lambda primitive: [sample(np.array([0.0, np.nan, np.inf, -np.inf, 1.0]))], elementwise=True)
logical = Family(
    _of_truths,
    lambda primitive: [
        sample(*[np.array([[True], [False]]), np.array([True, False])][: primitive.facts.get("arity", 2)])
    ],
    elementwise=True,
)
bitwise = Family(
    _of_bits,
    lambda primitive: [sample(np.array([[1], [5], [255]], "uint32"), np.array([3, 7, 1], "uint32"))],
    elementwise=True,
)


# ------------------------------------------------------------------------------------- one input, smooth
@primitive(unary)
def negative(x):
    """-x."""
    return np.negative(x)


@primitive(unary)
def exp(x):
    """e to the power x."""
    return np.exp(x)


@primitive(unary)
def expm1(x):
    """exp(x) - 1, accurate near zero."""
    return np.expm1(x)


@primitive(unary, domain=(0.1, 3.0))
def log(x):
    """Natural logarithm."""
    return np.log(x)


@primitive(unary, domain=(-0.9, 3.0))
def log1p(x):
    """log(1 + x), accurate near zero."""
    return np.log1p(x)


@primitive(unary, domain=(0.1, 3.0))
def sqrt(x):
    """Square root. Its infinite gradient at 0 counts as 0, so that the norm of a zero vector has a gradient."""
    return np.sqrt(x)


@primitive(unary, domain=(0.1, 3.0))
def rsqrt(x):
    """1 / sqrt(x)."""
    return np.reciprocal(np.sqrt(x))


@primitive(unary, domain=(0.2, 3.0))
def reciprocal(x):
    """1 / x."""
    return np.reciprocal(x)


@primitive(unary)
def square(x):
    """x * x."""
    return np.square(x)


@primitive(unary)
def sin(x):
    """Sine of an angle in radians."""
    return np.sin(x)


@primitive(unary)
def cos(x):
    """Cosine of an angle in radians."""
    return np.cos(x)


@primitive(unary, domain=(-1.2, 1.2))
def tan(x):
    """Tangent of an angle in radians."""
    return np.tan(x)


@primitive(unary, domain=(-0.9, 0.9))
def arcsin(x):
    """Inverse sine, in radians. Its infinite gradients at -1 and 1 count as 0."""
    return np.arcsin(x)


@primitive(unary, domain=(-0.9, 0.9))
def arccos(x):
    """Inverse cosine, in radians. Its infinite gradients at -1 and 1 count as 0."""
    return np.arccos(x)


@primitive(unary)
def arctan(x):
    """Inverse tangent, in radians."""
    return np.arctan(x)


@primitive(unary)
def sinh(x):
    """Hyperbolic sine."""
    return np.sinh(x)


@primitive(unary)
def cosh(x):
    """Hyperbolic cosine."""
    return np.cosh(x)


@primitive(unary)
def tanh(x):
    """Hyperbolic tangent."""
    return np.tanh(x)


@primitive(unary)
def arcsinh(x):
    """Inverse hyperbolic sine."""
    return np.arcsinh(x)


@primitive(unary, domain=(1.1, 4.0))
def arccosh(x):
    """Inverse hyperbolic cosine. Its infinite gradient at 1 counts as 0."""
    return np.arccosh(x)


@primitive(unary, domain=(-0.9, 0.9))
def arctanh(x):
    """Inverse hyperbolic tangent."""
    return np.arctanh(x)


@primitive(unary)
def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    return (0.5 * (np.tanh(0.5 * x) + 1)).astype(x.dtype)


@primitive(unary)
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.logaddexp(x, np.zeros_like(x))


@primitive(unary)
def erf(x):
    """The error function."""
    return np.vectorize(math.erf, otypes=[x.dtype])(x) if x.size else x


def _quotient(g, by):
    """``g / by``, and 0 where ``by`` is 0."""
    zero = equal(by, 0.0)
    return select(zero, 0.0, divide(g, select(zero, 1.0, by)))


negative.gradient = lambda g, x, out: (negative(g),)
exp.gradient = lambda g, x, out: (multiply(g, out),)
expm1.gradient = lambda g, x, out: (multiply(g, add(out, 1.0)),)
log.gradient = lambda g, x, out: (divide(g, x),)
log1p.gradient = lambda g, x, out: (divide(g, add(x, 1.0)),)
sqrt.gradient = lambda g, x, out: (_quotient(multiply(g, 0.5), out),)
rsqrt.gradient = lambda g, x, out: (multiply(multiply(g, -0.5), divide(out, x)),)
reciprocal.gradient = lambda g, x, out: (negative(multiply(g, square(out))),)
square.gradient = lambda g, x, out: (multiply(g, multiply(x, 2.0)),)
sin.gradient = lambda g, x, out: (multiply(g, cos(x)),)
cos.gradient = lambda g, x, out: (negative(multiply(g, sin(x))),)
tan.gradient = lambda g, x, out: (multiply(g, add(square(out), 1.0)),)
arcsin.gradient = lambda g, x, out: (_quotient(g, sqrt(subtract(1.0, square(x)))),)
arccos.gradient = lambda g, x, out: (negative(_quotient(g, sqrt(subtract(1.0, square(x))))),)
arctan.gradient = lambda g, x, out: (divide(g, add(square(x), 1.0)),)
sinh.gradient = lambda g, x, out: (multiply(g, cosh(x)),)
cosh.gradient = lambda g, x, out: (multiply(g, sinh(x)),)
tanh.gradient = lambda g, x, out: (multiply(g, subtract(1.0, square(out))),)
arcsinh.gradient = lambda g, x, out: (multiply(g, rsqrt(add(square(x), 1.0))),)
arccosh.gradient = lambda g, x, out: (_quotient(g, sqrt(subtract(square(x), 1.0))),)
arctanh.gradient = lambda g, x, out: (divide(g, subtract(1.0, square(x))),)
sigmoid.gradient = lambda g, x, out: (multiply(g, multiply(out, subtract(1.0, out))),)
softplus.gradient = lambda g, x, out: (multiply(g, sigmoid(x)),)
erf.gradient = lambda g, x, out: (multiply(g, multiply(exp(negative(square(x))), 2 / math.sqrt(math.pi))),)


# --------------------------------------------------------------------------------- one input, with steps
@primitive(unary)
def relu(x):
    """max(x, 0), with gradient 0 at 0."""
    return np.maximum(x, 0)


@primitive(Family(lambda x: Type(x.shape, dtypes.real_of(_unary(x).dtype)), unary.samples, elementwise=True))
def absolute(x):
    """|x|, with gradient 0 at 0; a real number also for complex x."""
    return np.abs(x)


@primitive(unary)
def sign(x):
    """-1, 0 or 1."""
    return np.sign(x)


@primitive(unary)
def floor(x):
    """The largest integer not above x."""
    return np.floor(x)


@primitive(unary)
def ceil(x):
    """The smallest integer not below x."""
    return np.ceil(x)


@primitive(unary)
def round(x):
    """The nearest integer; halves are rounded to even."""
    return np.rint(x)


relu.gradient = lambda g, x, out: (relu_gradient(g, out),)


@primitive(test)
def isnan(x):
    """True where x is not a number."""
    return np.isnan(x)


@primitive(test)
def isinf(x):
    """True where x is infinite."""
    return np.isinf(x)


@primitive(logical, arity=1)
def logical_not(x):
    """True where x is false."""
    return np.logical_not(x)


# ------------------------------------------------------------------------------------------- two inputs
@primitive(any_binary)
def add(x, y):
    """x + y."""
    return np.add(x, y)


@primitive(binary)
def subtract(x, y):
    """x - y."""
    return np.subtract(x, y)


@primitive(any_binary)
def multiply(x, y):
    """x * y."""
    return np.multiply(x, y)


@primitive(binary, domain=(0.2, 3.0))
def divide(x, y):
    """x / y, of floats."""
    return np.divide(x, y)


@primitive(binary, domain=(0.3, 5.0))
def floor_divide(x, y):
    """The largest integer not above x / y."""
    return np.floor_divide(x, y)


@primitive(binary, domain=(0.3, 5.0))
def remainder(x, y):
    """x - y * floor(x / y): the sign of y, as in Python."""
    return np.remainder(x, y)


@primitive(binary, domain=(0.2, 2.0))
def power(x, y):
    """x to the power y. Infinite gradients, such as that of a root at x = 0, count as 0."""
    return np.power(x, y)


@primitive(any_binary)
def maximum(x, y):
    """The larger element; equal ones get half of the gradient each."""
    return np.maximum(x, y)


@primitive(any_binary)
def minimum(x, y):
    """The smaller element; equal ones get half of the gradient each."""
    return np.minimum(x, y)


@primitive(binary)
def arctan2(x, y):
    """The angle of the point (y, x), in radians; its gradient at the origin, where none exists, counts as 0."""
    return np.arctan2(x, y)


def _share(g, x, y, out):
    """Return the part of ``g`` that goes to x if ``out`` was selected from x and y."""
    chosen = cast(equal(x, out), dtype=out.dtype)
    return multiply(g, multiply(chosen, subtract(1.0, multiply(0.5, cast(equal(x, y), dtype=out.dtype)))))


def _power_gradient(g, x, y, out):
    inside = logical_and(greater(x, 0.0), less(x, float("inf")))  # where the logarithm of x is finite
    by_y = select(inside, multiply(out, log(select(inside, x, 1.0))), 0.0)
    by_x = multiply(y, power(x, subtract(y, 1.0)))
    steep = logical_or(isinf(by_x), isnan(by_x))
    return multiply(g, select(logical_and(steep, _is_finite(out)), 0.0, by_x)), multiply(g, by_y)


def _is_finite(x):
    return logical_not(logical_or(isinf(x), isnan(x)))


def _arctan2_gradient(g, x, y, out):
    size = add(square(x), square(y))
    flat = logical_or(equal(size, 0.0), isinf(size))
    scaled = divide(g, select(flat, 1.0, size))
    return select(flat, 0.0, multiply(scaled, y)), select(flat, 0.0, negative(multiply(scaled, x)))


add.gradient = lambda g, x, y, out: (g, g)
subtract.gradient = lambda g, x, y, out: (g, negative(g))
multiply.gradient = lambda g, x, y, out: (multiply(g, y), multiply(g, x))
divide.gradient = lambda g, x, y, out: (divide(g, y), negative(divide(multiply(g, out), y)))
remainder.gradient = lambda g, x, y, out: (g, negative(multiply(g, floor_divide(x, y))))
power.gradient = _power_gradient
maximum.gradient = lambda g, x, y, out: (_share(g, x, y, out), _share(g, y, x, out))
minimum.gradient = lambda g, x, y, out: (_share(g, x, y, out), _share(g, y, x, out))
arctan2.gradient = _arctan2_gradient


@primitive(comparison)
def equal(x, y):
    """x == y."""
    return np.equal(x, y)


@primitive(comparison)
def less(x, y):
    """x < y."""
    return np.less(x, y)


@primitive(comparison)
def less_equal(x, y):
    """x <= y."""
    return np.less_equal(x, y)


@primitive(comparison)
def greater(x, y):
    """x > y."""
    return np.greater(x, y)


@primitive(comparison)
def greater_equal(x, y):
    """x >= y."""
    return np.greater_equal(x, y)


@primitive(logical)
def logical_and(x, y):
    """True where both are true."""
    return np.logical_and(x, y)


@primitive(logical)
def logical_or(x, y):
    """True where at least one is true."""
    return np.logical_or(x, y)


@primitive(bitwise)
def bitwise_and(x, y):
    """Bits set in both."""
    return np.bitwise_and(x, y)


@primitive(bitwise)
def bitwise_or(x, y):
    """Bits set in either."""
    return np.bitwise_or(x, y)


@primitive(bitwise)
def bitwise_xor(x, y):
    """Bits set in one of the two."""
    return np.bitwise_xor(x, y)


@primitive(bitwise)
def left_shift(x, y):
    """The bits of x shifted y positions up."""
    return np.left_shift(x, y)


@primitive(bitwise)
def right_shift(x, y):
    """The bits of x shifted y positions down."""
    return np.right_shift(x, y)


# -------------------------------------------------------------------------------------- select, cast, clip
@primitive(Family(_select, elementwise=True))
def select(condition, x, y):
    """x where the condition is true, y elsewhere."""
    return np.where(condition, x, y)


select.gradient = lambda g, c, x, y, out: (None, select(c, g, 0.0), select(c, 0.0, g))
select.samples = lambda: [
    sample(np.array([[True], [False]]), numbers(2, 3), numbers(3, seed=1)),
    sample(np.array([True, False]), np.array([1, 2], "int32"), np.array([3, 4], "int32")),
]


def _cast(x: Type, *, dtype: str) -> Type:
    keeps = dtypes.is_complex(dtype) or not dtypes.is_complex(x.dtype)
    _check_kind(keeps, "a complex dtype", x, "ops.real(x), which drops the imaginary part")
    return Type(x.shape, dtype)


@primitive(Family(_cast, elementwise=True))
def cast(x, *, dtype):
    """x in another dtype. A float to an integer drops the fraction; a number to bool is True unless it is 0."""
    return x.astype(dtypes.to_numpy(dtype))


cast.samples = lambda: [
    sample(numbers(3, 4), dtype="int32"),
    sample(numbers(3, 4), dtype="float64"),
    sample(np.array([0.0, 0.5, -2.0]), dtype="bool"),
    *(sample(np.array([0, 1, 0], dtype), dtype="float64") for dtype in ("int32", "bool")),
]


def _clip(x: Type, *, low: float, high: float) -> Type:
    return x


@primitive(Family(_clip, elementwise=True))
def clip(x, *, low, high):
    """x limited to the range from ``low`` to ``high``; the gradient outside is 0."""
    return np.minimum(np.maximum(x, np.asarray(low, x.dtype)), np.asarray(high, x.dtype))


def _clip_gradient(g, x, out, *, low, high):
    return (select(equal(x, out), g, 0.0),)


clip.gradient = _clip_gradient
clip.samples = lambda: [
    sample(numbers(3, 4), low=-0.5, high=1.0),
    sample(np.array([-3, 0, 9], "int32"), low=0, high=4),
]


# ----------------------------------------------------------------------------------- composite, elementwise
def _same_type(g: Type, out: Type) -> Type:
    if g != out:
        raise ShapeError("The cotangent of a relu does not have the type of its output.", expected=out, got=g)
    return g


@primitive(
    Family(_same_type, lambda primitive: [sample(numbers(3, 4), numbers(3, 4, seed=1))], elementwise=True),
    same_type=True,
)
def relu_gradient(g, out):
    """g where ``out``, the output of a relu, is above 0; 0 elsewhere."""
    return np.multiply(g, out > 0)


relu_gradient.decomposition = lambda g, out: multiply(g, cast(greater(out, 0.0), dtype=out.dtype))
relu_gradient.gradient = lambda h, g, out, made: (relu_gradient(h, out), None)


install_cast(lambda x, dtype: cast(x, dtype=dtype))
