"""The graph of objects in a TensorFlow checkpoint, and the variables of a model that its values belong to.

A checkpoint of Keras 2 names each value by the path of attributes that leads to its variable::

    root
     +-- layer_with_weights-0       the first layer that has weights
     |    +-- kernel
     |    +-- bias
     +-- layer_with_weights-1
     |    +-- cell -- kernel
     +-- optimizer -- _variables -- 1

Both graphs, of the file and of the model, are walked side by side. Layers of Sequential and functional models are found
by their names where the file tells them, else by their order; everything else by the names of attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from amalthea.errors import ModelFileError, brief, visible
from amalthea.layers.layer import Layer
from amalthea.models.model import Model
from amalthea.optimizers import Optimizer
from amalthea.saving import protobuf, weights
from amalthea.saving.bundle import Bundle
from amalthea.saving.protobuf import Field
from amalthea.tree import CONTAINERS

KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"
_OLD_NAMES = {"kernel": "depthwise_kernel"}  # of variables in Keras 2

CHILD = {"node_id": Field(1, "int"), "local_name": Field(2, "text")}
SLOT = {
    "original_variable_node_id": Field(1, "int"),
    "slot_name": Field(2, "text"),
    "slot_variable_node_id": Field(3, "int"),
}
_ATTRIBUTE = {"name": Field(1, "text"), "full_name": Field(2, "text"), "checkpoint_key": Field(3, "text")}
_OBJECT = {
    "children": Field(1, CHILD, many=True),
    "attributes": Field(2, _ATTRIBUTE, many=True),
    "slot_variables": Field(3, SLOT, many=True),
}
_GRAPH = {"nodes": Field(1, _OBJECT, many=True)}


class Slot(NamedTuple):
    """A variable that an optimizer keeps for another: their nodes, and the slot's name."""

    variable: int
    name: str
    node: int


class Node(NamedTuple):
    """An object: its attributes by name, the key and TensorFlow's name of its value, and the slots of an optimizer."""

    children: dict[str, int]
    key: str | None
    name: str
    slots: tuple[Slot, ...]


class ObjectGraph:
    """The objects of a checkpoint; the first one is the model.

    Args:
        bundle: the values of the checkpoint.
    """

    def __init__(self, bundle: Bundle):
        if KEY not in bundle:
            raise ModelFileError(
                "The checkpoint holds values by name alone, as TensorFlow 1 wrote them.",
                expected="a checkpoint of a Keras model (save_weights)",
                got=brief(sorted(bundle.entries)[:4]),
            )
        found = protobuf.parse(bundle.text(KEY), _GRAPH, "the graph of objects")
        self.nodes = [_node(row) for row in found["nodes"]]
        linked = [i for node in self.nodes for i in (*node.children.values(), *_ends(node.slots))]
        if not self.nodes or max(linked, default=0) >= len(self.nodes):
            raise ModelFileError("The model file is damaged: the graph of objects names one that it lacks.")

    def child(self, node: int | None, *path: str) -> int | None:
        """The object at the end of a path of attributes, or None."""
        for name in path:
            node = None if node is None else self.nodes[node].children.get(name)
        return node

    def key(self, node: int | None) -> str | None:
        """The key of an object's value, or None."""
        return None if node is None else self.nodes[node].key


def _ends(slots: tuple[Slot, ...]) -> Iterator[int]:
    for slot in slots:
        yield from (slot.variable, slot.node)


def _node(row: dict[str, Any]) -> Node:
    held = [(a["checkpoint_key"], a["full_name"]) for a in row["attributes"] if a["name"] == _VALUE]
    key, name = held[0] if held else (None, "")
    slots = tuple(
        Slot(s["original_variable_node_id"], s["slot_name"], s["slot_variable_node_id"]) for s in row["slot_variables"]
    )
    return Node({c["local_name"]: c["node_id"] for c in row["children"]}, key, name, slots)


def packed(nodes: Sequence[Node]) -> bytes:
    """The bytes of a graph of objects; the inverse of reading one."""
    return protobuf.message({"nodes": [_row(node) for node in nodes]}, _GRAPH)


def _row(node: Node) -> dict[str, Any]:
    key = {"name": _VALUE, "full_name": node.name, "checkpoint_key": node.key}
    return {
        "children": [{"node_id": i, "local_name": name} for name, i in node.children.items()],
        "attributes": [key] if node.key is not None else [],
    }


