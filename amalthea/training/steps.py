"""One step of training, evaluation or prediction: written over tensors, traced and compiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from amalthea import ops, tree, versions
from amalthea.data import packing
from amalthea.errors import NotCompiledError, placed
from amalthea.graph import repeat, transforms
from amalthea.tensor import Tensor, Trace, at_once, current_trace, type_of
from amalthea.training.compiled import Outputs, counting
from amalthea.training.contents import Contents
from amalthea.training.results import Results


class Steps(Results):
    """The part of a model that computes one batch."""

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss that training minimises: those of the outputs, and what layers added."""
        total = None
        if self._loss is not None:
            with placed(self.place):
                total = self._loss(y, Outputs(y_pred, self._output_names()), sample_weight)
        for added in self.losses:
            total = ops.sum(added) if total is None else ops.add(total, ops.sum(added))
        if total is None:
            raise NotCompiledError(
                "There is no loss to minimise.", cure="compile(loss='mse'), or add_loss() in a layer's call"
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the compiled metrics, and give all results."""
        outputs = Outputs(y_pred, self._output_names())
        for compiled in self._compiled_metrics:
            if compiled.given is not None and y is not None:
                compiled.update(y, outputs, sample_weight)
        return self.get_metrics_result()

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update from one batch; override it for a training of your own.

        Runs on tensors in a trace: ``amalthea.value_and_grad`` and ``self.optimizer.apply`` do what they say on
        every backend.
        """
        x, y, sample_weight = packing.unpack_x_y_sample_weight(data)
        variables = self.trainable_variables

        def objective() -> Any:
            y_pred = self(x, training=True)
            loss, count = self._counted_loss(x, y, y_pred, sample_weight, training=True)
            return self.optimizer.scale_loss(loss), (y_pred, count)

        (_, (y_pred, count)), gradients = transforms.value_and_grad(objective, variables, has_aux=True)()
        weight = {"weight": count} if getattr(self.optimizer, "accumulates", False) else {}
        self.optimizer.apply(gradients, variables, **weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    @classmethod
    def trains_in_its_own_way(cls) -> bool:
        """Whether a subclass says itself what a step or the loss is, so that labels may mean anything."""
        return cls.train_step is not Steps.train_step or cls.compute_loss is not Steps.compute_loss

    def test_step(self, data: Any) -> dict[str, Any]:
        """Loss and metrics of one batch."""
        x, y, sample_weight = packing.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._counted_loss(x, y, y_pred, sample_weight, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch."""
        x, _, _ = packing.unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _counted_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> tuple[Any, Any]:
        """The loss, which is tracked, and over how many values it is a mean."""
        with counting() as counts:
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        count = counts[-1] if counts else ops.shape(tree.flatten(x)[0])[0]
        self._loss_tracker.update_state(loss, count)
        return loss, ops.cast(count, "float32")

    def step(self, kind: str, alone: bool = False) -> Any:
        """The traced and compiled ``train``, ``test`` or ``predict`` step (plain Python with ``run_eagerly``).

        With ``alone`` its results are those of the one batch.
        """
        if kind == "train" and self._seen_trainable is not None:
            self._seen_trainable.warn_if_changed(self)
        key = f"{kind} alone" if alone else kind
        key = key if kind == "predict" else f"{key} {versions.results_now() or ''}"
        found = self._steps.get(key)
        if found is None:
            function = self._as_compiled(kind, alone)
            if self.run_eagerly:
                made = function if kind == "predict" else _at_once(function)
            else:
                made = transforms.jit(function)
            found = self._steps.setdefault(key, made)
        return found

    def _as_compiled(self, kind: str, alone: bool) -> Any:
        function, seen = getattr(self, f"{kind}_step"), self._seen_trainable
        if kind == "predict" or seen is None:
            return function

        def step(data: Any) -> Any:
            with seen.hold():
                return self._alone(function, data) if alone else function(data)

        return step

    def _alone(self, function: Any, data: Any) -> Any:
        """A step whose metrics begin anew: the reset is part of the trace."""
        self.reset_metrics()
        before = {id(v) for metric in self.metrics for v in metric.variables}
        logs = function(data)
        scope, view = current_trace(), versions.view()
        if scope is not None:  # what was made just now begins with its initial value every time
            for variable in (v for metric in self.metrics for v in metric.variables if id(v) not in before):
                scope.begin(variable if view is None else view.of(variable), variable.numpy())
        return logs

    def several(self, kind: str) -> Any:
        """The same for several batches in turn, as ``steps_per_execution`` has it."""
        one = self.step(kind)
        if not isinstance(one, transforms.jit):
            return repeat.in_turn(one)
        key = f"{kind}, several {versions.results_now() or ''}"
        found = self._steps.get(key)
        if found is None or found.one is not one:
            found = self._steps[key] = repeat.jit_steps(one)
        return found

    def ensure_built(self, data: Any) -> None:
        """Make the variables of a model that has not seen data yet, by a call on symbols; then the optimizer's."""
        if self._is_ready and not self._contents.have_changed_size():
            return
        with versions.MAKING:
            if self._is_ready and self._contents.have_changed_size():
                self._forget_compiled()
            if not self._is_ready:
                self._build_all(data)

    def _build_all(self, data: Any) -> None:
        x, _, _ = packing.unpack_x_y_sample_weight(data)
        if any(not layer.built for layer in self._flatten_layers()):
            with Trace():
                self(tree.map_structure(lambda a: Tensor(type_of(np.asarray(a))), x), training=False)
        if self.compiled and self.optimizer is not None:
            self.optimizer.build(self._trained_variables)
        self._contents = Contents(self)
        self._is_ready = True

    @property
    def _trained_variables(self) -> list[Any]:
        """The variables that were trainable when the model was compiled."""
        if self._seen_trainable is None:
            return self.trainable_variables
        with self._seen_trainable.hold():
            return self.trainable_variables

    def _notice_changes(self) -> None:
        """Drop the traced steps if layers, variables, seeds or metrics were added, removed or replaced since."""
        if self._is_ready and self._contents.have_changed(self):
            self._forget_compiled()


def _at_once(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step in Python, all of whose changes other threads see together."""

    made: list[bool] = []  # whether it has run: metrics are made the first time, by one thread

    def run(data: Any) -> Any:
        with nullcontext() if made else versions.MAKING, at_once():
            result = step(data)
        made[:] = [True]
        return result

    return run
