"""The base class of optimizers: a rule for one variable, and the options that all rules share, written once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from amalthea import docstrings, initializers, ops
from amalthea.checks import non_negative_number
from amalthea.configurable import Registry, auto_name, snake_case
from amalthea.custom_objects import CustomObjectScope
from amalthea.engine import dtypes
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import native
from amalthea.engine.ir.variable import Variable, at_once
from amalthea.engine.stateless import call_stateless
from amalthea.errors import ArgumentError, NotBuiltError
from amalthea.optimizers import arguments, options
from amalthea.optimizers.schedules import LearningRateSchedule
from amalthea.optimizers.state import State

registry = Registry("optimizers", "optimizer", spell=lambda name: (name, name.lower(), snake_case(name)))


LearningRate: TypeAlias = float | LearningRateSchedule | Variable | Callable[[], Any] | Mapping[str, Any]

docstrings.share(
    "learning rate",
    """
    learning_rate: float, 0 or more, schedule, variable, or callable without arguments; size of the steps. Defaults to
        0.001.
    """,
)
docstrings.share(
    "weight decay",
    """
    weight_decay: float, 0 or more, or None; each update first multiplies the weights by
        ``1 - learning_rate * weight_decay``. Defaults to None, no decay.
    """,
)
docstrings.share(
    "options of every optimizer",
    """
    clipnorm: float, above 0, or None; greatest Euclidean norm of the gradient of one weight. Longer gradients are
        scaled down to it. Only one of the three ways to clip may be given. Defaults to None, no clipping.
    clipvalue: float, above 0, or None; elements of gradients are clipped to ``[-clipvalue, clipvalue]``. Defaults to
        None, no clipping.
    global_clipnorm: float, above 0, or None; greatest Euclidean norm of all gradients together. Defaults to None, no
        clipping.
    use_ema: bool; whether a moving average of each weight is kept, which replaces the weight when ``fit`` ends.
        Defaults to False.
    ema_momentum: float in [0, 1]; share of the average that one update keeps, read if ``use_ema``. Defaults to 0.99.
    ema_overwrite_frequency: int, 1 or more, or None; number of updates after which the averages replace the weights
        during training. Defaults to None, only when ``fit`` ends.
    loss_scale_factor: float, above 0, or None; factor of the loss, by which the gradients are divided again, so that
        small ones are not lost in half precision. Defaults to None, no scaling.
    gradient_accumulation_steps: int, 2 or more, or None; number of batches whose mean gradient makes one update.
        Schedules and averages count updates. Defaults to None, one update for each batch.
    name: str or None; first part of the paths of the optimizer's variables. Defaults to None, which derives one from
        the class.
    **kwargs: names of Keras 1 and 2. ``lr`` is the learning rate; ``decay`` is a float that divides it by
        ``1 + decay * updates``. ``jit_compile`` and ``is_legacy_optimizer`` change nothing.
    """,
)


class Optimizer(State, registry=registry):
    """Base class of optimizers: a rule for one weight, and the options that all rules share.

    A subclass overrides :meth:`rule`, which returns the new value of a weight, and the class attribute
    ``slot_groups``: dicts from the names of the variables that the rule keeps for each weight (its slots) to their
    initializers. All rules compute in float32 at least.

    Args:
        learning_rate: float, 0 or more, schedule, variable, or callable without arguments; size of the steps.
        |weight decay|
        |options of every optimizer|

    Raises:
        ArgumentError: a number is out of range, two ways to clip are given, or an argument does not exist.

    Example:
        >>> from amalthea import Variable
        >>> from amalthea.optimizers import Optimizer
        >>> class Plain(Optimizer):
        ...     def rule(self, gradient, value, learning_rate):
        ...         return (value - gradient * learning_rate,)
        >>> w = Variable([1.0])
        >>> Plain(learning_rate=0.5).apply([w.value], [w])
        >>> w.numpy()
        array([0.5], dtype=float32)
    """

    _argument_checks = arguments.OF_OPTIMIZERS
    _not_in_config = ("lr", "decay", *options._WITHOUT_EFFECT)

    def __init_subclass__(cls, **kwargs: Any):
        if "__init__" in cls.__dict__:
            cls.__init__ = options.with_common_options(cls.__init__)
        super().__init_subclass__(**kwargs)

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        self.name = name or auto_name(snake_case(type(self).__name__))
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.use_ema, self.ema_momentum = global_clipnorm, use_ema, ema_momentum
        self.ema_overwrite_frequency, self.loss_scale_factor = ema_overwrite_frequency, loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        options.check_options(self)
        self._start()
        self._undecayed: set[Variable] = set()
        self._undecayed_names: list[str] = []
        self._iterations = self.add_variable((), dtype="int32", name="iteration")
        learning_rate, self._decay_rate = options.take_legacy(type(self).__name__, learning_rate, kwargs)
        self._learning_rate = self._make_learning_rate(learning_rate)

    # ------------------------------------------------------------------------------------ learning rate

    def _make_learning_rate(self, given: Any) -> Any:
        if isinstance(given, dict):
            return LearningRateSchedule._registry.get(given)  # type: ignore[union-attr]
        if isinstance(given, Variable):
            self._variables.append(given)
        if callable(given) or isinstance(given, Variable):
            return given
        constant = initializers.Constant(float(self._checked_rate(given)))
        return self.add_variable((), constant, dtype="float32", name="learning_rate")

    def _checked_rate(self, rate: Any) -> Any:
        return non_negative_number(rate, "learning_rate", type(self).__name__)

    @property
    def learning_rate(self) -> Any:
        """Present learning rate: its variable, or the value of the schedule or callable. (Without ``decay``.)"""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return self._learning_rate if isinstance(self._learning_rate, Variable) else self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, (LearningRateSchedule, Variable)) or callable(value):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = value
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(value if isinstance(value, Tensor) else self._checked_rate(value))
        else:
            raise ArgumentError(
                "The learning rate follows a schedule, so it cannot be set to a number.",
                got=repr(self._learning_rate),
                cure=f"{type(self).__name__}(learning_rate=0.001), or set another schedule",
            )

    @property
    def lr(self) -> Any:
        """The learning rate, by its name in Keras 1 and 2; or the attribute that a subclass set before."""
        if "lr" in vars(self):
            return vars(self)["lr"]
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        if "lr" in vars(self) or "_learning_rate" not in vars(self):
            vars(self)["lr"] = value
        else:
            self.learning_rate = value

    @property
    def iterations(self) -> Any:
        """Number of updates so far, without calls that only accumulate gradients."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations.value, self.gradient_accumulation_steps)
        return self._iterations

    @property
    def _accumulates(self) -> bool:
        """Whether several calls make one update."""
        return bool(self.gradient_accumulation_steps)

    def assign(self, variable: Variable, value: Any) -> None:
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        variable.assign_sub(value)

    # ------------------------------------------------------------------------------------------- a step

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None, weight: Any = 1.0
    ) -> None:
        """Updates variables by their gradients.

        Args:
            grads: sequence of tensors or None, one for each variable; None leaves the variable out, with a warning.
            trainable_variables: sequence of variables. Defaults to None, those that the optimizer was built for.
            weight: number; weight of these gradients among those that are accumulated for one update, such as the
                number of rows. Defaults to 1.

        Raises:
            ArgumentError: the numbers of gradients and variables differ, or all gradients are None.
            NotBuiltError: the optimizer was built for other variables.
        """
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        grads = [native(g) for g in grads]
        if len(grads) != len(variables):
            raise ArgumentError("Each variable needs a gradient.", expected=len(variables), got=len(grads))
        if not grads:
            return
        self.build(variables)
        grads, variables = self._overwrite(*options.present(grads, variables))
        if self.loss_scale_factor is not None:
            grads = [g / self.loss_scale_factor for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables, weight)
        else:
            self._update(grads, variables)
        self._iterations.assign_add(1)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """Updates variables by pairs of gradient and variable, and returns the number of updates."""
        grads, variables = zip(*grads_and_vars)
        self.apply(grads, variables)
        return self._iterations

    def _overwrite(self, grads: list[Any], variables: list[Variable]) -> tuple[list[Any], list[Variable]]:
        """Variables whose "gradient" is their new value get it; the others are left."""
        for gradient, variable in zip(grads, variables):
            if variable.overwrite_with_gradient:
                variable.assign(gradient)
        rest = [(g, v) for g, v in zip(grads, variables) if not v.overwrite_with_gradient]
        return [g for g, _ in rest], [v for _, v in rest]

    def _accumulate(self, grads: list[Any], variables: list[Variable], weight: Any) -> None:
        """Add to the weighted sums of gradients; where enough calls were made, update by the mean and begin anew."""
        steps = self.gradient_accumulation_steps
        summed = self._accumulated_weight
        sums = [*(self._slot("gradient_accumulator", v) for v in variables), summed]
        weight = ops.cast(weight, summed.dtype)
        totals = [s.value + ops.cast(g, s.dtype) * ops.cast(weight, s.dtype) for s, g in zip(sums, grads)]
        totals.append(summed.value + weight)
        is_due = ops.equal((self._iterations.value + 1) % steps, 0)
        own = [v for v in self._variables if v is not self._iterations and v not in set(sums)]
        means = [ops.divide_no_nan(t, ops.cast(totals[-1], t.dtype)) for t in totals[:-1]]
        trained = list(dict.fromkeys([*variables, *self._trainable_variables]))
        self._assign_if(is_due, lambda: self._update(means, variables), [*trained, *own])
        for variable, total in zip(sums, totals):
            variable.assign(ops.where(is_due, ops.zeros_like(total), total))

    @staticmethod
    def _assign_if(condition: Any, function: Callable[[], None], variables: Sequence[Variable]) -> None:
        """Run ``function``; what it assigned stays where the condition holds. (A branch may not assign.)"""
        before = [v.value if current_trace() else native(v.numpy()) for v in variables]
        function()
        for variable, old in zip(variables, before):
            new = variable.value
            if new is not old:
                variable.assign(ops.where(condition, new, old))

    def _update(self, grads: list[Any], variables: list[Variable]) -> None:
        """One update, with all that belongs to it: clipping, decay, averages, constraints."""
        if grads:
            grads = options.clip(self, grads)
            rate = self._rate()
            self._decay(variables, rate)
            self._update_all(grads, variables, rate)
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))

    def _rate(self) -> Any:
        """The learning rate of this update."""
        rate = self.learning_rate
        rate = rate.value if isinstance(rate, Variable) else ops.convert_to_tensor(rate, dtype="float32")
        return rate if not self._decay_rate else rate / (ops.cast(self.iterations, "float32") * self._decay_rate + 1.0)

    def _update_all(self, grads: list[Any], variables: list[Variable], learning_rate: Any) -> None:
        """Calls :meth:`update_step` for each variable; a rule with state for the whole step updates it here."""
        for gradient, variable in zip(grads, variables):
            self.update_step(gradient, variable, learning_rate)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Updates one variable and its slots by :meth:`rule`."""
        names = [name for group in self.slot_groups for name in group]
        slots = [self._slot(name, variable) for name in names]
        dtype = dtypes.at_least_single(variable.dtype)
        gradient, value, learning_rate = (ops.cast(x, dtype) for x in (gradient, variable.value, learning_rate))
        results = self.rule(gradient, value, learning_rate, *(s.value for s in slots))
        for target, result in zip([variable, *slots], results):
            target.assign(result)

    def rule(self, *args: Any, **kwargs: Any) -> Sequence[Any]:
        """Returns the new value of a variable and of its slots, from ``(gradient, value, learning_rate, *slots)``.

        All are float32 at least, whatever the variable's dtype is.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say its rule: write its rule or update_step.")

    def _update_number(self, dtype: str = "float32") -> Any:
        """Returns the number of the present update, from 1."""
        return ops.cast(self.iterations + 1, dtype)

    # --------------------------------------------------------------------------- weight decay, averaging

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Sequence[str] | None = None) -> None:
        """Excludes variables from weight decay, by themselves or by regular expressions of their names."""
        self._undecayed |= set(var_list or ())
        self._undecayed_names += list(var_names or ())

    def _decays(self, variable: Variable) -> bool:
        by_name = any(re.search(pattern, variable.name) for pattern in self._undecayed_names)
        return variable not in self._undecayed and not by_name

    def _weight_decay_of(self, variable: Variable) -> float | None:
        """Returns the weight decay of one variable."""
        return self.weight_decay

    def _decay(self, variables: Sequence[Variable], rate: Any) -> None:
        for variable in filter(self._decays, variables):
            decay = self._weight_decay_of(variable)
            if decay is not None:
                shrunk = ops.cast(variable.value, dtypes.at_least_single(variable.dtype))
                variable.assign(shrunk * (1.0 - ops.cast(rate, shrunk.dtype) * decay))

    def _average(self) -> None:
        """Move the averages towards the weights; at the first update they become them."""
        momentum = ops.cast(ops.not_equal(self.iterations, 0), "float32") * self.ema_momentum
        pairs = [pair for pair in zip(self._trainable_variables, self._slots["average"]) if pair[1] is not None]
        for variable, average in pairs:
            value = ops.cast(variable.value, average.dtype)
            average.assign(value + (average.value - value) * ops.cast(momentum, average.dtype))
        if self.ema_overwrite_frequency:
            is_due = ops.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
            for variable, average in pairs:
                variable.assign(ops.where(is_due, ops.cast(average.value, variable.dtype), variable.value))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Replaces variables by their moving averages, if there are any; called when ``fit`` ends."""
        with at_once():
            for variable in var_list if self._has_averages else ():
                if not variable.overwrite_with_gradient:
                    variable.assign(self._slot("average", variable).value)

    @property
    def _has_averages(self) -> bool:
        """Whether averages of the weights are kept, and an update has made them."""
        return self.use_ema and self.built and int(np.asarray(ops.convert_to_numpy(self.iterations))) > 0

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss times ``loss_scale_factor``."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # ------------------------------------------------------------------------------ values in and out

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """Returns the new values of trainable and optimizer variables: :meth:`apply` as a pure function."""
        if not self.built:
            raise NotBuiltError("The optimizer has no slots yet.", cure="optimizer.build(trainable_variables) first")
        every = [*self._trainable_variables, *self._variables]
        values = [*trainable_variables, *optimizer_variables]
        _, new = call_stateless(lambda: self.apply(grads, self._trainable_variables), every, values)
        return new[: len(self._trainable_variables)], new[len(self._trainable_variables) :]

    def _config_value(self, name: str, given: Any) -> Any:
        """Returns the learning rate as a number or schedule, any other argument from its attribute."""
        if name != "learning_rate":
            return super()._config_value(name, given)
        rate = self._learning_rate
        rate = float(rate.numpy()) if isinstance(rate, Variable) else rate
        return options.with_decay(rate, self._decay_rate)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        with CustomObjectScope(custom_objects):
            return super().from_config(config)
