"""The part of a network that runs on the host: layers that read text, and everything before them.

    inputs ──▶ host part, in NumPy, batch by batch ──▶ Prepared(inputs, computed) ──▶ the rest, compiled

Text cannot be compiled. Whatever a layer such as ``StringLookup`` needs is computed on each batch before the compiled
step, which takes the results as further inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from amalthea import text, tree
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import on_host
from amalthea.errors import ArgumentError
from amalthea.operation import Call


class Prepared(NamedTuple):
    """A batch after the host part: the inputs that are numbers, and the results that the other layers read."""

    inputs: list[Any]
    computed: list[Any]


def runs_on_host(operation: Any) -> bool:
    """Whether a layer, or a layer within a model, computes on the host."""
    if getattr(operation, "_runs_on_host", False):
        return True
    network = getattr(operation, "_network", None)
    return network is not None and any(runs_on_host(inner) for inner in network.operations)


class HostPart:
    """The calls of a network that run before its compiled step.

    Args:
        network: Network.

    Raises:
        ArgumentError: an output of the network is text, or the host part has weights that are trained.
    """

    def __init__(self, network: Any):
        self.network = network
        self.calls = _before_host_layers(network)
        chosen = set(self.calls)
        made = {x for call in self.calls for x in tree.flatten(call.outputs) if isinstance(x, Tensor)}
        needed = [x for call in network.calls if call not in chosen for x in call.inputs]
        wanted = dict.fromkeys(x for x in (*needed, *tree.flatten(network.outputs)) if x in made)
        self.kept = [i for i, x in enumerate(network.flat_inputs) if x.dtype != text.DTYPE]
        inputs = set(network.flat_inputs)
        self.results = [x for x in wanted if x not in inputs]
        self._refuse()

    def _refuse(self) -> None:
        for x in (*self.results, *tree.flatten(self.network.outputs)):
            if x.dtype == text.DTYPE:
                raise ArgumentError(
                    "An output of the model is text, which a compiled step cannot compute.",
                    got=f"the output of '{x.history.call.operation.name}'",
                    cure="leave the layer out of the model, and call it on the prediction: layer(model.predict(x))",
                )
        for call in self.calls:
            if getattr(call.operation, "trainable_variables", None):
                raise ArgumentError(
                    f"'{call.operation.name}' has weights to train, and layers that run on the host.",
                    expected="layers that read text outside of it",
                    cure="for layer in inner.layers: x = layer(x), which puts its layers into this model one by one",
                )

    def prepare(self, values: Any) -> Prepared:
        """Run the host part on a batch."""
        if isinstance(values, Prepared):
            return values
        given = self.network.matched(values)
        known = dict(zip(self.network.flat_inputs, given))
        self.network.call_all(self.calls, known)
        computed = [on_host(known[x]) for x in self.results]
        return Prepared([_as_given(values, i, given) for i in self.kept], computed)

    def known(self, prepared: Prepared) -> dict[Tensor, Any]:
        """The values of the network's tensors that a prepared batch holds."""
        fitted = self.network.fitted(prepared.inputs, [self.network.flat_inputs[i] for i in self.kept])
        found = dict(zip([self.network.flat_inputs[i] for i in self.kept], fitted))
        found.update(zip(self.results, prepared.computed))
        return found

    def by_input(self, prepared: Prepared) -> list[Any]:
        """The inputs in the order of the network's, with None for text."""
        found: list[Any] = [None] * len(self.network.flat_inputs)
        for i, value in zip(self.kept, prepared.inputs):
            found[i] = value
        return found


def _as_given(values: Any, index: int, given: Sequence[Any]) -> Any:
    value = given[index]
    return value if isinstance(value, (np.ndarray, type(None))) else on_host(value)


def _before_host_layers(network: Any) -> list[Call]:
    """The calls of layers that run on the host, and those that they need, in order."""
    found: set[Call] = set()
    stack = [call for call in network.calls if runs_on_host(call.operation)]
    inputs = set(network.flat_inputs)
    while stack:
        call = stack.pop()
        if call not in found:
            found.add(call)
            stack += [x.history.call for x in call.inputs if x not in inputs]
    return [call for call in network.calls if call in found]
