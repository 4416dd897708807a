"""Classes of the format's messages, which TensorBoard's package ships (and makes when it is imported)."""

from __future__ import annotations

import importlib
from typing import Any


def _module(name: str) -> Any:
    return importlib.import_module(f"tensorboard.compat.proto.{name}_pb2")


AttrValue: Any = _module("attr_value").AttrValue
FunctionDef: Any = _module("function").FunctionDef
MetaGraphDef: Any = _module("meta_graph").MetaGraphDef
NodeDef: Any = _module("node_def").NodeDef
SavedObjectGraph: Any = _module("saved_object_graph").SavedObjectGraph
StructuredValue: Any = _module("struct").StructuredValue
TensorProto: Any = _module("tensor").TensorProto
TensorShapeProto: Any = _module("tensor_shape").TensorShapeProto
