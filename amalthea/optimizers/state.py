"""The variables of an optimizer: how they are made, found again, written and read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from amalthea import initializers
from amalthea.configurable import Configurable
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable, at_once
from amalthea.errors import ArgumentError, NotBuiltError

Slots = dict[str, Any]  # names of slots to their initializers


class State(Configurable):
    """Variables in the order in which files keep them; among them, slots: one for each trained variable."""

    slot_groups: Sequence[Slots] = ()  # of ``rule``; those of one group are made variable by variable
    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None
    _accumulated_weight: Any = None  # of the gradients that wait for an update
    _made_first: Sequence[Variable] = ()  # variables from before the slots

    def _start(self) -> None:
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._indices: dict[Variable, int] = {}
        self._slots: dict[str, list[Variable]] = {}

    @property
    def variables(self) -> list[Variable]:
        """All of its variables, in the order in which files keep them."""
        return [*self._variables] if self._accumulated_weight is None else [*self._variables, self._accumulated_weight]

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of the optimizer's own."""
        variable = Variable(initializers.get(initializer), shape, dtype, trainable=False, aggregation=aggregation)
        variable.name = name or "variable"
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A variable of the shape of another, and of its dtype, float32 at least."""
        stem = (reference_variable.path or reference_variable.name).replace("/", "_")
        dtype = reference_variable.dtype
        dtype = dtypes.at_least_single(dtype) if dtypes.is_float(dtype) else dtype
        return self.add_variable(reference_variable.shape, initializer, dtype, name=f"{stem}_{name}" if name else stem)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """One variable for each of those given; several names give as many lists, made variable by variable.

        None stands in place of those for variables that take their gradient as their value.
        """
        names = [name] if isinstance(name, str) else list(name)
        given = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        made: list[list[Any]] = [[] for _ in names]
        for variable in trainable_variables:
            for variables, slot, start in zip(made, names, given):
                is_updated = not variable.overwrite_with_gradient
                variables.append(self.add_variable_from_reference(variable, slot, start) if is_updated else None)
        return made[0] if isinstance(name, str) else tuple(made)

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots for these variables."""
        if self.built:
            return
        self._made_first = list(self._variables)
        self._know(variables)
        if self.use_ema:
            self._slots["average"] = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._slots["gradient_accumulator"] = [
                self.add_variable_from_reference(variable, "gradient_accumulator") for variable in variables
            ]
            self._accumulated_weight = Variable(np.float32(0), trainable=False, name="accumulated_weight")
            self._accumulated_weight.path = f"{self.name}/accumulated_weight"
        for group in self.slot_groups:
            made = self.add_optimizer_variables(variables, list(group), list(group.values()))
            self._slots.update(zip(group, made))
        self.built = True

    def _know(self, variables: Sequence[Variable]) -> None:
        self._trainable_variables = list(variables)
        self._indices = {v: i for i, v in enumerate(variables)}

    def _follow(self, variables: Sequence[Variable]) -> None:
        """Make slots for other variables than before; variables that are still among them keep the values of theirs."""
        slots = {name: dict(zip(self._trainable_variables, listed)) for name, listed in self._slots.items()}
        beside, weight = self._beside_slots(), self._accumulated_weight
        self.built, self._slots = False, {}
        self._variables = [v for v in self._variables if any(v is first for first in self._made_first)]
        self.build(variables)
        pairs = [
            (slot, slots[name].get(variable))
            for name, listed in self._slots.items()
            for variable, slot in zip(self._trainable_variables, listed)
        ]
        with at_once():
            for new, old in [*pairs, *zip(self._beside_slots(), beside), (self._accumulated_weight, weight)]:
                if new is not None and old is not None:
                    new.assign(old.numpy())

    def _beside_slots(self) -> list[Variable]:
        """Returns the variables that were made with the slots and belong to no trained variable."""
        known = {id(v) for v in (*self._made_first, *(v for listed in self._slots.values() for v in listed))}
        return [v for v in self._variables if id(v) not in known]

    def _slot(self, name: str, variable: Variable) -> Variable:
        """The slot of that name for a variable."""
        return self._slots[name][self._index_of(variable)]

    def _index_of(self, variable: Variable) -> int:
        if variable not in self._indices:
            raise NotBuiltError(
                f"The optimizer does not know variable '{variable.path}'.",
                expected="one of the variables that it was built for",
                cure="compile again after unfreezing, or optimizer.build(all_variables) before the first step",
            )
        return self._indices[variable]

    def get_weights(self) -> list[np.ndarray]:
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of :attr:`variables`, in their order."""
        if len(weights) != len(self.variables):
            raise ArgumentError("Each variable needs a value.", expected=len(self.variables), got=len(weights))
        with at_once():
            for variable, value in zip(self.variables, weights):
                variable.assign(value)

    def save_own_variables(self, store: Any) -> None:
        """Put every variable into the store under its number.

        The weight of gradients that wait for an update is left out while there are none, so that Keras, which has no
        such variable, can read the file.
        """
        for i, variable in enumerate(self.variables):
            if variable is not self._accumulated_weight or float(variable):
                store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take every variable from the store; only a warning if it holds another number of them."""
        given, variables = len(store.keys()), self.variables
        if not self._can_load(given):
            warnings.warn(
                f"The state of optimizer '{self.name}' was not loaded: it has {len(variables)} variables, and "
                f"the file {given}.",
                stacklevel=2,
            )
            return
        with at_once():
            for i, variable in enumerate(variables[:given]):
                variable.assign(np.asarray(store[str(i)]))
            if given < len(variables):
                self._weigh_as_keras()

    def _can_load(self, count: int) -> bool:
        """Whether so many saved values are its state."""
        return len(self.variables) - count in ((0,) if self._accumulated_weight is None else (0, 1))

    def _weigh_as_keras(self) -> None:
        """Keras sums gradients of weight 1; what waits is as many of them as there were calls since the last update."""
        waiting = int(self._variables[0]) % (self.gradient_accumulation_steps or 1)
        self._accumulated_weight.assign(np.float32(waiting))
