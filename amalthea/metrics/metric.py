"""What a metric is: variables that add up over batches, and a result made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import config, dtype_policies, initializers, ops
from amalthea.configurable import Configurable, Registry, auto_name, snake_case
from amalthea.stateless import call_stateless
from amalthea.tensor import Variable

registry = Registry("metrics", "metric")


class Metric(Configurable, registry=registry):
    """What every metric is: override ``update_state``, which changes its variables, and ``result``, which reads them.

    Args:
        dtype: of its variables; None takes ``floatx()``. A dtype policy gives its compute dtype.
        name: shown in logs.

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
        """A variable of its own."""
        start = initializers.get(initializer)
        variable = Variable(start, shape, dtype or self.dtype, trainable=False, aggregation=aggregation)
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
    def variables(self) -> list[Variable]:
        """Its variables, and those of metrics that it holds."""
        held = (m for m in vars(self).values() if isinstance(m, Metric))
        return [*self._variables, *(v for metric in held for v in metric.variables)]

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
