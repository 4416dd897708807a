"""Adafactor: the second moment of a matrix kept as one row and one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.optimizers.optimizer import LearningRate, Optimizer


def _mean_square_root(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))


class Adafactor(Optimizer):
    """Gradient descent with adaptive rates in little memory: one row and one column for each matrix.

    At update t, with ``s = 1 - t ** beta_2_decay`` and rms the root mean square: row means r and column means c of
    ``g ** 2 + epsilon_1`` are kept as moving means of share s, and stand for the mean square
    ``v = outer(r / mean(r), c)``. A weight of one axis keeps v itself. With ``step = g / sqrt(v)``:
    ``w = w - rate * maximum(rms(w), epsilon_2) * step / maximum(rms(step) / clip_threshold, 1)``.

    Args:
        learning_rate: float, 0 or more, schedule, variable, or callable without arguments; size of the steps, relative
            to the size of the weight. Defaults to 0.001.
        beta_2_decay: float, 0 or less; power of t in s. Defaults to -0.8.
        epsilon_1: float, 0 or more; number added to squared gradients. Defaults to 1e-30.
        epsilon_2: float, 0 or more; least size that a weight counts for. Defaults to 0.001.
        clip_threshold: float, above 0; greatest root mean square of ``step``. Defaults to 1.
        relative_step: bool; whether the rate is ``minimum(learning_rate, 1 / sqrt(t))``. Defaults to True.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> import numpy as np
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Adafactor
        >>> w, optimizer = Variable(np.ones((3, 5))), Adafactor(0.1)
        >>> optimizer.apply([np.ones((3, 5))], [w])
        >>> [tuple(v.shape) for v in optimizer.variables[2:4]]  # one row and one column
        [(3,), (5,)]
        >>> round(float(w.numpy()[0, 0]), 4)
        0.9

    Source: Shazeer and Stern, arXiv:1804.04235, algorithms 4 and 5.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
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
            if variable.overwrite_with_gradient:
                for slot in ("row", "column", "velocity"):
                    self._slots[slot].append(None)  # type: ignore[arg-type]
                continue
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
        velocity = self._slot("velocity", variable)
        share = 1.0 - ops.power(self._update_number(velocity.dtype), self.beta_2_decay)
        if len(variable.shape) < 2:
            velocity.assign(velocity.value * share + square * (1.0 - share))
            return velocity.value
        row, column = self._slot("row", variable), self._slot("column", variable)
        row.assign(row.value * share + ops.mean(square, axis=-1) * (1.0 - share))
        column.assign(column.value * share + ops.mean(square, axis=-2) * (1.0 - share))
        relative = row.value / ops.mean(row.value, axis=-1, keepdims=True)
        velocity.assign(ops.expand_dims(relative, -1) * ops.expand_dims(column.value, -2))
        return velocity.value

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = dtypes.at_least_single(variable.dtype)
        gradient, value, rate = (ops.cast(x, dtype) for x in (gradient, variable.value, learning_rate))
        if self.relative_step:
            rate = ops.minimum(rate, ops.rsqrt(self._update_number(dtype)))
        rate = rate * ops.maximum(_mean_square_root(value), self.epsilon_2)
        step = gradient * ops.rsqrt(self._second_moment(ops.square(gradient) + self.epsilon_1, variable))
        excess = ops.maximum(_mean_square_root(step) / self.clip_threshold, 1.0)
        variable.assign(value - step * (rate / excess))
