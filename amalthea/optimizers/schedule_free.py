"""AdamW without a schedule: gradients are taken between the last point and the mean of all points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.engine.ir.variable import Variable
from amalthea.optimizers.adaptive_moments import _Moments, _towards
from amalthea.optimizers.optimizer import LearningRate


class ScheduleFreeAdamW(_Moments):
    """AdamW that needs no schedule: the mean of all points so far takes the place of a falling learning rate.

    A point z makes Adam's steps, without momentum: ``z = z - learning_rate * g / (sqrt(v / (1 - beta_2 ** t)) +
    epsilon)``. With x the mean of all z so far, the weights are ``w = (1 - beta_1) * z + beta_1 * x``, where gradients
    are taken.

    Args:
        learning_rate: float, 0 or more; size of the steps. Defaults to 0.0025.
        beta_1: float in [0, 1); share of the mean x in the weights. Defaults to 0.9.
        beta_2: float in [0, 1); share of the past in the moving mean v of squared gradients. Defaults to 0.999.
        epsilon: float, 0 or more; number added to the root of v, against division by 0. Defaults to 1e-8.
        warmup_steps: int, 0 or more; number of updates in which the learning rate rises linearly to its full value.
            Defaults to 0.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import ScheduleFreeAdamW
        >>> w, optimizer = Variable([1.0]), ScheduleFreeAdamW(0.1)
        >>> for _ in range(3):
        ...     optimizer.apply([[1.0]], [w])  # z is 0.9, 0.8, 0.7; its mean 0.9, 0.85, 0.8
        >>> round(float(w.numpy()[0]), 4)  # 0.1 * 0.7 + 0.9 * 0.8
        0.79

    Source: Defazio et al., arXiv:2405.15682, algorithm 1.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **common: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps
        super().__init__(learning_rate, **common)

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._begin_at_weights()

    def _begin_at_weights(self) -> None:
        """Take the weights as they are now for the last point. (Files call it ``momentum``.)"""
        for variable, point in zip(self._trainable_variables, self._slots["momentum"]):
            if point is not None:
                point.assign(variable.value)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, point: Any, velocity: Any) -> Any:
        step = self._update_number(value.dtype)
        if self.warmup_steps:
            learning_rate = learning_rate * ops.minimum(step / self.warmup_steps, 1.0)
        share = 1.0 / step
        velocity = _towards(velocity, ops.square(gradient), self.beta_2)
        size = ops.sqrt(velocity / ops.cast(1.0 - self._start_share(self.beta_2), value.dtype)) + self.epsilon
        move = gradient * learning_rate / size
        value = value + (point - value) * share + move * ((1.0 - share) * self.beta_1 - 1.0)
        return value, point - move, velocity
