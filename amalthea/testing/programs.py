"""Programs that a backend is tested with: the samples of every primitive, their gradients, loops and branches.

A program is a function of arrays. It is traced in float64, where the references of the primitives give the expected
results, and in each dtype, which gives the graph that the backend runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from amalthea import ops, tree
from amalthea.engine import dtypes, transforms
from amalthea.engine.backends import use_backend
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Node
from amalthea.engine.ir.trace import type_of
from amalthea.engine.primitives import TABLE, Primitive, Sample, sample
from amalthea.testing.primitives import cases, gradients, in_dtype

FLOATS = ("float64", "float32", "bfloat16", "float16")
WHOLE = "integers"  # the column of samples without float64


class Program(NamedTuple):
    """A function and its inputs.

    Args:
        primitive: str; the name of the primitive under test.
        what: str; "value" or "gradient", and the number of the sample.
        function: callable; takes the sample's inputs, and its attributes by name.
        sample: Sample.
        draws: bool; True for random numbers.
    """

    primitive: str
    what: str
    function: Callable[..., Any]
    sample: Sample
    draws: bool = False


@dataclass(frozen=True)
class Case:
    """A program in one dtype: its graph, the values of the inputs, and the expected outputs.

    ``wanted`` is float64 where the graph's outputs are floats. It is empty for random numbers, which differ by backend.
    """

    program: Program
    dtype: str
    graph: Graph
    inputs: tuple[Any, ...]
    wanted: tuple[np.ndarray, ...]

    def __str__(self) -> str:
        return f"{self.program.primitive}, {self.program.what}, {self.dtype}"


def programs() -> Iterator[Program]:
    """Iterate over all programs: for every sample of every primitive its value, and its gradient if it has one."""
    for primitive, number, tried in cases():
        if primitive.name in _DRAWN:
            yield Program(
                primitive.name, f"value {number}", _three_draws(primitive), Sample(_KEYS, tried.attrs), draws=True
            )
            continue
        yield Program(primitive.name, f"value {number}", primitive, tried)
        if _differentiable(primitive, tried):
            yield Program(primitive.name, f"gradient {number}", _gradient_of(primitive), tried)
    for name, function, x in _SUBGRAPH_PROGRAMS:
        yield Program(name, "value 0", function, sample(x))
        if name not in ("while_loop", "native_call"):
            yield Program(name, "gradient 0", transforms.grad(_total(function)), sample(x))


def in_dtypes(program: Program, floats: Sequence[str] = FLOATS) -> Iterator[Case]:
    """Iterate over the program in each of these dtypes, or as it is if it has no float64."""
    tried = program.sample
    if not (any(x.dtype == np.float64 for x in tried.inputs) or "float64" in tried.attrs.values()):
        yield _case(program, WHOLE, tried, tried)
        return
    for dtype in floats:
        cast = in_dtype(tried, dtype)
        wide = tuple(x.astype("float64") if was.dtype == np.float64 else x for x, was in zip(cast.inputs, tried.inputs))
        yield _case(program, dtype, cast, Sample(wide, tried.attrs))


def _case(program: Program, dtype: str, tried: Sample, wide: Sample) -> Case:
    graph = _traced(program, tried)
    if program.draws:
        return Case(program, dtype, graph, tried.inputs, ())
    with np.errstate(all="ignore"):
        wanted = _traced(program, wide).run(wide.inputs, lambda primitive, xs, attrs: primitive.reference(*xs, **attrs))
    return Case(program, dtype, graph, tried.inputs, tuple(np.asarray(x) for x in wanted))


def _traced(program: Program, tried: Sample) -> Graph:
    if not tried.inputs:  # without inputs, calling it in a trace would run it eagerly
        primitive = TABLE[program.primitive]
        node = Node(primitive, (), tried.attrs, primitive.types((), tried.attrs))
        return Graph([], list(node.outputs), nodes=[node])
    with use_backend("numpy"):  # computes constants during the trace
        return transforms.capture(lambda *xs: program.function(*xs, **tried.attrs), (tried.inputs, {}))[0]


def _differentiable(primitive: Primitive, tried: Sample) -> bool:
    outputs = primitive.types([type_of(x) for x in tried.inputs], tried.attrs)
    return any(x.dtype == np.float64 for x in tried.inputs) and any(dtypes.is_float(t.dtype) for t in outputs)


def _gradient_of(primitive: Primitive) -> Callable[..., Any]:
    def function(*xs: Any, **attrs: Any) -> Any:
        return gradients(primitive, attrs, xs, [i for i, x in enumerate(xs) if dtypes.is_float(x.dtype)])

    return function


_DRAWN = ("random_uniform", "random_normal")
_KEYS = tuple(
    np.array(key, "uint32") for key in ([7, 3], [7, 4], [8, 3])
)  # seed and counter: the second key has the next counter, the third another seed


def _three_draws(primitive: Primitive) -> Callable[..., Any]:
    return lambda *keys, **attrs: [primitive(key, **attrs) for key in keys]


def _total(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: sum(ops.sum(part * part) for part in tree.flatten(function(x)))


# ------------------------------------------------------------------ primitives with subgraphs or functions


def _scan(x: Any) -> Any:
    """A carry, a stacked output, and a captured value."""
    return ops.scan(lambda carry, v: (ops.tanh(carry * v + x[0]), carry + v), x[0], x)


def _reverse_scan(x: Any) -> Any:
    return ops.scan(lambda carry, v: (carry * 0.5 + v, carry), x[0], x, reverse=True)


def _while_loop(x: Any) -> Any:
    return ops.while_loop(lambda v, i: ops.max(v) < 10.0, lambda v, i: (v * 2.0, i + 1), (x, 0))[0]


def _branch(limit: float) -> Callable[[Any], Any]:
    return lambda x: ops.cond(ops.sum(x) > limit, lambda: ops.exp(x), lambda: x * x * 3.0)


def _native_call(x: Any) -> Any:
    """A function with operators that the arrays of every library have."""
    return ops.native_call(lambda a: a * a + a, x)


@transforms.custom_gradient
def _own_gradient(x: Any) -> Any:
    return ops.exp(x), lambda g: g * 0.5


_X = np.array([[0.25, -0.5], [0.5, 0.75], [-0.375, 1.0]])
_SUBGRAPH_PROGRAMS = [
    ("scan", _scan, _X),
    ("scan", _reverse_scan, _X),
    ("while_loop", _while_loop, _X),
    ("cond", _branch(0.0), _X),
    ("cond", _branch(100.0), _X),
    ("with_gradient", _own_gradient, _X),
    ("native_call", _native_call, _X),  # its gradient is the library's
]
assert all(name in TABLE for name, *_ in _SUBGRAPH_PROGRAMS)
