"""``compile``, ``fit``, ``evaluate``, ``predict``: the one training loop.

A step is written once, in Python, over tensors (:meth:`Trainer.train_step`, which may be overridden); it is traced
for each signature of its data and runs as one executable, with optimizer and metrics.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from amalthea import loading, ops, optimizers, tree
from amalthea import metrics as metrics_module
from amalthea.configurable import deserialize
from amalthea.data import packing, to_batch
from amalthea.engine import backends, multi_step, transforms
from amalthea.engine.ir import versions
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.trace import Trace, on_host, type_of
from amalthea.engine.ir.variable import at_once
from amalthea.errors import ArgumentError, NotCompiledError, nearest, placed
from amalthea.training import before_training, indices, loop, shares, step_grouping
from amalthea.training.compiled import CompiledLoss, CompiledMetrics, Outputs, counting
from amalthea.training.contents import Contents
from amalthea.training.frozen import Seen
from amalthea.training.names import Names
from amalthea.training.step_grouping import Pace

# What compile took in Keras 1 and 2 and what changes nothing here.
_OLD_COMPILE = ("sample_weight_mode", "target_tensors", "distribute", "pss_evaluation_shards", "from_serialized")


Method = TypeVar("Method", bound=Callable[..., Any])


def at_home(method: Method) -> Method:
    """Run a method of a model on the backend that the model was moved to, if it was."""

    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._home is None or current_trace() is not None:
            return method(self, *args, **kwargs)
        with backends.use_backend(self._home):
            return method(self, *args, **kwargs)

    return run  # type: ignore[return-value]


if TYPE_CHECKING:  # a trainer is always the other half of a layer
    from amalthea.layers import Layer as Half
else:
    Half = object


class Trainer(Half):
    """The part of a model that learns."""

    def __init__(self) -> None:
        self._home: str | None = None
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.stop_training = False
        self.history: Any = None
        self.run_eagerly = False
        self.steps_per_execution: Any = 1
        self._compile_config: dict[str, Any] | None = None
        self._shares = shares.Shares()
        self._seen_trainable: Any = None
        self._forget_compiled()

    def _forget_compiled(self) -> None:
        """Drop the traced steps: what they hold is no longer the model."""
        self._steps: dict[str, Any] = {}
        self._is_ready = False
        self._contents = Contents()
        self._logged: list[str] = []
        self._output_types: dict[str, Any] = {}
        self._directions: dict[str, str | None] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_steps": {}, "_shares": shares.Shares()}  # sessions are made again, not copied

    # ------------------------------------------------------------------------------------- compile

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: Any = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Choose how to train. What is trainable now holds until the model is compiled again.

        A metric object that stands for two outputs, or twice, is copied; results of one name are told apart by
        ``weighted_`` and by numbers, as in Keras: ``mae``, ``weighted_mae``, ``mae_1``.

        Args:
            optimizer: a name, config or optimizer.
            loss: a name, function or loss, for all outputs or (list, dict) for each.
            loss_weights: factors of the outputs' losses.
            metrics: names, functions or metrics, for all outputs or (list, dict) for each.
            weighted_metrics: the same, with sample weights applied.
            run_eagerly: run the step as plain Python, to debug it.
            auto_scale_loss: with ``mixed_float16``, put the optimizer into a ``LossScaleOptimizer``.
            steps_per_execution: batches that are run in one call; callbacks of batches are called once for all of
                them. ``"auto"`` takes as many as make some milliseconds, where the backend is faster so.
            jit_compile: accepted as in Keras; everything is compiled here.

        Raises:
            UnknownNameError: a name stands for nothing; the message has the nearest one.
        """
        _refuse_unknown("compile", kwargs, Trainer.compile, _OLD_COMPILE)
        given = dict(optimizer=optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics)
        given.update(weighted_metrics=weighted_metrics, run_eagerly=run_eagerly)
        given.update(steps_per_execution=steps_per_execution, jit_compile=jit_compile)
        steps = step_grouping.check(steps_per_execution)
        new_optimizer = optimizers.get(optimizer)
        new_loss = CompiledLoss(loss, loss_weights) if loss is not None else None
        seen: set[int] = set()
        new_metrics = [
            CompiledMetrics(m, weighted, seen) for m, weighted in ((metrics, False), (weighted_metrics, True))
        ]
        self.optimizer, self.loss, self.run_eagerly = new_optimizer, loss, run_eagerly
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and new_optimizer is not None:
            self.optimizer = optimizers.LossScaleOptimizer.around(new_optimizer)
        self.steps_per_execution, self.pace = steps, Pace(steps)
        self._loss, self._compiled_metrics = new_loss, new_metrics
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._loss_tracker._direction = "down"
        self._seen_trainable, self._shares = Seen(self), shares.Shares()
        self._compile_config = {**given, "optimizer": new_optimizer}
        self.stop_training, self.compiled = False, True
        self._forget_compiled()

    def require_compiled(self, verb: str) -> None:
        if not self.compiled:
            raise NotCompiledError(
                f"The model must be compiled before it can {verb}.",
                cure="model.compile(optimizer='adam', loss='mse') first",
            )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what a file says."""
        self.compile(**{key: deserialize(value, loading.slot_of(key)) for key, value in config.items()})
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        if not self.compiled or not self._compile_config:
            return None
        metrics = [compiled.saved(self.loss) for compiled in self._compiled_metrics]
        return {**self._compile_config, "metrics": metrics[0], "weighted_metrics": metrics[1]}

    # --------------------------------------------------------------------------------------- steps

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

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics, each by a name of its own."""
        results: dict[str, Any] = {}
        for name, metric in self._named_metrics():
            if not isinstance(metric, str):  # such as "accuracy" before it has seen labels
                results[name] = metric.result()
        parts = [name for name, value in results.items() if isinstance(value, dict)]
        return self._with_parts(results, parts) if parts else results

    def _with_parts(self, results: dict[str, Any], parts: list[str]) -> dict[str, Any]:
        """Results, flat: the keys of a dict among them are names too."""
        free = Names(name for name in results if name not in parts).free
        found: dict[str, Any] = {}
        for name, value in results.items():
            own = {free(key): x for key, x in value.items()} if name in parts else {name: value}
            found.update(own)
            self._directions.update(dict.fromkeys(own, self._directions.get(name)))
        return found

    def _named_metrics(self) -> list[tuple[str, Any]]:
        """Every metric with the name of its result, in the order of results."""
        free, found = Names().free, list[tuple[str, Any]]()
        if self.compiled:
            found.append((free("loss"), self._loss_tracker))
            trackers = self._loss.trackers.values() if self._loss is not None else ()
            found += [(free(tracker.name), tracker) for tracker in trackers]
            for compiled in self._compiled_metrics:
                found += [(free(name, second), metric) for name, second, metric in compiled.named()]
        known = {id(metric) for _, metric in found}
        for metric in self.metrics:
            if id(metric) not in known:
                is_loss = metric.name == "loss" and bool(found)  # a model's own stands for the loss, as in Keras
                found = [(n, metric if is_loss and n == "loss" else m) for n, m in found]
                found += [] if is_loss else [(free(metric.name), metric)]
        self._directions = {name: getattr(metric, "_direction", None) for name, metric in found}
        return found

    def _output_names(self) -> list[str]:
        return getattr(self, "output_names", [])

    def _known_metrics(self) -> list[Any]:
        if not self.compiled:
            return []
        found = [self._loss_tracker, *(self._loss.trackers.values() if self._loss is not None else ())]
        return found + [m for compiled in self._compiled_metrics for m in compiled.metrics]

    @property
    def metrics(self) -> list[Any]:
        """All metrics: of ``compile``, and those that attributes of the model or its layers hold, at any depth."""
        own = [metric for layer in self._flatten_layers() for metric in layer._tracked(metrics_module.Metric)]
        return list({id(m): m for m in [*self._known_metrics(), *own]}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of what ``evaluate`` gives, in its order; before it was called, as far as they are known."""
        if self._logged:
            return list(self._logged)
        if self.compiled:
            self._prepare_metrics()
        return [name for name, _ in self._named_metrics()]

    def _prepare_metrics(self) -> None:
        """Make the metrics of ``compile`` where the outputs are known, or there can be only one."""
        network, losses = getattr(self, "network", None), self._loss
        if network is None:
            return
        outputs = Outputs(network.outputs, self._output_names())
        if losses is not None and losses.parts is None:
            losses.prepare(outputs)
        for compiled in self._compiled_metrics:
            compiled.prepare(outputs)

    def _direction_of(self, name: str) -> tuple[bool, str | None]:
        """Whether there is a result of that name; and whether larger (``"up"``) or smaller (``"down"``) is better."""
        if name not in self._directions:
            self._named_metrics()
        return name in self._directions, self._directions.get(name)

    def reset_metrics(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

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
        return cls.train_step is not Trainer.train_step or cls.compute_loss is not Trainer.compute_loss

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
            return multi_step.in_turn(one)
        key = f"{kind}, several {versions.results_now() or ''}"
        found = self._steps.get(key)
        if found is None or found.one is not one:
            found = self._steps[key] = multi_step.jit_steps(one)
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

    # ------------------------------------------------------------------------------------- public

    @at_home
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        pad_to_multiple: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Train.

        Args:
            x, y: arrays (in any nesting), or a data set of batches as ``x``.
            batch_size: rows a step; 32 unless given.
            epochs: how often to go through the data.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line an epoch.
            callbacks: called on the way.
            validation_split: the last share of arrays, kept for validation.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or a data set.
            shuffle: a new order each epoch.
            class_weight: weights by class.
            sample_weight: weights by row.
            initial_epoch: where to go on.
            steps_per_epoch, validation_steps: batches, where not all.
            validation_batch_size, validation_freq: as they say.
            pad_to_multiple: lengths are padded with zeros to multiples of it, so that sequences of many lengths need
                few executables; for models that mask zeros. Padded is axis 1 of inputs that leave it open, and of
                labels and weights that have a value for each step.

        Returns:
            The :class:`~amalthea.callbacks.History`.
        """
        epochs = kwargs.pop("nb_epoch", epochs)
        _refuse_unknown("fit", kwargs, Trainer.fit)
        self.require_compiled("train")
        self._notice_changes()
        with loop.nested(self), shares.of_one_run(self):
            return loop.fit(
                self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
                class_weight, sample_weight, initial_epoch, steps_per_epoch, validation_steps,
                validation_batch_size, validation_freq, pad_to_multiple,
            )  # fmt: skip

    @at_home
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        pad_to_multiple: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics over data, as a list (loss first), a single number, or a dict by name.

        ``pad_to_multiple`` is that of :meth:`fit`.
        """
        _refuse_unknown("evaluate", kwargs, Trainer.evaluate)
        self.require_compiled("evaluate")
        self._notice_changes()
        with loop.nested(self), shares.of_one_run(self):
            logs = loop.evaluate(self, x, y, batch_size, verbose, sample_weight, steps, callbacks, pad_to_multiple)
        return self._reported(logs, return_dict)

    @at_home
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        pad_to_multiple: int | None = None,
    ) -> Any:
        """The outputs for all rows, as NumPy arrays.

        ``pad_to_multiple`` is that of :meth:`fit`; the steps that it adds are cut off again.
        """
        self._notice_changes()
        return loop.predict(self, x, batch_size, verbose, steps, callbacks, pad_to_multiple)

    @at_home
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
    ) -> Any:
        """One update from these rows; the loss and the metrics of these rows.

        Args:
            x, y, sample_weight, class_weight: as in :meth:`fit`, for one batch.
            return_dict: whether results are given by name, in place of a list (or one number).
            reset_metrics: False gives results over all batches since the last reset, as Keras 3 always does.
        """
        self.require_compiled("train")
        data = to_batch((x, y, sample_weight), class_weight and before_training.class_weights(self, class_weight))
        self.ensure_built(data)
        before_training.check_batch(self, data)
        return self._reported(self._on_batch("train", data, reset_metrics), return_dict)

    @at_home
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False, reset_metrics: bool = True
    ) -> Any:
        """Loss and metrics of these rows. (For the arguments, see :meth:`train_on_batch`.)"""
        self.require_compiled("evaluate")
        data = to_batch((x, y, sample_weight))
        self.ensure_built(data)
        before_training.check_batch(self, data)
        return self._reported(self._on_batch("test", data, reset_metrics), return_dict)

    def _on_batch(self, kind: str, data: Any, alone: bool) -> dict[str, Any]:
        results = self._shares.take()
        try:
            if results is None and versions.view() is None:  # by far the most common case
                return loop.as_floats(self.step(kind, alone)(data))
            with loop.nested(self), shares.with_sums(self, results):
                return loop.as_floats(self.step(kind, alone)(data))
        finally:
            self._shares.give_back(results)

    def _reported(self, logs: dict[str, Any], as_dict: bool) -> Any:
        self._logged = list(logs)
        return logs if as_dict else _as_list(logs)

    @at_home
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for these rows, as NumPy arrays."""
        data = to_batch((x,))
        self.ensure_built(data)
        indices.check(self, data[0])
        return tree.map_structure(on_host, self.step("predict")(data))


def _at_once(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step in Python, all of whose changes other threads see together."""

    made: list[bool] = []  # whether it has run: metrics are made the first time, by one thread

    def run(data: Any) -> Any:
        with nullcontext() if made else versions.MAKING, at_once():
            result = step(data)
        made[:] = [True]
        return result

    return run


def _refuse_unknown(verb: str, given: dict[str, Any], function: Any, allowed: Any = ()) -> None:
    unknown = [name for name in given if name not in allowed]
    if unknown:
        known = [name for name in inspect.signature(function).parameters if name not in ("self", "kwargs")]
        cure = nearest(unknown[0], known)
        raise ArgumentError(f"{verb} has no argument {unknown[0]!r}.", got=", ".join(unknown), cure=cure)


def _as_list(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
