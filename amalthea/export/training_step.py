"""The training step as a file: one graph from a batch and the state to the loss, metrics and the new state.

Three files in a folder train a model wherever ONNX runs: ``step.onnx`` and ``predict.onnx``, the graphs;
``state.safetensors``, the values that the state begins with; and ``step.json``, which says what every input and output
is, and which output of a step is which input of the next.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from amalthea import tree, writing
from amalthea.data import to_batch
from amalthea.engine import transforms
from amalthea.engine.ir.graph import Graph
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import type_of
from amalthea.engine.ir.variable import Variable
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.shapes import Dim, is_static
from amalthea.errors import ExportError, ModelFileError
from amalthea.export import signatures
from amalthea.export.endpoint import Endpoint, traced
from amalthea.export.onnx import lowered, next_name, to_onnx
from amalthea.saving import safetensors
from amalthea.training.names import Names

VERSION = 1
PARTS = ("x", "y", "sample_weight")


def export_training(
    model: Any, filepath: Any, x: Any, y: Any = None, sample_weight: Any = None, open_batch: bool = False
) -> None:
    """Writes the training step of a compiled model as a folder, for training wherever ONNX runs.

    A step takes one batch and the state (weights, the optimizer's variables, seeds), and gives the loss and metrics of
    that batch and the new state.

    Args:
        model: Model; compiled.
        filepath: str or path; the folder to write. One that is there is replaced.
        x: arrays; inputs of one batch, whose shapes and dtypes those of all batches will be.
        y: arrays; labels of the batch. Defaults to None.
        sample_weight: array; weights of its rows. Defaults to None: steps take no weights.
        open_batch: bool; True leaves the number of rows to each step. Defaults to False: all batches have as many rows
            as the example, which runtimes make the most of.

    Raises:
        NotCompiledError: the model is not compiled.
        ExportError: the step has a computation that ONNX cannot say.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from amalthea import Sequential, export, layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "training")
        ...     export.export_training(model, path, np.zeros((8, 4), "float32"), np.zeros((8, 1), "float32"))
        ...     sorted(os.listdir(path))
        ['predict.onnx', 'state.safetensors', 'step.json', 'step.onnx']
    """
    model._require_compiled("export its training step")
    data = to_batch((x, y, sample_weight))
    names = [name for part, arrays in zip(PARTS, data) for name in _names(part, arrays)]
    model._ensure_built(data)
    graph, logs = _traced_step(model, data, open_batch)
    variables = [v for v, _ in graph.writes]
    step = lowered(Endpoint("step", graph, names, _unique(logs, names)))
    predict = lowered(
        traced("predict", lambda *a: model(*a, training=False), _inputs(model, data[0]), model._output_names())
    )
    state = dict(zip(variables, _unique([v.path for v in variables], [*names, *step.outputs, *predict.outputs])))
    with writing.whole_folder(os.fspath(filepath)) as folder:
        for endpoint in (step, predict):
            writing.write(os.path.join(folder, f"{endpoint.name}.onnx"), to_onnx(endpoint, state).SerializeToString())
        values = safetensors.packed({name: v.numpy() for v, name in state.items()})
        writing.write(os.path.join(folder, "state.safetensors"), values)
        writing.write(os.path.join(folder, "step.json"), json.dumps(_described(step, predict, state), indent=1))


def _names(part: str, arrays: Any) -> list[str]:
    count = len([a for a in tree.flatten(arrays) if a is not None])
    return [part] * count if count < 2 else [f"{part}_{i}" for i in range(count)]


def _unique(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    free = Names(taken).free
    return [free(name) for name in names]


def _traced_step(model: Any, data: Any, open_batch: bool) -> tuple[Graph, list[str]]:
    """The graph of a step whose metrics are of that batch alone, and the names of its results."""
    leaves = [_of_any_rows(x) if open_batch and x is not None else x for x in tree.flatten(((data,), {}))]
    graph, logs = transforms.capture(model._as_compiled("train", alone=True), ((data,), {}), leaves)
    if any(
        not is_static(x.type.shape)
        for n in all_nodes(graph)
        if n.primitive.name.startswith("random")
        for x in n.outputs
    ):
        raise ExportError("A layer draws random numbers for each row, whose number is open.", cure="open_batch=False")
    ours = {id(v) for v in model.metrics_variables}
    graph.writes = [(v, t) for v, t in graph.writes if id(v) not in ours]
    by_name = dict(zip(sorted(logs), graph.outputs))
    outputs = [by_name[name] for name in logs]
    return Graph(graph.inputs, outputs, graph.reads, graph.writes, nodes=graph.nodes), list(logs)


def _of_any_rows(x: Any) -> Tensor:
    found = type_of(x)
    return Tensor(found._replace(shape=(Dim.symbol("batch"), *found.shape[1:])))


def _inputs(model: Any, x: Any) -> list[Any]:
    """The signature of a prediction: the model's own, or that of the example with any number of rows."""
    if model._network is not None:
        return signatures.of_model(model)
    return signatures.with_rows(signatures.given([x], model), None)


def _described(step: Endpoint, predict: Endpoint, state: dict[Variable, str]) -> dict[str, Any]:
    """What ``step.json`` holds; a size of None is any number of rows."""
    read = {v for v, _ in predict.graph.reads}
    return {
        "format": "amalthea training step",
        "version": VERSION,
        "values": "state.safetensors",
        "step": {
            "file": "step.onnx", "inputs": _ports(step.inputs, step.graph.inputs), "logs": step.outputs,
        },
        "predict": {
            "file": "predict.onnx",
            "inputs": _ports(predict.inputs, predict.graph.inputs),
            "outputs": _ports(predict.outputs, predict.graph.outputs),
        },
        "state": [
            {
                "input": name, "output": next_name(name), "variable": v.path, "dtype": v.dtype,
                "shape": [int(d) for d in v.shape], "predict": v in read,
            }
            for v, name in state.items()
        ],
    }  # fmt: skip


def _ports(names: Sequence[str], tensors: Sequence[Tensor]) -> list[dict[str, Any]]:
    return [{"name": name, "dtype": x.dtype, "shape": list(x.shape)} for name, x in zip(names, tensors)]


def load_trained(model: Any, filepath: Any) -> None:
    """Assigns the state that a training elsewhere ended with to the model that was exported.

    Args:
        model: Model; compiled and built, as at the export.
        filepath: str or path; a file like ``state.safetensors``, with the same names.

    Raises:
        ModelFileError: the file is damaged, or a value is missing or does not fit; nothing is assigned.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from amalthea import Sequential, export, layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "training")
        ...     export.export_training(model, path, np.zeros((8, 4), "float32"), np.zeros((8, 1), "float32"))
        ...     export.load_trained(model, os.path.join(path, "state.safetensors"))
    """
    with open(filepath, "rb") as file:
        values = safetensors.read(file.read())
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    known = {v.path: v for v in (*model.variables, *optimizer)}
    unknown = [name for name in values if name not in known]
    if unknown or not values:
        raise ModelFileError("The file has a value for no variable of the model.", got=", ".join(unknown) or "no value")
    wrong = [n for n, a in values.items() if (a.shape, a.dtype.name) != (tuple(known[n].shape), known[n].dtype)]
    if wrong:
        raise ModelFileError(
            f"A value does not fit variable '{wrong[0]}'.", expected=known[wrong[0]].type, got=values[wrong[0]].shape
        )
    for name, array in values.items():
        known[name].assign(array)
