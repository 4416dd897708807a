"""The graph of layers between symbolic inputs and outputs: what the functional API makes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from amalthea import text, tree
from amalthea.engine import dtypes, shapes
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.scope import autocast_around
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import type_of
from amalthea.errors import ArgumentError, DtypeError, ShapeError, brief
from amalthea.layers import calling
from amalthea.layers.input_layer import InputLayer
from amalthea.layers.layer import Layer
from amalthea.models.functional.host_part import HostPart, Prepared, runs_on_host
from amalthea.operation import Call, Operation, Unnamed, forgetful, outlining, remembers, running
from amalthea.ops import base, composites


class Network:
    """Calls of layers and ops in an order in which they can run.

    Args:
        inputs, outputs: symbolic tensors, in any nesting.
    """

    def __init__(self, inputs: Any, outputs: Any):
        for value in (*tree.flatten(inputs), *tree.flatten(outputs)):
            if not remembers(value):
                raise ArgumentError(
                    "A model goes from symbolic inputs to what was computed from them.",
                    expected="tensors that begin at Input(...)",
                    got=brief(value),
                    cure="x = Input((8,)), then Model(x, layers.Dense(1)(x))",
                )
        self.inputs, self.outputs = inputs, outputs
        self.index_readers: Any = None  # the embeddings that read an input, once they are looked for
        self._outlines: dict[Any, Any] = {}  # the outputs' types by those of the inputs
        self.flat_inputs = tree.flatten(inputs)
        self._input_set = set(self.flat_inputs)
        self.calls, positions = self._walk()
        self.operations = self._ordered(positions)
        in_network = set(self.calls)
        self.calls_of = {o: [c for c in o._calls if c in in_network] for o in self.operations}

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, nested like them."""
        return tree.map_structure(lambda x: x.shape, self.inputs)

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, nested like them."""
        return tree.map_structure(lambda x: x.shape, self.outputs)

    def _walk(self) -> tuple[list[Call], dict[Operation, int]]:
        """The calls, each after those that it needs, and how early each operation is met from the outputs."""
        order: list[Call] = []
        begun: dict[Call, None] = {}
        positions: dict[Operation, int] = {}
        for output in tree.flatten(self.outputs):
            stack = [(output, False)]
            while stack:
                x, done = stack.pop()
                call = x.history.call
                if done:
                    order.append(call)
                elif call not in begun:
                    begun[call] = None
                    positions.setdefault(call.operation, len(positions))
                    stack.append((x, True))
                    if x not in self._input_set:
                        self._check_start(call)
                        stack += [(y, False) for y in reversed(call.inputs)]
        return order, positions

    def _check_start(self, call: Call) -> None:
        if isinstance(call.operation, (InputLayer, Unnamed)):
            raise ArgumentError(
                f"The outputs depend on input '{call.operation.name}', which is not among the model's inputs.",
                cure="Model(inputs=[...], outputs=...) with every Input that is used",
            )

    def _ordered(self, positions: dict[Operation, int]) -> list[Operation]:
        """Operations by how far before the outputs they stand, the farthest first: the order of files and weights."""
        call_depth: dict[Call, int] = {}
        depth: dict[Operation, int] = {}
        for call in reversed(self.calls):
            here = max(call_depth.get(call, 0), depth.get(call.operation, 0))
            call_depth[call] = depth[call.operation] = here
            for x in call.inputs if not any(o in self._input_set for o in tree.flatten(call.outputs)) else ():
                before = x.history.call
                call_depth[before] = max(call_depth.get(before, 0), here + 1)
        for x in self.flat_inputs:
            depth.setdefault(x.history.call.operation, 0)
            positions.setdefault(x.history.call.operation, -1)
        return sorted(depth, key=lambda o: (-depth[o], positions[o]))

    @property
    def layers(self) -> list[Layer]:
        return [o for o in self.operations if isinstance(o, Layer)]

    def run(self, values: Any, masks: Any = None) -> Any:
        """The outputs for given inputs, and for masks nested like them.

        Where only their types are wanted, they are found once for each type of input: models within models that are
        each called twice would otherwise double the work at every level.
        """
        if masks is not None and not isinstance(values, Prepared):
            pairs = zip(self._flat(values), self._flat(masks))
            values = [value if mask is None else with_mask(value, mask) for value, mask in pairs]
        key = self._key(values) if outlining.get() else None
        if key is None:
            return self._run(values)
        if key not in self._outlines:
            self._outlines[key] = tree.map_structure(forgetful, self._run(values))
        return tree.map_structure(forgetful, self._outlines[key])

    def _key(self, values: Any) -> Any:
        """Everything that the types of the outputs depend on. None if an input is not a tensor."""
        flat = tree.flatten(values)
        if not all(isinstance(x, Tensor) for x in flat):
            return None
        names = tuple(sorted(values)) if isinstance(values, dict) else None
        masks = tuple(None if (mask := mask_of(x)) is None else mask.type for x in flat)
        return names, tuple(x.type for x in flat), masks, calling.training_around(), autocast_around()

    @cached_property
    def host_part(self) -> HostPart | None:
        """The calls that run on the host before a compiled step; None if all can be compiled."""
        reads_text = any(x.dtype == text.DTYPE for x in self.flat_inputs)
        return HostPart(self) if reads_text or any(map(runs_on_host, self.operations)) else None

    def _run(self, values: Any) -> Any:
        if isinstance(values, Prepared):
            assert self.host_part is not None
            known = self.host_part.known(values)
        else:
            known = dict(zip(self.flat_inputs, self.matched(values)))
        with running(known):
            self.call_all(self.calls, known)
        return tree.map_structure(known.__getitem__, self.outputs)

    def call_all(self, calls: Sequence[Call], known: dict[Tensor, Any]) -> None:
        """Run calls in order, and put their outputs beside the values that are known."""
        for call in calls:
            flat = [x for x in tree.flatten(call.outputs) if isinstance(x, Tensor)]
            if not isinstance(call.operation, InputLayer) and not all(x in known for x in flat):
                call.run(known)

    def matched(self, values: Any) -> list[Any]:
        """The given inputs in the model's order, ranks and dtypes: lists by position, dicts by name."""
        return self.fitted(self._flat(values), self.flat_inputs)

    def fitted(self, values: Sequence[Any], wanted: Sequence[Tensor]) -> list[Any]:
        """Values in the ranks and dtypes of inputs."""
        return [_fitted(value, x) for value, x in zip(values, wanted)]

    def _flat(self, values: Any) -> list[Any]:
        wanted = self.flat_inputs
        if isinstance(values, dict):
            names = (
                sorted(self.inputs)
                if isinstance(self.inputs, dict)
                else [x.history.call.operation.name for x in wanted]
            )
            missing = [name for name in names if name not in values]
            if missing:
                raise ArgumentError(
                    f"There is no data for input '{missing[0]}'.", expected=", ".join(names), got=", ".join(values)
                )
            flat = [leaf for name in names for leaf in tree.flatten(values[name])]
        else:
            flat = tree.flatten(values)
        if len(flat) != len(wanted):
            names = ", ".join(x.history.call.operation.name for x in wanted)
            raise ArgumentError(
                f"The model takes {_count(len(wanted))}, not {len(flat)}.",
                expected=names,
                got=", ".join(map(brief, flat[:8])),
            )
        return flat


