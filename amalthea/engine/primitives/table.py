"""The table of primitives: the definition of an entry.

A primitive is declared by a function: its signature is the operation, its body the reference in NumPy. A family adds
the typing rule, and samples for tests; the gradient rule is assigned beside it:

    @primitive(unary)
    def tanh(x):
        "Hyperbolic tangent."
        return np.tanh(x)

    tanh.gradient = lambda g, x, out: (multiply(g, subtract(1.0, square(out))),)

A primitive that sums many elements is marked, ``@primitive(reduction, accumulates=True)``: with float16 and bfloat16 it
is computed in float32 and rounded once at the end, on every backend.

A gradient rule takes the cotangent of the output, the inputs, the output, and the attributes by name. It returns one
cotangent per input, or None for an input without one. Its caller undoes broadcasting.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.trace import apply, type_of
from amalthea.engine.ir.variable import cast
from amalthea.errors import AmaltheaError, DtypeError, add_location

TABLE: dict[str, Primitive] = {}
TAKE_COMPLEX: set[str] = set()  # names of primitives on complex numbers; complex_numbers.py fills it


@dataclass(frozen=True)
class Sample:
    """Inputs and attributes on which tests run a primitive; floats are float64."""

    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)


def sample(*inputs: Any, **attrs: Any) -> Sample:
    """Make a sample from arrays or numbers, and attributes."""
    return Sample(tuple(np.asarray(x) for x in inputs), attrs)


@dataclass(frozen=True)
class Family:
    """The common part of a group of primitives.

    Args:
        typing: ``(*types, **attrs)`` to a :class:`~amalthea.engine.ir.tensor.Type`, or a tuple of them.
        samples: function from a primitive to its samples, unless it has its own.
        elementwise: bool; True if each element of the (broadcast) output depends on elements at its position only.
    """

    typing: Callable[..., Any]
    samples: Callable[[Primitive], Sequence[Sample]] = lambda primitive: ()
    elementwise: bool = False


class Primitive:
    """An entry of the table. Calling it applies it to tensors or arrays.

    Attributes:
        family: Family; typing rule and samples.
        reference: the function in NumPy that defines it.
        single: bool; True if it has one output, False if it returns a tuple.
        gradient: the gradient rule, or None.
        decomposition: for a composite primitive, the function of other primitives that it equals; else None.
        keeps_steps: function of the inputs and attributes; whether each time step of the output comes from the same
            step of the inputs, so that their mask is its mask. None for elementwise primitives, where it always does.
        facts: dict of further properties, such as ``domain`` for samples.
    """

    gradient: Callable[..., Any] | None = None
    keeps_steps: Callable[..., bool] | None = None
    decomposition: Any = None  # or a function: those who call it know that it is there

    def __init__(self, family: Family, reference: Callable[..., Any], single: bool, facts: dict[str, Any]):
        self.family = family
        self.reference = reference
        self.single = single
        self.name = reference.__name__
        self.__name__ = self.__qualname__ = self.name
        self.__doc__ = reference.__doc__
        self.__module__ = reference.__module__
        self.facts = facts
        self.accumulates = bool(facts.get("accumulates"))
        parameters = inspect.signature(reference).parameters.values()
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
        self._samples: Callable[[], Sequence[Sample]] = lambda: family.samples(self)

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        output = apply(self, inputs, {**self.defaults, **attrs})
        if self.family.elementwise or (self.keeps_steps is not None and self.keeps_steps(*inputs, **attrs)):
            _carry_mask(inputs, output)
        return output

    def in_accumulator(self, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """Apply it in float32 to narrower inputs, and round the outputs to the dtypes of its typing rule."""
        types = self.types([type_of(x) for x in inputs], attrs)
        wide = [_cast(x, dtypes.accumulator(type_of(x).dtype)) for x in inputs]
        made = apply(self, wide, attrs)
        outputs = [_cast(y, t.dtype) for y, t in zip((made,) if self.single else made, types)]
        return outputs[0] if self.single else tuple(outputs)

    def types(self, inputs: Sequence[Type], attrs: dict[str, Any]) -> tuple[Type, ...]:
        """Return the types of the outputs.

        An error of the typing rule is extended by the primitive and its input types.
        """
        try:
            if self.name not in TAKE_COMPLEX:
                _refuse_complex(inputs)
            types = self.family.typing(*inputs, **attrs)
        except AmaltheaError as error:
            add_location(error, f"in {self.name}({', '.join(map(str, inputs))})")
            raise
        return (types,) if self.single else tuple(types)

    @property
    def samples(self) -> Sequence[Sample]:
        return self._samples()

    @samples.setter
    def samples(self, make: Callable[[], Sequence[Sample]]) -> None:
        self._samples = make

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return (TABLE.__getitem__, (self.name,))


def _refuse_complex(inputs: Sequence[Type]) -> None:
    for x in inputs:
        if x.dtype in dtypes.COMPLEX:
            raise DtypeError(
                "The operation is not defined for complex numbers.",
                expected="real numbers",
                got=x,
                cure="ops.abs(x), ops.real(x) or ops.imag(x)",
            )


def _carry_mask(inputs: Sequence[Any], output: Any) -> None:
    """Attach the combined mask of the inputs: True where all of them are True."""
    found = {id(mask): mask for mask in map(mask_of, inputs) if mask is not None}
    if not found:
        return
    mask = functools.reduce(TABLE["logical_and"], found.values())
    shape, whole = type_of(mask).shape, type_of(output).shape
    if len(whole) >= len(shape) and all(map(shapes.agree, whole, shape)):
        set_mask(output, mask)


def _cast(x: Any, dtype: str) -> Any:
    return x if type_of(x).dtype == dtype else cast(x, dtype)


def primitive(family: Family, single: bool = True, **facts: Any) -> Callable[[Callable[..., Any]], Primitive]:
    """Register the decorated function as a primitive. ``single=False`` if it returns a tuple."""

    def join(reference: Callable[..., Any]) -> Primitive:
        primitive = Primitive(family, reference, single, facts)
        TABLE[primitive.name] = primitive
        return primitive

    return join


def numbers(*shape: Any, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Return reproducible float64 numbers for samples, well apart from each other, from 0, and from those of other
    seeds.
    """
    count = int(np.prod(shape, dtype=int))
    grid = np.linspace(low, high, count + 2)[1:-1] + (high - low) * (1 + 0.37 * seed) / (7 * (count + 2))
    return np.random.default_rng(seed).permutation(grid).reshape(shape)
