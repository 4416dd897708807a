"""The target: a folder of WebDNN 1.2's fallback backend, for one number of rows."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.errors import ArgumentError
from amalthea.export.endpoint import Endpoint
from amalthea.export.lowering import Value
from amalthea.export.node import Node, packed, unpacked
from amalthea.export.targets import Options, Runner, Target
from amalthea.export.webdnn.builder import Builder
from amalthea.export.webdnn.kernels import KERNELS
from amalthea.export.webdnn.operators import LOWERINGS
from amalthea.export.webdnn.script import SCRIPT

_GRAPH, _KERNELS, _WEIGHTS = "graph_fallback.json", "kernels_fallback.js", "weight_fallback.bin"
_TOLD = "amalthea"


def _layout(sizes: dict[str, int]) -> dict[str, Any]:
    """Variables one after the other in a memory of floats; the runtime copies the weights to its begin."""
    found, at = {}, 0
    for name, size in sizes.items():
        found[name] = {"name": name, "offset": at, "size": size}
        at += size
    return {"size": at, "allocations": found}


def described(endpoint: Endpoint) -> tuple[dict[str, Any], bytes]:
    """Return the descriptor of a lowered endpoint, and its weights."""
    builder = Builder(LOWERINGS)
    inputs = [builder.variable(builder.held(tensor.type)) for tensor in endpoint.graph.inputs]
    builder.values.update(zip(endpoint.graph.inputs, inputs))
    for variable, tensor in endpoint.graph.reads:
        builder.values[tensor] = builder.constant(variable.numpy())
    outputs: list[Value] = []
    for value in builder.add_graph(endpoint.graph):
        taken = value.array is not None or value.name in {x.name for x in (*inputs, *outputs)}
        outputs.append(builder.elementwise("copy", [value]) if taken else value)
    static = {name: array.size for name, array in builder.arrays.items()}
    told = {
        "inputs": endpoint.inputs, "outputs": endpoint.outputs, "shapes": [list(x.shape) for x in outputs],
        "input_shapes": [list(x.shape) for x in inputs],
    }  # fmt: skip
    descriptor = {
        "converted_at": 0, "weight_encoding": "raw", "placeholders": {}, "licenses": {},
        "inputs": [x.name for x in inputs], "outputs": [x.name for x in outputs],
        "memory_layout": {"static": _layout({**static, **builder.sizes}), "dynamic": _layout({})},
        "exec_infos": builder.calls, _TOLD: told,
    }  # fmt: skip
    weights = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in builder.arrays.values())
    return descriptor, weights


def check_path(path: str) -> None:
    """Raise an error if a path holds anything but a model of WebDNN."""
    there = os.listdir(path) if os.path.isdir(path) else [""] if os.path.lexists(path) else []
    if there and _GRAPH not in there:
        raise ArgumentError("What is at this path is no model of WebDNN, and is not replaced.", got=path)


def _check_rows(arrays: Sequence[np.ndarray], shapes: Sequence[Any]) -> None:
    """Raise an error unless a file of one row can be called for each row of the arrays."""
    fit = all(shape[:1] == [1] and list(x.shape[1:]) == shape[1:] and x.size for x, shape in zip(arrays, shapes))
    if not fit or len({len(x) for x in arrays}) != 1:
        raise ArgumentError(
            "The inputs do not have the sizes of the file.",
            expected=", ".join(map(str, shapes)),
            got=", ".join(str(x.shape) for x in arrays),
            cure="export with batch_size= of as many rows",
        )


class WebDnn(Target):
    """WebDNN."""

    name = "webdnn"
    has_symbols = False

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        check_path(path)
        descriptor, weights = described(endpoints[0].lowered(LOWERINGS, self.name))
        with writing.whole_folder(Path(path)) as folder:
            writing.write(Path(folder, _GRAPH), json.dumps(descriptor, allow_nan=False, separators=(",", ":")))
            writing.write(Path(folder, _KERNELS), KERNELS)
            writing.write(Path(folder, _WEIGHTS), weights)

    def runner(self, path: str) -> Runner:
        told = json.loads(Path(path, _GRAPH).read_bytes())[_TOLD]

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            arrays = [np.asarray(feeds[name], "float32") for name in told["inputs"]]
            if all(list(x.shape) == shape for x, shape in zip(arrays, told["input_shapes"])):
                return dict(zip(told["outputs"], self._once(path, told, arrays)))
            _check_rows(arrays, told["input_shapes"])
            rows = [self._once(path, told, [x[i : i + 1] for x in arrays]) for i in range(len(arrays[0]))]
            return dict(zip(told["outputs"], map(np.concatenate, zip(*rows))))

        return execute

    def _once(self, path: str, told: dict[str, Any], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        question = {"folder": os.path.abspath(path), "inputs": list(map(packed, arrays)), "shapes": told["shapes"]}
        return [unpacked(x) for x in self._node().ask(question)["outputs"]]

    def _node(self) -> Node:
        """The process, which is kept for other files."""
        if not hasattr(self, "_kept") or not self._kept.runs:
            self._kept = Node(self.name, SCRIPT)
        return self._kept


TARGET = WebDnn()
