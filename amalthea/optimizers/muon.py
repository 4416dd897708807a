"""Muon: the momentum of a matrix, made orthogonal, is its step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.optimizers import patterns
from amalthea.optimizers.adaptive_moments import _Moments, _towards
from amalthea.optimizers.optimizer import LearningRate
from amalthea.optimizers.options import norm


class Muon(_Moments):
    """Gradient descent with orthogonal steps for matrices, and Adam's steps for all other weights.

    ``m = momentum * m + g`` and ``w = w - learning_rate * scale * orthogonal(m)``, where ``orthogonal`` sets all
    singular values to about 1. It repeats ``x = a * x + (b * y + c * y @ y) @ x`` with ``y = x @ transpose(x)``, from
    ``m / norm(m)``. Weights that are not matrices, embeddings and excluded ones are updated by :class:`Adam`.

    Args:
        |learning rate|
        adam_beta_1: float in [0, 1); share of the past in Adam's mean of gradients. Defaults to 0.9.
        adam_beta_2: float in [0, 1); share of the past in Adam's mean of squared gradients. Defaults to 0.999.
        adam_weight_decay: float, 0 or more, or None; decay of weights that Adam updates. Defaults to 0.004.
        epsilon: float, 0 or more; number added to Adam's root mean square, and to norms. Defaults to 1e-7.
        weight_decay: float, 0 or more, or None; decay of weights with orthogonal steps. Defaults to 0.004.
        |options of every optimizer|
        exclude_layers: sequence of str or None; patterns of paths (see ``amalthea.optimizers.patterns``) of weights
            that Adam updates. Defaults to None, no others.
        exclude_embeddings: bool; whether Adam updates weights with "embedding" in their path. Defaults to True.
        muon_a: float; coefficient a of the iteration. Defaults to 3.4445.
        muon_b: float; coefficient b of the iteration. Defaults to -4.775.
        muon_c: float; coefficient c of the iteration. Defaults to 2.0315.
        adam_lr_ratio: float, 0 or more; Adam's learning rate as a multiple of ``learning_rate``. Defaults to 1.
        momentum: float in [0, 1]; share of the past in m. Defaults to 0.95.
        ns_steps: int, 1 or more; number of iterations. Defaults to 5.
        nesterov: bool; whether ``g + momentum * m`` takes the place of m. Defaults to True.
        rms_rate: float, 0 or more, or None; root mean square of a step before the learning rate, by
            ``scale = rms_rate * sqrt(max(w.shape))``. Defaults to 0.2, near Adam's; None means a scale of 1.

    Raises:
        ArgumentError: a number is out of range, or (in ``build``) a pattern has groups.

    Example:
        >>> import numpy as np
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Muon
        >>> w = Variable(np.zeros((2, 2)))
        >>> Muon(0.1, rms_rate=None).apply([np.array([[100.0, 0.0], [0.0, 1.0]])], [w])
        >>> bool(abs(w.numpy()[1, 1] / w.numpy()[0, 0]) > 0.1)  # in the gradient it is 0.01
        True

    Source: Jordan et al., "Muon: an optimizer for hidden layers", 2024; Liu et al., arXiv:2502.16982 (rms_rate).
    """

    slot_groups = ()  # made in build, where the path of a weight tells which it needs

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ):
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay, self.epsilon = adam_weight_decay, epsilon
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or ()), exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c, self.ns_steps = muon_a, muon_b, muon_c, ns_steps
        self.adam_lr_ratio, self.momentum = adam_lr_ratio, momentum
        self.nesterov, self.rms_rate = nesterov, rms_rate
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )

    def _is_for_adam(self, variable: Variable) -> bool:
        """Whether Adam updates it: no matrix, an embedding, or excluded by its path."""
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(patterns.found(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._slots.update(momentum=[], velocity=[])
        for variable in variables:
            if variable.overwrite_with_gradient:
                self._slots["momentum"].append(None)  # type: ignore[arg-type]
                self._slots["velocity"].append(None)  # type: ignore[arg-type]
                continue
            self._slots["momentum"].append(self.add_variable_from_reference(variable, "momentum"))
            velocity = self.add_variable_from_reference(variable, "velocity") if self._is_for_adam(variable) else None
            self._slots["velocity"].append(velocity)  # type: ignore[arg-type]

    def _weight_decay_of(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._is_for_adam(variable) else self.weight_decay

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = dtypes.at_least_single(variable.dtype)
        gradient, value, rate = (ops.cast(x, dtype) for x in (gradient, variable.value, learning_rate))
        if self._is_for_adam(variable):
            step = self._adam_step(gradient, variable, rate * self.adam_lr_ratio)
        else:
            step = self._muon_step(gradient, variable, rate)
        variable.assign(value - step)

    def _adam_step(self, gradient: Any, variable: Variable, rate: Any) -> Any:
        momentum, velocity = self._slot("momentum", variable), self._slot("velocity", variable)
        momentum.assign(_towards(momentum.value, gradient, self.adam_beta_1))
        velocity.assign(_towards(velocity.value, ops.square(gradient), self.adam_beta_2))
        correction = ops.sqrt(1.0 - self._start_share(self.adam_beta_2)) / (1.0 - self._start_share(self.adam_beta_1))
        rate = rate * ops.cast(correction, rate.dtype)
        return momentum.value * rate / (ops.sqrt(velocity.value) + self.epsilon)

    def _muon_step(self, gradient: Any, variable: Variable, rate: Any) -> Any:
        momentum = self._slot("momentum", variable)
        momentum.assign(momentum.value * self.momentum + gradient)
        step = gradient + momentum.value * self.momentum if self.nesterov else momentum.value
        scale = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(variable.shape))
        return self._orthogonal(step) * (rate * scale)

    def _orthogonal(self, matrix: Any) -> Any:
        """The orthogonal matrix near to it: all its singular values drawn to about 1.

        Source: Newton and Schulz's iteration, of the fifth degree.
        """
        is_tall = matrix.shape[0] > matrix.shape[1]
        x = ops.transpose(matrix) if is_tall else matrix
        x = x / (norm(x) + self.epsilon)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, ops.transpose(x))
            square = square * self.muon_b + ops.matmul(square, square) * self.muon_c
            x = x * self.muon_a + ops.matmul(square, x)
        return ops.transpose(x) if is_tall else x
