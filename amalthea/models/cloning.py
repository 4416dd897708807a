"""Copies of models, with new weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from amalthea import tree
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import type_of
from amalthea.errors import ArgumentError
from amalthea.layers.copying import copied
from amalthea.layers.input_layer import Input, InputLayer
from amalthea.layers.layer import Layer
from amalthea.models.model import Model
from amalthea.models.sequential import Sequential
from amalthea.operation import remembers


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """Creates a model of copies of the same layers, with new weights.

    The copy is not compiled.

    Args:
        model: Sequential or functional model; or an instance of a subclass that can be made from its configuration, for
            which no other argument may be given.
        input_tensors: symbolic tensors or arrays nested like ``model.input``, or None; inputs of the copy. Of an array
            the shape and dtype are taken. Defaults to None, new inputs like those of the model.
        clone_function: function ``layer -> layer`` or None; returns the copy of each layer but inputs. A layer that is
            called several times is copied once. Defaults to None, a layer of the same configuration.
        call_function: function ``(layer, *args, **kwargs) -> output`` or None; calls the copied layers of a functional
            model. Defaults to None, which calls them.
        recursive: bool; whether the functions also apply to the layers within nested models. Defaults to False: a
            nested model is one layer.
        **kwargs: ``cache``, accepted as in Keras.

    Returns:
        A model of the same class.

    Raises:
        ArgumentError: an argument has no meaning for this kind of model, or the inputs do not fit.

    Example:
        >>> from amalthea import layers, models
        >>> model = models.Sequential([layers.Input((3,)), layers.Dropout(0.1)])
        >>> def stronger(layer):
        ...     return layers.Dropout(0.5)
        >>> models.clone_model(model, clone_function=stronger).layers[0].rate
        0.5
    """
    unknown = set(kwargs) - {"cache"}
    if unknown:
        raise ArgumentError(f"clone_model has no argument {min(unknown)!r}.", got=", ".join(sorted(unknown)))
    if isinstance(model, Sequential) and call_function is not None:
        raise ArgumentError(
            "Layers of a Sequential model are called one after the other, so `call_function` has no use.",
            got=f"the Sequential model '{model.name}'",
            cure="clone_function, or a functional model",
        )
    clone = _copier(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        return _sequential(model, input_tensors, clone)
    if type(model) is Model and model._network is not None:
        return _functional(model, input_tensors, clone, call_function)
    if any(x is not None for x in (input_tensors, clone_function, call_function)):
        raise ArgumentError(
            f"Model '{model.name}' is not made of symbolic calls alone, so its layers cannot be exchanged.",
            expected="a Sequential model, or Model(inputs, outputs)",
            got=type(model).__name__,
            cure="clone_model(model) alone",
        )
    return copied(model)


def _copier(clone_function: Any, call_function: Any, recursive: bool) -> Callable[[Layer], Layer]:
    def clone(layer: Layer) -> Layer:
        if isinstance(layer, InputLayer):
            return copied(layer)
        if isinstance(layer, Model) and (recursive or clone_function is None):
            if not recursive:
                return clone_model(layer)
            calls = None if isinstance(layer, Sequential) else call_function
            return clone_model(layer, clone_function=clone_function, call_function=calls, recursive=True)
        return copied(layer) if clone_function is None else clone_function(layer)

    return clone


def _sequential(model: Sequential, input_tensors: Any, clone: Callable[[Layer], Layer]) -> Any:
    layers = [clone(layer) for layer in model._stack]
    if input_tensors is not None:
        given = tree.flatten(input_tensors)
        if len(given) != 1:
            raise ArgumentError("A Sequential model has one input.", expected=1, got=len(given))
        x = _begin(given[0])
        if not isinstance(x.history.call.operation, InputLayer):
            raise ArgumentError(
                "A Sequential model begins at an Input.",
                got=f"the output of '{x.history.call.operation.name}'",
                cure="Input(shape), or the functional API",
            )
        layers = [x.history.call.operation, *(layer for layer in layers if not isinstance(layer, InputLayer))]
    made = type(model)(layers, name=model.name)
    made._trainable = model._trainable
    return made


def _functional(model: Model, input_tensors: Any, clone: Callable[[Layer], Layer], call_function: Any) -> Any:
    network: Any = model._network
    begins = [clone(x.history.call.operation).output for x in network.flat_inputs] if input_tensors is None else None
    given = begins or [_begin(x) for x in tree.flatten(input_tensors)]
    if len(given) != len(network.flat_inputs):
        raise ArgumentError(
            f"Model '{model.name}' has another number of inputs.", expected=len(network.flat_inputs), got=len(given)
        )
    known = dict(zip(network.flat_inputs, given))
    made: dict[Any, Any] = {}
    for call in network.calls:
        operation, outputs = call.operation, [x for x in tree.flatten(call.outputs) if isinstance(x, Tensor)]
        if all(x in known for x in outputs):
            continue
        if operation not in made:
            made[operation] = clone(operation) if isinstance(operation, Layer) else operation
        args, kwargs = tree.map_structure(lambda x: _replaced(x, known), (list(call.args), call.kwargs))
        is_called = call_function is not None and isinstance(operation, Layer)
        call_it: Any = functools.partial(call_function, made[operation]) if is_called else made[operation]  # type: ignore[arg-type]
        new = call_it(*args, **kwargs)
        known.update(zip(outputs, (x for x in tree.flatten(new) if isinstance(x, Tensor))))
    inputs, outputs = (tree.map_structure(lambda x: known[x], x) for x in (network.inputs, network.outputs))
    copy = Model(inputs, outputs, name=model.name)
    copy._trainable = model._trainable
    return copy


def _replaced(x: Any, known: dict[Tensor, Any]) -> Any:
    return known.get(x, x) if isinstance(x, Tensor) else x


def _begin(value: Any) -> Any:
    """A symbolic tensor as it is, or an Input for arrays like this one."""
    if remembers(value):
        return value
    if not hasattr(value, "shape") or not hasattr(value, "dtype") or not len(value.shape):
        raise ArgumentError(
            "A model begins at symbolic tensors.", expected="Input(shape), or an array", got=repr(value)
        )
    found = type_of(value)
    return Input(batch_shape=(None, *found.shape[1:]), dtype=found.dtype)
