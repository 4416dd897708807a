"""The base class of metrics: variables that sum up over batches, and a result computed from them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from amalthea import config, docstrings, dtype_policies, initializers, ops, tree
from amalthea.configurable import Configurable, Registry, auto_name, snake_case
from amalthea.docstrings import attribute
from amalthea.dtype_policies import PolicyLike
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.engine.stateless import call_stateless
from amalthea.engine.types import DTypeLike

registry = Registry("metrics", "metric")

WIDE = "float64"  # of sums and counts: a float32 that has reached 2**24 does not grow by 1
EXACT = 1 << 24  # as many ones does float32 count


F = TypeVar("F", bound=Callable[..., Any])


def upwards(function: F) -> F:
    """Mark a function whose larger values are better."""
    function.direction = "up"  # type: ignore[attr-defined]
    return function


docstrings.share(
    "options of a metric",
    """
    name: str or None; name of the result in logs. None takes the name of the class in lower case, ``class_name``.
    dtype: str, dtype policy or None; dtype of the result, float32 at least. Sums are kept in float64. Defaults to
        None, which gives ``floatx()``; a dtype policy gives its compute dtype.
    """,
)
docstrings.share(
    "shapes of a metric", "(batch, ..., features) for labels and predictions, (batch, ...) for sample weights -> ()"
)
docstrings.share("shapes of binary metrics", "(batch, ...) for labels, predictions and sample weights -> ()")
docstrings.share(
    "shapes of categorical metrics",
    """
    (batch, ..., classes) for labels and predictions, (batch, ...) for sample weights -> ()
    """,
)
docstrings.share(
    "shapes of sparse metrics",
    """
    (batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for predictions, (batch, ...) for sample
    weights -> ()
    """,
)


class Metric(Configurable, registry=registry):
    """Base class of metrics: variables that sum up over batches, and a result computed from them.

    A subclass overrides ``update_state``, which changes the variables, and ``result``, which reads them. A class
    attribute ``_direction`` of ``"up"`` or ``"down"`` tells callbacks which results are better. A metric that is
    called updates its state and returns the result.

    Args:
        |options of a metric|

    Shapes:
        any shape -> ()

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

    dtype: str = attribute("The dtype of the results.")
    _direction: str | None = None  # Keras's name

    def __init__(self, dtype: PolicyLike | None = None, name: str | None = None):
        self.name = name or auto_name(snake_case(type(self).__name__))
        self.dtype = dtype_policies.get(dtype or config.floatx()).compute_dtype
        self._variables: list[Variable] = []

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: DTypeLike | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Adds a variable to the state of the metric and returns it.

        Args:
            shape: sequence of ints; shape of the variable.
            initializer: name, initializer or array; initial value. Defaults to zeros, the value after ``reset_state``.
            dtype: str or None; dtype of the variable. Defaults to None, which gives float64 to a metric of floats.
            aggregation: str; combination of several replicas. Defaults to ``"sum"``.
            name: str or None; name of the variable. Defaults to None, which gives ``"variable"``.
        """
        start = initializers.get(initializer)
        dtype = dtype or (WIDE if dtypes.is_float(self.dtype) else self.dtype)
        variable = Variable(start, shape, dtype, trainable=False, aggregation=aggregation)
        variable.start = variable.numpy()
        variable.name = name or "variable"
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """Adds a variable as :meth:`add_variable` does, a number of zero by default."""
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
        """Variables of the metric, and of metrics among its attributes."""
        found = [
            *self._variables,
            *(v for x in tree.instances_in(vars(self), (Variable, Metric)) for v in _variables_of(x)),
        ]
        return list({id(v): v for v in found}.values())

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Adds a batch to the state."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it adds up: write its update_state.")

    def result(self) -> Any:
        """Returns the result over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} does not say its result: write its result.")

    def reset_state(self) -> None:
        """Sets every variable to zero."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Updates the state and returns the result so far."""
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
