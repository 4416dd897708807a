"""What a metric is: variables that add up over batches, and a result made of them."""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from amalthea import config, dtype_policies, initializers, ops, tree
from amalthea.configurable import Configurable, Registry, auto_name, snake_case
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.engine.stateless import call_stateless

registry = Registry("metrics", "metric")

WIDE = "float64"  # of sums and counts: a float32 that has reached 2**24 does not grow by 1
EXACT = 1 << 24  # as many ones does float32 count


F = TypeVar("F", bound=Callable[..., Any])


def upwards(function: F) -> F:
    """Mark a function whose larger values are better."""
    function.direction = "up"  # type: ignore[attr-defined]
    return function


class Metric(Configurable, registry=registry):
    """What every metric is: override ``update_state``, which changes its variables, and ``result``, which reads them.

    Args:
        dtype: of its result; None takes ``floatx()``. A dtype policy gives its compute dtype. It computes in float32 at
            least, and adds up in float64.
        name: shown in logs.

    A class (or object) whose ``_direction`` is ``"up"`` or ``"down"`` tells callbacks which results are better.

    Example:
        >>> import numpy as np
        >>> from amalthea import metrics, ops
        >>> class Highest(metrics.Metric):
        ...     def __init__(self, name="highest", **kwargs):
        ...         super().__init__(name=name, **kwargs)
        ...         self.highest = self.add_variable((), "zeros", name="highest")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.highest.assign(ops.maximum(self.highest, ops.max(y_pred)))
        ...     def result(self):
        ...         return self.highest.value
        >>> float(Highest()(None, np.array([1.0, 3.0], "float32")))
        3.0
    """

    _direction: str | None = None  # Keras's name

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or auto_name(snake_case(type(self).__name__))
        self.dtype = dtype_policies.get(dtype or config.floatx()).compute_dtype
        self._variables: list[Variable] = []

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A variable of its own; float64, where the metric's dtype is a float and no other is given."""
        start = initializers.get(initializer)
        dtype = dtype or (WIDE if dtypes.is_float(self.dtype) else self.dtype)
        variable = Variable(start, shape, dtype, trainable=False, aggregation=aggregation)
        variable.start = variable.numpy()
        variable.name = name or "variable"
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """The same as :meth:`add_variable`, with zeros unless told otherwise."""
        return self.add_variable(shape, initializer or "zeros", dtype, name=name)

    @property
    def _computing(self) -> str:
        """The dtype that values, weights and the result have."""
        return dtypes.at_least_single(self.dtype)

    def _as_result(self, x: Any) -> Any:
        """Cast a result that was computed from the variables to the dtype of results."""
        return ops.cast(x, self._computing)

    @property
    def variables(self) -> list[Variable]:
        """Its variables, and those of metrics that it holds."""
        found = [*self._variables, *(v for x in tree.held(vars(self), (Variable, Metric)) for v in _variables_of(x))]
        return list({id(v): v for v in found}.values())

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not say what it adds up: write its update_state.")

    def result(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say its result: write its result.")

    def reset_state(self) -> None:
        """Set every variable to zero."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Update, and give the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """:meth:`update_state` as a pure function of the variables' values."""
        return call_stateless(lambda: self.update_state(*args, **kwargs), self.variables, metric_variables)[1]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """:meth:`result` as a pure function of the variables' values."""
        return call_stateless(self.result, self.variables, metric_variables)[0]

    def stateless_reset_state(self) -> list[Any]:
        """The values that :meth:`reset_state` gives the variables."""
        return call_stateless(self.reset_state, self.variables, [v.value for v in self.variables])[1]


def _variables_of(x: Any) -> list[Variable]:
    return [x] if isinstance(x, Variable) else x.variables


def copy_of(metric: Metric) -> Metric:
    """The same metric with variables of its own; whatever else it holds is shared."""
    made: dict[int, Any] = {}

    def again(x: Any) -> Any:
        if isinstance(x, (Variable, Metric)):
            if id(x) not in made:
                made[id(x)] = copy.copy(x)
                if isinstance(x, Metric):
                    vars(made[id(x)]).update({key: again(value) for key, value in vars(x).items()})
            return made[id(x)]
        if isinstance(x, dict):
            return {key: again(value) for key, value in x.items()}
        return type(x)(map(again, x)) if type(x) in (list, tuple) else x

    return again(metric)
