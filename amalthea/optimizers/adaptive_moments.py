"""Adam and its kin: moving means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import docstrings, ops
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.ops import composites
from amalthea.optimizers.optimizer import LearningRate, Optimizer
from amalthea.optimizers.options import norm
from amalthea.optimizers.state import Slots


def _towards(mean: Any, new: Any, beta: float) -> Any:
    """A moving mean that keeps the share ``beta`` of itself."""
    return mean + (new - mean) * (1 - beta)


class _Moments(Optimizer):
    """Two moving means; ``power`` tells how much of the start is left in one."""

    slot_groups: Sequence[Slots] = ({"momentum": "zeros", "velocity": "zeros"},)
    beta_1: float
    beta_2: float

    def _start_share(self, beta: float) -> Any:
        """``beta ** step``."""
        return ops.power(float(beta), self._update_number())


docstrings.share(
    "betas and epsilon",
    """
    beta_1: float in [0, 1); share of the past in the moving mean m of gradients. Defaults to 0.9.
    beta_2: float in [0, 1); share of the past in the moving mean v of squared gradients. Defaults to 0.999.
    epsilon: float, 0 or more; number added to ``sqrt(v)``, against division by 0. Defaults to 1e-7.
    """,
)
docstrings.share(
    "amsgrad",
    """
    amsgrad: bool; whether the greatest v so far takes the place of v in the step. Defaults to False.
    """,
)


class Adam(_Moments):
    """Gradient descent with adaptive moments: mean gradients, divided by the root of their mean squares.

    At update t: ``m = beta_1 * m + (1 - beta_1) * g``, ``v = beta_2 * v + (1 - beta_2) * g ** 2`` and
    ``w = w - learning_rate * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t) * m / (sqrt(v) + epsilon)``.

    Args:
        |learning rate|
        |betas and epsilon|
        |amsgrad|
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Adam
        >>> w = Variable([1.0, 1.0])
        >>> Adam(0.1).apply([[0.01, -100.0]], [w])
        >>> w.numpy().round(4).tolist()  # the first step has the size of the learning rate
        [0.9, 1.1]

    Source: Kingma and Ba, arXiv:1412.6980, the form before section 2.1; Reddi et al., 2018 (amsgrad).
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        super().__init__(learning_rate, **common)

    @property
    def slot_groups(self) -> Sequence[Slots]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return [*_Moments.slot_groups, {"velocity_hat": "zeros"}] if self.amsgrad else _Moments.slot_groups

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any, velocity: Any, *greatest: Any) -> Any:
        correction = ops.sqrt(1.0 - self._start_share(self.beta_2)) / (1.0 - self._start_share(self.beta_1))
        rate = learning_rate * ops.cast(correction, value.dtype)
        if not greatest:
            shares = {"beta_1": float(self.beta_1), "beta_2": float(self.beta_2), "epsilon": float(self.epsilon)}
            return composites.adam(value, gradient, momentum, velocity, rate, **shares)
        momentum = _towards(momentum, gradient, self.beta_1)
        velocity = _towards(velocity, ops.square(gradient), self.beta_2)
        size = ops.maximum(greatest[0], velocity)
        return value - momentum * rate / (ops.sqrt(size) + self.epsilon), momentum, velocity, size


