"""The messages of ``inference.GRPCInferenceService``, made from a table of the protocol's field numbers.

Source: https://github.com/kserve/open-inference-protocol. A row is ``number: "type name"``; ``*`` before a type says
repeated, ``|`` is a field of the message's one choice (oneof), and ``map`` holds :data:`InferParameter` by name.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
_TENSOR_META = {1: "string name", 2: "string datatype", 3: "*int64 shape"}
_TENSOR = {**_TENSOR_META, 4: "map parameters", 5: "InferTensorContents contents"}
TABLE: dict[str, dict[int, str]] = {
    "ServerLiveRequest": {},
    "ServerLiveResponse": {1: "bool live"},
    "ServerReadyRequest": {},
    "ServerReadyResponse": {1: "bool ready"},
    "ModelReadyRequest": {1: "string name", 2: "string version"},
    "ModelReadyResponse": {1: "bool ready"},
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {1: "string name", 2: "string version", 3: "*string extensions"},
    "ModelMetadataRequest": {1: "string name", 2: "string version"},
    "ModelMetadataResponse": {
        1: "string name",
        2: "*string versions",
        3: "string platform",
        4: "*ModelMetadataResponse.TensorMetadata inputs",
        5: "*ModelMetadataResponse.TensorMetadata outputs",
    },
    "ModelMetadataResponse.TensorMetadata": _TENSOR_META,
    "InferParameter": {
        1: "|bool bool_param",
        2: "|int64 int64_param",
        3: "|string string_param",
        4: "|double double_param",
        5: "|uint64 uint64_param",
    },
    "InferTensorContents": {
        1: "*bool bool_contents",
        2: "*int32 int_contents",
        3: "*int64 int64_contents",
        4: "*uint32 uint_contents",
        5: "*uint64 uint64_contents",
        6: "*float fp32_contents",
        7: "*double fp64_contents",
        8: "*bytes bytes_contents",
    },
    "ModelInferRequest": {
        1: "string model_name",
        2: "string model_version",
        3: "string id",
        4: "map parameters",
        5: "*ModelInferRequest.InferInputTensor inputs",
        6: "*ModelInferRequest.InferRequestedOutputTensor outputs",
        7: "*bytes raw_input_contents",
    },
    "ModelInferRequest.InferInputTensor": _TENSOR,
    "ModelInferRequest.InferRequestedOutputTensor": {1: "string name", 2: "map parameters"},
    "ModelInferResponse": {
        1: "string model_name",
        2: "string model_version",
        3: "string id",
        4: "map parameters",
        5: "*ModelInferResponse.InferOutputTensor outputs",
        6: "*bytes raw_output_contents",
    },
    "ModelInferResponse.InferOutputTensor": _TENSOR,
    "RepositoryIndexRequest": {1: "string repository_name", 2: "bool ready"},
    "RepositoryIndexResponse": {1: "*RepositoryIndexResponse.ModelIndex models"},
    "RepositoryIndexResponse.ModelIndex": {
        1: "string name",
        2: "string version",
        3: "string state",
        4: "string reason",
    },
}
METHODS = tuple(name.removesuffix("Request") for name in TABLE if name.endswith("Request"))

_Field = descriptor_pb2.FieldDescriptorProto


def message(name: str) -> Any:
    """Return the class of a message.

    >>> message("ModelReadyRequest")(name="digits").SerializeToString()
    b'\\n\\x06digits'
    """
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def _add(kind: Any, number: int, row: str) -> None:
    word, name = row.split()
    is_map = word == "map"
    field = kind.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
    if word[0] == "*" or is_map:
        field.label = _Field.LABEL_REPEATED
    if word[0] == "|":
        field.oneof_index = 0
        if not kind.oneof_decl:
            kind.oneof_decl.add(name="parameter_choice")
    word = word.strip("*|")
    if is_map:
        entry = kind.nested_type.add(name="ParametersEntry")
        entry.options.map_entry = True
        _add(entry, 1, "string key")
        _add(entry, 2, "InferParameter value")
        word = f"{_path(kind.name)}.ParametersEntry"
    if word.islower():
        field.type = getattr(_Field, f"TYPE_{word.upper()}")
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{word}"


def _path(name: str) -> str:
    return next(path for path in TABLE if path.split(".")[-1] == name)


def _pool() -> descriptor_pool.DescriptorPool:
    """Return a pool of our own, so that a client's library may bring the same names into the same process."""
    file = descriptor_pb2.FileDescriptorProto(name="open_inference.proto", package=PACKAGE, syntax="proto3")
    made: dict[str, Any] = {}
    for path, rows in TABLE.items():
        outer, _, name = path.rpartition(".")
        kind = made[path] = made[outer].nested_type.add(name=name) if outer else file.message_type.add(name=name)
        for number, row in rows.items():
            _add(kind, number, row)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _pool()
