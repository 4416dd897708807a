"""The REST API of TensorFlow Serving: rows under ``instances``, columns under ``inputs``.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from amalthea.export.endpoint import Spec
from amalthea.serve.bodies import listed, mapping, may_be_infinite, nested, parsed, written
from amalthea.serve.contract import Contract, by_name, check, from_json
from amalthea.serve.models import Served, reasons
from amalthea.serve.refusals import RequestError

_SIGNATURES = ("", "serving_default", "serve")
_DTYPES = {"float16": "DT_HALF", "float32": "DT_FLOAT", "float64": "DT_DOUBLE"}


class Question(NamedTuple):
    """A request: arrays in the order of the model's inputs, and whether they came as rows."""

    arrays: list[np.ndarray]
    is_by_row: bool


def question(body: bytes, contract: Contract) -> Question:
    """Read the body of ``:predict``.

    Raises:
        RequestError: it does not fit the model.
    """
    given = parsed(body)
    if given.get("signature_name", "") not in _SIGNATURES:
        expected = "serving_default"
        raise RequestError(400, "The model has one signature.", expected=expected, got=given["signature_name"])
    if ("instances" in given) == ("inputs" in given):
        got = ", ".join(given) or "nothing"
        raise RequestError(400, "A request has its values in one place.", expected="instances or inputs", got=got)
    is_by_row = "instances" in given
    values = _rows(given["instances"], contract) if is_by_row else _columns(given["inputs"], contract)
    infinite = may_be_infinite(body)
    arrays = [from_json(spec, value, infinite) for spec, value in zip(contract.inputs, values)]
    return Question(check(contract, arrays), is_by_row)


def _rows(instances: Any, contract: Contract) -> list[Any]:
    rows = listed(instances, "'instances'")
    if not any(isinstance(row, dict) for row in rows):
        _check_single(contract, "instances")
        return [rows]
    columns = [by_name(contract, mapping(row, "Each of the 'instances'")) for row in rows]
    return [list(column) for column in zip(*columns)]


def _columns(inputs: Any, contract: Contract) -> list[Any]:
    if isinstance(inputs, dict):
        return by_name(contract, inputs)
    _check_single(contract, "inputs")
    return [inputs]


def _check_single(contract: Contract, key: str) -> None:
    if len(contract.inputs) > 1:
        raise RequestError(
            400, f"The model has several inputs, so '{key}' says their names.", expected=contract.input_names
        )


def answer(question: Question, outputs: list[np.ndarray], contract: Contract) -> bytes:
    """Write the body of an answer."""
    columns = {spec.name: nested(x) for spec, x in zip(contract.outputs, outputs)}
    only = next(iter(columns.values())) if len(outputs) == 1 else None
    if not question.is_by_row:
        return written({"outputs": columns if only is None else only})
    if only is not None:
        return written({"predictions": only})
    if not contract.is_by_row:
        message = "An output of the model has no rows, so it cannot be answered by rows."
        raise RequestError(400, message, expected="columns", cure="inputs in the place of instances")
    return written({"predictions": [dict(zip(columns, row)) for row in zip(*columns.values())]})


def status(served: Served, number: int | None = None) -> bytes:
    """Write the state of the versions of a model."""
    rows = [_state(n, "AVAILABLE", "OK", "") for n in sorted(served.versions, reverse=True)]
    bad = [_state(n, "END", "INVALID_ARGUMENT", why) for n, why in reasons(served).items() if n not in served.versions]
    chosen = [row for row in [*rows, *bad] if number is None or row["version"] == str(number)]
    return written({"model_version_status": chosen})


def _state(number: int, state: str, code: str, message: str) -> dict[str, Any]:
    return {"version": str(number), "state": state, "status": {"error_code": code, "error_message": message}}


def metadata(name: str, number: int, contract: Contract) -> bytes:
    """Write names, dtypes and shapes of a model's inputs and outputs."""
    signature = {
        "inputs": {spec.name: _tensor(spec) for spec in contract.inputs},
        "outputs": {spec.name: _tensor(spec) for spec in contract.outputs},
        "method_name": "tensorflow/serving/predict",
    }
    return written(
        {
            "model_spec": {"name": name, "signature_name": "", "version": str(number)},
            "metadata": {"signature_def": {"signature_def": {"serving_default": signature}}},
        }
    )


def _tensor(spec: Spec) -> dict[str, Any]:
    sizes = [{"size": str(-1 if size is None else size), "name": ""} for size in spec.shape]
    dtype = _DTYPES.get(spec.dtype, f"DT_{spec.dtype.upper()}")
    return {"dtype": dtype, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": spec.name}