class Match(NamedTuple):
    """Variables of a model with their nodes in the file, and those that have none (with their paths)."""

    found: list[tuple[Any, int]]
    missing: list[tuple[str, Any]]


def match(model: Any, graph: ObjectGraph, names: Mapping[int, str]) -> Match:
    """Finds the node of each variable of a model: of the graph's root, or of ``tf.train.Checkpoint(model=...)``.

    Args:
        model: built model.
        graph: the graph of objects in the file.
        names: names of layers by their nodes, as far as the file tells them.
    """
    tried = []
    for root in dict.fromkeys((0, *graph.nodes[0].children.values())):
        matcher = _Matcher(graph, names)
        matcher.walk(model, root, "")
        tried.append(Match(matcher.found, matcher.missing))
        if matcher.found:
            return tried[-1]
    return tried[0]


class _Matcher:
    def __init__(self, graph: ObjectGraph, names: Mapping[int, str]):
        self.graph, self.names = graph, names
        self.seen: set[int] = set()
        self.found: list[tuple[Any, int]] = []
        self.missing: list[tuple[str, Any]] = []

    def walk(self, thing: Any, node: int | None, path: str) -> None:
        if id(thing) in self.seen or isinstance(thing, Optimizer) or not isinstance(thing, Layer):
            return
        self.seen.add(id(thing))
        if not thing.built and any(self.graph.key(i) for i in self._children(node).values()):
            self.missing.append((f"{path} (which is not built)".lstrip("/"), None))
        for variable in thing._own_variables():
            tried = [self.graph.child(node, n) for n in (variable.name, _OLD_NAMES.get(variable.name, ""))]
            at = next((i for i in tried if self.graph.key(i) is not None), None)
            if at is None:
                self.missing.append((f"{path}/{variable.name}".lstrip("/"), variable))
            else:
                self.found.append((variable, at))
        for name, child in weights._children(thing):
            if name == "layers" and isinstance(thing, Model):
                self._layers(thing, node, path)
            else:
                tried = (self.graph.child(node, n) for n in (name, f"_{name}"))  # some were private in Keras 2
                self._attribute(child, next((i for i in tried if i is not None), None), f"{path}/{name}")

    def _children(self, node: int | None) -> dict[str, int]:
        return {} if node is None else self.graph.nodes[node].children

    def _attribute(self, child: Any, node: int | None, path: str) -> None:
        if isinstance(child, CONTAINERS):
            items = child.items() if isinstance(child, dict) else enumerate(child)
            for name, item in items:
                self._attribute(item, self.graph.child(node, str(name)), f"{path}/{name}")
        else:
            self.walk(child, node, path)

    def _layers(self, model: Any, node: int | None, path: str) -> None:
        children = self._children(node)
        named = {self.names[i]: i for name, i in children.items() if name.startswith("layer") and i in self.names}
        weighted = 0  # a vocabulary was a weight in Keras 2: where all layers are there, they are counted instead
        complete = all(f"layer-{i}" in children for i in range(len(model.layers)))
        complete = complete and f"layer-{len(model.layers)}" not in children
        for i, layer in enumerate(model.layers):
            numbered = children.get(f"layer-{i}")
            if layer.weights and not complete:
                numbered = children.get(f"layer_with_weights-{weighted}", numbered)
                weighted += 1
            self.walk(layer, named.get(layer.name, None if named else numbered), f"{path}/{layer.name}")


def values(found: list[tuple[Any, int]], graph: ObjectGraph, bundle: Bundle, skip_mismatch: bool) -> list[Any]:
    """Pairs of variables and their values, whose shapes were compared; those that differ are left out or refused."""
    pairs = []
    for variable, node in found:
        key = graph.key(node) or ""
        shape = bundle.entries[key].shape if key in bundle else None
        if shape == tuple(variable.shape):
            pairs.append((variable, bundle.array(key)))
        elif not skip_mismatch:
            raise ModelFileError(
                f"The value {brief(key)} of the checkpoint has another shape than '{visible(variable.path)}'.",
                expected=tuple(variable.shape),
                got=shape if shape is not None else "no value",
                cure="skip_mismatch=True leaves out what does not fit",
            )
    return pairs


def same_shapes(variables: list[Any], arrays: list[np.ndarray]) -> bool:
    return [tuple(v.shape) for v in variables] == [a.shape for a in arrays]
