"""Input signatures of exports: from a model, or as users give them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from amalthea import tree
from amalthea.config import floatx
from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Tensor
from amalthea.errors import ArgumentError, NotBuiltError, brief
from amalthea.export.endpoint import Spec


def of_model(model: Any) -> list[Any]:
    """Return the signature of a model's call: one entry, nested like its inputs.

    Args:
        model: Model; functional, or called or built before.

    Raises:
        NotBuiltError: the shapes of the inputs are not known.
    """
    network = model._network
    if network is not None:
        return [tree.map_structure(lambda x: Spec(_layer_of(x), _any_batch(x.shape), x.dtype), network.inputs)]
    shapes = model.get_build_config() if model.built else None
    if not shapes:
        raise NotBuiltError(
            f"The shapes of the inputs of model '{model.name}' are not known, so it cannot be exported.",
            cure="call it on data once, or give input_signature=[amalthea.InputSpec(shape=(None, 8))]",
        )
    given = shapes.get("shapes_dict") or {"inputs": shapes["input_shape"]}
    return [_from_shapes(name.removesuffix("_shape"), shape) for name, shape in given.items()]


def _layer_of(x: Tensor) -> str:
    return x.history.call.operation.name


def _any_batch(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return (None, *shape[1:])


def _from_shapes(name: str, shape: Any) -> Any:
    if isinstance(shape, dict):
        return {key: _from_shapes(key, inner) for key, inner in shape.items()}
    if shape and isinstance(shape[0], (list, tuple)):
        return [_from_shapes(f"{name}_{i}", inner) for i, inner in enumerate(shape)]
    return Spec(name, _any_batch(tuple(shape)), floatx())


def given(signature: Any, function: Callable[..., Any]) -> list[Any]:
    """Return a user's signature as a list of :class:`Spec`, nested as given, one entry for each argument.

    Args:
        signature: InputSpec, symbolic tensor, array, or ``tf.TensorSpec``; or a list of these in any nesting, one for
            each argument.
        function: the function that is exported; its parameters name what has no name.

    Raises:
        ArgumentError: an entry has no shape.
    """
    entries = list(signature) if isinstance(signature, (list, tuple)) else [signature]
    names = _parameter_names(function, len(entries))
    return [_named(name, entry) for name, entry in zip(names, entries)]


def _parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    function = getattr(function, "call", function)
    try:
        names = [n for n, p in inspect.signature(function).parameters.items() if p.kind not in (2, 4)]
    except (TypeError, ValueError):
        names = []
    return [*names, *(f"input_{i}" for i in range(len(names), count))][:count]


def _named(name: str, entry: Any) -> Any:
    flat = tree.flatten(entry)
    names = iter([name] if len(flat) == 1 else [f"{name}_{i}" for i in range(len(flat))])
    return tree.map_structure(lambda x: _spec(next(names), x), entry)


def _spec(name: str, value: Any) -> Spec:
    shape = getattr(value, "shape", None)
    if shape is None:
        raise ArgumentError(
            "An entry of input_signature has no shape.",
            expected="an InputSpec with shape=, a symbolic tensor or an array",
            got=brief(value),
            cure="amalthea.InputSpec(shape=(None, 8), dtype='float32')",
        )
    own = getattr(value, "name", None)
    dtype = getattr(value, "dtype", None)
    name = own if isinstance(own, str) and own and not isinstance(value, Tensor) else name
    if isinstance(value, Tensor) and value.history is not None:
        name = _layer_of(value)
    return Spec(name, tuple(shape), dtypes.standardize(getattr(dtype, "name", dtype) or floatx()))


def with_rows(signature: list[Any], batch_size: int | None) -> list[Any]:
    """Return a signature whose first sizes are a number of rows; None for any."""
    return tree.map_structure(lambda s: replace(s, shape=(batch_size, *s.shape[1:])) if s.shape else s, signature)
