"""The Open Inference Protocol, version 2, over HTTP: tensors as JSON, or as bytes after the JSON.

Source: https://github.com/kserve/open-inference-protocol, and Triton's extension for binary tensors::

    Inference-Header-Content-Length: 120
    {"inputs": [{"name": "x", ..., "parameters": {"binary_data_size": 3136}}]}<3136 bytes>
     └─────────────────────── 120 bytes ────────────────────────────────────┘
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from amalthea.engine import dtypes
from amalthea.errors import brief
from amalthea.export.endpoint import Spec
from amalthea.serve.binary_text import packed_text, unpacked_text
from amalthea.serve.bodies import listed, mapping, may_be_infinite, nested, parsed, written
from amalthea.serve.contract import Contract, by_name, check, from_json, kind_of
from amalthea.serve.refusals import RequestError

HEADER = "inference-header-content-length"
_NAMES = {
    "bool": "BOOL",
    "bfloat16": "BF16",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "string": "BYTES",
}
_NAMES |= {name: name.upper() for name in dtypes.INTEGERS}


class Question(NamedTuple):
    """A request: arrays in the order of the model's inputs, its id, and the outputs that it asks for.

    Args:
        arrays: list of arrays.
        id: str or None.
        outputs: dict of bool; whether each output is wanted as bytes, by its name.
    """

    arrays: list[np.ndarray]
    id: str | None
    outputs: dict[str, bool]


def question(body: bytes, header: str | None, contract: Contract) -> Question:
    """Read the body of ``infer``.

    Args:
        body: bytes.
        header: str or None; length of the JSON at the beginning. None if all of the body is JSON.
        contract: Contract of the model.

    Raises:
        RequestError: it does not fit the model.
    """
    size = _length(header, len(body))
    given, binary = parsed(body[:size]), _Bytes(body, size)
    infinite = may_be_infinite(body[:size])
    specs = {spec.name: spec for spec in contract.inputs}
    values: dict[str, np.ndarray] = {}
    for one in listed(given.get("inputs"), "'inputs'"):
        name = mapping(one, "Each of the 'inputs'").get("name")
        if not isinstance(name, str) or name not in specs or name in values:
            message = "An input has a name that the model lacks, or that came before."
            raise RequestError(400, message, expected=contract.input_names, got=brief(name))
        values[name] = _array(specs[name], one, binary, infinite)
    binary.check_end()
    arrays = check(contract, by_name(contract, values))
    return Question(arrays, _id(given), _wanted(given, contract))


def _length(header: str | None, size: int) -> int:
    if header is None:
        return size
    if not (header.isascii() and header.isdigit() and len(header) < 19 and int(header) <= size):
        expected = f"a number up to the body's length, {size}"
        raise RequestError(400, "Inference-Header-Content-Length does not fit.", expected=expected, got=header)
    return int(header)


def _id(given: dict[str, Any]) -> str | None:
    if not isinstance(given.get("id"), (str, type(None))):
        raise RequestError(400, "The id of a request is text.", got=brief(given["id"]))
    return given.get("id")


class _Bytes:
    """The bytes after the JSON, which the inputs take in turn."""

    def __init__(self, body: bytes, start: int):
        self._body, self._start = body, start

    def take(self, size: int, name: str) -> memoryview:
        left = len(self._body) - self._start
        if size > left:
            raise RequestError(400, f"The bytes of input '{name}' end too early.", expected=size, got=left)
        self._start += size
        return memoryview(self._body)[self._start - size : self._start]

    def check_end(self) -> None:
        left = len(self._body) - self._start
        if left:
            raise RequestError(400, "There are bytes that belong to no input.", expected=0, got=left)


def _array(spec: Spec, given: dict[str, Any], binary: _Bytes, infinite: bool) -> np.ndarray:
    shape = _shape(spec, given.get("shape"))
    if given.get("datatype") != _NAMES.get(spec.dtype):
        expected, got = _NAMES.get(spec.dtype), brief(given.get("datatype"))
        raise RequestError(400, f"The datatype of input '{spec.name}' does not fit.", expected=expected, got=got)
    size = mapping(given.get("parameters", {}), "'parameters'").get("binary_data_size")
    if (size is None) == ("data" not in given):
        expected = "data, or binary_data_size among the parameters"
        raise RequestError(400, f"Input '{spec.name}' has its values in one place.", expected=expected)
    if size is not None:
        return _from_bytes(spec, size, shape, binary)
    array = from_json(spec, listed(given["data"], "'data'"), infinite)
    _check_count(spec, shape, array.size)
    return array.reshape(shape)


def _shape(spec: Spec, shape: Any) -> tuple[int, ...]:
    sizes = listed(shape, f"The shape of input '{spec.name}'")
    if len(sizes) > 64 or any(type(n) is not int or not 0 <= n < 1 << 40 for n in sizes):
        message = f"The shape of input '{spec.name}' cannot be used."
        raise RequestError(400, message, expected="a list of whole numbers", got=brief(sizes))
    return tuple(sizes)


def _check_count(spec: Spec, shape: tuple[int, ...], count: int) -> None:
    if math.prod(shape) != count:
        message = f"The values of input '{spec.name}' do not fill its shape."
        raise RequestError(400, message, expected=f"{math.prod(shape)} for {list(shape)}", got=count)


def _from_bytes(spec: Spec, size: Any, shape: tuple[int, ...], binary: _Bytes) -> np.ndarray:
    if type(size) is not int or size < 0:
        raise RequestError(400, "binary_data_size is a whole number.", got=brief(size))
    taken = binary.take(size, spec.name)
    if kind_of(spec) == "U":
        texts = unpacked_text(bytes(taken), spec.name)
        _check_count(spec, shape, len(texts))
        return np.array(texts, dtype=str).reshape(shape)
    dtype = dtypes.to_numpy(spec.dtype)
    if size != math.prod(shape) * dtype.itemsize:
        expected = f"{math.prod(shape) * dtype.itemsize} bytes for {list(shape)}"
        raise RequestError(400, f"The bytes of input '{spec.name}' do not fill its shape.", expected=expected, got=size)
    if spec.dtype == "bool":
        return (np.frombuffer(taken, np.uint8) != 0).reshape(shape)
    return np.frombuffer(taken, dtype).reshape(shape)  # little-endian, as every machine that we run on


def _wanted(given: dict[str, Any], contract: Contract) -> dict[str, bool]:
    all_binary = mapping(given.get("parameters", {}), "'parameters'").get("binary_data_output") is True
    names = [spec.name for spec in contract.outputs]
    asked = listed(given.get("outputs", []), "'outputs'")
    if not asked:
        return dict.fromkeys(names, all_binary)
    wanted = {}
    for one in asked:
        name = mapping(one, "Each of the 'outputs'").get("name")
        if not isinstance(name, str) or name not in names:
            expected = ", ".join(names)
            raise RequestError(400, "The model has no such output.", expected=expected, got=brief(name))
        wanted[name] = mapping(one.get("parameters", {}), "'parameters'").get("binary_data", all_binary) is True
    return wanted


class Answer(NamedTuple):
    """A body, and the length of the JSON at its beginning; None if it is all JSON."""

    body: bytes
    header: int | None


def answer(question: Question, outputs: list[np.ndarray], contract: Contract, name: str, number: int) -> Answer:
    """Write the body of an answer."""
    arrays = {spec.name: (spec, x) for spec, x in zip(contract.outputs, outputs)}
    tensors, tail = [], []
    for key, is_binary in question.outputs.items():
        spec, array = arrays[key]
        tensor: dict[str, Any] = {"name": key, "datatype": _NAMES.get(spec.dtype, "FP32"), "shape": list(array.shape)}
        if is_binary:
            tail.append(packed_text(array) if kind_of(spec) == "U" else np.ascontiguousarray(array).tobytes())
            tensor["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            tensor["data"] = nested(array.ravel())
        tensors.append(tensor)
    head: dict[str, Any] = {"model_name": name, "model_version": str(number), "outputs": tensors}
    if question.id is not None:
        head["id"] = question.id
    text = written(head)
    return Answer(b"".join([text, *tail]), len(text) if tail else None)


def metadata(name: str, numbers: list[int], contract: Contract) -> bytes:
    """Write names, datatypes and shapes of a model's inputs and outputs."""
    return written(
        {
            "name": name,
            "versions": [str(number) for number in numbers],
            "platform": "amalthea",
            "inputs": [_tensor(spec) for spec in contract.inputs],
            "outputs": [_tensor(spec) for spec in contract.outputs],
        }
    )


def _tensor(spec: Spec) -> dict[str, Any]:
    shape = [-1 if size is None else size for size in spec.shape]
    return {"name": spec.name, "datatype": _NAMES.get(spec.dtype, "FP32"), "shape": shape}
