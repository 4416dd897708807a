"""JAX: a graph is one jitted function. The variables that it writes are donated, so their memory is reused.

Eager primitives are JAX's functions on JAX's arrays, so ``jax.grad`` and ``jax.vmap`` work through them. 64-bit dtypes
are enabled: narrow dtypes are requested by name in this package.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import io_callback
from jax.scipy.special import erf

from amalthea.engine import dtypes
from amalthea.engine.backends import foreign
from amalthea.engine.backends.base import Backend, Executable
from amalthea.engine.backends.forks import DoesNotFork
from amalthea.engine.backends.jax import distributed
from amalthea.engine.backends.jax.linear_algebra import LINEAR_ALGEBRA_LOWERINGS
from amalthea.engine.backends.memory import trim_after_first_run
from amalthea.engine.backends.value_lists import ListedStorage, Stateful, state_of
from amalthea.engine.backends.variable_groups import wait_until_readable
from amalthea.engine.communicator import Communicator
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import type_of
from amalthea.engine.ir.variable import Storage, Variable
from amalthea.engine.ir.versions import LOCK
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.partition_rules import Layout
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import (
    Primitive,
    bits,
    collectives,
    complex_numbers,
    composite,
    control,
    indexing,
    matmul,
    movement,
    random,
    reductions,
)
from amalthea.engine.primitives import elementwise as p
from amalthea.engine.primitives import windows as w
from amalthea.engine.primitives.windows import window_counts
from amalthea.errors import BackendError

jax.config.update("jax_enable_x64", True)


def _matmul(x, y, *, transpose_x, transpose_y):
    x = jnp.swapaxes(x, -1, -2) if transpose_x else x
    return jnp.matmul(x, jnp.swapaxes(y, -1, -2) if transpose_y else y)


def _layouts(rank: int, data_format: str) -> tuple[str, str, str]:
    space = "DHW"[3 - rank :]
    data = f"N{space}C" if data_format == "channels_last" else f"NC{space}"
    return data, f"{space}IO", data


def _conv(x, kernel, *, strides, padding, dilation, groups, data_format):
    return lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation, dimension_numbers=_layouts(len(strides), data_format),
        feature_group_count=groups,
    )  # fmt: skip


def _conv_input(g, kernel, *, shape, **attrs):
    of_input = jax.linear_transpose(lambda x: _conv(x, kernel, **attrs), jax.ShapeDtypeStruct(shape, g.dtype))
    return of_input(g)[0]


def _conv_kernel(x, g, *, kernel_shape, **attrs):
    of_kernel = jax.linear_transpose(lambda k: _conv(x, k, **attrs), jax.ShapeDtypeStruct(kernel_shape, g.dtype))
    return of_kernel(g)[0]


def _window(x, start, merge, window, strides, padding, data_format):
    around: Any = partial(w.with_space, data_format=data_format)
    pads = around((0, 0), padding, (0, 0))
    return lax.reduce_window(x, start, merge, around(1, window, 1), around(1, strides, 1), pads)


def _max_pool(x, *, window, strides, padding, data_format):
    lowest = np.asarray(dtypes.bounds(x.dtype.name)[0], x.dtype)
    return _window(x, lowest, lax.max, window, strides, padding, data_format)


def _avg_pool(x, *, window, strides, padding, data_format):
    total = _window(x, np.zeros((), x.dtype), lax.add, window, strides, padding, data_format)
    counts = window_counts(w.space_of(x.shape, data_format), window, strides, padding)
    return total / counts.reshape(w.with_space(1, counts.shape, 1, data_format)).astype(x.dtype)


def _scatter_add(x, indices, updates, *, axis):
    moved = jnp.moveaxis(updates, range(axis, axis + indices.ndim), range(indices.ndim))
    return jnp.moveaxis(jnp.moveaxis(x, axis, 0).at[indices].add(moved), 0, axis)


def _add_along_axis(x, indices, updates, *, axis):
    grid: list[Any] = list(jnp.indices(indices.shape, sparse=True))
    grid[axis] = indices
    return jnp.asarray(x).at[tuple(grid)].add(updates)


def _points(indices):
    return tuple(jnp.moveaxis(indices, -1, 0))


def _dilate(x, *, steps):
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, step - 1) for step in steps])


def _pad(x, *, low, high, value):
    return jnp.pad(x, list(zip(low, high)), constant_values=value)


def _iota(*, shape, axis, dtype):
    return lax.broadcasted_iota(dtypes.to_numpy(dtype), shape, axis)


def _run(primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    return LOWERINGS[primitive](*inputs, **attrs)


def _cond(predicate, *operands, true_graph, false_graph):
    yes, no = (lambda *xs, graph=graph: tuple(graph.run(xs, _run)) for graph in (true_graph, false_graph))
    return lax.cond(predicate, yes, no, *operands)


def _while_loop(*operands, condition, body, captures):
    fixed, carry = operands[:captures], operands[captures:]
    return lax.while_loop(
        lambda xs: condition.run((*fixed, *xs), _run)[0], lambda xs: tuple(body.run((*fixed, *xs), _run)), tuple(carry)
    )


def _scan(*operands, body, captures, carries, length, reverse):
    fixed, carry = operands[:captures], tuple(operands[captures : captures + carries])

    def step(carry, elements):
        outputs = body.run((*fixed, *carry, *elements), _run)
        return tuple(outputs[:carries]), tuple(outputs[carries:])

    last, kept = lax.scan(step, carry, tuple(operands[captures + carries :]), length, reverse)
    return (*last, *kept)


def _uniform(key, *, shape, dtype):
    return jax.random.uniform(key, shape, dtypes.to_numpy(dtype))


def _normal(key, *, shape, dtype):
    return jax.random.normal(key, shape, dtypes.to_numpy(dtype))


def _reduce(function):
    return lambda x, *, axes, keepdims: function(x, axis=axes, keepdims=keepdims)


def _top_k(x, *, k):
    values, indices = lax.top_k(x, k)
    return values, indices.astype("int32")


def _same(x, *_: Any, **attrs: Any):
    return x


def _exchange(*xs, gathers, group):
    """Exchange by another library's processes; those of JAX divide a graph by ``compile_part``."""
    if group.size == 1:
        return xs
    if isinstance(group, distributed.Devices):
        raise BackendError("JAX's own processes divide a batch; they exchange no values inside a step.",
                           cure="distribution.set_distribution(distribution.DataParallel())")  # fmt: skip
    types = [jax.ShapeDtypeStruct(t.shape, dtypes.to_numpy(t.dtype)) for t in collectives.exchange.types(
        [type_of(x) for x in xs], {"gathers": gathers, "group": group})]  # fmt: skip
    function = lambda *arrays: tuple(map(np.asarray, group.exchange([*map(np.asarray, arrays)], gathers)))  # noqa: E731
    return tuple(io_callback(function, types, *xs, ordered=True))