class AdamW(Adam):
    """Adam with a decay of weights that does not pass through the gradients.

    Each update first multiplies the weights by ``1 - learning_rate * weight_decay``, then makes Adam's step. Every
    optimizer here has ``weight_decay``; this class only has another default.

    Args:
        |learning rate|
        weight_decay: float, 0 or more; strength of the decay. Defaults to 0.004.
        |betas and epsilon|
        |amsgrad|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import AdamW
        >>> w = Variable([1.0])
        >>> AdamW(0.1, weight_decay=0.5).apply([[0.0]], [w])
        >>> w.numpy().round(4).tolist()  # no gradient, so the decay alone: 1 - 0.1 * 0.5
        [0.95]

    Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common)


class Adamax(_Moments):
    """Adam with the greatest recent gradient in place of the root of the mean square.

    At update t: ``m = beta_1 * m + (1 - beta_1) * g``, ``u = maximum(beta_2 * u, abs(g))`` and
    ``w = w - learning_rate / (1 - beta_1 ** t) * m / (u + epsilon)``.

    Args:
        |learning rate|
        beta_1: float in [0, 1); share of the past in the moving mean m of gradients. Defaults to 0.9.
        beta_2: float in [0, 1); share of the greatest gradient u that one update keeps. Defaults to 0.999.
        epsilon: float, 0 or more; number added to u, against division by 0. Defaults to 1e-7.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Adamax
        >>> w, optimizer = Variable([1.0]), Adamax(0.1, beta_1=0.0)
        >>> for gradient in (2.0, 1.0):
        ...     optimizer.apply([[gradient]], [w])  # steps of 0.1 and 0.1 / 1.998
        >>> round(float(w.numpy()[0]), 4)
        0.8499

    Source: Kingma and Ba, arXiv:1412.6980, algorithm 2.
    """

    slot_groups = ({"momentum": "zeros", "norm": "zeros"},)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, **common)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any, greatest: Any) -> Any:
        rate = learning_rate / ops.cast(1.0 - self._start_share(self.beta_1), value.dtype)
        momentum = _towards(momentum, gradient, self.beta_1)
        greatest = ops.maximum(greatest * self.beta_2, ops.abs(gradient))
        return value - momentum * rate / (greatest + self.epsilon), momentum, greatest


class Nadam(_Moments):
    """Adam with Nesterov's momentum.

    With ``mu(t) = beta_1 * (1 - 0.96 ** t / 2)`` and its product P(t) over all updates up to t:
    ``step = mu(t + 1) * m / (1 - P(t) * mu(t + 1)) + (1 - mu(t)) * g / (1 - P(t))`` and
    ``w = w - learning_rate * step / (sqrt(v / (1 - beta_2 ** t)) + epsilon)``, with Adam's means m and v.

    Args:
        |learning rate|
        |betas and epsilon|
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Nadam
        >>> w = Variable([1.0, 1.0])
        >>> Nadam(0.1).apply([[0.01, -100.0]], [w])
        >>> w.numpy().round(2).tolist()
        [0.89, 1.11]

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016, algorithm 2.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, **common)

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        dtype = dtypes.at_least_single(variables[0].dtype) if variables else "float32"
        self._product = self.add_variable((), "ones", dtype=dtype, name="variable")
        self._product.path = "variable"

    def _momentum_at(self, step: Any) -> Any:
        return (1.0 - ops.power(0.96, step) * 0.5) * self.beta_1

    def _update_all(self, grads: list[Any], variables: list[Variable], learning_rate: Any) -> None:
        self._product.assign(
            self._product.value * ops.cast(self._momentum_at(self._update_number()), self._product.dtype)
        )
        super()._update_all(grads, variables, learning_rate)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any, velocity: Any) -> Any:
        now, later = self._momentum_at(self._update_number()), self._momentum_at(self._update_number() + 1.0)
        product = ops.cast(self._product.value, "float32")
        of_mean = ops.cast(later / (1.0 - product * later), value.dtype) * learning_rate
        of_gradient = ops.cast((1.0 - now) / (1.0 - product), value.dtype) * learning_rate
        momentum = _towards(momentum, gradient, self.beta_1)
        velocity = _towards(velocity, ops.square(gradient), self.beta_2)
        size = ops.sqrt(velocity / ops.cast(1.0 - self._start_share(self.beta_2), value.dtype)) + self.epsilon
        return value - (momentum * of_mean + gradient * of_gradient) / size, momentum, velocity


class Lamb(_Moments):
    """Adam with steps in proportion to the norm of the weight, for large batches.

    With Adam's means m and v: ``step = (m / (1 - beta_1 ** t)) / (sqrt(v / (1 - beta_2 ** t)) + epsilon)`` and
    ``w = w - learning_rate * norm(w) / norm(step) * step``. The ratio of norms is 1 where one of them is 0.

    Args:
        |learning rate|
        |betas and epsilon|
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Lamb
        >>> small, large = Variable([1.0]), Variable([100.0])
        >>> Lamb(0.1).apply([[0.5], [0.5]], [small, large])  # both lose a tenth
        >>> round(float(small.numpy()[0]), 4), round(float(large.numpy()[0]), 4)
        (0.9, 90.0)

    Source: You et al., arXiv:1904.00962, algorithm 2. ``weight_decay`` is applied to the weights before the step, not
    within it as in the paper.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, **common)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any, velocity: Any) -> Any:
        momentum = _towards(momentum, gradient, self.beta_1)
        velocity = _towards(velocity, ops.square(gradient), self.beta_2)
        mean = momentum / ops.cast(1.0 - self._start_share(self.beta_1), value.dtype)
        square = velocity / ops.cast(1.0 - self._start_share(self.beta_2), value.dtype)
        step = mean / (ops.sqrt(square) + self.epsilon)
        ratio = _ratio(norm(value), norm(step))
        return value - step * (learning_rate * ratio), momentum, velocity


def _ratio(of_value: Any, of_step: Any) -> Any:
    """The quotient of two norms, 1 where either is 0."""
    both = ops.logical_and(of_value > 0, of_step > 0)
    return ops.where(both, of_value / ops.where(both, of_step, ops.ones_like(of_step)), ops.ones_like(of_value))


class Lion(Optimizer):
    """Gradient descent along the sign of a mean of gradients: all elements make steps of one size.

    ``w = w - learning_rate * sign(beta_1 * m + (1 - beta_1) * g)``, then ``m = beta_2 * m + (1 - beta_2) * g``. It
    keeps one variable for each weight, half of Adam's.

    Args:
        learning_rate: float, 0 or more, schedule, variable, or callable without arguments; size of the steps. Use 3
            to 10 times less than with Adam. Defaults to 0.001.
        beta_1: float in [0, 1); share of the past in the mean whose sign is taken. Defaults to 0.9.
        beta_2: float in [0, 1); share of the past in the mean m that is kept. Defaults to 0.99.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Lion
        >>> w = Variable([1.0, 1.0, 1.0])
        >>> Lion(0.1).apply([[0.01, -100.0, 0.0]], [w])
        >>> w.numpy().round(4).tolist()
        [0.9, 1.1, 1.0]

    Source: Chen et al., arXiv:2302.06675, algorithm 2.
    """

    slot_groups = ({"momentum": "zeros"},)

    def __init__(self, learning_rate: LearningRate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **common: Any):
        self.beta_1, self.beta_2 = beta_1, beta_2
        super().__init__(learning_rate, **common)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any) -> Any:
        direction = ops.sign(_towards(momentum, gradient, self.beta_1))
        return value - direction * learning_rate, _towards(momentum, gradient, self.beta_2)
