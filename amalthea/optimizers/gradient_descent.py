"""Stochastic gradient descent, and rules that divide the gradient by a measure of its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea import initializers, ops
from amalthea.optimizers.optimizer import LearningRate, Optimizer
from amalthea.optimizers.state import Slots


class SGD(Optimizer):
    """Stochastic gradient descent, with or without momentum.

    For a weight w and its gradient g: ``w = w - learning_rate * g``. With momentum a velocity v is kept:
    ``v = momentum * v - learning_rate * g`` and ``w = w + v``; with ``nesterov``,
    ``w = w + momentum * v - learning_rate * g``.

    Args:
        learning_rate: float, 0 or more, schedule, variable, or callable without arguments; size of the steps.
            Defaults to 0.01.
        momentum: float in [0, 1]; share of the last step that is repeated. Defaults to 0, no momentum.
        nesterov: bool; whether the step is that of Nesterov's accelerated gradient. Defaults to False.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import SGD
        >>> w, optimizer = Variable([1.0]), SGD(0.1, momentum=0.9)
        >>> for _ in range(2):
        ...     optimizer.apply([[1.0]], [w])  # steps of 0.1 and 0.19
        >>> round(float(w.numpy()[0]), 4)
        0.71

    Source: Sutskever et al., ICML 2013, equations 1 to 4.
    """

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.0, nesterov: bool = False, **common: Any
    ):
        self.momentum, self.nesterov = momentum, nesterov
        super().__init__(learning_rate, **common)

    @property
    def slot_groups(self) -> Sequence[Slots]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return [{"momentum": "zeros"}] if self.momentum else []

    def rule(self, gradient: Any, value: Any, learning_rate: Any, momentum: Any = None) -> Any:
        step = gradient * learning_rate
        if momentum is None:
            return (value - step,)
        momentum = momentum * self.momentum - step
        if self.nesterov:
            return value + (momentum * self.momentum - step), momentum
        return value + momentum, momentum


class _Rooted(Optimizer):
    """A gradient divided by the root of sums or means of its squares."""

    epsilon: float

    def _root(self, squares: Any) -> Any:
        return ops.sqrt(squares + self.epsilon)


class Adagrad(_Rooted):
    """Gradient descent with a learning rate for each element, which falls with the squares of its gradients.

    A sum a of squared gradients is kept: ``a = a + g ** 2`` and ``w = w - learning_rate * g / sqrt(a + epsilon)``.

    Args:
        |learning rate|
        initial_accumulator_value: float, 0 or more; initial value of the sum. Defaults to 0.1.
        epsilon: float, 0 or more; number added to the sum, against division by 0. Defaults to 1e-7.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Adagrad
        >>> w, optimizer = Variable([1.0]), Adagrad(0.1)
        >>> for _ in range(2):
        ...     optimizer.apply([[1.0]], [w])  # steps of 0.1 / sqrt(1.1) and 0.1 / sqrt(2.1)
        >>> round(float(w.numpy()[0]), 4)
        0.8356

    Source: Duchi et al., JMLR 12, 2011.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Any,
    ):
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, **common)

    @property
    def slot_groups(self) -> Sequence[Slots]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return [{"accumulator": initializers.Constant(self.initial_accumulator_value)}]

    def rule(self, gradient: Any, value: Any, learning_rate: Any, accumulator: Any) -> Any:
        accumulator = accumulator + ops.square(gradient)
        return value - gradient * learning_rate / self._root(accumulator), accumulator


class Adadelta(Optimizer):
    """Gradient descent with steps of the size of recent steps, whatever the scale of the gradients.

    Moving means of squared gradients (a) and of squared steps (b) are kept: ``a = rho * a + (1 - rho) * g ** 2``,
    ``step = g * sqrt((b + epsilon) / (a + epsilon))``, ``b = rho * b + (1 - rho) * step ** 2`` and
    ``w = w - learning_rate * step``.

    Args:
        |learning rate|
        rho: float in [0, 1]; share of the past in the moving means. Defaults to 0.95.
        epsilon: float, 0 or more; number added to the means; it sets the size of the first steps. Defaults to 1e-7.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Adadelta
        >>> w = Variable([1.0, 1.0])
        >>> Adadelta(learning_rate=1.0, epsilon=0.01).apply([[1.0, 100.0]], [w])
        >>> w.numpy().round(2).tolist()  # gradients of 1 and 100 make steps of one size
        [0.59, 0.55]

    Source: Zeiler, arXiv:1212.5701, algorithm 1.
    """

    slot_groups = ({"accumulated_grad": "zeros", "accumulated_delta_var": "zeros"},)

    def __init__(self, learning_rate: LearningRate = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **common: Any):
        self.rho, self.epsilon = rho, epsilon
        super().__init__(learning_rate, **common)

    def rule(self, gradient: Any, value: Any, learning_rate: Any, grads: Any, deltas: Any) -> Any:
        grads = grads * self.rho + ops.square(gradient) * (1 - self.rho)
        delta = gradient * ops.sqrt((deltas + self.epsilon) / (grads + self.epsilon))
        deltas = deltas * self.rho + ops.square(delta) * (1 - self.rho)
        return value - delta * learning_rate, grads, deltas


