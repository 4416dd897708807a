"""``Graph`` of Keras 0.3 in the form of a functional model of Keras 1, whose outputs are a dict by name.

    {"name": "Graph", "input_config": [{"name": "x", "input_shape": [4]}],
     "node_config": [{"name": "dense", "input": "x"}], "nodes": {"dense": {"name": "Dense", "output_dim": 2}},
     "output_config": [{"name": "y", "input": "dense"}]}

A layer has the name of its node. A shared node is a ``Siamese`` layer around one layer, which is called on each input;
a ``SiameseHead`` stands for one of its outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.spellings.rows import Config


def as_functional(data: Config, layer: Callable[[Config], Config]) -> Config:
    """The functional model of a graph.

    Args:
        data: dict; the configuration of the graph.
        layer: function from the configuration of a layer of Keras 0.3 to that of Keras 1.
    """
    made = _Made(layer)
    for given in data["input_config"]:
        made.input(given)
    for node in data["node_config"]:
        made.node(node, data["nodes"][node["name"]])
    outputs = {row["name"]: made.merged(row, f"output_{row['name']}") for row in data["output_config"]}
    inputs = [[name, 0, 0] for name in data.get("input_order") or [row["name"] for row in data["input_config"]]]
    config = {"name": "graph", "layers": made.layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Model", "config": config}


class _Made:
    """The layers so far, and the outputs of nodes as references ``[layer, call, output]``.

    Args:
        layer: function from the configuration of a layer of Keras 0.3 to that of Keras 1.
    """

    def __init__(self, layer: Callable[[Config], Config]):
        self.layer, self.layers = layer, []
        self.ends: dict[str, list[Any]] = {}
        self.heads: dict[str, list[list[Any]]] = {}  # of shared nodes that are not merged

    def _add(self, name: str, config: Config, nodes: list[Any]) -> list[Any]:
        inner = config["config"]
        if isinstance(inner, dict):
            inner["name"] = name
        self.layers.append({**config, "name": name, "inbound_nodes": nodes})
        return [name, 0, 0]

    def input(self, given: Config) -> None:
        """Adds an input."""
        shape = given.get("batch_input_shape") or [None, *given["input_shape"]]
        dtype = {"float": "float32", "int": "int32"}.get(given.get("dtype", "float"), given.get("dtype"))
        config = {"batch_input_shape": shape, "input_dtype": dtype}
        name = given["name"]
        self.ends[name] = self._add(name, {"class_name": "InputLayer", "config": config}, [])

    def node(self, node: Config, config: Config) -> None:
        """Adds a node: a layer, a shared one, or an output of a shared one."""
        name = node["name"]
        if config["name"] == "SiameseHead":
            self.ends[name] = self.heads[node["inputs"][0]][config.get("head", 0)]
        elif config["name"] == "Siamese":
            self._shared(name, node, config)
        else:
            start = self.merged(node, f"{name}_merged")
            given = {k: v for k, v in self.layer(config).items()}
            if isinstance(given["config"], dict):
                given["config"].pop("batch_input_shape", None)
            self.ends[name] = self._add(name, given, [[start]])

    def _shared(self, name: str, node: Config, config: Config) -> None:
        starts = [end for given in node["inputs"] for end in self.heads.get(given) or [self.ends[given]]]
        self._add(name, self.layer(config["layer"]), [[start] for start in starts])
        calls = [[name, i, 0] for i in range(len(starts))]
        if node.get("merge_mode"):
            self.ends[name] = self._merge(calls, node, f"{name}_merged")
        else:
            self.heads[name] = calls

    def merged(self, row: Config, name: str) -> list[Any]:
        """The reference to what a row names: one node, or several that are merged."""
        given = [row["input"]] if row.get("input") else list(row["inputs"])
        ends = [self.ends[one] for one in given]
        return ends[0] if len(ends) == 1 else self._merge(ends, row, name)

    def _merge(self, ends: list[Any], row: Config, name: str) -> list[Any]:
        mode = {"mode": row.get("merge_mode") or "concat", "concat_axis": row.get("concat_axis", -1)}
        config = {**mode, "dot_axes": row.get("dot_axes", -1)}
        return self._add(name, {"class_name": "Merge", "config": config}, [ends])
