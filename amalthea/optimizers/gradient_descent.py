"""Stochastic gradient descent, and rules that divide the gradient by a measure of its size."""

from __future__ import annotations

from typing import Any

from amalthea import initializers, ops
from amalthea.optimizers.optimizer import Optimizer
from amalthea.optimizers.state import Slots


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

    Args:
        learning_rate: a number, a schedule, or a callable without arguments.
        momentum: the share of the last step that is made again.
        nesterov: whether the gradient is taken as if after that step.

    Source: Sutskever et al., ICML 2013, equations 1 to 4.

    >>> from amalthea import Variable
    >>> from amalthea.optimizers import SGD
    >>> w = Variable([1.0])
    >>> SGD(0.1).apply([w.value], [w])
    >>> w.numpy()
    array([0.9], dtype=float32)
    """

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **common: Any):
        self.momentum, self.nesterov = momentum, nesterov
        super().__init__(learning_rate, **common)

    def slot_groups(self) -> list[Slots]:
        return [{"momentum": "zeros"}] if self.momentum else []

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any = None) -> Any:
        step = gradient * learning_rate
        if momentum is None:
            return (value - step,)
        momentum = momentum * self.momentum - step
        if self.nesterov:
            return value + (momentum * self.momentum - step), momentum
        return value + momentum, momentum


class Adagrad(Optimizer):
    """Each gradient divided by the root of the sum of its squares so far.

    Args:
        initial_accumulator_value: what that sum starts from.
        epsilon: added to it.

    Source: Duchi et al., JMLR 12, 2011.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, **common)

    def slot_groups(self) -> list[Slots]:
        return [{"accumulator": initializers.Constant(self.initial_accumulator_value)}]

    def rule(self, gradient: Any, value: Any, learning_rate: Any, accumulator: Any) -> Any:
        accumulator = accumulator + ops.square(gradient)
        return value - gradient * learning_rate / ops.sqrt(accumulator + self.epsilon), accumulator


class Adadelta(Optimizer):
    """Each gradient times the recent size of steps, divided by the recent size of gradients.

    Args:
        rho: the share of the past that stays in those sizes.
        epsilon: added to them.

    Source: Zeiler, arXiv:1212.5701, algorithm 1.
    """

    groups = ({"accumulated_grad": "zeros", "accumulated_delta_var": "zeros"},)

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **common: Any):
        self.rho, self.epsilon = rho, epsilon
        super().__init__(learning_rate, **common)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, grads: Any, deltas: Any) -> Any:
        grads = grads * self.rho + ops.square(gradient) * (1 - self.rho)
        delta = gradient * ops.sqrt((deltas + self.epsilon) / (grads + self.epsilon))
        deltas = deltas * self.rho + ops.square(delta) * (1 - self.rho)
        return value - delta * learning_rate, grads, deltas


class RMSprop(Optimizer):
    """Each gradient divided by the root of the mean of its recent squares.

    Args:
        rho: the share of the past that stays in that mean.
        momentum: the share of the last step that is made again.
        epsilon: added to the mean.
        centered: whether the mean gradient is taken off first, so that it is a variance.

    Source: Hinton, Coursera lecture 6e, 2012; Graves, arXiv:1308.0850, equations 38 to 45 (centered).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Any,
    ):
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        super().__init__(learning_rate, **common)

    def slot_groups(self) -> list[Slots]:
        names = ["velocity"] + ["momentum"] * bool(self.momentum) + ["average_gradient"] * self.centered
        return [{name: "zeros"} for name in names]

    def rule(self, gradient: Any, value: Any, learning_rate: Any, velocity: Any, *rest: Any) -> Any:
        slots = list(rest)
        velocity = velocity * self.rho + ops.square(gradient) * (1 - self.rho)
        size = velocity
        if self.centered:
            slots[-1] = slots[-1] * self.rho + gradient * (1 - self.rho)
            size = ops.maximum(size - ops.square(slots[-1]), 0.0)  # rounding may leave less than nothing
        step = gradient * learning_rate / ops.sqrt(size + self.epsilon)
        if self.momentum:
            step = slots[0] = slots[0] * self.momentum + step
        return value - step, velocity, *slots


class Ftrl(Optimizer):
    """Follow the regularized leader: sparse weights for sparse features.

    Args:
        learning_rate_power: 0 or less: how the rate falls with the sum of squares.
        initial_accumulator_value: what that sum starts from.
        l1_regularization_strength: draws small weights to exactly 0.
        l2_regularization_strength: draws weights towards 0.
        l2_shrinkage_regularization_strength: the same, through the gradient, so that it does not change the rate.
        beta: added to the root of the sum, times the learning rate.

    Source: McMahan et al., KDD 2013, algorithm 1.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Any,
    ):
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength, self.beta = l2_shrinkage_regularization_strength, beta
        super().__init__(learning_rate, **common)

    def slot_groups(self) -> list[Slots]:
        return [{"accumulator": initializers.Constant(self.initial_accumulator_value), "linear": "zeros"}]

    def rule(self, gradient: Any, value: Any, learning_rate: Any, accumulator: Any, linear: Any) -> Any:
        shrunk = gradient
        if self.l2_shrinkage_regularization_strength:
            shrunk = gradient + value * (2.0 * self.l2_shrinkage_regularization_strength)
        total = accumulator + ops.square(gradient)
        old, new = (ops.power(a, -self.learning_rate_power) for a in (accumulator, total))
        rate = ops.where(ops.equal(learning_rate, 0), ops.ones_like(learning_rate), learning_rate)
        linear = linear + shrunk - (new - old) / rate * value
        quadratic = new / rate + (self.l2_regularization_strength + self.beta / rate / 2.0) * 2.0
        l1 = self.l1_regularization_strength
        moves = ops.logical_and(ops.not_equal(learning_rate, 0), ops.not_equal(quadratic, 0))
        divisor = ops.where(moves, quadratic, ops.ones_like(quadratic))
        return ops.where(moves, (ops.clip(linear, -l1, l1) - linear) / divisor, value), total, linear
