"""A stand-in for Core ML's runtime, which is on Macs alone: evaluates the program of a package on disk in NumPy.

It reads the package's protocol buffers and its file of weights, and nothing of what the export had in memory.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from tests.export.mil_operators import OPERATORS

BOOL, STRING, FLOAT16, FLOAT32, INT8, INT32, INT64 = 1, 2, 10, 11, 21, 23, 24
_DTYPES = {BOOL: bool, FLOAT16: "float16", FLOAT32: "float32", INT32: "int32", INT64: "int64", INT8: "int8"}
_DTYPES |= {STRING: object, 22: "int16", 31: "uint8", 32: "uint16"}
SPECS = "Data/com.apple.CoreML"


class Program:
    """The program of a package."""

    def __init__(self, path: Any):
        from coremltools.proto import Model_pb2

        folder = Path(path, SPECS)
        self.spec = Model_pb2.Model()
        self.spec.ParseFromString((folder / "model.mlmodel").read_bytes())
        weights = folder / "weights" / "weight.bin"
        self.weights = weights.read_bytes() if weights.exists() else b""
        self.main = self.spec.mlProgram.functions["main"]

    def run(self, feeds: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return the outputs in the order of the description."""
        block = self.main.block_specializations[self.main.opset]
        values = {x.name: fed(x.type.tensorType, feeds[x.name]) for x in self.main.inputs}
        found = dict(zip(block.outputs, self.block(block, values)))
        return {x.name: found[x.name] for x in self.spec.description.output}

    def block(self, block: Any, outer: dict[str, Any]) -> list[Any]:
        values = dict(outer)
        for operation in block.operations:
            results = self.operation(operation, values)
            for output, result in zip(operation.outputs, results, strict=True):
                values[output.name] = checked(operation, output, result)
        return [values[name] for name in block.outputs]

    def operation(self, operation: Any, values: dict[str, Any]) -> list[Any]:
        kind = operation.type
        if kind == "const":
            return [self.constant(operation.attributes["val"])]
        inputs = {key: self.argument(key, x, values) for key, x in operation.inputs.items()}
        if kind == "cond":
            return self.block(operation.blocks[0 if inputs["pred"] else 1], values)
        if kind == "while_loop":
            return self.loop(operation, inputs["loop_vars"], values)
        with np.errstate(all="ignore"):
            made = OPERATORS[kind](**inputs)
        return list(made) if isinstance(made, tuple) else [made]

    def argument(self, key: str, argument: Any, values: dict[str, Any]) -> Any:
        found = [
            values[x.name] if x.WhichOneof("binding") == "name" else self.constant(x.value) for x in argument.arguments
        ]
        return found if key in ("values", "loop_vars") else found[0]

    def loop(self, operation: Any, state: list[Any], values: dict[str, Any]) -> list[Any]:
        condition, body = operation.blocks
        while self.block(condition, inside(condition, state, values))[0]:
            state = self.block(body, inside(body, state, values))
        return state

    def constant(self, value: Any) -> Any:
        if value.type.WhichOneof("type") == "listType":
            return [self.constant(x) for x in value.immediateValue.list.values]
        type = value.type.tensorType
        dtype, shape = _DTYPES[type.dataType], [d.constant.size for d in type.dimensions]
        if value.WhichOneof("value") == "blobFileValue":
            return self.blob(value.blobFileValue.offset, dtype).reshape(shape)
        tensor = value.immediateValue.tensor
        held = getattr(tensor, tensor.WhichOneof("value")).values
        if _DTYPES[type.dataType] is object and not shape:
            return held[0]
        if isinstance(held, bytes):
            return np.frombuffer(held, dtype).reshape(shape)
        array = np.array(list(held), dtype).reshape(shape)
        return array if shape else array[()]

    def blob(self, offset: int, dtype: Any) -> np.ndarray:
        """An array of the file of weights: a header of 64 bytes has its number of bytes and where they begin."""
        mark, _, size, start = struct.unpack_from("<IIQQ", self.weights, offset)
        assert mark == 0xDEADBEEF
        return np.frombuffer(self.weights[start : start + size], dtype)


def inside(block: Any, state: list[Any], values: dict[str, Any]) -> dict[str, Any]:
    return {**values, **{x.name: v for x, v in zip(block.inputs, state, strict=True)}}


def fed(type: Any, value: np.ndarray) -> np.ndarray:
    """An argument as the program declares it; one of another shape is refused."""
    shape = [d.constant.size if d.HasField("constant") else None for d in type.dimensions]
    fits = len(shape) == value.ndim and all(d in (None, n) for d, n in zip(shape, value.shape))
    assert fits, f"{value.shape} is not {shape}"
    return np.asarray(value, _DTYPES[type.dataType])


def checked(operation: Any, output: Any, result: Any) -> Any:
    """A result, held to the type that the program declares for it."""
    type = output.type.tensorType
    if output.type.WhichOneof("type") != "tensorType" or type.dataType == STRING:
        return result
    result = np.asarray(result)
    sizes = [d.constant.size if d.HasField("constant") else None for d in type.dimensions]
    told = f"{operation.type} {output.name}: {result.dtype}{result.shape}, declared {sizes}"
    assert len(sizes) == result.ndim and all(d in (None, n) for d, n in zip(sizes, result.shape)), told
    assert result.dtype == np.dtype(_DTYPES[type.dataType]), told
    return result


def runner(path: Any) -> Any:
    """Return the function that a target's runner would be on a Mac."""
    from amalthea.export.coreml.target import plain

    program = Program(path)
    return lambda feeds: program.run({plain(name): value for name, value in feeds.items()})
