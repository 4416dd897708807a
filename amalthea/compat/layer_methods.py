"""Methods and attributes of layers in Keras 1 and 2, which layers are given while old Keras is read."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from amalthea import ops, tree
from amalthea.compat import backend as K
from amalthea.compat import eras, old_weights, spelling
from amalthea.compat.attaching import attach, detach
from amalthea.compat.calls import takes_name
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError
from amalthea.layers import BatchNormalization, Lambda, Layer, building
from amalthea.layers.weights import Weights
from amalthea.models.model import unless_set

_ORDER_1 = ("shape", "initializer", "name", "trainable", "regularizer", "constraint")
_ORDER_2 = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")


def install() -> None:
    """Gives layers the methods of old."""
    if "get_output_at" not in vars(Layer):
        attach(Layer, {**_METHODS, **{name: unless_set(read) for name, read in _ATTRIBUTES.items()}})
        attach(Lambda, {"call": _alone(Lambda.call)})
        attach(BatchNormalization, {"_learn": _unbiased(BatchNormalization._learn)})


def uninstall() -> None:
    """Takes them back."""
    detach(Layer, Lambda, BatchNormalization)


def _alone(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a Lambda may return a list of one tensor, as ``K.gradients`` does: it is the tensor."""

    @functools.wraps(call)
    def called(self: Any, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        outputs = call(self, inputs, mask=mask, training=training)
        return outputs[0] if eras.era() < 3 and isinstance(outputs, list) and len(outputs) == 1 else outputs

    return called


def _unbiased(learn: Callable[..., Any]) -> Callable[..., Any]:
    """The moving variance of Keras 2 moves towards ``variance * n / (n - 1 - epsilon)`` of a batch of n values."""

    @functools.wraps(learn)
    def learnt(self: Any, x: Any, mean: Any, variance: Any) -> None:
        if eras.era() == 2:
            count = ops.cast(ops.divide(ops.size(x), x.shape[self.axis]), variance.dtype)
            variance = ops.multiply(variance, ops.divide(count, ops.subtract(count, 1.0 + self.epsilon)))
        learn(self, x, mean, variance)

    return learnt


# ------------------------------------------------------------------------------------------ calls


def _call_at(layer: Any, node_index: int) -> Any:
    calls = layer._calls
    if not -len(calls) <= node_index < len(calls):
        raise ArgumentError(
            f"Layer '{layer.name}' has no call of this number.", expected=f"0 to {len(calls) - 1}", got=node_index
        )
    return calls[node_index]


def get_output_at(self: Any, node_index: int) -> Any:
    """The symbolic output of a call of the layer.

    Args:
        node_index: int; number of the call, from 0.

    Raises:
        ArgumentError: there is no such call.
    """
    return _call_at(self, node_index).outputs


def get_input_at(self: Any, node_index: int) -> Any:
    """The symbolic input of a call of the layer.

    Args:
        node_index: int; number of the call, from 0.

    Raises:
        ArgumentError: there is no such call.
    """
    call = _call_at(self, node_index)
    return call.args[0] if call.args else call.outputs


def _shapes(value: Any) -> Any:
    found = tree.map_structure(building.public_shape, value)
    return found if isinstance(value, (list, tuple, dict)) else tuple(found)


def get_output_shape_at(self: Any, node_index: int) -> Any:
    """The shape of the output of a call of the layer."""
    return _shapes(get_output_at(self, node_index))


def get_input_shape_at(self: Any, node_index: int) -> Any:
    """The shape of the input of a call of the layer."""
    return _shapes(get_input_at(self, node_index))


def get_output_shape_for(self: Any, input_shape: Any) -> Any:
    """``compute_output_shape`` under its name in Keras 1."""
    spelling.note("get_output_shape_for", "compute_output_shape")
    return self.compute_output_shape(input_shape)


def reset_states(self: Any, states: Any = None) -> None:
    """Sets the state of a stateful layer to zeros, or to given values.

    Args:
        states: array or list of arrays. Defaults to None, zeros.
    """
    spelling.note("reset_states", "reset_state")
    self.reset_state()
    if states is not None:
        for variable, value in zip(tree.flatten(self.states), tree.flatten(states)):
            variable.assign(value)


def add_loss(self: Any, losses: Any, inputs: Any = None) -> None:
    """``add_loss``; the inputs on which a loss depends are not needed.

    Args:
        losses: tensor, or list of tensors.
        inputs: not needed.
    """
    _TODAY["add_loss"](self, losses)


def add_update(self: Any, updates: Any, inputs: Any = None) -> None:
    """Does nothing: assignments to variables are found by the step itself.

    Args:
        updates: not used.
        inputs: not used.
    """


def nothing_for(self: Any, inputs: Any = None) -> list[Any]:
    """An empty list: no update or loss is kept by its input.

    Args:
        inputs: not used.
    """
    return []


# ---------------------------------------------------------------------------------------- weights


def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
    """``add_weight`` with the order of arguments of Keras 1 and of Keras 2, which began with the name.

    Args:
        *args: arguments by position.
        **kwargs: arguments by name.
    """
    if args and isinstance(args[0], str):
        kwargs.update(zip(_ORDER_2, args))
    elif eras.era() == 1:
        kwargs.update(zip(_ORDER_1, args))
    else:
        kwargs.update(zip(list(inspect.signature(_TODAY["add_weight"]).parameters)[1:], args))
    kwargs["initializer"] = takes_name(kwargs.get("initializer"))
    return _TODAY["add_weight"](self, **kwargs)


def _drawing(initializer: Any) -> Callable[..., Any]:
    """An initializer as a function of Keras 1: of the shape and the name of the variable that it makes."""
    return lambda shape, name=None: K.variable(initializer(tuple(shape)), name=name)


def _settable(name: str) -> Any:
    today: Any = getattr(Weights, name)

    def assign(self: Any, variables: Iterable[Variable]) -> None:
        """Makes listed variables weights of the layer, as custom layers of Keras 1 ask by assigning a list."""
        listed = [v for v in variables if isinstance(v, Variable)]
        self._own += [v for v in listed if not any(v is x for x in self._own)]
        for variable in listed:
            variable.trainable = name == "trainable_weights"

    return property(today.fget, assign, doc=today.__doc__)


def _of_layer_or_cell(layer: Any, name: str) -> Any:
    return getattr(getattr(layer, "cell", layer), name)


_TODAY: dict[str, Callable[..., Any]] = {name: getattr(Layer, name) for name in ("add_loss", "add_weight")}
_METHODS: dict[str, Any] = {
    function.__name__: function
    for function in (
        get_output_at, get_input_at, get_output_shape_at, get_input_shape_at, get_output_shape_for, reset_states,
        add_loss, add_update, add_weight, old_weights.get_weights, old_weights.set_weights,
    )
}  # fmt: skip
_METHODS.update({name: _settable(name) for name in ("trainable_weights", "non_trainable_weights")})
_METHODS.update(get_updates_for=nothing_for, get_losses_for=nothing_for)
# Attributes, which one of the same name on a layer hides.
_ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "output_shape": lambda layer: get_output_shape_at(layer, 0),
    "input_shape": lambda layer: get_input_shape_at(layer, 0),
    "inbound_nodes": lambda layer: layer._calls,
    "_inbound_nodes": lambda layer: layer._calls,
    "uses_learning_phase": lambda layer: False,
    "initial_weights": lambda layer: None,  # `weights=` of the constructor is set without the layer's help
    "output_dim": lambda layer: layer.units,
    "nb_filter": lambda layer: layer.filters,
    "inner_activation": lambda layer: layer.recurrent_activation,
    "init": lambda layer: _drawing(layer.kernel_initializer),
    "inner_init": lambda layer: _drawing(layer.recurrent_initializer),
    "W": lambda layer: _of_layer_or_cell(layer, "kernel"),
    "U": lambda layer: _of_layer_or_cell(layer, "recurrent_kernel"),
    "b": lambda layer: _of_layer_or_cell(layer, "bias"),
    **old_weights.ATTRIBUTES,
}
