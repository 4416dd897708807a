"""Calls on a model's symbolic inputs, as the functional API records them.

A tensor made by ``Input`` has a history, and so has everything computed from it by layers and ops: the
:class:`Call` that gave it. Inside a call nothing is remembered: layers and ops run there on tensors without history.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from amalthea import tree
from amalthea.configurable import Configurable, auto_name, snake_case
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import Trace, type_of
from amalthea.engine.ir.variable import Variable
from amalthea.engine.transforms import remat
from amalthea.errors import ArgumentError


class Operation(Configurable):
    """A function of tensors with a name and a configuration, which the functional API records; the base of layers.

    A subclass overrides ``call``. It may override ``compute_output_spec`` too, if its shapes cannot be found by running
    ``call`` on symbolic tensors.

    Args:
        name: str; name in models and files. Defaults to None, which makes one from the class name.

    Shapes: those of ``call``; the base class takes and returns tensors of any shape.

    Example:
        >>> from amalthea import Input, Model, Operation, ops
        >>> class Power(Operation):
        ...     def __init__(self, exponent, name=None):
        ...         super().__init__(name=name)
        ...         self.exponent = exponent
        ...     def call(self, x):
        ...         return ops.power(x, self.exponent)
        >>> x = Input((3,))
        >>> Model(x, Power(2)(x)).output_shape
        (None, 3)
    """

    name: str
    _calls: list[Call]
    _is_start = False  # whether a model's data begin here

    def __init__(self, name: str | None = None):
        self.name = name or auto_name(snake_case(type(self).__name__))
        self._calls = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_remembers(args, kwargs):
            return record(self, self.symbolic_call, args, kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the output; a subclass overrides it.

        Args:
            *args: tensors or nested lists, tuples and dicts of them.
            **kwargs: further arguments.

        Shapes: any shape; a subclass decides.

        Raises:
            NotImplementedError: the class does not override the method.

        Example:
            >>> import numpy as np
            >>> from amalthea import Operation
            >>> class Double(Operation):
            ...     def call(self, x):
            ...         return x * 2
            >>> Double()(np.array([1.0])).tolist()
            [2.0]
        """
        raise NotImplementedError(f"{type(self).__name__} has no call method.")

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns symbolic tensors with the shapes and dtypes that a call would give, without computing values.

        Args:
            *args: arguments of the call; symbolic tensors or arrays.
            **kwargs: arguments of the call by name.

        Shapes: inputs and outputs of the call.

        Example:
            >>> from amalthea import KerasTensor, Operation
            >>> class Double(Operation):
            ...     def call(self, x):
            ...         return x * 2
            >>> Double().compute_output_spec(KerasTensor((None, 3))).shape
            (None, 3)
        """
        return record(Unnamed("spec"), self.call, args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Does the same as :meth:`compute_output_spec`; ``__call__`` uses it for symbolic tensors.

        Args:
            *args: arguments of the call; symbolic tensors or arrays.
            **kwargs: arguments of the call by name.

        Shapes: inputs and outputs of the call.

        Example:
            >>> from amalthea import KerasTensor, Operation
            >>> class Double(Operation):
            ...     def call(self, x):
            ...         return x * 2
            >>> Double().symbolic_call(KerasTensor((None, 3))).shape
            (None, 3)
        """
        if type(self).compute_output_spec is not Operation.compute_output_spec:
            return self.compute_output_spec(*args, **kwargs)
        return self.call(*args, **kwargs)

    def rematerialized_call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Returns a function under :func:`~amalthea.remat`: it computes its intermediate values again for gradients.

        Args:
            fn: callable; the function.
            *args: arguments that it will be called with.
            **kwargs: arguments by name.

        Example:
            >>> from amalthea import Operation, ops
            >>> float(Operation().rematerialized_call(ops.square)(3.0))
            9.0
        """
        return remat(fn)

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the output with quantized weights; an operation without weights computes as ever.

        Args:
            *args: arguments of the call.
            **kwargs: arguments of the call by name.

        Shapes: inputs and outputs of the call.

        Example:
            >>> import numpy as np
            >>> from amalthea import Function, KerasTensor
            >>> x = KerasTensor((None,))
            >>> float(Function(x, x * 2).quantized_call(np.float32([3.0]))[0])
            6.0
        """
        return self.call(*args, **kwargs)

    @property
    def input(self) -> Any:
        """The symbolic input of the only symbolic call; of an ``Input`` the tensor itself."""
        call = self._only_call()
        return call.args[0] if call.args else call.outputs

    @property
    def output(self) -> Any:
        """The symbolic output of the only symbolic call."""
        return self._only_call().outputs

    def _only_call(self) -> Call:
        if len(self._calls) == 1:
            return self._calls[0]
        raise ArgumentError(
            f"'{self.name}' has no single input and output.",
            expected="one call on symbolic tensors",
            got=f"{len(self._calls)} calls",
            cure="call it on one Input(...)",
        )


class Unnamed(Operation):
    """An operation that stands for a call that nobody looks up."""

    _is_start = True

    def __init__(self, name: str):
        self.name, self._calls = name, []


