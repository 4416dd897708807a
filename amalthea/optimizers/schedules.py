"""Learning rates that depend on the number of updates so far.

    SGD(schedules.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.9))

A schedule is a pure function of the step, so it is part of a compiled training step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.configurable import Configurable, Registry
from amalthea.errors import ArgumentError
from amalthea.optimizers import arguments

registry = Registry("optimizers.schedules", "learning rate schedule")


class LearningRateSchedule(Configurable, registry=registry):
    """What every schedule is: override ``__call__(step)``, which gives the learning rate of that update.

    >>> from amalthea.optimizers import schedules
    >>> class Halved(schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 * 0.5**step
    >>> Halved()(1)
    0.05
    """

    argument_checks = arguments.OF_SCHEDULES

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say its learning rate: write its __call__.")


def _float(step: Any) -> Any:
    return ops.cast(ops.convert_to_tensor(step), "float32")


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        initial_learning_rate: the rate of the first update.
        decay_steps: updates until the rate is multiplied by ``decay_rate``.
        decay_rate: the factor.
        staircase: whether it falls at whole multiples of ``decay_steps`` only.

    >>> from amalthea.optimizers import schedules
    >>> round(float(schedules.ExponentialDecay(0.1, 10, 0.5)(20)), 6)
    0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def periods(self, step: Any) -> Any:
        """How many times ``decay_steps`` went by."""
        periods = _float(step) / self.decay_steps
        return ops.floor(periods) if self.staircase else periods

    def __call__(self, step: Any) -> Any:
        return ops.power(float(self.decay_rate), self.periods(step)) * self.initial_learning_rate


class InverseTimeDecay(ExponentialDecay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate / (self.periods(step) * self.decay_rate + 1.0)


class PiecewiseConstantDecay(LearningRateSchedule):
    """One value up to each boundary, and the last one beyond.

    Args:
        boundaries: update numbers in rising order.
        values: one more than boundaries.
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                "There is one value more than boundaries.",
                expected=f"{len(boundaries) + 1} values",
                got=f"{len(values)} values",
            )
        if list(boundaries) != sorted(boundaries):
            raise ArgumentError("Boundaries are in rising order.", got=boundaries, cure="sorted(boundaries)")
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        step = _float(step)
        rate = ops.zeros_like(step) + self.values[0]
        for boundary, value in zip(self.boundaries, self.values[1:]):
            rate = ops.where(step > float(boundary), ops.zeros_like(step) + value, rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From the first rate to ``end_learning_rate`` in ``decay_steps``, along ``(1 - step / decay_steps) ** power``.

    Args:
        initial_learning_rate: the rate of the first update.
        decay_steps: updates until the end.
        end_learning_rate: the rate from then on.
        power: 1 for a straight line.
        cycle: whether it starts again, twice as long and so on, when the end is reached.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step: Any) -> Any:
        share = _float(step) / self.decay_steps
        share = share / ops.maximum(ops.ceil(share), 1.0) if self.cycle else ops.minimum(share, 1.0)
        fall = self.initial_learning_rate - self.end_learning_rate
        return ops.power(1.0 - share, self.power) * fall + self.end_learning_rate


def _half_cosine(share: Any) -> Any:
    """From 1 at share 0 down to 0 at share 1."""
    return (ops.cos(share * math.pi) + 1.0) * 0.5


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the first rate down to ``alpha`` times it, after a linear rise if one is wanted.

    Args:
        initial_learning_rate: the rate at the start.
        decay_steps: updates of the fall.
        alpha: the share of the highest rate that remains.
        warmup_target: the rate to rise to first; None for no rise.
        warmup_steps: updates of the rise.

    Source: Loshchilov and Hutter, arXiv:1608.03983, equation 5.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate, self.decay_steps, self.alpha, self.name = (
            initial_learning_rate,
            decay_steps,
            alpha,
            name,
        )
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def _fall(self, step: Any, highest: float) -> Any:
        share = ops.minimum(step, float(self.decay_steps)) / self.decay_steps
        return (_half_cosine(share) * (1.0 - self.alpha) + self.alpha) * highest

    def __call__(self, step: Any) -> Any:
        step = _float(step)
        if self.warmup_target is None:
            return self._fall(step, self.initial_learning_rate)
        steps = max(self.warmup_steps, 1)
        rise = (step / steps) * (self.warmup_target - self.initial_learning_rate) + self.initial_learning_rate
        fall = self._fall(ops.maximum(step - self.warmup_steps, 0.0), self.warmup_target)
        return ops.where(step < self.warmup_steps, rise, fall)


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine down, and again from the top: each period ``t_mul`` times as long and ``m_mul`` times as high.

    Args:
        initial_learning_rate: the rate at the start.
        first_decay_steps: updates of the first period.
        t_mul: how much longer each next period is.
        m_mul: how much higher each next period starts.
        alpha: the share of the first rate that remains.

    Source: Loshchilov and Hutter, arXiv:1608.03983.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def _period(self, share: Any) -> tuple[Any, Any]:
        """The number of the period, and the share of it that went by."""
        if self.t_mul == 1.0:
            return ops.floor(share), share - ops.floor(share)
        number = ops.floor(ops.log(share * (self.t_mul - 1.0) + 1.0) / math.log(self.t_mul))
        before = (ops.power(float(self.t_mul), number) - 1.0) / (self.t_mul - 1.0)
        return number, (share - before) / ops.power(float(self.t_mul), number)

    def __call__(self, step: Any) -> Any:
        number, share = self._period(_float(step) / self.first_decay_steps)
        height = ops.power(float(self.m_mul), number)
        return (_half_cosine(share) * height * (1.0 - self.alpha) + self.alpha) * self.initial_learning_rate


serialize, deserialize = registry.serialize, registry.deserialize
