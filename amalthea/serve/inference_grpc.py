"""The Open Inference Protocol, version 2, over gRPC: messages to arrays, and arrays to messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from amalthea.export.endpoint import Spec
from amalthea.serve.bodies import nested
from amalthea.serve.contract import Contract
from amalthea.serve.grpc_messages import message
from amalthea.serve.inference_v2 import Question
from amalthea.serve.refusals import RequestError
from amalthea.serve.tensors_v2 import Tensor, arrays_of, check_output, datatype, raw_bytes, sizes

# The field of InferTensorContents by datatype. FP16 and BF16 have none: they are sent as bytes.
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def question(request: Any, contract: Contract) -> Question:
    """Read a ModelInferRequest. Its outputs are wanted as bytes if its inputs came as bytes.

    Raises:
        RequestError: it does not fit the model.
    """
    arrays = arrays_of(_tensors(request), contract)
    names = [check_output(one.name, contract) for one in request.outputs] or [spec.name for spec in contract.outputs]
    return Question(arrays, request.id, dict.fromkeys(names, bool(request.raw_input_contents)))


def _tensors(request: Any) -> Iterator[Tensor]:
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        message = "There is one element of raw_input_contents for each input."
        raise RequestError(400, message, expected=len(request.inputs), got=len(raw))
    for i, one in enumerate(request.inputs):
        given = [field.name for field, _ in one.contents.ListFields()]
        if raw and given:
            message = f"Input '{one.name}' has its values in one place."
            raise RequestError(400, message, expected="contents or raw_input_contents")
        values = None if raw else _values(one, given)
        yield Tensor(one.name, one.datatype, list(one.shape), values, raw[i] if raw else None)


def _values(tensor: Any, given: list[str]) -> list[Any]:
    field = _CONTENTS.get(tensor.datatype)
    if given not in ([], [field]):
        message = f"The contents of input '{tensor.name}' do not fit its datatype, {tensor.datatype}."
        raise RequestError(400, message, expected=field or "raw_input_contents", got=", ".join(given))
    values = list(getattr(tensor.contents, field)) if field else []
    if tensor.datatype != "BYTES":
        return values
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError:
        raise RequestError(400, f"The text of input '{tensor.name}' is not UTF-8.") from None


def answer(question: Question, outputs: list[np.ndarray], contract: Contract, name: str, number: int) -> Any:
    """Return a ModelInferResponse."""
    arrays = {spec.name: (spec, x) for spec, x in zip(contract.outputs, outputs)}
    wanted = [arrays[key] for key in question.outputs]
    is_raw = any(question.outputs.values()) or any(datatype(spec) not in _CONTENTS for spec, _ in wanted)
    response = message("ModelInferResponse")(model_name=name, model_version=str(number), id=question.id or "")
    for spec, array in wanted:
        tensor = response.outputs.add(name=spec.name, datatype=datatype(spec), shape=array.shape)
        if is_raw:
            response.raw_output_contents.append(raw_bytes(spec, array))
        else:
            getattr(tensor.contents, _CONTENTS[datatype(spec)]).extend(_flat(spec, array))
    return response


def _flat(spec: Spec, array: np.ndarray) -> list[Any]:
    values = nested(array.ravel())
    return [x if isinstance(x, bytes) else str(x).encode() for x in values] if datatype(spec) == "BYTES" else values


def metadata(name: str, numbers: list[int], contract: Contract) -> Any:
    """Return names, datatypes and shapes of a model's inputs and outputs."""
    response = message("ModelMetadataResponse")(name=name, versions=map(str, numbers), platform="amalthea")
    for specs, field in ((contract.inputs, response.inputs), (contract.outputs, response.outputs)):
        for spec in specs:
            field.add(name=spec.name, datatype=datatype(spec), shape=sizes(spec))
    return response