LOWERINGS: dict[Primitive, Any] = {
    p.negative: jnp.negative, p.exp: jnp.exp, p.expm1: jnp.expm1, p.log: jnp.log, p.log1p: jnp.log1p,
    p.sqrt: jnp.sqrt, p.rsqrt: lax.rsqrt, p.reciprocal: jnp.reciprocal, p.square: jnp.square, p.sin: jnp.sin,
    p.cos: jnp.cos, p.tan: jnp.tan, p.arcsin: jnp.arcsin, p.arccos: jnp.arccos, p.arctan: jnp.arctan,
    p.sinh: jnp.sinh, p.cosh: jnp.cosh, p.tanh: jnp.tanh, p.arcsinh: jnp.arcsinh, p.arccosh: jnp.arccosh,
    p.arctanh: jnp.arctanh, p.sigmoid: jax.nn.sigmoid, p.softplus: jax.nn.softplus, p.erf: erf,
    p.relu: jax.nn.relu, p.absolute: jnp.abs, p.sign: jnp.sign, p.floor: jnp.floor, p.ceil: jnp.ceil,
    p.round: jnp.rint, p.isnan: jnp.isnan, p.isinf: jnp.isinf, p.logical_not: jnp.logical_not,
    p.add: jnp.add, p.subtract: jnp.subtract, p.multiply: jnp.multiply, p.divide: jnp.divide,
    p.floor_divide: jnp.floor_divide, p.remainder: jnp.remainder, p.power: jnp.power, p.maximum: jnp.maximum,
    p.minimum: jnp.minimum, p.arctan2: jnp.arctan2, p.equal: jnp.equal, p.less: jnp.less,
    p.less_equal: jnp.less_equal, p.greater: jnp.greater, p.greater_equal: jnp.greater_equal,
    p.logical_and: jnp.logical_and, p.logical_or: jnp.logical_or, p.bitwise_and: jnp.bitwise_and,
    p.bitwise_or: jnp.bitwise_or, p.bitwise_xor: jnp.bitwise_xor, p.left_shift: jnp.left_shift,
    p.right_shift: jnp.right_shift, p.select: jnp.where,
    bits.bitcast: lambda x, *, dtype: lax.bitcast_convert_type(x, dtypes.to_numpy(dtype)),
    p.clip: lambda x, *, low, high: jnp.clip(x, jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype)),
    p.cast: lambda x, *, dtype: x.astype(dtypes.to_numpy(dtype)),
    reductions.reduce_sum: lambda x, *, axes, keepdims: jnp.sum(x, axis=axes, keepdims=keepdims, dtype=x.dtype),
    reductions.reduce_prod: lambda x, *, axes, keepdims: jnp.prod(x, axis=axes, keepdims=keepdims, dtype=x.dtype),
    reductions.reduce_max: _reduce(jnp.max), reductions.reduce_min: _reduce(jnp.min),
    reductions.argmax: lambda x, *, axis: jnp.argmax(x, axis=axis).astype("int32"),
    reductions.argmin: lambda x, *, axis: jnp.argmin(x, axis=axis).astype("int32"),
    reductions.cumsum: lambda x, *, axis, reverse: lax.cumsum(x, axis, reverse),
    reductions.cumprod: lambda x, *, axis, reverse: lax.cumprod(x, axis, reverse),
    movement.reshape: lambda x, *, shape: jnp.reshape(x, shape),
    movement.transpose: lambda x, *, axes: jnp.transpose(x, axes),
    movement.broadcast_to: lambda x, *, shape: jnp.broadcast_to(x, shape),
    movement.concatenate: lambda *xs, axis: jnp.concatenate(xs, axis=axis),
    movement.slice: lambda x, *, starts, limits, strides: lax.slice(x, starts, limits, strides),
    movement.pad: _pad, movement.dilate: _dilate, movement.flip: lambda x, *, axes: jnp.flip(x, axes),
    movement.iota: _iota,
    movement.dynamic_slice: lambda x, *starts, sizes: lax.dynamic_slice(x, starts, sizes) if starts else x,
    movement.dynamic_update_slice: lambda x, update, *starts: lax.dynamic_update_slice(x, update, starts),
    indexing.gather: lambda x, i, *, axis: jnp.take(x, i, axis=axis),
    indexing.scatter_add: _scatter_add,
    indexing.take_along_axis: lambda x, i, *, axis: jnp.take_along_axis(x, i, axis=axis),
    indexing.add_along_axis: _add_along_axis,
    indexing.gather_points: lambda x, i: jnp.asarray(x)[_points(i)],
    indexing.scatter_add_points: lambda x, i, u: jnp.asarray(x).at[_points(i)].add(u),
    indexing.top_k: _top_k, matmul.matmul: _matmul,
    matmul.integer_matmul: lambda x, y: jnp.matmul(x, y, preferred_element_type=jnp.int32),
    w.conv: _conv, w.conv_input_gradient: _conv_input, w.conv_kernel_gradient: _conv_kernel,
    w.max_pool: _max_pool, w.avg_pool: _avg_pool,
    random.random_uniform: _uniform, random.random_normal: _normal,
    p.relu_gradient: lambda g, out: jnp.where(out > 0, g, jnp.zeros((), g.dtype)),
    composite.softmax: lambda x, *, axis: jax.nn.softmax(x, axis=axis),
    composite.log_softmax: lambda x, *, axis: jax.nn.log_softmax(x, axis=axis),
    control.identity: _same, control.stop_gradient: lax.stop_gradient,
    control.barrier: lambda x, after, *, tag: lax.optimization_barrier((x, after))[0],
    control.with_gradient: lambda *xs, count, rule: xs[count:],
    control.native_call: lambda *xs, function, types: tuple(function(*xs)), collectives.exchange: _exchange,
    control.cond: _cond, control.while_loop: _while_loop, control.scan: _scan,
    complex_numbers.from_parts: lax.complex, complex_numbers.real: jnp.real, complex_numbers.imag: jnp.imag,
    complex_numbers.conj: jnp.conj,
    **LINEAR_ALGEBRA_LOWERINGS,
}  # fmt: skip


