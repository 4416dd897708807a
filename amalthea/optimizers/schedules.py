"""Learning rates that depend on the number of updates so far.

    SGD(schedules.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.9))

A schedule is a pure function of the step, so it is part of a compiled training step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from amalthea import docstrings, ops
from amalthea.configurable import Configurable, Registry, renamed
from amalthea.errors import ArgumentError
from amalthea.optimizers import arguments

registry = Registry("optimizers.schedules", "learning rate schedule")


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

docstrings.share("initial rate", "initial_learning_rate: float, 0 or more; learning rate of the first update (step 0).")
docstrings.share(
    "options of periodic decay",
    """
    initial_learning_rate: float, 0 or more; learning rate of the first update (step 0).
    decay_steps: number above 0; number of updates in one period.
    decay_rate: float, 0 or more; strength of the decay in one period.
    staircase: bool; whether the rate changes only at whole periods: ``floor(step / decay_steps)`` takes the place of
        ``step / decay_steps``. Defaults to False.
    """,
)
docstrings.share("name of a schedule", "name: str; name of the object, written to configs. Defaults to that of Keras.")


class LearningRateSchedule(Configurable, registry=registry):
    """Base class of schedules: learning rates that depend on the number of updates.

    A subclass overrides ``__call__(step)``, which returns the learning rate of one update; steps count from 0.

    Example:
        >>> from amalthea.optimizers import schedules
        >>> class Halved(schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5**step
        >>> Halved()(1)
        0.05
    """

    _argument_checks = arguments.OF_SCHEDULES

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say its learning rate: write its __call__.")


def _float(step: Any) -> Any:
    return ops.cast(ops.convert_to_tensor(step), "float32")


class ExponentialDecay(LearningRateSchedule):
    """Exponential decay: ``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        |options of periodic decay|
        |name of a schedule|

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> from amalthea.optimizers import schedules
        >>> rate = schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)
        >>> [round(float(rate(step)), 4) for step in (0, 10, 20)]
        [0.1, 0.05, 0.025]
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

    def _periods(self, step: Any) -> Any:
        """Returns the number of periods up to this step."""
        periods = _float(step) / self.decay_steps
        return ops.floor(periods) if self.staircase else periods

    def __call__(self, step: Any) -> Any:
        return ops.power(float(self.decay_rate), self._periods(step)) * self.initial_learning_rate


class InverseTimeDecay(ExponentialDecay):
    """Decay with the inverse of time: ``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Args:
        |options of periodic decay|
        |name of a schedule|

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> from amalthea.optimizers import schedules
        >>> rate = schedules.InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)
        >>> [round(float(rate(step)), 4) for step in (0, 10, 30)]
        [0.1, 0.05, 0.025]
    """

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
        return self.initial_learning_rate / (self._periods(step) * self.decay_rate + 1.0)


class PiecewiseConstantDecay(LearningRateSchedule):
    """Constant learning rates, which change at given steps.

    ``values[0]`` while ``step <= boundaries[0]``, ``values[1]`` while ``step <= boundaries[1]``, and so on; the last
    value beyond the last boundary.

    Args:
        boundaries: sequence of numbers; last step of each value but the last, in rising order.
        values: sequence of floats, 0 or more; learning rates, one more than boundaries.
        |name of a schedule|

    Raises:
        ArgumentError: the numbers of boundaries and values do not fit, or boundaries do not rise.

    Example:
        >>> from amalthea.optimizers import schedules
        >>> rate = schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])
        >>> [round(float(rate(step)), 4) for step in (10, 11, 21)]
        [0.1, 0.01, 0.001]
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
    """Polynomial decay from a first to a last learning rate.

    With ``s = minimum(step / decay_steps, 1)``:
    ``end_learning_rate + (initial_learning_rate - end_learning_rate) * (1 - s) ** power``.

    Args:
        |initial rate|
        decay_steps: number above 0; number of updates until the last rate is reached.
        end_learning_rate: float, 0 or more; last rate, which then stays. Defaults to 0.0001.
        power: float, 0 or more; power of the polynomial. Defaults to 1, a straight line.
        cycle: bool; whether the decay begins anew when its end is reached. The next cycle ends at
            ``2 * decay_steps``, its rate is ``1 - step / (2 * decay_steps)`` of the range, and so on. Defaults to
            False.
        |name of a schedule|

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> from amalthea.optimizers import schedules
        >>> rate = schedules.PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0, power=2.0)
        >>> [round(float(rate(step)), 4) for step in (0, 5, 10, 20)]
        [0.1, 0.025, 0.0, 0.0]
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
    """Decay along half a cosine, with or without a linear rise before it.

    With ``s = minimum(step / decay_steps, 1)``:
    ``initial_learning_rate * (alpha + (1 - alpha) * (1 + cos(pi * s)) / 2)``. With ``warmup_target`` the rate first
    rises from ``initial_learning_rate`` to the target in ``warmup_steps``, and then falls from it in ``decay_steps``.

    Args:
        |initial rate|
        decay_steps: number above 0; number of updates of the decay.
        alpha: float, 0 or more; share of the highest rate that remains at the end. Defaults to 0.
        |name of a schedule|
        warmup_target: float, 0 or more, or None; highest rate, at the end of the rise. Defaults to None, no rise.
        warmup_steps: int, 0 or more; number of updates of the rise. Defaults to 0.

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> from amalthea.optimizers import schedules
        >>> rate = schedules.CosineDecay(0.0, decay_steps=10, warmup_target=0.1, warmup_steps=4)
        >>> [round(float(rate(step)), 4) for step in (0, 2, 4, 9, 14)]
        [0.0, 0.05, 0.1, 0.05, 0.0]

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
    """Decay along half a cosine that begins anew again and again (SGDR).

    In period i, with s the share of the period that has passed:
    ``initial_learning_rate * (alpha + (1 - alpha) * m_mul ** i * (1 + cos(pi * s)) / 2)``. The period has
    ``first_decay_steps * t_mul ** i`` updates.

    Args:
        |initial rate|
        first_decay_steps: number above 0; number of updates in the first period.
        t_mul: number above 0; length of a period as a multiple of the one before. Defaults to 2.
        m_mul: float, 0 or more; height of a period as a multiple of the one before. Defaults to 1.
        alpha: float, 0 or more; share of the first rate that remains at the end of a period. Defaults to 0.
        |name of a schedule|

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> from amalthea.optimizers import schedules
        >>> rate = schedules.CosineDecayRestarts(0.1, first_decay_steps=10)
        >>> [round(float(rate(step)), 4) for step in (0, 5, 10, 20, 30)]  # periods of 10 and 20 updates
        [0.1, 0.05, 0.1, 0.05, 0.1]

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


serialize, deserialize = renamed(registry.serialize, "learning_rate_schedule"), registry.deserialize
