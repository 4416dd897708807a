"""The target: one signature, floats of 32 or 16 bits, sizes of the batch and others left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from amalthea import writing
from amalthea.export.endpoint import Endpoint
from amalthea.export.folding import folded
from amalthea.export.litert.builder import Builder, Model
from amalthea.export.litert.control import CONTROL
from amalthea.export.litert.integers import quantized
from amalthea.export.litert.operators import OPERATORS
from amalthea.export.litert.windows import WINDOWS
from amalthea.export.lowering import Value
from amalthea.export.targets import Options, Runner, Target

LOWERINGS = {**OPERATORS, **WINDOWS, **CONTROL}


def packed(model: Model, endpoint: Endpoint) -> bytes:
    """Return the bytes of the file: the schema's objects in a flat buffer."""
    whole: Any = schema.ModelT()
    whole.version, whole.description = 3, "amalthea"
    whole.operatorCodes = [_code(number) for number in model.codes]
    whole.buffers = [_buffer(data) for data in model.buffers]
    whole.subgraphs, main = model.graphs, model.graphs[0]
    signature: Any = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = endpoint.name, 0
    signature.inputs = [_port(name, index) for name, index in zip(endpoint.inputs, main.inputs)]
    signature.outputs = [_port(name, index) for name, index in zip(endpoint.outputs, main.outputs)]
    whole.signatureDefs = [signature]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(number: int) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode, made.deprecatedBuiltinCode = number, min(number, 127)
    made.version = 2 if number == schema.BuiltinOperator.BROADCAST_TO else 1  # its first version is not in runtimes
    return made


def _buffer(data: bytes) -> Any:
    made: Any = schema.BufferT()
    made.data = np.frombuffer(data, "uint8") if data else None
    return made


def _port(name: str, index: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made


class LiteRt(Target):
    """LiteRT, which was TensorFlow Lite."""

    name = "litert"
    dtypes = ("float32", "float16", "int8")

    def write(self, endpoints: Sequence[Endpoint], path: str, options: Options) -> None:
        endpoint = folded(endpoints[0].lowered(LOWERINGS, self.name))
        model = Model(options.dtype == "float16", options.dtype == "int8")
        builder = Builder(LOWERINGS, model)
        inputs = []
        for name, tensor in zip(endpoint.inputs, endpoint.graph.inputs):
            held = builder.held(tensor.type)
            inputs.append(Value(builder.tensor(held, name), held))
            builder.values[tensor] = inputs[-1]
        for value in inputs:
            builder.know_symbols(value)
        for variable, tensor in endpoint.graph.reads:
            builder.values[tensor] = builder.constant(variable.numpy())
        builder.finish(inputs, builder.add_graph(endpoint.graph))
        for name, index in zip(endpoint.outputs, builder.graph.outputs):
            builder.graph.tensors[index].name = name
        data = packed(model, endpoint)
        if options.dtype == "int8":
            data = quantized(data, endpoint.inputs, options.calibration or ())
        writing.write(path, data)

    def runner(self, path: str) -> Runner:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=path, num_threads=1)
        run = interpreter.get_signature_runner("serve")
        names = list(interpreter.get_signature_list()["serve"]["outputs"])
        kinds = {name: about["dtype"] for name, about in run.get_input_details().items()}

        def execute(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            got = run(**{name: np.asarray(value, kinds[name]) for name, value in feeds.items()})
            return {name: got[name] for name in names}

        return execute


TARGET = LiteRt()