def with_mask(value: Any, mask: Any) -> Any:
    """The same value as an object of its own that carries this mask: the given one stays as it is."""
    new = composites.fresh(value)
    set_mask(new, base.cast(base.tensor(mask), "bool"))
    return new


def _fitted(value: Any, wanted: Tensor) -> Any:
    """One input, with a last axis of size 1 added or taken away, in the dtype that was declared."""
    if value is None:
        return None
    value = _as_text(value, wanted) if wanted.dtype == text.DTYPE else base.tensor(value)
    shape, target = base.shape_of(value), wanted.type.shape
    if len(shape) == len(target) + 1 and shape[-1] == 1:
        value = _with_shape(value, shape[:-1])
    elif len(shape) == len(target) - 1 and target and target[-1] == 1:
        value = _with_shape(value, (*shape, 1))
    shape = base.shape_of(value)
    if len(shape) != len(target) or not all(map(shapes.agree, shape, target)):
        raise ShapeError(
            f"The data do not fit input '{wanted.name}'.",
            expected=shapes.show(target),
            got=brief(value) if text.is_text(value) else type_of(value),
            cure=_cure_for_data(shape, target),
        )
    is_same = text.is_text(value) or dtypes.name_of(value) == wanted.dtype
    return value if is_same else base.cast(value, wanted.dtype)


def _as_text(value: Any, wanted: Tensor) -> Any:
    if isinstance(value, Tensor):
        if value.dtype != text.DTYPE:
            raise DtypeError(f"Input '{wanted.name}' reads text.", expected=wanted.type, got=value.type)
        return value
    return text.as_text(value, owner=f"Input '{wanted.name}'")


def _count(inputs: int) -> str:
    return "1 input" if inputs == 1 else f"{inputs} inputs"


def _cure_for_data(shape: shapes.Shape, target: shapes.Shape) -> str:
    """A change of the data or of the model that makes data of this shape fit."""
    sizes = tuple(d if isinstance(d, int) else None for d in target)
    if len(shape) == len(target) and isinstance(sizes[0], int) and all(map(shapes.agree, shape[1:], target[1:])):
        return f"Input(shape) without batch_size={sizes[0]}, which lays down the number of rows, or {sizes[0]} rows"
    if len(shape) == len(target) - 1 and all(map(shapes.agree, shape, target[1:])):
        return "x[None], a batch of one"
    if (
        shapes.is_static(shape[1:])
        and shapes.is_static(target[1:])
        and shapes.size(shape[1:]) == shapes.size(target[1:])
    ):
        return f"x.reshape({(-1, *sizes[1:])})"
    if len(shape) == len(target):
        return f"data of that shape, or a model that begins with Input({shapes.show(shape[1:])})"
    return ""


def _with_shape(value: Any, shape: Any) -> Any:
    if isinstance(value, np.ndarray) and text.is_text(value):
        return value.reshape(shape)
    if text.is_text(value):
        return Tensor(Type(tuple(shape), text.DTYPE))
    from amalthea import ops

    return ops.reshape(value, shape)
