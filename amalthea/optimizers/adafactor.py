"""Adafactor: the second moment of a matrix kept as one row and one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.optimizers.optimizer import Optimizer


def _mean_square_root(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))


class Adafactor(Optimizer):
    """Adaptive rates in little memory.

    Args:
        learning_rate: a number, a schedule, or a callable without arguments; with ``relative_step`` the greatest one.
        beta_2_decay: the power of the step by which the share of the past grows.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size that a weight counts for.
        clip_threshold: the greatest root mean square of a step.
        relative_step: whether the rate is at most one over the root of the step.

    Source: Shazeer and Stern, arXiv:1804.04235, algorithms 4 and 5.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Any,
    ):
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step
        super().__init__(learning_rate, **common)

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._slots.update(row=[], column=[], velocity=[])
        for variable in variables:
            shapes = (variable.shape[:-1], variable.shape[:-2] + variable.shape[-1:])
            for slot, shape in zip(("row", "column"), shapes):
                self._slots[slot].append(self._factor(variable, shape))
            self._slots["velocity"].append(self.add_variable_from_reference(variable, "velocity"))

    def _factor(self, variable: Variable, shape: tuple[int, ...]) -> Variable:
        if len(variable.shape) > 1:
            return self.add_variable(shape, dtype=dtypes.at_least_single(variable.dtype), name=variable.name)
        unused = Variable(np.int32(0), trainable=False, name=variable.name)  # files hold one for every vector
        self._variables.append(unused)
        return unused

    def _second_moment(self, square: Any, variable: Variable) -> Any:
        """The moving mean of squared gradients; of a matrix, by its factors."""
        velocity = self.slot("velocity", variable)
        kept = 1.0 - ops.power(self.step(velocity.dtype), self.beta_2_decay)
        if len(variable.shape) < 2:
            velocity.assign(velocity.value * kept + square * (1.0 - kept))
            return velocity.value
        row, column = self.slot("row", variable), self.slot("column", variable)
        row.assign(row.value * kept + ops.mean(square, axis=-1) * (1.0 - kept))
        column.assign(column.value * kept + ops.mean(square, axis=-2) * (1.0 - kept))
        share = row.value / ops.mean(row.value, axis=-1, keepdims=True)
        velocity.assign(ops.expand_dims(share, -1) * ops.expand_dims(column.value, -2))
        return velocity.value

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = dtypes.at_least_single(variable.dtype)
        gradient, value, rate = (ops.cast(x, dtype) for x in (gradient, variable.value, learning_rate))
        if self.relative_step:
            rate = ops.minimum(rate, ops.rsqrt(self.step(dtype)))
        rate = rate * ops.maximum(_mean_square_root(value), self.epsilon_2)
        step = gradient * ops.rsqrt(self._second_moment(ops.square(gradient) + self.epsilon_1, variable))
        excess = ops.maximum(_mean_square_root(step) / self.clip_threshold, 1.0)
        variable.assign(value - step * (rate / excess))