class FunctionOperation(Operation):
    """A public op, called once."""

    def __init__(self, function: Callable[..., Any]):
        self.name, self._calls = function.__name__, []
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class Call:
    """One call of an operation, and the tensors that it gave."""

    def __init__(self, operation: Operation, args: Sequence[Any], kwargs: dict[str, Any], outputs: Any):
        self.operation = operation
        self.args = tuple(args)
        self.kwargs = kwargs
        self.outputs = outputs
        for i, tensor in enumerate(x for x in tree.flatten(outputs) if isinstance(x, Tensor)):
            tensor.history = History(self, i)
        operation._calls.append(self)

    def run(self, known: dict[Tensor, Any]) -> None:
        """Call the operation on known values, and put its outputs beside them."""
        args, kwargs = tree.map_structure(lambda x: _known(x, known), (list(self.args), self.kwargs))
        outputs = self.operation(*args, **kwargs)
        flat = [x for x in tree.flatten(self.outputs) if isinstance(x, Tensor)]
        known.update(zip(flat, (v for v in tree.flatten(outputs) if v is not None)))

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors with history among the arguments."""
        return [x for x in tree.flatten([self.args, self.kwargs]) if remembers(x)]


def _known(x: Any, known: dict[Tensor, Any]) -> Any:
    return known[x] if isinstance(x, Tensor) and x in known else x


class History(NamedTuple):
    """The call that made a tensor, and the index of the tensor among its outputs."""

    call: Call
    index: int  # shadows the tuple's method, which nobody asks for


def remembers(value: Any) -> bool:
    """True for a tensor that comes from a model's inputs."""
    return type(value) is Tensor and value.history is not None


def any_remembers(args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """True if any argument, at any depth, is such a tensor."""
    for value in (*args, *kwargs.values()):
        if type(value) is Tensor:
            if value.history is not None:
                return True
        elif isinstance(value, (list, tuple, dict)) and any(map(remembers, tree.flatten(value))):
            return True
    return False


outlining: ContextVar[bool] = ContextVar("outlining", default=False)  # whether a call is made for its types alone


@contextmanager
def types_alone() -> Generator[None, None, None]:
    """A trace of which nothing is computed: calls inside are made for the types of what they give."""
    token = outlining.set(True)
    try:
        with Trace():
            yield
    finally:
        outlining.reset(token)


class Run:
    """The values of symbolic tensors while their model runs.

    A function may use a symbolic tensor of the model that it does not get as an argument: a loss that closes over the
    mean of an autoencoder's code. Inside a run such a tensor stands for its value.
    """

    def __init__(self, values: dict[Tensor, Any], parent: Run | None = None):
        self.values, self.parent = values, parent

    def resolved(self, structure: Any) -> Any:
        """Arguments with values in place of symbolic tensors; None if one depends on an input that is not known."""
        found = [x for x in tree.flatten(structure) if remembers(x)]
        if not all(map(self._computes, found)):
            return self.parent.resolved(structure) if self.parent is not None else None
        return tree.map_structure(lambda x: self.values[x] if remembers(x) else x, structure)

    def _computes(self, x: Tensor) -> bool:
        """Compute the value of a tensor from those that are known; False if it rests on another model's inputs."""
        stack = [x]
        while stack:
            call = stack[-1].history.call
            missing = [y for y in call.inputs if y not in self.values]
            if stack[-1] in self.values or not missing:
                found = stack.pop()
                if found not in self.values:
                    if call.operation._is_start:
                        return False
                    call.run(self.values)
            else:
                stack += missing
        return True


_run: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def running(values: dict[Tensor, Any] | None = None) -> Generator[None, None, None]:
    """A run in which the values of these tensors are known; at its end the run around it knows them too."""
    outer = _run.get()
    run = Run({} if values is None else values, outer)
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)
    if outer is not None:
        outer.values.update(run.values)


def record(operation: Operation, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Find out what ``function`` would give for these symbolic arguments, and remember it as one call.

    While the model of the arguments runs, compute the operation on their values instead.
    """
    run = _run.get()
    if run is not None and not isinstance(operation, Unnamed) and any_remembers(args, kwargs):
        known = run.resolved((list(args), kwargs))
        if known is not None:
            return operation(*known[0], **known[1])
    with types_alone():
        inner_args, inner_kwargs = tree.map_structure(forgetful, (list(args), kwargs))
        outputs = function(*inner_args, **inner_kwargs)
    outputs = tree.map_structure(lambda x: forgetful(_tensor(x)), outputs)
    Call(operation, args, kwargs, outputs)
    return outputs


def _tensor(value: Any) -> Any:
    """A tensor of the type of a variable or an array, which a call may return whatever its inputs are."""
    return Tensor(type_of(value)) if isinstance(value, (Variable, np.ndarray)) else value


def forgetful(value: Any) -> Any:
    """A tensor of the same type (and mask) that comes from nowhere."""
    if not isinstance(value, Tensor):
        return value
    copy = Tensor(value.type, name=value.name)
    mask = mask_of(value)
    if mask is not None:
        set_mask(copy, Tensor(mask.type))
    return copy