def _cotangent(x: Any, g: Any) -> Any:
    """Return the cotangent as JAX expects it: ``float0`` for outputs that are not floats."""
    return g if jnp.issubdtype(x.dtype, jnp.floating) else np.zeros(x.shape, jax.dtypes.float0)


def _devices() -> dict[str, Any]:
    """Return JAX's devices by our names, the CPU's last."""
    found = jax.devices() if jax.default_backend() == "cpu" else [*jax.devices(), *jax.devices("cpu")]
    return {f"{d.platform}:{d.id}": d for d in found}


class JaxStorage(ListedStorage):
    """Storage in an immutable JAX array."""

    __slots__ = ()

    def numpy(self) -> np.ndarray:
        with LOCK:
            wait_until_readable([self])
            return np.array(self.current())  # a copy: the value can still be donated


POLLS = 100  # about 100 microseconds
_yield_core = getattr(os, "sched_yield", lambda: time.sleep(0))  # XLA's threads may need this core


class JaxBackend(DoesNotFork, Backend):
    """JAX, on any of its devices."""

    name = "jax"
    lowerings = LOWERINGS
    storage = JaxStorage

    def has_begun(self) -> bool:
        from jax._src import xla_bridge

        return bool(getattr(xla_bridge, "_backends", True))  # filled at JAX's first computation

    def settle(self) -> None:
        jax.block_until_ready(jax.live_arrays())

    def new_storage(self, value: np.ndarray) -> Storage:
        return JaxStorage(jnp.asarray(value))

    def array(self, value: Any, dtype: str) -> Any:
        if hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, jax.Array)):
            value = jnp.from_dlpack(value)
        return jnp.asarray(value, dtypes.to_numpy(dtype))

    def to_numpy(self, array: Any) -> np.ndarray:
        """Copy an array to NumPy.

        Results are polled for up to 100 rounds before blocking: sleeping costs 40 microseconds.
        """
        for _ in range(POLLS if isinstance(array, jax.Array) else 0):
            if array.is_ready():  # pyright: ignore[reportAttributeAccessIssue]  # missing in JAX's stub
                break
            _yield_core()
        return np.array(array)

    def devices(self) -> list[str]:
        return [*_devices()]

    @contextmanager
    def on(self, device: str) -> Iterator[None]:
        with super().on(device), jax.default_device(_devices()[device]):
            yield

    def eval_shape(self, function: Any, types: Any) -> Any:
        like = [jax.ShapeDtypeStruct(t.shape, dtypes.to_numpy(t.dtype)) for t in types]
        try:
            return jax.eval_shape(function, *like)
        except TypeError:  # the function returns something besides arrays
            return super().eval_shape(function, types)

    def native_gradient(self, function: Any, inputs: Any, cotangents: Any, wanted: Any) -> Sequence[Any]:
        def by_wanted(*values: Any) -> Any:
            full = dict(zip(wanted, values))
            return [jnp.asarray(x) for x in function(*(full.get(i, x) for i, x in enumerate(inputs)))]

        outputs, pull = jax.vjp(by_wanted, *(inputs[i] for i in wanted))
        return pull([_cotangent(x, g) for x, g in zip(outputs, cotangents)])

    def run(self, primitive: Primitive, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        arrays = [jnp.asarray(x) for x in inputs]
        lowering = LOWERINGS.get(primitive)
        return lowering(*arrays, **attrs) if lowering else self.run_decomposed(primitive, arrays, attrs)

    def prefers_scan(self, graph: Graph) -> bool:
        """True, except for convolutions on a CPU, where XLA runs them slowly in a loop.

        A step of an MLP of 64 units takes 0.10 ms in a scan instead of 0.21.
        """
        slow = self.device.startswith("cpu") and any(n.primitive.__module__ == w.__name__ for n in all_nodes(graph))
        return not slow

    def connect(self, address: str, size: int, rank: int) -> Communicator:
        return distributed.connect(address, size, rank)

    def leave(self) -> None:
        distributed.leave()

    def group_of(self, distribution: Any) -> Communicator:
        return distributed.group_of(distribution, _devices())

    def laid_out(self, array: Any, layout: Any) -> Any:
        return distributed.laid_out(array, layout, _devices())

    def compile_part(self, graph: Graph, layouts: Sequence[Layout], group: Communicator) -> Executable:
        """Compile the graph of the whole batch: XLA divides it."""
        graph = simplify(expand(simplify(graph), LOWERINGS))
        step, state = step_function(graph), state_of(graph)
        run = distributed.compiled(graph, layouts, group, step, state, self.storage_of)
        return Stateful(graph, run, self.storage_of, copy=jnp.array)

    def compile(self, graph: Graph) -> Executable:
        graph = simplify(expand(simplify(graph), LOWERINGS))
        executable = Stateful(graph, jit_graph(graph), self.storage_of, copy=jnp.array)
        return trim_after_first_run(executable, jax.block_until_ready) if graph.writes else executable


def jit_graph(graph: Graph) -> Any:
    """Compile a graph into one jitted function.

    The variables that it writes are donated, so no step keeps two copies.
    """
    return jax.jit(step_function(graph), donate_argnums=0)


def step_function(graph: Graph) -> Any:
    """Return a graph as a function of values written, values kept, and inputs."""
    written, kept = state_of(graph)
    reads = dict(graph.reads)
    count = len(graph.outputs)
    whole = Graph(graph.inputs, graph.results, nodes=graph.nodes)

    def step(written_values: Any, kept_values: Any, inputs: Any) -> Any:
        known = {reads[v]: x for v, x in zip(written, written_values) if v in reads}
        known.update((reads[v], x) for v, x in zip(kept, kept_values))
        known.update(zip(graph.inputs, inputs))
        results = [jnp.asarray(x) for x in whole.evaluate(known, _run)]
        return results[:count], results[count:]

    return step


def _take_part_in_functions() -> None:
    """Let JAX's functions take our variables, as their values, and refuse symbolic tensors in words.

    A compiled function of JAX's asks its arguments for their parts, and no longer for ``__jax_array__``.
    """
    array = foreign.answer("jax")
    for kind in (Variable, Tensor):
        jax.tree_util.register_pytree_node(kind, lambda x: ((array(x),), None), lambda _, children: children[0])


_take_part_in_functions()
BACKEND = JaxBackend()
