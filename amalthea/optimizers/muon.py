"""Muon: the momentum of a matrix, made orthogonal, is its step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from amalthea import ops
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable
from amalthea.optimizers import patterns
from amalthea.optimizers.adaptive_moments import _Moments, _towards  # pyright: ignore[reportPrivateUsage]
from amalthea.optimizers.options import norm


class Muon(_Moments):
    """Orthogonal steps for matrices, Adam's steps for all else.

    Args:
        learning_rate: a number, a schedule, or a callable without arguments.
        adam_beta_1: the share of the past in Adam's mean of gradients.
        adam_beta_2: the share of the past in Adam's mean of their squares.
        adam_weight_decay: the decay of what Adam updates.
        epsilon: added to the root of the latter, and to norms.
        weight_decay: the decay of what Muon updates.
        exclude_layers: parts or patterns (``amalthea.optimizers.patterns``) of paths that Adam shall update.
        exclude_embeddings: whether Adam shall update embeddings.
        muon_a: the first coefficient of the iteration that makes a matrix orthogonal.
        muon_b: the second.
        muon_c: the third.
        adam_lr_ratio: Adam's learning rate as a share of Muon's.
        momentum: the share of the past in the sum of gradients.
        ns_steps: iterations.
        nesterov: whether the gradient is counted once more.
        rms_rate: the root mean square of a step is about this, as Adam's; None for the orthogonal matrix itself.

    Source: Jordan et al., "Muon: an optimizer for hidden layers", 2024; Liu et al., arXiv:2502.16982 (rms_rate).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
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
        self.adam_beta_1 = self.beta_1 = adam_beta_1
        self.adam_beta_2 = self.beta_2 = adam_beta_2
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

    def is_for_adam(self, variable: Variable) -> bool:
        """Whether Adam updates it: no matrix, an embedding, or excluded by its path."""
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(patterns.found(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        self.groups = ()
        super().build(variables)
        self._slots.update(momentum=[], velocity=[])
        for variable in variables:
            self._slots["momentum"].append(self.add_variable_from_reference(variable, "momentum"))
            velocity = self.add_variable_from_reference(variable, "velocity") if self.is_for_adam(variable) else None
            self._slots["velocity"].append(velocity)  # type: ignore[arg-type]

    def decay_of(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self.is_for_adam(variable) else self.weight_decay

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = dtypes.at_least_single(variable.dtype)
        gradient, value, rate = (ops.cast(x, dtype) for x in (gradient, variable.value, learning_rate))
        if self.is_for_adam(variable):
            step = self._adam_step(gradient, variable, rate * self.adam_lr_ratio)
        else:
            step = self._muon_step(gradient, variable, rate)
        variable.assign(value - step)

    def _adam_step(self, gradient: Any, variable: Variable, rate: Any) -> Any:
        momentum, velocity = self.slot("momentum", variable), self.slot("velocity", variable)
        momentum.assign(_towards(momentum.value, gradient, self.beta_1))
        velocity.assign(_towards(velocity.value, ops.square(gradient), self.beta_2))
        correction = ops.sqrt(1.0 - self.left(self.beta_2)) / (1.0 - self.left(self.beta_1))
        rate = rate * ops.cast(correction, rate.dtype)
        return momentum.value * rate / (ops.sqrt(velocity.value) + self.epsilon)

    def _muon_step(self, gradient: Any, variable: Variable, rate: Any) -> Any:
        momentum = self.slot("momentum", variable)
        momentum.assign(momentum.value * self.momentum + gradient)
        step = gradient + momentum.value * self.momentum if self.nesterov else momentum.value
        scale = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(variable.shape))
        return self.orthogonal(step) * (rate * scale)

    def orthogonal(self, matrix: Any) -> Any:
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
