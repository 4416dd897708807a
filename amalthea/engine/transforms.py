"""Function transforms: ``jit``, ``grad``, ``value_and_grad``, ``jvp``, ``custom_gradient``, ``remat``.

Each takes a function and returns a function. They accept any nesting of arrays, inside a trace and outside.
"""

from __future__ import annotations

import functools
import gc
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from amalthea import tree
from amalthea.engine import dtypes, settings
from amalthea.engine.executable_cache import Cache
from amalthea.engine.ir import versions
from amalthea.engine.ir.graph import Graph, graph_of_trace, reachable_nodes
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import autocast, current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import Trace, as_tensor, type_of
from amalthea.engine.ir.variable import Variable, at_once, one_version
from amalthea.engine.passes.extended import share_extended
from amalthea.engine.passes.gradient import backward, zeros_like
from amalthea.engine.primitives import control, elementwise
from amalthea.errors import ArgumentError, DtypeError, ShapeError

_tags = itertools.count(1)


def is_value(leaf: Any) -> bool:
    """True for tensors, variables and arrays: the leaves that are traced."""
    return isinstance(leaf, (Tensor, Variable)) or hasattr(leaf, "shape")


def as_value(leaf: Any) -> Any:
    """Return a Python float as an array of ``floatx``; anything else unchanged."""
    return np.asarray(leaf, dtypes.to_numpy(settings.values["floatx"])) if type(leaf) is float else leaf


def is_constant(leaf: Any) -> bool:
    """True if an output of a trace is not computed: a string (a dtype), an int (a size), a bool, or None."""
    return leaf is None or isinstance(leaf, (str, bytes, int))


def packer(outputs: Any) -> Callable[[Sequence[Any]], Any]:
    """Return a function that puts computed values into the nesting of a trace's outputs; constants stay as traced."""
    leaves = tree.flatten(outputs)
    indices = [i for i, x in enumerate(leaves) if not is_constant(x)]
    if len(indices) == len(leaves):
        return tree.packer(outputs)

    def pack(values: Sequence[Any]) -> Any:
        packed = list(leaves)
        for i, value in zip(indices, values):
            packed[i] = value
        return tree.pack_sequence_as(outputs, packed)

    return pack


class Entry(NamedTuple):
    """The compiled form of one signature.

    Args:
        executable: function from input arrays to output arrays.
        pack: function from output arrays to the nesting that the traced function returned.
        loops: bool; True if the backend runs a scan over such steps faster than one call per step.
    """

    executable: Callable[..., list[Any]]
    pack: Callable[[Sequence[Any]], Any]
    loops: bool = False


def signature(structure: Any, leaves: list[Any], key: list[Any]) -> None:
    """Append the leaves of a nested structure to ``leaves``, and all that a trace depends on to ``key``.

    The key holds the nesting, the shape and dtype of arrays, and the values of other leaves. Runs at every step: one
    call per container.
    """
    if isinstance(structure, dict):
        names = sorted(structure)
        key.append((type(structure), *names))
        structure = [structure[name] for name in names]
    else:
        key.append((type(structure), len(structure)))
    for leaf in structure:
        if isinstance(leaf, (list, tuple, dict)):
            signature(leaf, leaves, key)
            continue
        leaf = as_value(leaf) if type(leaf) is float else leaf
        leaves.append(leaf)
        shape = getattr(leaf, "shape", None)
        key.append((type(leaf), leaf) if shape is None else (tuple(shape), leaf.dtype))


