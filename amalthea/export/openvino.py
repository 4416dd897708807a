"""OpenVINO's IR (``.xml`` with its ``.bin``): the ONNX model of an endpoint as the runtime reads it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from amalthea import writing
from amalthea.engine.backends.onnx.rnn import RNN_LOWERINGS
from amalthea.export import onnx
from amalthea.export.endpoint import Endpoint
from amalthea.export.targets import Options, Runner, Target, runtime_of

SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}


class OpenVino(Target):
    """OpenVINO."""

    name = "openvino"
    dtypes = ("float32", "float16")

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        import openvino

        from amalthea.engine.backends.openvino import BACKEND, LOWERINGS, replace_empty_constants, replace_uint32

        table = {**LOWERINGS, **RNN_LOWERINGS}
        written = onnx.to_onnx(onnx.lowered(endpoints[0], table), table=table)
        replace_uint32(written.graph)
        replace_empty_constants(written.graph)
        model = BACKEND.core.read_model(written.SerializeToString(), b"")
        for port, name in zip((*model.inputs, *model.outputs), (*endpoints[0].inputs, *endpoints[0].outputs)):
            port.get_tensor().set_names({name})
        with tempfile.TemporaryDirectory() as folder:
            openvino.save_model(model, os.path.join(folder, "m.xml"), compress_to_fp16=options.dtype == "float16")
            weights, text = (Path(folder, f"m.{ending}").read_bytes() for ending in ("bin", "xml"))
        with writing.whole_file(self.files(path)[1]) as first, writing.whole_file(path) as second:
            first.write(weights)
            second.write(text)

    def files(self, path: str) -> list[str]:
        return [path, f"{os.path.splitext(path)[0]}.bin"]

    def runner(self, path: str) -> Runner:
        core = runtime_of(self.name).Core()
        model = core.read_model(path)
        inputs, outputs = ([port.any_name for port in ports] for ports in (model.inputs, model.outputs))
        compiled = core.compile_model(model, "CPU", SETTINGS)  # gives a port names of what it merges with it

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            got = compiled({i: feeds[name] for i, name in enumerate(inputs)})
            return {name: np.array(got[i]) for i, name in enumerate(outputs)}

        return execute


TARGET = OpenVino()
