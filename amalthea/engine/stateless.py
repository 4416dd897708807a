"""Running a function that assigns variables as a pure function of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from amalthea.engine import dtypes
from amalthea.engine.ir import versions
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.trace import Trace, as_tensor, runtime_array, type_of
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError


def call_stateless(
    function: Callable[[], Any], variables: Sequence[Variable], values: Sequence[Any]
) -> tuple[Any, list[Any]]:
    """Call ``function()`` with variables set to the given values; return its result and the variables' new values.

    The variables themselves do not change, inside a trace or outside.

    Raises:
        ArgumentError: the numbers of variables and values differ.
    """
    if len(variables) != len(values):
        raise ArgumentError("Each variable needs a value.", expected=len(variables), got=len(values))
    trace = current_trace()
    known = _in_trace(_root(trace), variables, values) if trace else versions.apart(_arrays(variables, values))
    with known:
        result = function()
        return result, [v.value for v in variables]


def _root(trace: Trace) -> Trace:
    return _root(trace.parent) if trace.parent else trace


def _arrays(variables: Sequence[Variable], values: Sequence[Any]) -> dict[Variable, Any]:
    return {v: runtime_array(value, v.dtype) for v, value in zip(variables, values)}


@contextmanager
def _in_trace(trace: Trace, variables: Sequence[Variable], values: Sequence[Any]) -> Iterator[None]:
    mark, before = trace.mark(), {v: trace.values[v] for v in variables if v in trace.values}
    trace.values.update((v, as_tensor(value)) for v, value in zip(variables, values))
    try:
        yield
    finally:
        for variable in variables:
            del trace.values[variable]
        trace.values.update(before)
        own = set(variables)
        trace.log[mark:] = [entry for entry in trace.log[mark:] if entry[0] not in own]


class StatelessScope:
    """A block in which variables have given values, and assignments stay inside.

    Args:
        state_mapping: sequence of ``(variable, value)``; the values that variables have at first. Defaults to None: all
            variables begin with their own values.
        collect_losses: bool; whether losses that layers add are collected in ``losses``. Defaults to False.
        initialize_variables: bool; accepted as in Keras; variables always have their values from the start. Defaults to
            True.

    Raises:
        ArgumentError: ``state_mapping`` has a key that is not a Variable, or a value of another shape.

    Example:
        >>> import numpy as np
        >>> from amalthea import StatelessScope, Variable
        >>> v = Variable([1.0, 2.0])
        >>> with StatelessScope([(v, [5.0, 6.0])]) as scope:
        ...     v.assign_add([1.0, 1.0])
        >>> np.asarray(scope.get_current_value(v)).tolist(), v.numpy().tolist()
        ([6.0, 7.0], [1.0, 2.0])
    """

    def __init__(
        self,
        state_mapping: Sequence[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ):
        self.state_mapping = dict(_checked(variable, value) for variable, value in state_mapping or ())
        self.collect_losses, self.initialize_variables = collect_losses, initialize_variables
        self.losses: list[Any] = []
        self._inside = ExitStack()
        self._values: Mapping[Variable, Any] = self.state_mapping

    def add_loss(self, loss: Any) -> None:
        """Keeps a loss in ``losses``.

        Args:
            loss: scalar tensor.

        Example:
            >>> from amalthea import StatelessScope
            >>> scope = StatelessScope(collect_losses=True)
            >>> scope.add_loss(2.0)
            >>> scope.losses
            [2.0]
        """
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Sets the value that a variable has inside the scope.

        Args:
            update: tuple of a Variable and its new value.

        Example:
            >>> import numpy as np
            >>> from amalthea import StatelessScope, Variable
            >>> v = Variable([1.0])
            >>> with StatelessScope() as scope:
            ...     scope.add_update((v, [3.0]))
            >>> np.asarray(scope.get_current_value(v)).tolist()
            [3.0]
        """
        variable, value = update
        variable.assign(value)

    def get_current_value(self, variable: Variable) -> Any:
        """Returns the value that a variable has in the scope, or None if the scope did not set it.

        Args:
            variable: Variable.

        Example:
            >>> from amalthea import StatelessScope, Variable
            >>> StatelessScope().get_current_value(Variable([1.0])) is None
            True
        """
        return self._values.get(variable)

    def __enter__(self) -> StatelessScope:
        trace = current_trace()
        if trace is None:
            variables, values = list(self.state_mapping), list(self.state_mapping.values())
            self._values = self._inside.enter_context(versions.all_apart(_arrays(variables, values))).values
        else:
            self._inside.enter_context(self._in_trace(_root(trace)))
        if self.collect_losses:
            self._inside.callback(_scopes.reset, _scopes.set((*_scopes.get(), self)))
        return self

    def __exit__(self, *_: Any) -> None:
        self._inside.close()

    @contextmanager
    def _in_trace(self, trace: Trace) -> Iterator[None]:
        mark, self._values = trace.mark(), trace.values
        with _in_trace(trace, list(self.state_mapping), list(self.state_mapping.values())):
            try:
                yield
            finally:
                changed = {variable for variable, _ in trace.log[mark:]} | self.state_mapping.keys()
                self._values = {variable: trace.values[variable] for variable in changed}
                trace.undo(mark)


_scopes: ContextVar[tuple[StatelessScope, ...]] = ContextVar("stateless_scopes", default=())


def collecting() -> StatelessScope | None:
    """The innermost open :class:`StatelessScope` that collects losses, or None."""
    return _scopes.get()[-1] if _scopes.get() else None


def _checked(variable: Any, value: Any) -> tuple[Variable, Any]:
    if not isinstance(variable, Variable):
        raise ArgumentError("The keys of state_mapping are Variables.", got=repr(variable))
    value = value if hasattr(value, "shape") else np.asarray(value, dtypes.to_numpy(variable.dtype))
    if tuple(type_of(value).shape) != tuple(variable.shape):
        raise ArgumentError(
            f"A value of state_mapping does not fit '{variable.path}'.", expected=variable.shape, got=value.shape
        )
    return variable, value