class jit:
    """Trace a function once per signature of its arguments, compile the graph, and run the executable.

    Arrays are traced. Other leaves of arguments and outputs (bools, ints, strings, None) are constants of the trace.
    Variables that the function reads or assigns are the state of the executable.

    Example:
        >>> import numpy as np
        >>> from amalthea import jit, ops
        >>> double = jit(lambda x: ops.add(x, x))
        >>> double(np.float32([1, 2]))
        array([2., 4.], dtype=float32)
    """

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self.entries = Cache(f"The compiled {getattr(function, '__name__', 'function')}")
        self.compiling: dict[Any, threading.Event] = {}
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None or (versions.view() is not None and versions.is_isolated()):
            return self.function(*args, **kwargs)
        leaves: list[Any] = []
        parts: list[Any] = [runtime.location]
        signature(args, leaves, parts)
        if kwargs:
            signature(kwargs, leaves, parts)
        key = tuple(parts)
        entry = self.entries.get(key)
        if entry is None:
            entry = self._entry(key, (args, kwargs), leaves)
        values = [x.value if isinstance(x, Variable) else x for x in leaves if hasattr(x, "shape")]
        return entry.pack(entry.executable(values))

    def _entry(self, key: Any, structure: Any, leaves: Sequence[Any]) -> Entry:
        """Return the entry of a key, traced and compiled once even if several threads ask for it."""
        with versions.MAKING:  # held while tracing, released while the library compiles
            entry, event = self.entries.get(key), self.compiling.get(key)
            traced = None if entry is not None or event is not None else self._capture(structure, leaves)
            if traced is not None:
                event = self.compiling[key] = threading.Event()
        if entry is not None:
            return entry
        assert event is not None
        if traced is None:
            event.wait()
            return self.entries.get(key) or self._entry(key, structure, leaves)  # None: compiling failed there
        try:
            with no_collection():
                entry = self.entries[key] = compiled(*traced)
            return entry
        finally:
            del self.compiling[key]
            event.set()

    def _capture(self, structure: Any, leaves: Sequence[Any]) -> tuple[Graph, Any]:
        with no_collection():
            return capture(self.function, structure, leaves)


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause Python's cyclic garbage collector, which would walk a growing graph again and again.

    Tracing and rewriting 1000 dense layers takes 1.1 s instead of 1.9.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def compiled(graph: Graph, outputs: Any) -> Entry:
    """Compile a graph on the backend in use."""
    return Entry(runtime.compile(graph), packer(outputs), runtime.prefers_scan(graph))


def capture(function: Callable[..., Any], structure: Any, leaves: Sequence[Any] | None = None) -> tuple[Graph, Any]:
    """Trace ``function(*args, **kwargs)`` for ``structure = (args, kwargs)``.

    Return the graph and the outputs' nesting.

    Constant outputs occur in the nesting only; :func:`packer` combines both.
    """
    leaves = tree.flatten(structure) if leaves is None else leaves
    inputs: list[Tensor] = []
    with versions.MAKING, Trace() as scope:
        symbols = [Tensor(type_of(x)) if is_value(x) else x for x in leaves]
        inputs = [x for x in symbols if isinstance(x, Tensor)]
        args, kwargs = tree.pack_sequence_as(structure, symbols)
        results = function(*args, **kwargs)
        flat = [as_tensor(_plain(x)) for x in tree.flatten(results) if not is_constant(x)]
    return graph_of_trace(inputs, flat, scope), results


def _plain(leaf: Any) -> Any:
    leaf = leaf.value if isinstance(leaf, Variable) else leaf
    return as_value(leaf)