class RMSprop(_Rooted):
    """Gradient descent with gradients divided by the root of the moving mean of their squares.

    ``v = rho * v + (1 - rho) * g ** 2`` and ``w = w - learning_rate * g / sqrt(v + epsilon)``.

    Args:
        |learning rate|
        rho: float in [0, 1]; share of the past in the moving mean. Defaults to 0.9.
        momentum: float in [0, 1]; share of the last step that is repeated. Defaults to 0, no momentum.
        epsilon: float, 0 or more; number added to the mean, against division by 0. Defaults to 1e-7.
        centered: bool; whether the squared moving mean of gradients is subtracted from v, which makes it a variance.
            Defaults to False.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import RMSprop
        >>> w = Variable([1.0, 1.0])
        >>> RMSprop(0.1, rho=0.75).apply([[1.0, 100.0]], [w])
        >>> w.numpy().round(4).tolist()  # steps of 0.1 / sqrt(0.25), whatever the size of the gradients
        [0.8, 0.8]

    Source: Hinton, Coursera lecture 6e, 2012; Graves, arXiv:1308.0850, equations 38 to 45 (centered).
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Any,
    ):
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        super().__init__(learning_rate, **common)

    @property
    def slot_groups(self) -> Sequence[Slots]:  # pyright: ignore[reportIncompatibleVariableOverride]
        names = ["velocity"] + ["momentum"] * bool(self.momentum) + ["average_gradient"] * self.centered
        return [{name: "zeros"} for name in names]

    def rule(self, gradient: Any, value: Any, learning_rate: Any, velocity: Any, *rest: Any) -> Any:
        slots = list(rest)
        velocity = velocity * self.rho + ops.square(gradient) * (1 - self.rho)
        size = velocity
        if self.centered:
            slots[-1] = slots[-1] * self.rho + gradient * (1 - self.rho)
            size = ops.maximum(size - ops.square(slots[-1]), 0.0)  # rounding may leave less than nothing
        step = gradient * learning_rate / self._root(size)
        if self.momentum:
            step = slots[0] = slots[0] * self.momentum + step
        return value - step, velocity, *slots


class Ftrl(Optimizer):
    """Follow the regularized leader (FTRL-Proximal): sparse weights for many rare features.

    With a the sum of squared gradients before an update, ``b = a + g ** 2`` after it, and p = ``learning_rate_power``:
    ``z = z + g - (b ** -p - a ** -p) / learning_rate * w``. The new weight is ``(clip(z, -l1, l1) - z) / q`` with
    ``q = b ** -p / learning_rate + 2 * l2 + beta / learning_rate``; it is exactly 0 where ``abs(z) <= l1``.

    Args:
        |learning rate|
        learning_rate_power: float, 0 or less; power of the sum by which steps fall. Defaults to -0.5; 0 keeps their
            size.
        initial_accumulator_value: float, 0 or more; initial value of the sum of squares. Defaults to 0.1.
        l1_regularization_strength: float, 0 or more; penalty l1, which sets small weights to exactly 0. Defaults to 0.
        l2_regularization_strength: float, 0 or more; penalty l2, which draws weights towards 0. Defaults to 0.
        l2_shrinkage_regularization_strength: float, 0 or more; penalty whose gradient
            ``2 * l2_shrinkage_regularization_strength * w`` is added to g in z, and not to the sum of squares.
            Defaults to 0.
        beta: float, 0 or more; number added to the divisor, as above. Defaults to 0.
        |weight decay|
        |options of every optimizer|

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Ftrl
        >>> w = Variable([0.0, 0.0])
        >>> Ftrl(0.1, l1_regularization_strength=0.5).apply([[1.0, 0.2]], [w])
        >>> w.numpy().round(4).tolist()  # the second gradient is less than the penalty
        [-0.0477, 0.0]

    Source: McMahan et al., KDD 2013, algorithm 1.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
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

    @property
    def slot_groups(self) -> Sequence[Slots]:  # pyright: ignore[reportIncompatibleVariableOverride]
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
