"""Layers of the stored cases as endpoints, for trying each on each target."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
from typing import Any
from unittest import mock

import numpy as np

from amalthea import Input, Model, ops, tree
from amalthea.export import checking, targets
from amalthea.export.endpoint import Endpoint, Spec, traced
from tests.export import mil
from tests.layers.test_layers import call, made
from tests.oracles.read import held

RECORDS = held("layers")
HERE = [name for name in targets.TARGETS if targets.executed_here(name) and not targets.TARGETS[name].of_layers]
OF_LAYERS = [name for name in targets.TARGETS if targets.executed_here(name) and targets.TARGETS[name].of_layers]
if importlib.util.find_spec("coremltools") is not None and "coreml" not in HERE:
    # Core ML's runtime is on Macs alone: elsewhere, the written package is evaluated in NumPy.
    HERE.append("coreml")
    targets.target("coreml").runner = mil.runner


def endpoint_of(record: Any, symbols: bool) -> tuple[Endpoint, list[np.ndarray], list[np.ndarray]]:
    """The endpoint of a stored layer in inference, its inputs, and what the layer gives for them."""
    layer = made(record)
    inputs = [np.asarray(x) for x in record["inputs"]]
    # Masks and states of the case have its number of rows.
    symbols = symbols and not record["masks"] and not record["arguments"] and not getattr(layer, "stateful", False)
    shapes = [(None, *x.shape[1:]) if symbols and x.ndim else x.shape for x in inputs]
    specs = [Spec(f"x{i}", shape, str(x.dtype)) for i, (x, shape) in enumerate(zip(inputs, shapes))]
    mode = {"training": False} if "training" in record["call"] else {}

    def serve(*args: Any) -> Any:
        return call(layer, {**record, "call": {**record["call"], **mode}}, list(args), record["arguments"])

    expected = [np.asarray(ops.convert_to_numpy(x)) for x in tree.flatten(serve(*inputs))]
    if getattr(layer, "stateful", False):
        layer.reset_state()
    return traced("serve", serve, specs), inputs, expected


def model_of(record: Any) -> Model | None:
    """The stored layer as a model, for formats that hold layers; None if the case calls it with more than inputs."""
    if record["masks"] or record["arguments"] or {**record["call"], "training": False} != {"training": False}:
        return None
    layer = made(record)
    if getattr(layer, "stateful", False):
        return None
    arrays = [np.asarray(x) for x in record["inputs"]]
    inputs = [Input(x.shape[1:], dtype=str(x.dtype), name=f"x{i}") for i, x in enumerate(arrays)]
    return Model(inputs, call(layer, {**record, "call": {}}, list(inputs), {}))


def tried(record: Any, name: str) -> checking.Checked:
    """Export a layer, execute the file in the target's runtime, and compare."""
    target = targets.target(name)
    endpoint, inputs, expected = endpoint_of(record, target.has_symbols)
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as silent:
        path = os.path.join(folder, f"file{targets.TARGETS[name].ending}")
        options = targets.Options(model=model_of(record) if targets.TARGETS[name].of_layers else None)
        targets.check_options(target, [endpoint], options)
        with contextlib.redirect_stdout(silent):
            target.write([endpoint], path, options)
        with mock.patch.object(target, "optimization", "-O0", create=True):  # compiling takes most of C's time
            run = target.runner(path)
        got = run(dict(zip(endpoint.inputs, inputs)))
    return checking.compared(expected, [got[output] for output in endpoint.outputs])
