"""Tensors of the Open Inference Protocol, version 2: the checks that its HTTP and its gRPC share.

Each protocol reads its own bytes as :class:`Tensor`, and writes the arrays of an answer; names, datatypes, shapes and
values are judged here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from amalthea.engine import dtypes
from amalthea.errors import brief
from amalthea.export.endpoint import Spec
from amalthea.serve.binary_text import packed_text, unpacked_text
from amalthea.serve.contract import Contract, by_name, check, from_json, kind_of
from amalthea.serve.refusals import RequestError

_NAMES = {
    "bool": "BOOL",
    "bfloat16": "BF16",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "string": "BYTES",
}
_NAMES |= {name: name.upper() for name in dtypes.INTEGERS}


class Tensor(NamedTuple):
    """An input as a request gives it, not checked yet.

    Args:
        name: object; its name.
        datatype: object; the protocol's word for its dtype.
        shape: list; its sizes.
        values: list or None; its values.
        raw: bytes-like or None; its values as bytes.
        may_be_infinite: bool; False if an infinite value can only be one that was written too large.
    """

    name: Any
    datatype: Any
    shape: list[Any]
    values: list[Any] | None = None
    raw: Any = None
    may_be_infinite: bool = True


def datatype(spec: Spec) -> str:
    """Return the protocol's word for a dtype."""
    return _NAMES.get(spec.dtype, "FP32")


def sizes(spec: Spec) -> list[int]:
    """Return a shape in which -1 is any size."""
    return [-1 if size is None else size for size in spec.shape]


def arrays_of(tensors: Iterable[Tensor], contract: Contract) -> list[np.ndarray]:
    """Return the arrays of a request in the order of the model's inputs.

    Raises:
        RequestError: a tensor does not fit the model.
    """
    specs = {spec.name: spec for spec in contract.inputs}
    values: dict[str, np.ndarray] = {}
    for one in tensors:
        if not isinstance(one.name, str) or one.name not in specs or one.name in values:
            message = "An input has a name that the model lacks, or that came before."
            raise RequestError(400, message, expected=contract.input_names, got=brief(one.name))
        values[one.name] = _array(specs[one.name], one)
    return check(contract, by_name(contract, values))


def _array(spec: Spec, given: Tensor) -> np.ndarray:
    shape = _shape(spec, given.shape)
    if given.datatype != _NAMES.get(spec.dtype):
        expected, got = _NAMES.get(spec.dtype), brief(given.datatype)
        raise RequestError(400, f"The datatype of input '{spec.name}' does not fit.", expected=expected, got=got)
    if given.raw is not None:
        return _from_bytes(spec, given.raw, shape)
    array = from_json(spec, given.values, given.may_be_infinite)
    _check_count(spec, shape, array.size)
    return array.reshape(shape)


def _shape(spec: Spec, sizes: list[Any]) -> tuple[int, ...]:
    if len(sizes) > 64 or any(type(n) is not int or not 0 <= n < 1 << 40 for n in sizes):
        message = f"The shape of input '{spec.name}' cannot be used."
        raise RequestError(400, message, expected="a list of whole numbers", got=brief(sizes))
    return tuple(sizes)


def _check_count(spec: Spec, shape: tuple[int, ...], count: int) -> None:
    if math.prod(shape) != count:
        message = f"The values of input '{spec.name}' do not fill its shape."
        raise RequestError(400, message, expected=f"{math.prod(shape)} for {list(shape)}", got=count)


def _from_bytes(spec: Spec, raw: Any, shape: tuple[int, ...]) -> np.ndarray:
    if kind_of(spec) == "U":
        texts = unpacked_text(bytes(raw), spec.name)
        _check_count(spec, shape, len(texts))
        return np.array(texts, dtype=str).reshape(shape)
    dtype = dtypes.to_numpy(spec.dtype)
    whole = math.prod(shape) * dtype.itemsize
    if len(raw) != whole:
        message = f"The bytes of input '{spec.name}' do not fill its shape."
        raise RequestError(400, message, expected=f"{whole} bytes for {list(shape)}", got=len(raw))
    if spec.dtype == "bool":
        return (np.frombuffer(raw, np.uint8) != 0).reshape(shape)
    return np.frombuffer(raw, dtype).reshape(shape)  # little-endian, as every machine that we run on


def raw_bytes(spec: Spec, array: np.ndarray) -> bytes:
    """Return the bytes of an output."""
    return packed_text(array) if kind_of(spec) == "U" else np.ascontiguousarray(array).tobytes()


def check_output(name: Any, contract: Contract) -> str:
    """Return the name of an output that a request asks for.

    Raises:
        RequestError: the model does not have it.
    """
    names = [spec.name for spec in contract.outputs]
    if not isinstance(name, str) or name not in names:
        raise RequestError(400, "The model has no such output.", expected=", ".join(names), got=brief(name))
    return name
