"""One step of training, evaluation or prediction: written over tensors, traced and compiled."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from amalthea import docstrings, ops, text, tree
from amalthea.data import packing
from amalthea.distribution import strategies
from amalthea.engine import multi_step, transforms
from amalthea.engine.ir import versions
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.trace import type_of
from amalthea.engine.ir.variable import at_once
from amalthea.engine.partitioned import partitioned_jit
from amalthea.errors import NotCompiledError, located
from amalthea.operation import running, types_alone
from amalthea.training import native_steps
from amalthea.training.compiled import Outputs, counting
from amalthea.training.contents import Contents
from amalthea.training.results import Results

docstrings.share(
    "batch of a step",
    """
    data: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``; one batch of tensors, each in any nesting, without the
        labels and weights that ``fit`` was not given.
    """,
)
docstrings.share(
    "labels and predictions of a step",
    """
    x: tensors; inputs of the batch.
    y: tensors; labels of the batch, or None.
    y_pred: tensors; outputs of the model.
    sample_weight: tensors or None; weights of the rows. Defaults to None, equal weights.
    """,
)


class Steps(Results):
    """The part of a model that computes one batch."""

    @docstrings.fill
    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Computes the loss that training minimizes: the losses of the outputs, plus those that layers add.

        Override it for a loss of your own. Losses of ``compile`` are weighted by ``loss_weights``.

        Args:
            |labels and predictions of a step|
            training: bool; whether the model runs in training mode, for overriding methods. Defaults to True.

        Shapes:
            (rows, ...) for inputs, labels and predictions, (rows,) or (rows, time) for weights -> ()

        Returns:
            The loss, a tensor of one number.

        Raises:
            NotCompiledError: the model was compiled without a loss, and no layer adds one.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> float(model.compute_loss(y=np.array([[2.0]]), y_pred=np.array([[0.0]])))
            4.0
        """
        total = None
        if self._loss is not None:
            with located(self._location):
                total = self._loss(y, Outputs(y_pred, self._output_names()), sample_weight)
        for added in self.losses:
            total = ops.sum(added) if total is None else ops.add(total, ops.sum(added))
        if total is None:
            raise NotCompiledError(
                "There is no loss to minimise.", cure="compile(loss='mse'), or add_loss() in a layer's call"
            )
        return total

    @docstrings.fill
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Updates the metrics of ``compile`` with a batch, and returns the results of all metrics.

        Override it for metrics of your own.

        Args:
            |labels and predictions of a step|

        Shapes:
            (rows, ...) for inputs, labels and predictions, (rows,) or (rows, time) for weights -> () for each result

        Returns:
            A dict of names to tensors.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse", metrics=["mae"])
            >>> float(model.compute_metrics(None, np.array([[2.0]]), np.array([[0.0]]))["mae"])
            2.0
        """
        outputs = Outputs(y_pred, self._output_names())
        for compiled in self._compiled_metrics:
            if compiled.given is not None and y is not None:
                compiled.update(y, outputs, sample_weight)
        return self.get_metrics_result()

    @docstrings.fill
    def train_step(self, data: Any) -> dict[str, Any]:
        """Makes one update of the weights from one batch; override it for a training step of your own.

        It runs on symbolic tensors, once for each shape of its data, and is compiled. Use
        ``amalthea.value_and_grad`` for gradients and ``self.optimizer.apply`` for the update, on every backend.

        Args:
            |batch of a step|

        Shapes:
            (rows, ...) for inputs and labels, (rows,) or (rows, time) for weights -> () for each result

        Returns:
            A dict of names to results, which become the logs of the epoch.

        Example:
            >>> import numpy as np
            >>> import amalthea
            >>> from amalthea import layers, ops
            >>> class Summing(amalthea.Model):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = layers.Dense(1, use_bias=False, kernel_initializer="ones")
            ...     def call(self, x):
            ...         return self.dense(x)
            ...     def train_step(self, data):
            ...         x, y = data
            ...         weights = self.trainable_variables
            ...         loss, gradients = amalthea.value_and_grad(lambda: ops.sum((self(x) - y) ** 2), weights)()
            ...         self.optimizer.apply(gradients, weights)
            ...         return {"sum": loss}
            >>> model = Summing()
            >>> model.compile("sgd")
            >>> model.fit(np.ones((4, 1)), np.zeros((4, 1)), verbose=0).history
            {'sum': [4.0]}
        """
        x, y, sample_weight = packing.unpack_x_y_sample_weight(data)
        variables = self.trainable_variables

        def objective() -> Any:
            y_pred = self(x, training=True)
            loss, count = self._counted_loss(x, y, y_pred, sample_weight, training=True)
            return self.optimizer.scale_loss(loss), (y_pred, count)

        (_, (y_pred, count)), gradients = transforms.value_and_grad(objective, variables, has_aux=True)()
        weight = {"weight": count} if getattr(self.optimizer, "_accumulates", False) else {}
        self.optimizer.apply(gradients, variables, **weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    @classmethod
    def _has_own_training(cls) -> bool:
        """Returns whether the class overrides ``train_step`` or ``compute_loss``; then labels are not checked."""
        return cls.train_step is not Steps.train_step or cls.compute_loss is not Steps.compute_loss

    @classmethod
    def _has_own_step(cls, kind: str) -> bool:
        """Returns whether the class overrides a step, or the loss or metrics inside it."""
        names = (f"{kind}_step", "compute_loss", "compute_metrics")
        return any(getattr(cls, name) is not getattr(Steps, name) for name in names)

    @docstrings.fill
    def test_step(self, data: Any) -> dict[str, Any]:
        """Computes the loss and the metrics of one batch; override it for an evaluation of your own.

        Args:
            |batch of a step|

        Shapes:
            (rows, ...) for inputs and labels, (rows,) or (rows, time) for weights -> () for each result

        Returns:
            A dict of names to results.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers
            >>> class Counting(Sequential):
            ...     def test_step(self, data):
            ...         return {**super().test_step(data), "outputs": self(data[0]).shape[-1] + 0.0}
            >>> model = Counting([layers.Input((3,)), layers.Dense(2, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> model.evaluate(np.ones((4, 3)), np.ones((4, 2)), verbose=0, return_dict=True)
            {'loss': 1.0, 'outputs': 2.0}
        """
        x, y, sample_weight = packing.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._counted_loss(x, y, y_pred, sample_weight, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    @docstrings.fill
    def predict_step(self, data: Any) -> Any:
        """Computes the outputs for one batch; override it for a prediction of your own.

        Args:
            |batch of a step|

        Shapes:
            (rows, ...) for inputs -> (rows, ...) for each output

        Returns:
            Tensors, in the nesting of the model's outputs.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers, ops
            >>> class Rounding(Sequential):
            ...     def predict_step(self, data):
            ...         return ops.round(super().predict_step(data))
            >>> model = Rounding([layers.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
            >>> model.predict(np.array([[0.7], [2.2]]), verbose=0).tolist()
            [[1.0], [2.0]]
        """
        x, _, _ = packing.unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _counted_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> tuple[Any, Any]:
        """The loss, which is tracked, and over how many values it is a mean."""
        with counting() as counts:
            loss = self._own_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        count = counts[-1] if counts else ops.shape(tree.flatten(x)[0])[0]
        self._loss_tracker.update_state(loss, count)
        return loss, ops.cast(count, "float32")

    def _own_loss(self, training: bool, **given: Any) -> Any:
        """The loss by ``compute_loss``, which may lack the argument ``training``."""
        mode = {"training": training} if _takes_training(type(self).compute_loss) else {}
        return self.compute_loss(**given, **mode)

    def _compiled_step(self, kind: str, alone: bool = False) -> Any:
        """Returns the compiled step for one batch, for training loops of your own."""
        if kind == "train" and self._seen_trainable is not None:
            self._seen_trainable.warn_if_changed(self)
        key = f"{kind} alone" if alone else kind
        key = key if kind == "predict" else f"{key} {versions.results_now() or ''}"
        group = strategies.group_in_use()
        key = key if group is None else f"{key}, rank {group.rank} of {group.size} by {id(group)}"
        found = self._steps.get(key)
        if found is None:
            function = self._as_compiled(kind, alone)
            eager = function if kind == "predict" else _at_once(function)
            if self.run_eagerly:
                made = lambda data: eager(native_steps.as_native(data))  # noqa: E731
            elif group is not None:
                made = partitioned_jit(function, group)
            elif runtime.has_eager_gradients and self._has_own_step(kind):
                made = native_steps.CompiledOrEager(function, eager)
            else:
                made = transforms.jit(function)
            found = self._steps.setdefault(key, made)
        return found

    def _as_compiled(self, kind: str, alone: bool) -> Any:
        own, seen = getattr(self, f"{kind}_step"), self._seen_trainable
        if native_steps.takes_state(getattr(type(self), f"{kind}_step")):
            own = native_steps.with_state(self, kind)

        def function(data: Any) -> Any:
            with running():  # losses and metrics may use symbolic tensors of the model
                return own(packing.pack_x_y_sample_weight(*data))

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

    def _multi_step(self, kind: str) -> Any:
        """Returns the compiled step for several batches in turn (``steps_per_execution``)."""
        one = self._compiled_step(kind)
        if not isinstance(one, transforms.jit):
            return multi_step.one_by_one(one)
        key = f"{kind}, several {versions.results_now() or ''}"
        found = self._steps.get(key)
        if found is None or found.one is not one:
            found = self._steps[key] = multi_step.jit_steps(one)
        return found

    def _ensure_built(self, data: Any) -> None:
        """Creates the variables of a model before its first batch, and those of its optimizer."""
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
            self._build_from(x)
        elif type(self).train_step is not Steps.train_step and self.compiled:
            self._prepare_metrics()  # which a step of a user's goes through
        if self.compiled and self.optimizer is not None and all(layer.built for layer in self._flatten_layers()):
            self.optimizer.build(self._trained_variables)
            self._follow_adapted()
        self._contents = Contents(self)
        self._is_ready = True

    def _build_from(self, x: Any) -> None:
        """Calls the model once, without computing; eagerly on the batch itself if the steps run eagerly.

        A model with a ``train_step`` of its own need not have a ``call``, or one that takes the data as they are. Its
        layers are built by the step then.
        """
        try:
            if self.run_eagerly:
                outputs = self(native_steps.as_native(x), training=False)
            else:
                with types_alone():
                    outputs = self(tree.map_structure(_symbol, x), training=False)
            if self.compiled:
                self._prepare_metrics(outputs)
        except Exception:
            if type(self).train_step is Steps.train_step:
                raise

    def _follow_adapted(self) -> None:
        """Gives the optimizer slots for adapters and the variables of quantized layers, in place of replaced ones."""
        optimizer = self.optimizer if self.compiled else None
        if optimizer is not None and optimizer.built and any(layer._is_adapted for layer in self._flatten_layers()):
            trained = self._trained_variables
            known, own = {id(v) for v in optimizer._trainable_variables}, {id(v) for v in self.variables}
            if not known <= own or any(id(v) not in known for v in trained):
                optimizer._follow(trained)

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


def _symbol(value: Any) -> Tensor:
    array = np.asarray(value)
    return Tensor(Type(array.shape, text.DTYPE) if text.is_text(array) else type_of(array))


@functools.cache
def _takes_training(function: Callable[..., Any]) -> bool:
    """Returns whether a method has a parameter ``training``; a ``compute_loss`` of a user's may have none."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)


def _at_once(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step in Python, all of whose changes other threads see together."""

    made: list[bool] = []  # whether it has run: metrics are made the first time, by one thread

    def run(data: Any) -> Any:
        with nullcontext() if made else versions.MAKING, at_once():
            result = step(data)
        made[:] = [True]
        return result

    return run