def value_and_grad(function: Callable[..., Any], wrt: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes ``function`` and its gradients.

    Args:
        function: callable; returns one scalar, or ``(scalar, aux)`` with ``has_aux``.
        wrt: int, tuple of ints, or nesting of Variables; the positions of arguments, or the Variables, to differentiate
            with respect to. Defaults to 0: the first argument.
        has_aux: bool; True if the function returns a second value that is not differentiated. Defaults to False.

    Raises:
        ShapeError: the value is not a scalar.
        ArgumentError: ``wrt`` is neither positions nor Variables.

    Example:
        >>> import numpy as np
        >>> from amalthea import ops, value_and_grad
        >>> value, gradient = value_and_grad(lambda x: ops.sum(x * x))(np.float32([1, 3]))
        >>> float(value), gradient.tolist()
        (10.0, [2.0, 6.0])
    """

    @functools.wraps(function)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None or any(isinstance(x, Tensor) for x in tree.flatten((args, kwargs))):
            return _value_and_grad(function, wrt, has_aux, args, kwargs)
        return run_once(lambda *a, **k: _value_and_grad(function, wrt, has_aux, a, k), args, kwargs)

    return differentiated


def grad(function: Callable[..., Any], wrt: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradients of ``function``: :func:`value_and_grad` without the value.

    Example:
        >>> import numpy as np
        >>> from amalthea import grad, ops
        >>> second = grad(grad(lambda x: x ** 3))
        >>> float(second(np.float32(2.0)))
        12.0
    """
    both = value_and_grad(function, wrt, has_aux)

    @functools.wraps(function)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return differentiated


def run_once(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Trace a function and run its graph eagerly, primitive by primitive. Outputs keep their masks."""
    args, kwargs = tree.map_structure(as_value, (args, kwargs))
    masks: list[Any] = []

    def with_masks(*a: Any, **k: Any) -> Any:
        result = function(*a, **k)
        masks.extend(mask_of(x) for x in tree.flatten(result) if not is_constant(x))
        return result, [mask for mask in masks if mask is not None]

    graph, (outputs, _) = capture(with_masks, (args, kwargs))
    graph = share_extended(graph)
    values = [x for x in tree.flatten((args, kwargs)) if is_value(x)]
    known = {t: v.value if isinstance(v, Variable) else v for t, v in zip(graph.inputs, values)}
    with one_version([variable for variable, _ in graph.reads]):
        known.update((t, variable.value) for variable, t in graph.reads)
    results = graph.evaluate(known, runtime.execute)
    with at_once() if len(graph.writes) > 1 else nullcontext():
        for variable, value in graph.writes:
            variable.assign(value.value if value.value is not None else known[value])
    count = len(masks)
    carried = iter(results[count:])
    for value, mask in zip(results, masks):
        if mask is not None:
            set_mask(value, next(carried))
    return packer(outputs)(results[:count])


def _value_and_grad(function: Any, wrt: Any, has_aux: bool, args: Any, kwargs: Any) -> Any:
    by_position = isinstance(wrt, int) or (isinstance(wrt, tuple) and all(isinstance(i, int) for i in wrt))
    if by_position:
        args = list(args)
        for i in (wrt,) if isinstance(wrt, int) else wrt:
            args[i] = tree.map_structure(lambda x: control.identity(as_tensor(_plain(x))), args[i])
        chosen = args[wrt] if isinstance(wrt, int) else tuple(args[i] for i in wrt)
    else:
        chosen = tree.map_structure(_variable_tensor, wrt)
    result = function(*args, **kwargs)
    value = as_tensor(_plain(result[0] if has_aux else result))
    if value.type.shape != ():
        raise ShapeError(
            "Only a scalar can be differentiated.",
            expected="float32[]",
            got=value.type,
            cure="ops.sum(value) or ops.mean(value)",
        )
    if dtypes.is_complex(value.dtype):
        raise DtypeError(
            "Only a real scalar can be differentiated.", got=value.type, cure="ops.real(value) or ops.abs(value)"
        )
    one = np.ones((), dtypes.to_numpy(value.dtype))
    gradients = backward([value], [one], tree.flatten(chosen))
    return result, tree.pack_sequence_as(chosen, gradients)


def jvp(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Compute a function and its derivative in a direction: ``ops.jvp``.

    The cotangents of the inputs are linear in those of the outputs. The transpose of that linear function, by reverse
    mode once more, is the derivative in a direction.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise ArgumentError(f"jvp takes {name} as a list.", expected="a list or tuple of arrays", got=repr(given))
    if len(primals) != len(tangents):
        raise ArgumentError("jvp needs one tangent for each argument.", expected=len(primals), got=len(tangents))
    points, ways = tree.map_structure(as_value, (list(primals), list(tangents)))
    if current_trace() is not None or any(isinstance(x, Tensor) for x in tree.flatten([points, ways])):
        return _jvp(function, points, ways, has_aux)
    return tuple(run_once(lambda a, b: _jvp(function, a, b, has_aux), (points, ways), {}))


def _jvp(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool) -> tuple[Any, ...]:
    args = tree.map_structure(lambda x: control.identity(as_tensor(_plain(x))), primals)
    inputs, directions = tree.flatten(args), [as_tensor(_plain(x)) for x in tree.flatten(tangents)]
    if [x.type.shape for x in inputs] != [x.type.shape for x in directions]:
        raise ShapeError(
            "The tangents do not have the shapes of the arguments.",
            expected=", ".join(str(x.type) for x in inputs),
            got=", ".join(str(x.type) for x in directions),
        )
    result = function(*args)
    value, aux = result if has_aux else (result, None)
    outputs = [as_tensor(_plain(x)) for x in tree.flatten(value)]
    cotangents = [control.identity(zeros_like(x)) for x in outputs]
    through = backward(outputs, cotangents, inputs)
    floats = [i for i, x in enumerate(inputs) if dtypes.is_differentiable(x.dtype)]
    moved = [elementwise.cast(directions[i], dtype=inputs[i].dtype) for i in floats]
    along = backward([through[i] for i in floats], moved, cotangents)
    pair = (value, tree.pack_sequence_as(value, along))
    return (*pair, aux) if has_aux else pair


def _variable_tensor(variable: Any) -> Tensor:
    if not isinstance(variable, Variable):
        raise ArgumentError(
            "Gradients are taken with respect to arguments or Variables.",
            expected="positions of arguments, or Variables",
            got=repr(variable),
        )
    with autocast(None):
        return as_tensor(variable.value)


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function its own gradient rule.

    Args:
        function: callable; returns ``(output, gradient)``; ``gradient(g)`` maps the output's cotangent to the inputs'.

    Example:
        >>> from amalthea import custom_gradient, grad, ops
        >>> import numpy as np
        >>> @custom_gradient
        ... def clipped(x):
        ...     return ops.abs(x), lambda g: ops.clip(g * ops.sign(x), -0.1, 0.1)
        >>> float(grad(clipped)(np.float32(3.0)).round(3))
        0.1
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        args = tree.map_structure(lambda x: x.value if isinstance(x, Variable) else x, list(args))
        leaves = [x for x in tree.flatten(args) if is_value(x)]
        outputs, rule = function(*args, **kwargs)
        flat = tree.flatten(outputs)
        if not any(isinstance(x, Tensor) for x in [*leaves, *flat]):
            return outputs

        def answer(*cotangents: Any) -> Any:
            g = rule(*cotangents)
            return tree.flatten(list(g) if isinstance(g, (tuple, list)) else [g])

        made = control.with_gradient(*leaves, *flat, count=len(leaves), rule=answer)
        return tree.pack_sequence_as(outputs, made)

    return wrapped


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """Rematerialization: recompute the function in the backward pass instead of keeping its intermediate values.

    Needs less memory, and the time of one more forward pass of the function.

    Args:
        f: callable; the function of tensors, nested in any way.

    Example:
        >>> import numpy as np
        >>> from amalthea import grad, ops, remat
        >>> grad(lambda x: ops.sum(remat(ops.exp)(x)))(np.float32([0.0])).tolist()
        [1.0]
    """

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves = tree.flatten(args)
        traced = list(dict.fromkeys(x for x in leaves if isinstance(x, Tensor)))
        if not traced:
            return f(*args, **kwargs)
        before = dict(_root().values)
        outputs = f(*args, **kwargs)
        flat = [as_tensor(x) for x in tree.flatten(outputs)]
        _, others = reachable_nodes(flat, set(traced))
        redo = functools.partial(_recompute, f, args, kwargs, before, traced, others)
        made = control.with_gradient(*traced, *others, *flat, count=len(traced) + len(others), rule=redo)
        return tree.pack_sequence_as(outputs, made)

    return wrapped


def _recompute(function, args, kwargs, before, traced, others, *cotangents: Any) -> list[Any]:
    """Run a function again on the same inputs, with the variables' values of that time, and differentiate it."""
    tag = next(_tags)
    after = next((g for g in cotangents if isinstance(g, Tensor) and g.value is None), 0.0)
    again = {x: control.barrier(x, after, tag=tag) for x in traced}
    inner = tree.map_structure(lambda x: again[x] if isinstance(x, Tensor) else x, args)
    scope = _root()
    now = dict(scope.values)
    try:
        scope.values.update({**scope.reads, **before})
        redone = tree.flatten(function(*inner, **kwargs))
    finally:
        scope.values.update(now)
    return backward([as_tensor(x) for x in redone], cotangents, [*again.values(), *others])


def _root() -> Trace:
    """Return the outermost open trace."""
    scope = current_trace() or Trace()
    while scope.parent is not None:
        scope = scope.parent
    return scope


def stop_gradient(x: Any) -> Any:
    """Return the same value, through which no gradient passes. Also ``ops.stop_gradient``."""
    return control.stop_gradient(x)
