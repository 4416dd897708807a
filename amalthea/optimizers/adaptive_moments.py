"""Adam and its kin: moving means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.ops import composites
from amalthea.optimizers.optimizer import Optimizer
from amalthea.optimizers.options import norm
from amalthea.optimizers.state import Slots


def _towards(mean: Any, new: Any, beta: float) -> Any:
    """A moving mean that keeps the share ``beta`` of itself."""
    return mean + (new - mean) * (1 - beta)


class _Moments(Optimizer):
    """Two moving means; ``power`` tells how much of the start is left in one."""

    groups: Sequence[Slots] = ({"momentum": "zeros", "velocity": "zeros"},)
    beta_1: float
    beta_2: float

    def left(self, beta: float) -> Any:
        """``beta ** step``."""
        return ops.power(float(beta), self.step())


class Adam(_Moments):
    """Adaptive moments.

    Args:
        learning_rate: a number, a schedule, or a callable without arguments.
        beta_1: the share of the past in the mean of gradients.
        beta_2: the share of the past in the mean of their squares.
        epsilon: added to the root of the latter.
        amsgrad: whether the greatest such mean so far counts, rather than the present one.

    Source: Kingma and Ba, arXiv:1412.6980, the form before section 2.1; Reddi et al., 2018 (amsgrad).

    >>> from amalthea import Variable
    >>> from amalthea.optimizers import Adam
    >>> w = Variable([1.0])
    >>> Adam(0.1).apply([w.value], [w])
    >>> w.numpy()
    array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        super().__init__(learning_rate, **common)

    def slot_groups(self) -> Sequence[Slots]:
        return [*self.groups, {"velocity_hat": "zeros"}] if self.amsgrad else self.groups

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any, velocity: Any, *greatest: Any) -> Any:
        correction = ops.sqrt(1.0 - self.left(self.beta_2)) / (1.0 - self.left(self.beta_1))
        rate = learning_rate * ops.cast(correction, value.dtype)
        if not greatest:
            shares = {"beta_1": float(self.beta_1), "beta_2": float(self.beta_2), "epsilon": float(self.epsilon)}
            return composites.adam(value, gradient, momentum, velocity, rate, **shares)
        momentum = _towards(momentum, gradient, self.beta_1)
        velocity = _towards(velocity, ops.square(gradient), self.beta_2)
        size = ops.maximum(greatest[0], velocity)
        return value - momentum * rate / (ops.sqrt(size) + self.epsilon), momentum, velocity, size


class AdamW(Adam):
    """Adam whose weights decay on their own, not through the gradient. Source: arXiv:1711.05101, algorithm 2."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common)


class Adamax(_Moments):
    """Adam with the greatest recent gradient in place of the mean square. Source: arXiv:1412.6980, algorithm 2."""

    groups = ({"momentum": "zeros", "norm": "zeros"},)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, **common)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any, greatest: Any) -> Any:
        rate = learning_rate / ops.cast(1.0 - self.left(self.beta_1), value.dtype)
        momentum = _towards(momentum, gradient, self.beta_1)
        greatest = ops.maximum(greatest * self.beta_2, ops.abs(gradient))
        return value - momentum * rate / (greatest + self.epsilon), momentum, greatest


class Nadam(_Moments):
    """Adam with Nesterov's momentum. Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016, algorithm 2."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
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

    def update_all(self, grads: list[Any], variables: list[Variable], learning_rate: Any) -> None:
        self._product.assign(self._product.value * ops.cast(self._momentum_at(self.step()), self._product.dtype))
        super().update_all(grads, variables, learning_rate)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any, velocity: Any) -> Any:
        now, later = self._momentum_at(self.step()), self._momentum_at(self.step() + 1.0)
        product = ops.cast(self._product.value, "float32")
        of_mean = ops.cast(later / (1.0 - product * later), value.dtype) * learning_rate
        of_gradient = ops.cast((1.0 - now) / (1.0 - product), value.dtype) * learning_rate
        momentum = _towards(momentum, gradient, self.beta_1)
        velocity = _towards(velocity, ops.square(gradient), self.beta_2)
        size = ops.sqrt(velocity / ops.cast(1.0 - self.left(self.beta_2), value.dtype)) + self.epsilon
        return value - (momentum * of_mean + gradient * of_gradient) / size, momentum, velocity


class Lamb(_Moments):
    """Adam with each variable's step in proportion to the variable's norm. Source: arXiv:1904.00962, algorithm 2."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
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
        mean = momentum / ops.cast(1.0 - self.left(self.beta_1), value.dtype)
        square = velocity / ops.cast(1.0 - self.left(self.beta_2), value.dtype)
        step = mean / (ops.sqrt(square) + self.epsilon)
        ratio = _ratio(norm(value), norm(step))
        return value - step * (learning_rate * ratio), momentum, velocity


def _ratio(of_value: Any, of_step: Any) -> Any:
    """The quotient of two norms, 1 where either is 0."""
    both = ops.logical_and(of_value > 0, of_step > 0)
    return ops.where(both, of_value / ops.where(both, of_step, ops.ones_like(of_step)), ops.ones_like(of_value))


class Lion(Optimizer):
    """The sign of a mean of gradients: steps of one size, and one slot only.

    Args:
        learning_rate: 3 to 10 times smaller than Adam's.
        beta_1: the share of the past in the mean whose sign is taken.
        beta_2: the share of the past in the mean that is kept.

    Source: Chen et al., arXiv:2302.06675, algorithm 2.
    """

    groups = ({"momentum": "zeros"},)

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **common: Any):
        self.beta_1, self.beta_2 = beta_1, beta_2
        super().__init__(learning_rate, **common)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any) -> Any:
        direction = ops.sign(_towards(momentum, gradient, self.beta_1))
        return value - direction * learning_rate, _towards(momentum, gradient, self.beta_2)
