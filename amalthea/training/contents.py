"""Detects changes of a model (such as a longer list of layers) since its training step was traced.

Searching all layers takes longer than a step. So each run compares only the containers that hold layers, variables,
seeds or metrics; it searches all attributes only after an attribute that could hold one of them was assigned.
"""

from __future__ import annotations

from typing import Any

from amalthea import metrics
from amalthea.engine.ir.variable import Variable
from amalthea.layers.layer import Layer
from amalthea.random import SeedGenerator
from amalthea.tree import CONTAINERS, instances_in

_KINDS = (Layer, Variable, SeedGenerator, metrics.Metric)


class Contents:
    """The layers, variables, seeds and metrics of a model, and the containers that hold them.

    Args:
        model: the model to search; None for an empty record.
    """

    def __init__(self, model: Any = None):
        self.as_of = Layer._structure_version
        self.tracked = _identities(model) if model is not None else []
        found = _containers(model) if model is not None else []
        self.containers = [(container, _within(container)) for container in found]

    def have_changed_size(self) -> bool:
        """Whether some container has gained or lost something: cheap enough for every step."""
        for container, within in self.containers:  # noqa: SIM110  # a generator costs a call for each
            if len(container) != len(within):
                return True
        return False

    def have_changed(self, model: Any) -> bool:
        """Whether the model holds other things now, or in another order."""
        for container, within in self.containers:
            if _within(container) != within:
                return True
        if self.as_of == Layer._structure_version:
            return False
        self.as_of = Layer._structure_version
        return self.tracked != _identities(model)


def _within(container: Any) -> list[int]:
    return list(map(id, container.values() if isinstance(container, dict) else container))


def _identities(model: Any) -> list[int]:
    layers = model._flatten_layers()
    return [
        *(id(x) for layer in layers for x in (layer, *layer._tracked(*_KINDS[1:]))),
        *(layer._learned for layer in layers),
    ]


def _containers(model: Any) -> list[Any]:
    """Those that a user may change: lists, dicts and deques that hold something tracked, or nothing yet."""
    found: dict[int, Any] = {}
    waiting = [container for layer in model._flatten_layers() for container in layer._tracked(*CONTAINERS)]
    while waiting:
        container = waiting.pop()
        if id(container) not in found and (not container or next(instances_in(container, _KINDS), None) is not None):
            found[id(container)] = container
            inside = container.values() if isinstance(container, dict) else container
            waiting += [x for x in inside if isinstance(x, CONTAINERS)]
    return [container for container in found.values() if not isinstance(container, tuple)]
