"""Names of ops in files of functional models: files name a class of Keras for each op.

Tensors that an op takes stand in the call; its other arguments stand in the configuration.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from amalthea import loading, ops, tree
from amalthea.configurable import deserialize, serialize
from amalthea.errors import ModelFileError, UnknownNameError, brief, nearest
from amalthea.operation import FunctionOperation, remembers

# Parameters that stand in the call; all others stand in the config.
_CALLED = frozenset(
    (
        "x x1 x2 xs y inputs kernel depthwise_kernel pointwise_kernel key condition indices updates values "
        "start_indices target output targets predictions variable mean variance offset scale gamma beta weights "
        "fill_value operands start stop step pred true_fn false_fn f init constant_values"
    ).split()
)
_CLASS_OF = {
    "allclose": "AllClose",
    "batch_normalization": "BatchNorm",
    "layer_normalization": "LayerNorm",
    "rms_normalization": "RMSNorm",
}
_MATH = {"erf", "in_top_k", "logsumexp", "rsqrt", "top_k"}


def class_name(function_name: str) -> str:
    """The class for a function.

    >>> class_name("get_item"), class_name("log_softmax"), class_name("relu6")
    ('GetItem', 'LogSoftmax', 'Relu6')
    """
    return _CLASS_OF.get(function_name) or "".join(part.capitalize() for part in function_name.split("_"))


@lru_cache(maxsize=1)
def functions() -> dict[str, Any]:
    public = {name: thing for name, thing in vars(ops).items() if hasattr(thing, "__wrapped__")}
    return {class_name(name): thing for name, thing in public.items()}


def _module(function: Any) -> str:
    name = function.__module__
    if function.__name__ in _MATH:
        return "keras.src.ops.math"
    if ".numpy." in name:
        return "keras.src.ops.numpy"
    return "keras.src.ops.core" if name.endswith(".core") else "keras.src.ops.nn"


def different(operations: Sequence[Any]) -> dict[int, str]:
    """A name for each operation that no other has; layers keep theirs."""
    taken = {o.name for o in operations if not isinstance(o, FunctionOperation)}
    names: dict[int, str] = {}
    for operation in operations:
        name = operation.name
        if isinstance(operation, FunctionOperation):
            count = 0
            while name in taken:
                count += 1
                name = f"{operation.name}_{count}"
            taken.add(name)
        names[id(operation)] = name
    return names


def to_data(operation: Any, name: str) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """The op as data, and the arguments of its call."""
    function, call = operation.function, operation._calls[0]
    signature = inspect.signature(function)
    bound = signature.bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    args: list[Any] = []
    config: dict[str, Any] = {"name": name}
    for key, value in bound.arguments.items():
        kind = signature.parameters[key].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            args += value
        elif kind is not inspect.Parameter.VAR_KEYWORD:
            if key in _CALLED:
                args.append(value)
            else:
                config[key] = serialize(value)
    while args and args[-1] is None:
        args.pop()
    data = {"module": _module(function), "class_name": class_name(function.__name__), "config": config}
    return {**data, "registered_name": class_name(function.__name__)}, args, {}


def is_of_op(data: dict[str, Any]) -> bool:
    """Whether a configuration is that of an op, by its module."""
    return str(data.get("module", "")).startswith("keras.src.ops")


def is_known(data: dict[str, Any]) -> bool:
    """Whether the op that a configuration names exists."""
    return data["class_name"] in functions()


def from_data(data: dict[str, Any]) -> Any:
    """A function of the call's arguments."""
    function = functions().get(data["class_name"])
    if function is None:
        raise UnknownNameError(
            f"There is no op {data['class_name']!r}.",
            got=data["class_name"],
            cure=nearest(data["class_name"], functions()),
        )
    parameters = inspect.signature(function).parameters
    config = {
        k: deserialize(v, loading.PLAIN) for k, v in data["config"].items() if k in parameters and k not in _CALLED
    }
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}

    def operation(*args: Any, **kwargs: Any) -> Any:
        flat = [x for x in tree.flatten([args, kwargs]) if remembers(x)]
        if not flat:  # it would be computed now
            raise ModelFileError(
                f"The file calls op {brief(function.__name__)} on nothing that comes from the model's inputs.",
                cure="save the model again, with the value as a constant",
            )
        given = inspect.signature(function).bind_partial(*args, **config, **kwargs).arguments
        loading.check_op(function.__name__, given, [x.type.shape for x in flat])
        args = tuple(tuple(a) if isinstance(a, list) and not _has_tensor(a) else a for a in args)
        return function(*args, **config, **kwargs)

    return operation


def _has_tensor(values: Any) -> bool:
    return any(remembers(v) for v in values)
