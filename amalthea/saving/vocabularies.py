"""Vocabularies of lookups in a SavedModel, which stand among the constants of TensorFlow's functions.

    layer -- lookup_table -- _initialize -- trace_0 -- capture_1     keys, the name of a constant
                                                 +-- capture_2     values

No function is run: the constants are looked up by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from amalthea.errors import ModelFileError, visible
from amalthea.layers.text.index_lookup import IndexLookup
from amalthea.layers.text.vectorization import TextVectorization
from amalthea.saving import protobuf
from amalthea.saving.object_graph import CHILD
from amalthea.saving.protobuf import Field

_CONSTANT = {"operation": Field(1, "text")}
_OBJECT = {"children": Field(1, CHILD, many=True), "constant": Field(9, _CONSTANT)}
_NODE = {"name": Field(1, "text"), "attr": Field(5, "bytes", many=True)}
_GRAPHS = {
    "meta_graphs": Field(
        2,
        {
            "graph": Field(2, {"nodes": Field(1, _NODE, many=True)}),
            "objects": Field(7, {"nodes": Field(1, _OBJECT, many=True)}),
        },
        many=True,
    )
}
_TENSOR = {
    "dtype": Field(1, "int"),
    "content": Field(4, "bytes"),
    "texts": Field(8, "bytes", many=True),
    "numbers": Field(10, "int", many=True),
}
_ATTRIBUTE = {"key": Field(1, "text"), "value": Field(2, {"tensor": Field(8, _TENSOR)})}
_TEXT, _INT64 = 7, 9
_FILE = "saved_model.pb"


class _Objects:
    """The graph of objects in ``saved_model.pb``, and the constants beside it."""

    def __init__(self, data: bytes):
        graphs = protobuf.parse(data, _GRAPHS, _FILE)["meta_graphs"]
        first = graphs[0] if graphs else {"objects": None, "graph": None}
        self.nodes = (first["objects"] or {"nodes": []})["nodes"]
        self.constants = {node["name"]: node["attr"] for node in (first["graph"] or {"nodes": []})["nodes"]}

    def child(self, node: int | None, *path: str) -> int | None:
        for name in path:
            if node is None or node >= len(self.nodes):
                return None
            node = {c["local_name"]: c["node_id"] for c in self.nodes[node]["children"]}.get(name)
        return node

    def constant(self, node: int | None) -> list[Any] | None:
        """The elements of a constant of text or int64, or None."""
        held = self.nodes[node]["constant"] if node is not None and node < len(self.nodes) else None
        for attribute in self.constants.get(held["operation"], ()) if held else ():
            found = protobuf.parse(attribute, _ATTRIBUTE, _FILE)
            tensor = found["value"]["tensor"] if found["key"] == "value" and found["value"] else None
            if tensor and tensor["dtype"] == _TEXT:
                return [text.decode("utf-8", "replace") for text in tensor["texts"]]
            if tensor and tensor["dtype"] == _INT64 and len(tensor["content"]) % 8 == 0:
                return np.frombuffer(tensor["content"], "<i8").tolist() or _signed(tensor["numbers"])
        return None


def _signed(numbers: list[int]) -> list[int]:
    return [number - (1 << 64) if number >> 63 else number for number in numbers]


def restore(lookups: list[Any], data: bytes, names: Callable[[Any], dict[int, str]]) -> None:
    """Give lookups that have no vocabulary the one in the file.

    Args:
        lookups: layers whose vocabulary is not in their configuration.
        data: contents of ``saved_model.pb``.
        names: gives the names of layers by their nodes in a graph of objects.

    Raises:
        ModelFileError: the file does not hold it.
    """
    objects = _Objects(data)
    nodes = {name: node for node, name in names(objects).items()}
    for layer in lookups:
        node = nodes.get(layer.name)
        tables = (objects.child(node, *path, "lookup_table") for path in ((), ("_lookup_layer",)))
        table = next((found for found in tables if found is not None), None)
        filled = objects.child(table, "_initialize", "trace_0")
        keys, values = (objects.constant(objects.child(filled, f"capture_{i}")) for i in (1, 2))
        if keys is None or values is None or len(keys) != len(values):
            raise ModelFileError(
                f"The vocabulary of layer '{visible(layer.name)}' is not in the SavedModel.",
                cure="load_model where it was made, and save it again with vocabulary=layer.get_vocabulary()",
            )
        inverted = getattr(layer, "invert", False)
        tokens, indices = (values, keys) if inverted else (keys, values)
        layer.set_vocabulary([token for _, token in sorted(zip(indices, tokens), key=lambda pair: pair[0])])


def without(layers: Iterable[Any]) -> list[Any]:
    """The lookups among layers that have learned nothing yet."""
    lookups = [layer for layer in layers if isinstance(layer, (IndexLookup, TextVectorization))]
    return [layer for layer in lookups if not layer.get_vocabulary(include_special_tokens=False)]
