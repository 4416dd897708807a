"""The graph of objects of a SavedModel: variables, lists of them, functions, and signatures.

::

    root
     +-- variables, trainable_variables, ...      lists of variables
     +-- serve                                    a function of an endpoint, with nested arguments
     +-- signatures
          +-- serve, serving_default              functions with named arguments
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amalthea.engine.ir.tensor import Type
from amalthea.engine.ir.variable import Variable
from amalthea.export.endpoint import Endpoint
from amalthea.export.saved_model.builder import kind, plain, shape_message
from amalthea.export.saved_model.messages import SavedObjectGraph, StructuredValue
from amalthea.saving.object_graph import Node


class Objects:
    """Collects the objects; the first is the root.

    Args:
        collections: lists of variables by the names that they have as attributes of the root; "variables" has all.
    """

    def __init__(self, collections: Mapping[str, Sequence[Variable]]):
        self.message: Any = SavedObjectGraph()
        self.root = self._user_object("_generic_user_object")
        self.numbers = {v: self._variable(v) for v in collections["variables"]}
        self.keys = {v: f"variables/{i}/.ATTRIBUTES/VARIABLE_VALUE" for i, v in enumerate(self.numbers)}
        for name, members in collections.items():
            self._link(self.root, name, self._list([self.numbers[v] for v in members]))

    def _add(self) -> tuple[int, Any]:
        self.message.nodes.add()
        return len(self.message.nodes) - 1, self.message.nodes[-1]

    def _link(self, parent: int, name: str, child: int) -> None:
        self.message.nodes[parent].children.add(node_id=child, local_name=name)

    def _user_object(self, identifier: str) -> int:
        index, made = self._add()
        made.user_object.identifier = identifier
        made.user_object.version.producer = made.user_object.version.min_consumer = 1
        return index

    def _list(self, members: Sequence[int]) -> int:
        index = self._user_object("trackable_list_wrapper")
        for i, member in enumerate(members):
            self._link(index, str(i), member)
        return index

    def _variable(self, variable: Variable) -> int:
        index, made = self._add()
        made.variable.dtype, made.variable.name = kind(variable.dtype), variable.path
        made.variable.shape.CopyFrom(shape_message(variable.shape))
        made.variable.trainable = bool(variable.trainable)
        return index

    def function(self, endpoint: Endpoint, name: str, captured: Sequence[int]) -> None:
        """Add the function of an endpoint as an attribute of the root, which takes nested arguments."""
        specs = _specs(endpoint.inputs, endpoint.graph.inputs)
        arguments = endpoint.arguments if endpoint.arguments is not None else list(endpoint.inputs)
        index, made = self._add()
        made.function.concrete_functions.append(name)
        _full_spec(made.function.function_spec, _names(arguments))
        nested = StructuredValue()
        _fill(nested, tuple(arguments), specs)
        made.function.function_spec.input_signature.CopyFrom(nested)
        outputs = _specs(endpoint.outputs, endpoint.graph.outputs)
        results = endpoint.results if endpoint.results is not None else list(endpoint.outputs)
        self._concrete(name, captured, (tuple(arguments), {}), specs, results, outputs)
        self._link(self.root, endpoint.name, index)

    def signatures(self, found: Mapping[str, tuple[Endpoint, str, Sequence[int]]]) -> None:
        """Add functions that take arguments by name, by the names of signatures."""
        map_of_them = self._user_object("signature_map")
        self._link(self.root, "signatures", map_of_them)
        for key, (endpoint, name, captured) in found.items():
            index, made = self._add()
            made.bare_concrete_function.concrete_function_name = name
            made.bare_concrete_function.argument_keywords.extend(sorted(endpoint.inputs))
            made.bare_concrete_function.allowed_positional_arguments = int(len(endpoint.inputs) == 1)
            self._link(map_of_them, key, index)
            specs = _specs(endpoint.inputs, endpoint.graph.inputs)
            outputs = _specs(endpoint.outputs, endpoint.graph.outputs)
            arguments = (), {name: name for name in endpoint.inputs}
            self._concrete(name, captured, arguments, specs, {name: name for name in endpoint.outputs}, outputs)

    def _concrete(
        self, name: str, captured: Sequence[int], arguments: Any, specs: Any, results: Any, outputs: Any
    ) -> None:
        made = self.message.concrete_functions[name]
        made.Clear()  # two signatures may be one function
        made.bound_inputs.extend(captured)
        _fill(made.canonicalized_input_signature, arguments, specs)
        _fill(made.output_signature, results, outputs)

    def nodes(self) -> list[Node]:
        """Return the same objects as a checkpoint lists them."""
        keys = {self.numbers[v]: (key, v.path) for v, key in self.keys.items()}
        found = []
        for i, row in enumerate(self.message.nodes):
            key, name = keys.get(i, (None, ""))
            found.append(Node({c.local_name: c.node_id for c in row.children}, key, name, ()))
        return found


def _specs(names: Sequence[str], tensors: Sequence[Any]) -> dict[str, Type]:
    return {name: x.type for name, x in zip(names, tensors)}


def _names(arguments: Sequence[Any]) -> list[str]:
    """Names of a function's arguments."""
    if len(arguments) == 1:
        return [plain(arguments[0]) if isinstance(arguments[0], str) else "inputs"]
    return [plain(a) if isinstance(a, str) else f"inputs_{i}" for i, a in enumerate(arguments)]


def _full_spec(spec: Any, names: Sequence[str]) -> None:
    """Describe a function's arguments as Python's inspect module does."""
    tuple_of_them = spec.fullargspec.named_tuple_value
    tuple_of_them.name = "FullArgSpec"
    rows = {"args": list(names), "varargs": None, "varkw": None, "defaults": None, "kwonlyargs": []}
    for key, value in {**rows, "kwonlydefaults": None, "annotations": {}}.items():
        pair = tuple_of_them.values.add(key=key)
        if value is None:
            pair.value.none_value.SetInParent()
        elif isinstance(value, dict):
            pair.value.dict_value.SetInParent()
        else:
            pair.value.list_value.SetInParent()
            for name in value:
                pair.value.list_value.values.add(string_value=name)


def _fill(message: Any, value: Any, specs: Mapping[str, Type]) -> None:
    """Describe nested values; a text is the name of a tensor."""
    if isinstance(value, str):
        spec = message.tensor_spec_value
        spec.name, spec.dtype = value, kind(specs[value].dtype)
        spec.shape.CopyFrom(shape_message(specs[value].shape))
    elif isinstance(value, dict):
        message.dict_value.SetInParent()
        for key, inner in value.items():
            _fill(message.dict_value.fields[str(key)], inner, specs)
    elif isinstance(value, tuple):
        message.tuple_value.SetInParent()
        for inner in value:
            _fill(message.tuple_value.values.add(), inner, specs)
    else:
        message.list_value.SetInParent()
        for inner in value:
            _fill(message.list_value.values.add(), inner, specs)
