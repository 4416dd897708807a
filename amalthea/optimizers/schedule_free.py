"""AdamW without a schedule: gradients are taken between the last point and the mean of all points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.engine.ir.variable import Variable
from amalthea.optimizers.adaptive_moments import _Moments, _towards  # pyright: ignore[reportPrivateUsage]


class ScheduleFreeAdamW(_Moments):
    """AdamW that needs no schedule.

    Args:
        learning_rate: a number; it stays the same.
        beta_1: where between the last point (0) and their mean (1) gradients are taken.
        beta_2: the share of the past in the mean of squared gradients.
        epsilon: added to its root.
        warmup_steps: updates in which the rate rises to the whole.

    Source: Defazio et al., arXiv:2405.15682, algorithm 1.
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
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
        self.begin_at_weights()

    def begin_at_weights(self) -> None:
        """Take the weights as they are now for the last point. (Files call it ``momentum``.)"""
        for variable, point in zip(self._trainable_variables, self._slots["momentum"]):
            point.assign(variable.value)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, point: Any, velocity: Any) -> Any:
        step = self.step(value.dtype)
        if self.warmup_steps:
            learning_rate = learning_rate * ops.minimum(step / self.warmup_steps, 1.0)
        share = 1.0 / step
        velocity = _towards(velocity, ops.square(gradient), self.beta_2)
        size = ops.sqrt(velocity / ops.cast(1.0 - self.left(self.beta_2), value.dtype)) + self.epsilon
        move = gradient * learning_rate / size
        value = value + (point - value) * share + move * ((1.0 - share) * self.beta_1 - 1.0)
        return value, point - move, velocity
