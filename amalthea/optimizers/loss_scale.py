"""Dynamic loss scaling: training in float16 without losing small gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import initializers, ops
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError
from amalthea.optimizers import options
from amalthea.optimizers.optimizer import Optimizer, registry


class LossScaleOptimizer(Optimizer):
    """Wrapper of an optimizer that scales the loss, so that small gradients are not lost in float16.

    The loss is multiplied by a scale, and the gradients are divided by it. A step whose gradients are not all finite
    is left out, and the scale halved; after ``dynamic_growth_steps`` finite steps it is doubled.

    Args:
        inner_optimizer: name, config or optimizer; optimizer of the steps. All other options belong to it.
        initial_scale: float, above 0; first scale. Defaults to 32768.
        dynamic_growth_steps: int, 1 or more; number of finite steps after which the scale is doubled. Defaults to
            2000.
        name: str or None; first part of the paths of its variables. Defaults to None, which derives one from the
            class.
        **kwargs: options of every optimizer, only with their default values: files of Keras have them.

    Raises:
        ArgumentError: an option is given that belongs to the inner optimizer.

    Example:
        >>> import numpy as np
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import SGD, LossScaleOptimizer
        >>> w, optimizer = Variable([1.0]), LossScaleOptimizer(SGD(0.1), initial_scale=8.0)
        >>> optimizer.apply([np.array([np.inf], "float32")], [w])  # an overflow: no step, and half the scale
        >>> w.numpy().tolist(), float(optimizer.dynamic_scale.numpy())
        ([1.0], 4.0)

    Source: Micikevicius et al., arXiv:1710.03740, section 3.2.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 32768.0,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ):
        self.inner_optimizer = registry.get(inner_optimizer)
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        outside = [key for key, value in kwargs.items() if options.COMMON.get(key, value) != value]
        if outside:
            raise ArgumentError(
                f"LossScaleOptimizer leaves updates to the inner optimizer, so `{outside[0]}` belongs there.",
                got=f"{outside[0]}={kwargs[outside[0]]!r}",
                cure=f"LossScaleOptimizer(Adam({outside[0]}={kwargs[outside[0]]!r}))",
            )
        super().__init__(0.0, name=name, **kwargs)

    @classmethod
    def _around(cls, optimizer: Any) -> LossScaleOptimizer:
        """One around the optimizer, unless it is one."""
        return optimizer if isinstance(optimizer, cls) else cls(optimizer, name="loss_scale_optimizer")

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        self._step_counter = self.add_variable((), dtype="int32", name="step_counter")
        scale = initializers.Constant(self.initial_scale)
        self._dynamic_scale = self.add_variable((), scale, dtype="float32", name="dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    def _follow(self, variables: Sequence[Variable]) -> None:
        self.inner_optimizer._follow(variables)
        self._know(variables)

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then those of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def dynamic_scale(self) -> Any:
        """The present factor of the loss."""
        return self._dynamic_scale if self.built else self.initial_scale

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Any:
        """The number of updates that were made."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        scale = self.dynamic_scale
        return loss * (ops.cast(scale.value, loss.dtype) if isinstance(scale, Variable) else scale)

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None, weight: Any = 1.0
    ) -> None:
        """Update the variables by their gradients of the scaled loss, if these are finite."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        scale = self._dynamic_scale.value
        grads = [None if g is None else ops.convert_to_tensor(g) for g in grads]
        grads = [
            g if g is None or v.overwrite_with_gradient else g / ops.cast(scale, g.dtype)
            for g, v in zip(grads, variables)
        ]
        is_finite = ops.all(ops.stack([ops.all(ops.isfinite(g)) for g in grads if g is not None]))
        every = [*variables, *self.inner_optimizer.variables]
        counted = {"weight": weight} if self._accumulates else {}
        self._assign_if(is_finite, lambda: self.inner_optimizer.apply(grads, variables, **counted), every)
        self._rescale(scale, is_finite)

    def _rescale(self, scale: Any, is_finite: Any) -> None:
        count = self._step_counter.value + 1
        is_full = ops.equal(count, self.dynamic_growth_steps)
        starts_again = ops.logical_or(is_full, ops.logical_not(is_finite))
        grown = ops.where(is_full, scale * 2.0, scale)
        self._step_counter.assign(ops.where(starts_again, ops.zeros_like(count), count))
        self._dynamic_scale.assign(ops.where(is_finite, grown, scale / 2.0))

    @property
    def _accumulates(self) -> bool:
        """Whether several calls make one update."""
        return self.inner_optimizer._accumulates

    @property
    def _has_averages(self) -> bool:
        """Whether the inner optimizer has averages of the weights."""
        return self.inner_optimizer._has_averages

    @property
    def _accumulated_weight(self) -> Any:
        return self.inner_optimizer._accumulated_weight

    def _weigh_as_keras(self) -> None:
        self.inner_optimizer._weigh_as_keras()

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)
