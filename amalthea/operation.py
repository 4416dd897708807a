"""Calls on a model's symbolic inputs, as the functional API records them.

A tensor made by ``Input`` has a history, and so has everything computed from it by layers and ops: the
:class:`Call` that gave it. Inside a call nothing is remembered: layers and ops run there on tensors without history.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from amalthea import tree
from amalthea.engine.ir.masks import mask_of, set_mask
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import Trace


class Operation:
    """Something that was called on symbolic tensors: a layer, or an op."""

    name: str
    _calls: list[Call]

    def __init__(self, name: str):
        self.name = name
        self._calls = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"'{self.name}' only stands for a call.")


class FunctionOperation(Operation):
    """A public op, called once."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__(function.__name__)
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

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors with history among the arguments."""
        return [x for x in tree.flatten([self.args, self.kwargs]) if remembers(x)]


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


def record(operation: Operation, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Find out what ``function`` would give for these symbolic arguments, and remember it as one call."""
    with types_alone():
        inner_args, inner_kwargs = tree.map_structure(forgetful, (list(args), kwargs))
        outputs = function(*inner_args, **inner_kwargs)
    outputs = tree.map_structure(forgetful, outputs)
    Call(operation, args, kwargs, outputs)
    return outputs


def forgetful(value: Any) -> Any:
    """A tensor of the same type (and mask) that comes from nowhere."""
    if not isinstance(value, Tensor):
        return value
    copy = Tensor(value.type, name=value.name)
    mask = mask_of(value)
    if mask is not None:
        set_mask(copy, Tensor(mask.type))
    return copy
