"""``K.function``, ``K.gradients`` and updates of variables: graphs between symbolic tensors, compiled.

A gradient is a call like any other, on the loss and on the tensors that it is taken with respect to. When the graph is
traced, both are tensors of one trace, and :func:`backward` walks between them.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from amalthea import ops, tree
from amalthea.compat.backend.phases import current_phase, is_learning_phase
from amalthea.compat.backend.symbols import as_symbol, is_at_top
from amalthea.engine import dtypes
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import as_tensor, on_host
from amalthea.engine.ir.variable import Variable
from amalthea.engine.passes.gradient import backward
from amalthea.engine.transforms import jit
from amalthea.errors import ArgumentError, TraceError, brief
from amalthea.layers import calling
from amalthea.models.functional.network import Network
from amalthea.operation import Operation, record, remembers, running

_later: ContextVar[list[Any] | None] = ContextVar("later", default=None)


class Function:
    """A compiled function from placeholders and inputs of models to symbolic tensors.

    Args:
        inputs: list of symbolic tensors; may hold the learning phase.
        outputs: symbolic tensor, or list of them.
        updates: list of updates of variables, and of pairs of a variable and its new value. Defaults to None.
        name: str; accepted as in Keras and not used.

    Raises:
        ArgumentError: the outputs depend on a tensor that is not among the inputs.

    Example:
        >>> from amalthea.compat import backend as K
        >>> x = K.placeholder(ndim=1)
        >>> total = K.variable(0.0)
        >>> add = K.function([x], [K.sum(x)], updates=[K.update_add(total, K.sum(x))])
        >>> add([[1.0, 2.0]])[0].tolist(), float(K.get_value(total))
        (3.0, 3.0)
    """

    def __init__(self, inputs: Any, outputs: Any, updates: Any = None, name: str | None = None):
        self.inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        self.outputs = outputs
        self.name = name
        several = [as_symbol(x) for x in tree.flatten(outputs)]
        self._count = len(several)
        changes = [as_symbol(update(*u) if isinstance(u, (list, tuple)) else u) for u in _listed(updates)]
        self._network = Network([x for x in self.inputs if not is_learning_phase(x)], [*several, *changes])
        self._compiled = jit(self._compute)

    def _compute(self, values: list[Any], training: bool) -> list[Any]:
        with calling.training_mode(training), running(), _updates_at_the_end(), _kept(self._network):
            return [ops.convert_to_tensor(x) for x in self._network.run(values)][: self._count]

    def __call__(self, inputs: Any = ()) -> Any:
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(given) != len(self.inputs):
            raise ArgumentError(
                f"The function takes {len(self.inputs)} inputs.", expected=len(self.inputs), got=len(given)
            )
        training: Any = current_phase()
        values = []
        for symbol, value in zip(self.inputs, given):
            if is_learning_phase(symbol):
                training = np.asarray(value).reshape(-1)[0]
            else:
                values.append(_array(value, symbol))
        found = [on_host(x) for x in self._compiled(values, bool(training))]
        return tree.pack_sequence_as(self.outputs, found) if tree.is_nested(self.outputs) else found[0]


def _array(value: Any, symbol: Tensor) -> Any:
    value = value.value if isinstance(value, Variable) else value
    if isinstance(value, Tensor):
        raise ArgumentError(
            "A function of K takes arrays.", expected="arrays", got=brief(value), cure="K.function(...)([array])"
        )
    return value if hasattr(value, "shape") else np.asarray(value, dtypes.to_numpy(symbol.dtype))


def _listed(updates: Any) -> list[Any]:
    """Updates as a list: of tensors, and of pairs of a variable and its new value."""
    found: list[Any] = []
    for entry in updates or []:
        pair = isinstance(entry, (list, tuple)) and len(entry) == 2 and isinstance(entry[0], Variable)
        if isinstance(entry, (list, tuple)) and not pair:
            found += _listed(entry)
        elif entry is not None:
            found.append(entry)
    return found


@contextmanager
def _updates_at_the_end() -> Generator[None, None, None]:
    """Updates inside are made after everything is computed: all of them from the old values."""
    token = _later.set([])
    try:
        yield
        for change in _later.get() or []:
            change()
    finally:
        _later.reset(token)


@contextmanager
def _kept(network: Network) -> Generator[None, None, None]:
    """Weights that layers change by themselves, such as moving averages, stay: a function makes its updates alone."""
    weights = {id(w): w for layer in network.layers for w in layer.non_trainable_weights}
    before = [(w, w.value) for w in weights.values()]
    yield
    for weight, value in before:
        weight.assign(value)


def function(inputs: Any, outputs: Any, updates: Any = None, name: str | None = None, **kwargs: Any) -> Function:
    """Returns a compiled function from symbolic tensors to symbolic tensors: a :class:`Function`.

    Args:
        inputs: list of symbolic tensors: placeholders, inputs of models, ``K.learning_phase()``.
        outputs: symbolic tensor, or list of them.
        updates: list of updates, and of pairs of a variable and its new value. Defaults to None, no updates.
        name: str; accepted as in Keras and not used.
        **kwargs: options of Theano and of TensorFlow's sessions, which have no effect here.

    Raises:
        ArgumentError: the outputs depend on a tensor that is not among the inputs.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers
        >>> from amalthea.compat import backend as K
        >>> model = Sequential([layers.Input((2,)), layers.Dense(3, kernel_initializer="ones"), layers.Dense(1)])
        >>> hidden = K.function([model.input], [model.layers[0].output])
        >>> hidden([np.ones((1, 2))])[0].tolist()
        [[2.0, 2.0, 2.0]]
    """
    return Function(inputs, outputs, updates, name)


# ------------------------------------------------------------------------------------------------ gradients


class Gradients(Operation):
    """The gradients of a loss with respect to tensors and variables."""

    def call(self, loss: Any, wrt: Sequence[Any]) -> list[Any]:
        if not isinstance(loss, Tensor):
            raise TraceError(
                "K.gradients differentiates a graph; there is none between arrays.",
                expected="a call that is compiled",
                got=brief(loss),
                cure="model.predict(x), K.function(...), or amalthea.jit around the call",
            )
        start = ops.broadcast_to(ops.ones((), dtype=loss.dtype), loss.type.shape)
        values = [as_tensor(x.value if isinstance(x, Variable) else x) for x in wrt]
        if all(isinstance(x, Variable) for x in wrt):
            return backward([loss], [start], values)
        return [backward([loss], [start], [x])[0] for x in values]  # one may be computed from another

    @staticmethod
    def types(loss: Any, wrt: Sequence[Any]) -> list[Tensor]:
        """Tensors of the types of what is differentiated."""
        return [Tensor(x.type) for x in wrt]


def gradients(loss: Any, variables: Any) -> list[Any]:
    """Returns the gradients of a loss with respect to tensors and variables.

    The elements of a loss that is not a scalar are added up. It works on symbolic tensors of models, and inside a
    layer's call (a ``Lambda``, say) when the model around is compiled: by ``fit``, ``predict`` or ``K.function``.

    Args:
        loss: tensor.
        variables: tensor or variable, or list of them.

    Shapes: any shape -> the shapes of ``variables``.

    Returns: a list of tensors; None for one that the loss does not depend on.

    Raises:
        TraceError: the loss is an array, which does not remember how it was computed.

    Example:
        >>> from amalthea.compat import backend as K
        >>> x = K.placeholder(ndim=1)
        >>> slope = K.gradients(K.sum(K.square(x)), [x])[0]
        >>> K.function([x], [slope])([[3.0]])[0].tolist()
        [6.0]
    """
    wrt = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    if not any(map(remembers, [loss, *wrt])):
        return Gradients("gradients").call(loss, wrt)
    if not is_at_top():
        return record(Gradients("gradients"), Gradients.types, (loss, wrt), {})
    before = _before(loss) if remembers(loss) else set()
    kept = [x for x in wrt if x in before]
    made = iter(record(Gradients("gradients"), Gradients.types, (loss, kept), {}) if kept else ())
    return [next(made) if x in before else None for x in wrt]


def _before(loss: Tensor) -> set[Any]:
    """The symbolic tensors from which a loss is computed, itself among them, and the variables that are read."""
    found: set[Tensor] = {loss}
    read: set[Any] = set()
    stack = [loss]
    while stack:
        call = stack.pop().history.call
        holder = call.operation
        own = getattr(holder, "variables", None) or [getattr(holder, "variable", None)]
        read |= {v for v in [*own, *tree.flatten([list(call.args), call.kwargs])] if isinstance(v, Variable)}
        new = [x for x in call.inputs if x not in found]
        found.update(new)
        stack += new
    return found | read


# -------------------------------------------------------------------------------------------------- updates


class Update(Operation):
    """An assignment of a variable, made when the graph around it runs."""

    def __init__(self, variable: Variable):
        self.name, self._calls, self.variable = "update", [], variable

    def call(self, value: Any) -> Any:
        later = _later.get()
        if later is None:
            self.variable.assign(value)
        else:
            later.append(lambda: self.variable.assign(value))
        return ops.convert_to_tensor(value)


def update(x: Any, new_x: Any) -> Any:
    """Returns an update of a variable, for ``updates`` of ``K.function``; inside a model's call, makes it at once.

    Args:
        x: variable.
        new_x: tensor, array or number; its new value.

    Shapes: any shape -> that of the variable.

    Raises:
        ArgumentError: ``x`` is not a variable.

    Example:
        >>> from amalthea.compat import backend as K
        >>> v = K.variable(1.0)
        >>> step = K.function([], [v], updates=[K.update(v, v + 1.0)])
        >>> step([])[0].tolist(), float(K.get_value(v))
        (1.0, 2.0)
    """
    if not isinstance(x, Variable):
        raise ArgumentError("Only a variable can be updated.", expected="a variable", got=brief(x))
    if not is_at_top():
        x.assign(new_x)
        return x
    value = ops.broadcast_to(ops.cast(as_symbol(new_x), x.dtype), x.shape)
    return Update(x)(value)


def update_add(x: Any, increment: Any) -> Any:
    """Returns an update that adds to a variable; see :func:`update`.

    Args:
        x: variable.
        increment: tensor, array or number.

    Shapes: any shape -> that of the variable.

    Example:
        >>> from amalthea.compat import backend as K
        >>> v = K.variable(1.0)
        >>> step = K.function([], [], updates=[K.update_add(v, 2.0)])
        >>> step([]), float(K.get_value(v))
        ([], 3.0)
    """
    return update(x, ops.add(as_symbol(x) if is_at_top() else x, increment))


def update_sub(x: Any, decrement: Any) -> Any:
    """Returns an update that subtracts from a variable; see :func:`update`.

    Args:
        x: variable.
        decrement: tensor, array or number.

    Shapes: any shape -> that of the variable.

    Example:
        >>> from amalthea.compat import backend as K
        >>> v = K.variable(1.0)
        >>> K.eval(K.update_sub(v, 2.0)).tolist()
        -1.0
    """
    return update(x, ops.subtract(as_symbol(x) if is_at_top() else x, decrement))


def moving_average_update(x: Any, value: Any, momentum: Any) -> Any:
    """Returns an update to the moving average ``momentum * x + (1 - momentum) * value``; see :func:`update`.

    Args:
        x: variable.
        value: tensor, array or number.
        momentum: float from 0 to 1.

    Shapes: any shape -> that of the variable.

    Example:
        >>> from amalthea.compat import backend as K
        >>> v = K.variable(1.0)
        >>> K.eval(K.moving_average_update(v, 3.0, 0.5)).tolist()
        2.0
    """
    old = as_symbol(x) if is_at_top() else x
    return update(x, ops.add(ops.multiply(old, momentum), ops.multiply(value, 1.0 - momentum)))


class OptimizerStep(Operation):
    """One update of parameters by an optimizer, made when the graph around it runs."""

    def __init__(self, optimizer: Any, parameters: Sequence[Variable]):
        self.name, self._calls, self.optimizer, self.parameters = "optimizer_step", [], optimizer, list(parameters)

    def call(self, loss: Any) -> Any:
        found = Gradients("gradients").call(loss, self.parameters)
        later = _later.get()
        if later is None:
            self.optimizer.apply(found, self.parameters)
        else:
            later.append(lambda: self.optimizer.apply(found, self.parameters))
        return loss


def optimizer_updates(optimizer: Any, loss: Any, params: Sequence[Variable]) -> list[Any]:
    """Returns the updates of an optimizer for ``K.function``: ``optimizer.get_updates`` of Keras 1 and 2.

    Args:
        optimizer: optimizer.
        loss: symbolic tensor.
        params: list of variables to train.

    Shapes: () for the loss.

    Example:
        >>> from amalthea import optimizers
        >>> from amalthea.compat import backend as K
        >>> v = K.variable([2.0])
        >>> loss = K.sum(K.square(v))
        >>> step = K.function([], [loss], updates=K.optimizer_updates(optimizers.SGD(0.25), loss, [v]))
        >>> step([])[0].tolist(), K.get_value(v).tolist()
        (4.0, [1.0])
    """
    optimizer.build(list(params))
    return [OptimizerStep(optimizer, params)(as_symbol(loss))]
