"""The Open Inference Protocol, version 2, over HTTP: tensors as JSON, or as bytes after the JSON.

Source: https://github.com/kserve/open-inference-protocol, and Triton's extension for binary tensors::

    Inference-Header-Content-Length: 120
    {"inputs": [{"name": "x", ..., "parameters": {"binary_data_size": 3136}}]}<3136 bytes>
     └─────────────────────── 120 bytes ────────────────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from amalthea.errors import brief
from amalthea.export.endpoint import Spec
from amalthea.serve.bodies import listed, mapping, may_be_infinite, nested, parsed, written
from amalthea.serve.contract import Contract
from amalthea.serve.refusals import RequestError
from amalthea.serve.tensors_v2 import Tensor, arrays_of, check_output, datatype, raw_bytes, sizes

HEADER = "inference-header-content-length"


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
    arrays = arrays_of(_tensors(given, binary, may_be_infinite(body[:size])), contract)
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

    def take(self, size: Any, name: Any) -> memoryview:
        if type(size) is not int or size < 0:
            raise RequestError(400, "binary_data_size is a whole number.", got=brief(size))
        left = len(self._body) - self._start
        if size > left:
            raise RequestError(400, f"The bytes of input {brief(name)} end too early.", expected=size, got=left)
        self._start += size
        return memoryview(self._body)[self._start - size : self._start]

    def check_end(self) -> None:
        left = len(self._body) - self._start
        if left:
            raise RequestError(400, "There are bytes that belong to no input.", expected=0, got=left)


def _tensors(given: dict[str, Any], binary: _Bytes, infinite: bool) -> Iterator[Tensor]:
    for one in listed(given.get("inputs"), "'inputs'"):
        name = mapping(one, "Each of the 'inputs'").get("name")
        shape = listed(one.get("shape"), "The shape of an input")
        size = mapping(one.get("parameters", {}), "'parameters'").get("binary_data_size")
        if (size is None) == ("data" not in one):
            expected = "data, or binary_data_size among the parameters"
            raise RequestError(400, f"Input {brief(name)} has its values in one place.", expected=expected)
        raw = None if size is None else binary.take(size, name)
        values = None if "data" not in one else listed(one["data"], "'data'")
        yield Tensor(name, one.get("datatype"), shape, values, raw, infinite)
    binary.check_end()


def _wanted(given: dict[str, Any], contract: Contract) -> dict[str, bool]:
    all_binary = mapping(given.get("parameters", {}), "'parameters'").get("binary_data_output") is True
    asked = listed(given.get("outputs", []), "'outputs'")
    if not asked:
        return dict.fromkeys((spec.name for spec in contract.outputs), all_binary)
    wanted = {}
    for one in asked:
        name = check_output(mapping(one, "Each of the 'outputs'").get("name"), contract)
        wanted[name] = mapping(one.get("parameters", {}), "'parameters'").get("binary_data", all_binary) is True
    return wanted


def is_only_ready(body: bytes) -> bool:
    """Whether the body of ``repository/index``, which may be empty, asks for versions that are ready alone."""
    return bool(body) and parsed(body).get("ready") is True


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
        tensor: dict[str, Any] = {"name": key, "datatype": datatype(spec), "shape": list(array.shape)}
        if is_binary:
            tail.append(raw_bytes(spec, array))
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
    return {"name": spec.name, "datatype": datatype(spec), "shape": sizes(spec)}
