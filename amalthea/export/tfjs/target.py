"""The target: a folder with ``model.json`` and files of weights."""

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
from amalthea.export.node import Node, packed, unpacked
from amalthea.export.targets import Options, Runner, Target
from amalthea.export.tfjs.graph import graph_of
from amalthea.export.tfjs.layers_model import Unsaid, layers_of
from amalthea.export.tfjs.operators import LOWERINGS
from amalthea.export.tfjs.script import SCRIPT
from amalthea.export.tfjs.weights import files_of

_MODEL, _TOLD = "model.json", "userDefinedMetadata"


def check_path(path: str) -> None:
    """Raise an error if a path holds anything but a model of TensorFlow.js."""
    there = set(os.listdir(path)) if os.path.isdir(path) else {""} if os.path.lexists(path) else set()
    strange = {name for name in there if name != _MODEL and not (name.startswith("group") and name.endswith(".bin"))}
    if there and (_MODEL not in there or strange):
        raise ArgumentError(
            "What is at this path is no model of TensorFlow.js, and is not replaced.",
            got=f"{path}, with {', '.join(sorted(there)[:4])}" if os.path.isdir(path) else f"{path}, a file",
            cure="another path",
        )


class TensorFlowJs(Target):
    """TensorFlow.js."""

    name = "tfjs"
    dtypes = ("float32", "float16", "int8")
    calibrated = ()  # weights alone are integers
    backend = "cpu"

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        check_path(path)
        described, weights = _made(endpoints[0], options)
        files = files_of(weights, options.dtype)
        whole = {**described, "generatedBy": "amalthea", "convertedBy": None, "weightsManifest": files.manifest}
        data = json.dumps(whole, allow_nan=False, separators=(",", ":"))
        with writing.whole_folder(path) as folder:
            for name, part in files.shards.items():
                writing.write(Path(folder, name), part)
            writing.write(Path(folder, _MODEL), data)

    def report(self, path: str) -> str:
        told = _described(path)
        if told["format"] == "layers-model":
            return f"a model of layers: tf.loadLayersModel('{_MODEL}')"
        return f"a graph, because {told[_TOLD]['reason']}: tf.loadGraphModel('{_MODEL}')"

    def runner(self, path: str) -> Runner:
        names = _described(path)[_TOLD]["outputs"]

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            inputs = {name: packed(_held(array)) for name, array in feeds.items()}
            question = {"folder": os.path.abspath(path), "backend": self.backend, "inputs": inputs, "times": 0}
            found = [unpacked(x) for x in self._node().ask(question)["outputs"]]
            return dict(zip(names, found))

        return execute

    def _node(self) -> Node:
        """The process, which is kept for other files."""
        if not hasattr(self, "_kept") or not self._kept.runs:
            self._kept = Node(self.name, SCRIPT)
        return self._kept


def _described(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path, _MODEL).read_bytes())
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or "outputs" not in found.get(_TOLD, {}):
        raise ArgumentError(
            f"This folder has no {_MODEL} that export wrote.", got=path, cure="model.export(path, format='tfjs')"
        )
    return found


def _made(endpoint: Endpoint, options: Options) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What describes the model, and its weights: layers if TensorFlow.js has all of them, else a graph."""
    told: dict[str, Any] = {"inputs": endpoint.inputs, "outputs": endpoint.outputs}
    reason = "it is an endpoint or of a given signature"
    if options.model is not None:
        try:
            described, weights = layers_of(options.model)
            return {**described, _TOLD: told}, weights
        except Unsaid as unsaid:
            reason = str(unsaid)
    described, weights = graph_of(endpoint.lowered(LOWERINGS, TARGET.name), LOWERINGS)
    return {**described, _TOLD: {**told, "reason": reason}}, weights


def _held(array: np.ndarray) -> np.ndarray:
    """An array in a dtype of the runtime."""
    return array.astype({"b": "bool", "i": "int32", "u": "int32"}.get(array.dtype.kind, "float32"))


TARGET = TensorFlowJs()
